"""What a connector may not put on the wire (I11, I13), by what the venue has told it and by the venue's clock."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from engine.core.venue_sheet import SECOND_US
from engine.model.event import ClockSynced
from engine.model.request import Request, ResyncBook, SubmitOrder, SyncClock
from tests.sim.story import ORIGIN_US

CONNECT_GAP_US = SECOND_US
STAMP_ERROR_US = SECOND_US // 2
MEASURED_IN_US = 2 * SECOND_US  # a round trip of more than a second measures nothing; it is heard at a tick
DAY_US = 86_400 * SECOND_US
FIRST_US, LAST_US = ORIGIN_US - DAY_US, ORIGIN_US + DAY_US
Fail = Callable[[str, str], None]


class WireChecks:
    """The watcher of a `FaultyVenue`. `now_us` tells the venue's time."""

    def __init__(self, now_us: Callable[[], int], fail: Fail) -> None:
        self._now_us = now_us
        self._fail = fail
        self._limits: list[tuple[int, int, bool]] = []  # told when, until when, whether it forbids everything
        self._connect_us = -DAY_US
        self._synced = False
        self._measured_from_us = 0
        self._times: dict[type, Callable[[Any], Any] | None] = {}

    def forget(self) -> None:
        """Another process, or a healed venue: what was told before binds nobody."""
        self._limits.clear()
        self._connect_us = -DAY_US
        self._synced = False

    def clock_stepped(self) -> None:
        """Stamps are wrong until the clock is measured again, all of it after the step."""
        self._synced = False
        self._measured_from_us = self._now_us() + MEASURED_IN_US

    def limited(self, told_us: int, until_us: int, *, banned: bool) -> None:
        """The venue answers 429 (no create until then) or 418 (nothing at all)."""
        self._limits.append((told_us, until_us, banned))

    def sent(self, request: Request, stamp_us: int) -> None:
        """A request leaves: I11, I13."""
        now_us = self._now_us()
        for told_us, until_us, banned in self._limits:
            if told_us < now_us < until_us and (banned or isinstance(request, SubmitOrder)):
                ahead_ms = (until_us - now_us) // 1000
                self._fail("I11", f"{type(request).__name__} leaves {ahead_ms} ms before the venue wants to hear of us")
        if self._limits and self._limits[0][1] <= now_us:
            self._limits = [limit for limit in self._limits if limit[1] > now_us]
        signed = not isinstance(request, SyncClock | ResyncBook)
        if signed and self._synced and abs(stamp_us - now_us) > STAMP_ERROR_US:
            self._fail("I13", f"{type(request).__name__} is stamped {(stamp_us - now_us) // 1000} ms off")

    def connected(self) -> None:
        """The private stream is opened, or the attempt fails: I11."""
        now_us = self._now_us()
        if now_us - self._connect_us < CONNECT_GAP_US:
            self._fail("I11", f"two connects within {(now_us - self._connect_us) // 1000} ms")
        self._connect_us = now_us

    def heard(self, record: Any) -> None:
        """I13: every time of an event or request is a whole number of microseconds of this century."""
        kind = type(record)
        if kind is ClockSynced and self._now_us() >= self._measured_from_us:
            self._synced = True
        if kind not in self._times:
            names = [name for name in getattr(kind, "__struct_fields__", ()) if name.endswith("_us")]
            names = [name for name in names if name not in ("offset_us", "error_us")]
            self._times[kind] = attrgetter(*names, names[0]) if names else None
        getter = self._times[kind]
        if getter is not None:
            for value in getter(record):
                if value and (type(value) is not int or not FIRST_US <= value <= LAST_US):
                    self._fail("I13", f"{kind.__name__} has the time {value!r}")
