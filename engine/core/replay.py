"""Runs a journal through a fresh engine and compares what comes out with what came out then, bit for bit."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from engine.core.journal import Cut, End, Entry
from engine.model.event import Event, Tick
from engine.model.quote import Refused
from engine.model.request import Request

_encode = msgspec.msgpack.Encoder().encode


class ReplayEngine(Protocol):
    """The two doors of an engine."""

    def apply(self, event: Event) -> None: ...
    def tick(self, now_us: int) -> Sequence[Request]: ...


class Difference(Struct, frozen=True):
    """The first request that is not the same. `index` counts the journal's entries, None stands for no request."""

    index: int
    at_us: int
    expected: Request | None
    got: Request | None


class ReplayResult(Struct, frozen=True):
    """What a replay found. `requests` were compared; `cut` says why the journal is incomplete, "" if it is not."""

    requests: int
    entries: int
    first_difference: Difference | None
    cut: str

    @property
    def identical(self) -> bool:
        return self.first_difference is None


def replay(entries: Iterable[Entry | End | Cut], engine_factory: Callable[[], ReplayEngine]) -> ReplayResult:
    """Stops at the first difference. Requests that a crash kept out of the journal are no difference."""
    engine = engine_factory()
    pending: deque[Request] = deque()
    requests = index = at_us = 0
    for index, entry in enumerate(entries):
        if isinstance(entry, Cut):
            return ReplayResult(requests, index, None, f"byte {entry.at_byte}: {entry.reason}")
        if isinstance(entry, Refused):
            continue
        expected = entry if isinstance(entry, Request) else None
        got = pending.popleft() if pending else None
        if expected is not None or got is not None:
            if _encode(expected) != _encode(got):
                return ReplayResult(requests, index, Difference(index, at_us, expected, got), "")
            requests += 1
        elif isinstance(entry, Tick):
            at_us = entry.now_us
            pending.extend(engine.tick(at_us))
        elif not isinstance(entry, End | Request):
            engine.apply(entry)
    return ReplayResult(requests, index, None, "")
