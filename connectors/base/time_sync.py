"""The venue's clock as seen from here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from connectors.base.outcomes import Failed
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Outcome
from engine.model.event import ClockSynced

SAMPLES = 5
ROUND_TRIP_US_MAX = SECOND_US  # a slower answer says too little


class VenueClock:
    """`offset_us` is the venue's clock − ours, 0 before the first measurement."""

    def __init__(self, venue: str) -> None:
        self.offset_us = 0
        self._venue = venue

    async def measure(self, ask: Callable[[], Awaitable[int]], now_us: Callable[[], int]) -> ClockSynced:
        """The median of five answers. `ask` gets the venue's time in µs. Raises Failed if all were too slow."""
        samples: list[tuple[int, int]] = []
        for _ in range(SAMPLES):
            started_us = now_us()
            told_us = await ask()
            ended_us = now_us()
            if ended_us - started_us <= ROUND_TRIP_US_MAX:
                samples.append((told_us - (started_us + ended_us) // 2, (ended_us - started_us) // 2))
        if not samples:
            raise Failed(Outcome.NOT_SENT, "slow", f"every one of {SAMPLES} answers took longer than a second")
        offset_us, error_us = sorted(samples)[len(samples) // 2]
        self.offset_us = offset_us
        return ClockSynced(self._venue, offset_us, error_us, now_us())
