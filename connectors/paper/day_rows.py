"""The rows of many days as one source of a kernel, of which only the day that is played is in memory.

Two days are held around midnight: the one that is played, and the next, from which something is visible already.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from connectors.paper.kernel import Block
from connectors.paper.rows import Rows
from connectors.paper.words import NEVER_US

DAYS_HELD = 2


@dataclass(frozen=True, slots=True)
class Day:
    """`count` rows, of which the first is at `first_us`; `load` reads them."""

    count: int
    first_us: int
    load: Callable[[], Rows]


class DayRows:
    """The methods of `Rows`, over `days` in their order. Raises ValueError without any, or if they overlap."""

    live = False

    def __init__(self, days: Sequence[Day]) -> None:
        if not days or any(a.first_us >= b.first_us for a, b in pairwise(days)):
            raise ValueError("days have to follow each other, and there has to be one")
        self.count = sum(day.count for day in days)
        self._days = days
        self._starts = [0]
        for day in days[:-1]:
            self._starts.append(self._starts[-1] + day.count)
        self._first_us = [day.first_us for day in days]
        self._held: OrderedDict[int, Rows] = OrderedDict()
        first = self._rows(0)
        self.has_levels = first.has_levels
        self.has_best = first.has_best

    def block(self, start: int, base: int, size: int) -> Block:
        """As `Rows.block`; it ends with its day."""
        number = bisect_right(self._starts, start) - 1
        return self._rows(number).block(start - self._starts[number], base, size)

    def price_at(self, start: int) -> int:
        """As `Rows.price_at`."""
        number = bisect_right(self._starts, start) - 1
        return self._rows(number).price_at(start - self._starts[number])

    def horizon_us(self, now_us: int, feed_us: int) -> int:
        """As `Rows.horizon_us`: of the first day from which something is not visible yet."""
        number = max(0, bisect_right(self._first_us, now_us) - 1)
        horizon_us = self._rows(number).horizon_us(now_us, feed_us)
        if number and horizon_us < self._first_us[number]:  # nothing of this day is visible: the day before may lag too
            return min(horizon_us, self._rows(number - 1).horizon_us(now_us, feed_us))
        self._held.pop(number - 1, None)
        if horizon_us == NEVER_US - 1 and number + 1 < len(self._days):
            return self._first_us[number + 1] - 1
        return horizon_us

    def seen_us(self, event_us: int, feed_us: int) -> int:
        """As `Rows.seen_us`."""
        return self._rows(max(0, bisect_right(self._first_us, event_us) - 1)).seen_us(event_us, feed_us)

    def let_go(self) -> None:
        """Hold no day any more, until one is asked for."""
        self._held.clear()

    def _rows(self, number: int) -> Rows:
        rows = self._held.get(number)
        if rows is None:
            if len(self._held) == DAYS_HELD:
                self._held.popitem(last=False)
            rows = self._held[number] = self._days[number].load()
        else:
            self._held.move_to_end(number)
        return rows
