"""What goes wrong on the wire of a served exchange: requests that never arrive, lost answers, streams that lie.

A fault never breaks the exchange itself: its books and every later answer stay true. Which request or frame is hit is
drawn from the fault's own source of chance, so the same run meets the same faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from random import Random
from typing import Any

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct

from engine.schema.values import BadValue

SECOND_US = 1_000_000


class FaultKind(StrEnum):
    """The first three meet a request before it is carried out, the next five after that, the last six a stream.

    A request on a socket has no status: what it is answered with is `body`, or nothing if that is empty. `"$id"` in it
    stands for the id that the request has.
    """

    REFUSE = "refuse"  # answered with `status`; not carried out
    DROP = "drop"  # the connection breaks; not carried out
    LATE = "late"  # carried out after `seconds`
    LOSE = "lose"  # the connection breaks instead of the answer
    REPLACE = "replace"  # answered with `status` although it was carried out
    DELAY = "delay"  # answered after `seconds`
    TRUNCATE = "truncate"  # half of an answer
    TWICE = "twice"  # delivered twice; the second answer is told
    MUTE = "mute"  # frames vanish, pings are answered
    DOUBLE = "double"  # frames come twice
    GARBLE = "garble"  # `body` instead of a frame
    HOLD = "hold"  # frames come `seconds` later, in order
    CUT = "cut"  # the connection breaks
    HALF_OPEN = "half_open"  # nothing is sent or heard any more, and nobody is told


_OF_ARRIVALS = (FaultKind.REFUSE, FaultKind.DROP, FaultKind.LATE)
_OF_ANSWERS = (FaultKind.LOSE, FaultKind.REPLACE, FaultKind.DELAY, FaultKind.TRUNCATE)
_OF_FRAMES = (FaultKind.MUTE, FaultKind.DOUBLE, FaultKind.GARBLE, FaultKind.HOLD, FaultKind.CUT)


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """`where` is a part of the request's line (`POST /api/v3/order`), of a stream's the path. Times in seconds.

    On a socket the line of a request ends in what the request calls itself: `GET /ws-api/v3 order.place`,
    `GET /ws/v5/private order`, `GET /ws/v4/ spot.order_place`.

    It is armed from `after` until `until` (0: for ever) after the start, and hits `count` times at most (0: always).
    """

    kind: FaultKind
    where: str = ""
    probability: float = 1.0
    count: int = 0
    after: float = 0.0
    until: float = 0.0
    seconds: float = 0.0
    status: int = 503
    body: str = ""
    retry_after: int = 0


_UNHEARD = Fault(FaultKind.REPLACE)
NUMBER = '"$id"'
OPERATIONS = ("method", "op", "channel")  # how a message calls what it wants, in one protocol or another


class _Armed:
    """A fault at work."""

    def __init__(self, fault: Fault, chance: Random, from_us: int) -> None:
        self.fault = fault
        self._chance = chance
        self._hits = 0
        self._from_us = from_us + round(fault.after * SECOND_US)
        self._until_us = from_us + round(fault.until * SECOND_US) if fault.until else 0

    def hits(self, kinds: Sequence[FaultKind], line: str, now_us: int) -> bool:
        fault = self.fault
        if fault.kind not in kinds or fault.where not in line or now_us < self._from_us:
            return False
        if (self._until_us and now_us >= self._until_us) or (fault.count and self._hits >= fault.count):
            return False
        if fault.probability < 1.0 and self._chance.random() >= fault.probability:
            return False
        self._hits += 1
        return True


class Wire:
    """The network in front of one served exchange. Without faults it does nothing."""

    def __init__(self, now_us: Callable[[], int], faults: Sequence[Fault] = (), seed: int = 0) -> None:
        self._now_us = now_us
        self._seed = seed
        self._armed: list[_Armed] = []
        self._numbers = 0
        self._unheard: list[web.Request] = []  # the first of two deliveries
        for fault in faults:
            self.arm(fault)

    def arm(self, fault: Fault) -> None:
        """From now on."""
        self._numbers += 1
        self._armed.append(_Armed(fault, Random(f"fault:{self._seed}:{self._numbers}"), self._now_us()))

    def heal(self) -> None:
        """Forget all faults; connections that are dead stay so."""
        self._armed.clear()

    @property
    def is_armed(self) -> bool:
        return bool(self._armed)

    def strike(self, kinds: Sequence[FaultKind], line: str) -> Fault | None:
        """The first fault of these kinds that hits; it is counted."""
        if not self._armed:
            return None
        now_us = self._now_us()
        return next((each.fault for each in self._armed if each.hits(kinds, line, now_us)), None)

    async def arrive(self, request: web.Request) -> web.Response | None:
        """Before the request is carried out. An answer: it will not be."""
        fault = self.strike(_OF_ARRIVALS, line_of(request))
        if fault is None:
            return None
        match fault.kind:
            case FaultKind.LATE:
                await asyncio.sleep(fault.seconds)
                return None
            case FaultKind.DROP:
                _hang_up(request)
        return _answer(fault)

    def is_twice(self, request: web.Request) -> bool:
        """Whether the network delivers the request again."""
        twice = hdrs.UPGRADE not in request.headers and self.strike((FaultKind.TWICE,), line_of(request)) is not None
        if twice:
            self._unheard.append(request)
        return twice

    async def answer(self, request: web.Request, response: web.Response) -> None:
        """Send an answer, or what becomes of it. Of a request that comes twice the first one's answer is not heard."""
        if request in self._unheard:
            self._unheard.remove(request)
            return
        fault = self.strike(_OF_ANSWERS, line_of(request))
        with suppress(ConnectionError):  # the client may have left
            if fault is not None:
                response = await _spoiled(fault, request, response)
            await response.prepare(request)
            await response.write_eof()


class SocketWire:
    """The same for one WebSocket connection."""

    def __init__(self, wire: Wire, request: web.Request) -> None:
        self._wire = wire
        self._request = request
        self._line = line_of(request)
        self._dead = False
        self._spoiler: Fault | None = None  # of the answers to the request that is being carried out
        self._asked = ""  # that request

    @property
    def dead(self) -> bool:
        """Whether nothing gets through any more, in either direction."""
        self._dead = self._dead or self._wire.strike((FaultKind.HALF_OPEN,), self._line) is not None
        return self._dead

    def deliver(self, text: str, hear: Callable[[str], None], send: Callable[[str], None]) -> None:
        """Have a client's frame carried out by `hear`, whose answers come back to `answer`, or what becomes of it."""
        if not self._wire.is_armed:
            hear(text)
            return
        line = f"{self._line} {operation_of(text)}"
        fault = self._wire.strike((*_OF_ARRIVALS, FaultKind.TWICE), line)
        match fault:
            case Fault(kind=FaultKind.DROP):
                _hang_up(self._request)
            case Fault(kind=FaultKind.REFUSE, body=body):
                _say(body, text, send)
            case Fault(kind=FaultKind.LATE, seconds=seconds):
                asyncio.get_running_loop().call_later(seconds, self._carry_out, text, hear, line)
            case Fault(kind=FaultKind.TWICE):
                self._carry_out(text, hear, line, _UNHEARD)
                self._carry_out(text, hear, line)
            case _:
                self._carry_out(text, hear, line)

    def answer(self, text: str, send: Callable[[str], None]) -> None:
        """Send one frame of the answer to the request at hand, or what becomes of it."""
        match self._spoiler:
            case Fault(kind=FaultKind.LOSE):
                _hang_up(self._request)
            case Fault(kind=FaultKind.REPLACE, body=body):
                self._spoiler = _UNHEARD
                _say(body, self._asked, send)
            case Fault(kind=FaultKind.DELAY, seconds=seconds):
                asyncio.get_running_loop().call_later(seconds, send, text)
            case Fault(kind=FaultKind.TRUNCATE):
                send(text[: len(text) // 2])
            case _:
                send(text)

    def _carry_out(self, text: str, hear: Callable[[str], None], line: str, spoiler: Fault | None = None) -> None:
        self._spoiler, self._asked = spoiler or self._wire.strike(_OF_ANSWERS, line), text
        try:
            hear(text)
        finally:
            self._spoiler = None

    async def frames(self, text: str) -> Sequence[str]:
        """What becomes of a frame."""
        if self.dead:
            return ()
        fault = self._wire.strike(_OF_FRAMES, self._line)
        if fault is None:
            return (text,)
        match fault.kind:
            case FaultKind.DOUBLE:
                return (text, text)
            case FaultKind.GARBLE:
                return (fault.body,)
            case FaultKind.HOLD:
                await asyncio.sleep(fault.seconds)
                return (text,)
            case FaultKind.CUT:
                _hang_up(self._request)
        return ()


def line_of(request: web.Request) -> str:
    """Method, path and query."""
    return f"{request.method} {request.raw_path}"


def operation_of(text: str) -> str:
    """What a client's frame wants; "" if it does not say."""
    message = _read(text)
    return next((message[name] for name in OPERATIONS if isinstance(message.get(name), str)), "")


def read_faults(text: str) -> list[Fault]:
    """Faults from a YAML or JSON list. Raises BadValue."""
    try:
        return msgspec.yaml.decode(text, type=list[Fault])
    except msgspec.MsgspecError as error:
        raise BadValue(f"is no list of faults: {error}", "kind: lose, where: POST /api/v3/order") from error


def _answer(fault: Fault) -> web.Response:
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after else None
    return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)


async def _spoiled(fault: Fault, request: web.Request, response: web.Response) -> web.Response:
    """What becomes of an answer."""
    match fault.kind:
        case FaultKind.REPLACE:
            return _answer(fault)
        case FaultKind.TRUNCATE:
            body = response.body
            assert isinstance(body, bytes)
            return web.Response(status=response.status, body=body[: len(body) // 2])
        case FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        case FaultKind.LOSE:
            _hang_up(request)
    return response


def _say(body: str, asked: str, send: Callable[[str], None]) -> None:
    if body:
        message = _read(asked)
        payload = message.get("payload")
        number = payload.get("req_id") if isinstance(payload, dict) else message.get("id")
        send(body.replace(NUMBER, msgspec.json.encode(number).decode()))


def _read(text: str) -> dict[str, Any]:
    """A client's frame, as far as it is one."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
