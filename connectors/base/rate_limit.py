"""A venue's rate limits, kept before it has to enforce them: no request leaves before its time.

Windows count weights; a request may cost several windows at once. What the venue tells of its own count wins. Part of
every window is kept for cancels and lookups, so that a flood of orders can always be taken back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import floor
from typing import NamedTuple

from connectors.base.outcomes import RATE_LIMIT, Failed
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Outcome

RESERVE = 0.4  # of every window, for cancels and lookups
SPACING_US = SECOND_US  # between cancels and lookups while the venue asks for a pause
GO = 0


class Priority(IntEnum):
    """Who goes first when there is not enough for all."""

    CANCEL = 0
    LOOKUP = 1
    TRADES = 2
    SNAPSHOT = 3
    CREATE = 4


URGENT = (Priority.CANCEL, Priority.LOOKUP)


@dataclass(frozen=True, slots=True)
class Limit:
    """So much weight in so much time: `aligned` to the clock (each full minute …), else in any span of that length."""

    weight: int
    interval_us: int
    aligned: bool = False


class _Aligned:
    """Counts from the start of the interval."""

    def __init__(self, limit: Limit) -> None:
        self._interval_us = limit.interval_us
        self._number = 0
        self._used = 0

    def used(self, now_us: int) -> int:
        number = now_us // self._interval_us
        if number != self._number:
            self._number, self._used = number, 0
        return self._used

    def add(self, now_us: int, weight: int) -> None:
        self._used = self.used(now_us) + weight

    def correct(self, now_us: int, used: int) -> None:
        self.used(now_us)
        self._used = used

    def room_us(self, now_us: int) -> int:
        """When there may be more room."""
        return (now_us // self._interval_us + 1) * self._interval_us


class _Rolling:
    """Remembers the requests of the last interval."""

    def __init__(self, limit: Limit) -> None:
        self._interval_us = limit.interval_us
        self._entries: deque[tuple[int, int]] = deque()
        self._used = 0

    def used(self, now_us: int) -> int:
        entries = self._entries
        while entries and entries[0][0] <= now_us - self._interval_us:
            self._used -= entries.popleft()[1]
        return self._used

    def add(self, now_us: int, weight: int) -> None:
        self._entries.append((now_us, weight))
        self._used += weight

    def correct(self, now_us: int, used: int) -> None:
        """The difference is taken for the newest request's."""
        self.add(now_us, used - self.used(now_us))

    def room_us(self, now_us: int) -> int:
        return self._entries[0][0] + self._interval_us if self._entries else now_us + self._interval_us


class _Gauge(NamedTuple):
    """A window, and how full it may be with urgent requests and with others."""

    window: _Aligned | _Rolling
    urgent_max: int
    others_max: int


class RateLimiter:
    """`limits` by name. A cost is named `name`, or `name:what` where each `what` has a window of its own.

    `share` is the part of every limit that this bot may use. Times are the venue's clock.
    """

    def __init__(self, limits: Mapping[str, Limit], now_us: Callable[[], int], share: float = 1.0) -> None:
        self.banned_us = 0  # until when nothing at all may be sent
        self._now_us = now_us
        self._share = share
        self._limits = dict(limits)
        self._gauges: dict[str, _Gauge] = {}
        self._paused_us = dict.fromkeys(Priority, 0)
        self._spaced_until_us = 0
        self._urgent_us = 0  # when the next urgent request may go during a pause

    async def passed(self, priority: Priority, costs: Mapping[str, int], seconds: float = 0.0) -> None:
        """Wait for room, for at most `seconds`; raises Failed(NOT_SENT). New orders do not wait: they would be old."""
        if (at_us := self.ask(priority, costs)) == GO:
            return
        deadline_us = self._now_us() + round(seconds * SECOND_US)
        while at_us != GO:
            if at_us > deadline_us or priority is Priority.CREATE:
                wait_us = at_us - self._now_us()
                raise Failed(Outcome.NOT_SENT, RATE_LIMIT, f"room in {wait_us / SECOND_US:.1f} s")
            await asyncio.sleep(max(0.001, (at_us - self._now_us()) / SECOND_US))
            at_us = self.ask(priority, costs)

    def ask(self, priority: Priority, costs: Mapping[str, int]) -> int:
        """GO, and the request is counted; else when to ask again."""
        now_us = self._now_us()
        at_us = max(self.banned_us, self._paused_us[priority])
        urgent = priority in URGENT
        spaced = urgent and now_us < self._spaced_until_us
        if spaced:
            at_us = max(at_us, self._urgent_us)
        if at_us > now_us:
            return at_us
        for name, weight in costs.items():
            window, urgent_max, others_max = self._gauge(name)
            if weight and window.used(now_us) + weight > (urgent_max if urgent else others_max):
                return window.room_us(now_us)
        for name, weight in costs.items():
            if weight:
                self._gauges[name].window.add(now_us, weight)
        if spaced:
            self._urgent_us = now_us + SPACING_US
        return GO

    def told(self, name: str, used: int) -> None:
        """The venue's own count of a window."""
        self._gauge(name).window.correct(self._now_us(), used)

    def change(self, name: str, limit: Limit) -> None:
        """A limit as the venue tells it now."""
        if self._limits.get(name) != limit:
            self._limits[name] = limit
            self._gauges = {each: gauge for each, gauge in self._gauges.items() if each.partition(":")[0] != name}

    def pause(self, until_us: int, *, orders_only: bool = False) -> None:
        """The venue asked for a pause (429). Cancels go on, once a second unless only new orders were too many."""
        for priority in Priority:
            if priority is Priority.CREATE or not (orders_only or priority in URGENT):
                self._paused_us[priority] = max(self._paused_us[priority], until_us)
        if not orders_only:
            self._spaced_until_us = max(self._spaced_until_us, until_us)
            self._urgent_us = self._now_us() + SPACING_US

    def ban(self, until_us: int) -> None:
        """Nothing at all before `until_us` (418)."""
        self.banned_us = max(self.banned_us, until_us)

    def _gauge(self, name: str) -> _Gauge:
        gauge = self._gauges.get(name)
        if gauge is None:
            limit = self._limits[name.partition(":")[0]]
            window = _Aligned(limit) if limit.aligned else _Rolling(limit)
            most = [max(floor(limit.weight * part), 1) for part in (self._share, self._share * (1.0 - RESERVE))]
            gauge = self._gauges[name] = _Gauge(window, *most)
        return gauge
