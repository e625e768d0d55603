"""One side of a price-time book.

Prices are kept signed (bids positive, asks negative), so that the best price of either side is the last entry of one
sorted list. Orders come and go near the touch, that list's cheap end: a level that appears or goes and a look at the
best price cost 0.2 µs with 40 levels, against 1.0 µs in a `sortedcontainers.SortedDict`.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from msgspec import Struct, field

from connectors.simulated.book_order import BookOrder, Place

RESTING = Place.RESTING


class PriceLevel(Struct, eq=False, gc=False):
    """A queue in order of arrival; `lots` is the visible sum."""

    lots: int = 0
    queue: dict[int, BookOrder] = field(default_factory=dict)


class BookSide:
    """`changed` collects the signed prices whose visible total may have changed since the last drain, in that order."""

    __slots__ = ("changed", "levels", "prices", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.prices: list[int] = []
        self.levels: dict[int, PriceLevel] = {}
        self.changed: dict[int, None] = {}

    @property
    def best(self) -> int:
        """Best price in ticks, 0 if the side is empty."""
        return self.prices[-1] * self.sign if self.prices else 0

    def append(self, order: BookOrder) -> None:
        """Put an order at the end of its level's queue, showing its display quantity."""
        price = order.ticks * self.sign
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = PriceLevel()
            insort(self.prices, price)
        order.place = RESTING
        visible = order.visible = min(order.display, order.leaves) if order.display else order.leaves
        level.queue[order.key] = order
        level.lots += visible
        self.changed[price] = None

    def remove(self, order: BookOrder) -> None:
        """Take an order out of its queue; an empty level disappears."""
        price = order.ticks * self.sign
        level = self.levels[price]
        del level.queue[order.key]
        level.lots -= order.visible
        order.visible = 0
        self.changed[price] = None
        if not level.queue:
            prices = self.prices
            del self.levels[price]
            if prices[-1] == price:
                prices.pop()
            else:
                del prices[bisect_left(prices, price)]

    def reduce(self, order: BookOrder, lots: int) -> None:
        """`lots` (at most its visible part) of a resting order are gone, by a trade or a cut; it keeps its place.

        An order without a rest leaves the book; an iceberg that shows nothing is replenished at the back of its queue.
        """
        order.leaves -= lots
        if not order.leaves or lots == order.visible:
            self.remove(order)
            if order.leaves:
                self.append(order)
            return
        price = order.ticks * self.sign
        order.visible -= lots
        self.levels[price].lots -= lots
        self.changed[price] = None

    def lots_at(self, ticks: int) -> int:
        level = self.levels.get(ticks * self.sign)
        return 0 if level is None else level.lots

    def depth(self, count: int) -> list[tuple[int, int]]:
        """(ticks, visible lots) of the best `count` levels, best first."""
        return [(price * self.sign, self.levels[price].lots) for price in self.prices[: -count - 1 : -1]]

    def drain(self) -> list[tuple[int, int]]:
        """(ticks, new visible lots) of every level touched since the last call; 0 lots: the level is gone."""
        if not self.changed:
            return []
        levels, sign = self.levels, self.sign
        touched = [(price * sign, levels[price].lots if price in levels else 0) for price in self.changed]
        self.changed.clear()
        return touched
