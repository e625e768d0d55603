"""A circuit breaker for new orders: while a venue does not answer, none is added to those whose fate is unknown."""

from __future__ import annotations

from engine.core.venue_sheet import SECOND_US

FAILURES = 5  # in a row
PAUSE_US = (SECOND_US, 30 * SECOND_US)  # doubling


class Breaker:
    """Opens after `FAILURES` ambiguous answers in a row; then one attempt after each pause, until one is answered."""

    def __init__(self) -> None:
        self._failures = 0
        self._until_us = 0

    def allows(self, now_us: int) -> bool:
        """Whether to try. While it is open every trial moves the next one into the future."""
        if self._failures < FAILURES:
            return True
        if now_us < self._until_us:
            return False
        self._until_us = now_us + self._pause_us
        return True

    def answered(self) -> None:
        """The venue said something definite, a rejection too."""
        self._failures = 0

    def failed(self, now_us: int) -> None:
        """No answer, or one that means nothing."""
        self._failures += 1
        self._until_us = now_us + self._pause_us

    @property
    def _pause_us(self) -> int:
        first, last = PAUSE_US
        return min(last, first << min(max(self._failures - FAILURES, 0), 10))
