"""The book of a kernel: two lists of lots indexed by ticks − base, and dicts for the levels outside that window.

The size of the window changes speed and never results. Plain Python that mypyc compiles as it is.
"""

from connectors.paper.words import BUY, NO_ASK, NO_BID

WINDOW_MIN, WINDOW_MAX = 1 << 12, 1 << 20


def window_for(price: int) -> int:
    """A power of two that is at least 8 % of a price in ticks."""
    size = WINDOW_MIN
    while size * 100 < price * 8 and size < WINDOW_MAX:
        size *= 2
    return size


class Ladder:
    """Levels of both sides. `best_bid` is 0 and `best_ask` a large number while their side is empty."""

    def __init__(self, size: int) -> None:
        self.best_bid = NO_BID
        self.best_ask = NO_ASK
        self._size = size
        self._base = 0
        self._bid: list[int] = []
        self._ask: list[int] = []
        self._watched: list[int] = []  # how many own prices and taken levels there are at each index
        self._far_bids: dict[int, int] = {}
        self._far_asks: dict[int, int] = {}

    def lots_at(self, side: int, ticks: int) -> int:
        """What a level shows."""
        index = ticks - self._base
        if 0 <= index < len(self._bid):
            return self._bid[index] if side == BUY else self._ask[index]
        return (self._far_bids if side == BUY else self._far_asks).get(ticks, 0)

    def depth(self, side: int, levels: int) -> list[tuple[int, int]]:
        """At most `levels` best levels as (ticks, lots), best first."""
        found: list[tuple[int, int]] = []
        far = self._far_bids if side == BUY else self._far_asks
        shown = self._bid if side == BUY else self._ask
        ticks = self.best_bid if side == BUY else self.best_ask
        base = self._base
        outside = sorted(far, reverse=side == BUY)
        for price in outside:  # better than the whole window
            if len(found) == levels or (price < base + len(shown) if side == BUY else price >= base):
                break
            found.append((price, far[price]))
        index = min(ticks - base, len(shown) - 1) if side == BUY else max(ticks - base, 0)
        while len(found) < levels and 0 <= index < len(shown):
            if shown[index]:
                found.append((base + index, shown[index]))
            index -= side
        for price in outside:
            if len(found) >= levels:
                break
            if price < base if side == BUY else price >= base + len(shown):
                found.append((price, far[price]))
        return found

    def levels(self, side: int) -> list[tuple[int, int]]:
        """All levels as (ticks, lots), by price."""
        base = self._base
        shown = self._bid if side == BUY else self._ask
        far = self._far_bids if side == BUY else self._far_asks
        return sorted([*far.items(), *[(base + index, lots) for index, lots in enumerate(shown) if lots]])

    def _store(self, side: int, ticks: int, lots: int) -> None:
        index = ticks - self._base
        if 0 <= index < len(self._bid):
            if side == BUY:
                self._bid[index] = lots
            else:
                self._ask[index] = lots
            return
        far = self._far_bids if side == BUY else self._far_asks
        if lots:
            far[ticks] = lots
        else:
            far.pop(ticks, None)

    def _find_best(self, side: int) -> None:
        """The best level of a side, after its best was deleted."""
        found = self.depth(side, 1)
        if side == BUY:
            self.best_bid = found[0][0] if found else NO_BID
        else:
            self.best_ask = found[0][0] if found else NO_ASK

    def _watch(self, ticks: int, count: int) -> None:
        index = ticks - self._base
        if 0 <= index < len(self._watched):
            self._watched[index] += count

    def _empty(self) -> None:
        """Drop every level."""
        self._bid = [0] * len(self._bid)
        self._ask = [0] * len(self._ask)
        self._far_bids = {}
        self._far_asks = {}
        self.best_bid = NO_BID
        self.best_ask = NO_ASK

    @property
    def _centre(self) -> int:
        """Where the window should lie around; 0 while the book is empty."""
        if self.best_bid == NO_BID:
            return self.best_ask if self.best_ask != NO_ASK else 0
        return self.best_bid if self.best_ask == NO_ASK else (self.best_bid + self.best_ask) // 2

    def _is_off_centre(self) -> bool:
        """Whether the market has moved more than a quarter of the window away from its middle."""
        centre = self._centre
        return centre > 0 and abs(centre - self._base - self._size // 2) > self._size // 4

    def _move_window(self, centre: int) -> None:
        """Lay the window around a price. `_watched` is left empty."""
        for index, lots in enumerate(self._bid):
            if lots:
                self._far_bids[self._base + index] = lots
        for index, lots in enumerate(self._ask):
            if lots:
                self._far_asks[self._base + index] = lots
        size = self._size
        base = self._base = centre - size // 2
        self._bid = [0] * size
        self._ask = [0] * size
        self._watched = [0] * size
        for ticks in [ticks for ticks in self._far_bids if base <= ticks < base + size]:
            self._bid[ticks - base] = self._far_bids.pop(ticks)
        for ticks in [ticks for ticks in self._far_asks if base <= ticks < base + size]:
            self._ask[ticks - base] = self._far_asks.pop(ticks)
