"""Everybody else on a synthetic market: makers who keep a book around the fair price, takers who come at random.

They trade as OUTSIDE through the exchange's matching engine, in ticks and lots, in the same queue as everyone. Makers
do not avoid crossing: when the fair price moves through somebody's stale quote, their new orders take it.
"""

from math import ceil, exp, floor, log
from random import Random

from connectors.simulated.book_order import BookOrder
from connectors.simulated.listing import Listing
from connectors.simulated.matching import MatchingEngine
from connectors.simulated.prices import arrivals
from connectors.simulated.timeline import Conditions
from engine.model.enums import Side

SIZE_JITTER = 0.4  # standard deviation of the log of a maker's order size
WORN = 0.5  # a maker's order with less than this part left is replaced
PARETO_SPAN = 100.0  # largest / smallest trade


class Makers:
    """Keep `levels` orders on each side, from half a spread to `price_deviation` away from the fair price.

    The best order of a side follows the fair price; the deeper ones stand on a fixed geometric grid of prices, so that
    a small move costs a few orders at the ends of the grid and not the whole book.
    """

    def __init__(self, listing: Listing, chance: Random) -> None:
        self._price_step = float(listing.instrument.price_step)
        self._lot = float(listing.instrument.quantity_step * listing.instrument.contract_size)
        self._chance = chance
        self._bids = _Ladder(listing.engine, Side.BUY)
        self._asks = _Ladder(listing.engine, Side.SELL)
        self._conditions: Conditions | None = None
        self._gap = 0.0

    def quote(self, fair: float, now: Conditions) -> None:
        """Bring both sides to the fair price: first every cancel, then the new orders."""
        half = now.spread / 2
        if now is not self._conditions:
            self._conditions = now
            self._gap = max((now.price_deviation - half) / max(now.levels - 1, 1), self._price_step / fair)
            self._bids.clear()
            self._asks.clear()
        bid, ask = log(fair * (1 - half)) / self._gap, log(fair * (1 + half)) / self._gap
        top, bottom = ceil(bid) - 1, floor(ask) + 1
        best_bid = max(1, floor(fair * (1 - half) / self._price_step))
        best_ask = max(best_bid + 1, ceil(fair * (1 + half) / self._price_step))
        self._bids.withdraw(best_bid, range(top - now.levels + 2, top + 1))
        self._asks.withdraw(best_ask, range(bottom, bottom + now.levels - 1))
        self._bids.place(self)
        self._asks.place(self)

    def ticks(self, index: int) -> float:
        """Price of a grid index in ticks, not rounded."""
        return exp(index * self._gap) / self._price_step

    def lots(self) -> int:
        """The size of a new order."""
        assert self._conditions is not None
        jitter = exp(self._chance.gauss(-0.5 * SIZE_JITTER**2, SIZE_JITTER))
        return max(1, round(self._conditions.depth / self._conditions.levels * jitter / self._lot))


class _Ladder:
    """The makers' orders on one side: the best one, and those on the grid by index."""

    def __init__(self, book: MatchingEngine, side: Side) -> None:
        self._book = book
        self._side = side
        self._best: BookOrder | None = None
        self._best_ticks = 0
        self._wanted = range(0)
        self._orders: dict[int, BookOrder] = {}

    def clear(self) -> None:
        self.withdraw(0, range(0))

    def withdraw(self, best_ticks: int, wanted: range) -> None:
        """Set the aim and cancel what is not part of it or worn."""
        self._best_ticks, self._wanted = best_ticks, wanted
        if self._best is not None and (self._best.ticks != best_ticks or self._best.leaves < WORN * self._best.lots):
            self._book.cancel(self._best.key)
            self._best = None
        gone = [i for i, order in self._orders.items() if i not in wanted or order.leaves < WORN * order.lots]
        for index in gone:
            self._book.cancel(self._orders.pop(index).key)

    def place(self, makers: Makers) -> None:
        """Add what is missing."""
        if self._best is None:
            self._best = self._book.add(self._side, self._best_ticks, makers.lots())
        if len(self._orders) == len(self._wanted):
            return
        for index in self._wanted:
            if index not in self._orders:
                exact = makers.ticks(index)
                ticks = max(1, floor(exact)) if self._side is Side.BUY else max(2, ceil(exact))
                self._orders[index] = self._book.add(self._side, ticks, makers.lots())


class Takers:
    """Come as a Poisson process, buy or sell with equal chance, and do not take what is too far from the fair price."""

    def __init__(self, listing: Listing, chance: Random) -> None:
        self._book = listing.engine
        self._price_step = float(listing.instrument.price_step)
        self._lot = float(listing.instrument.quantity_step * listing.instrument.contract_size)
        self._chance = chance
        self._arrived = arrivals(chance)

    def trade(self, fair: float, seconds: float, now: Conditions) -> None:
        """The trades of a stretch of time, none further than `price_deviation` (or the spread) from the fair price."""
        reach = max(now.price_deviation, now.spread)
        for _ in range(self._arrived(now.trade_rate * seconds)):
            lots = max(1, round(bounded_pareto(self._chance, now.trade_size, now.tail) / self._lot))
            if self._chance.random() < 0.5:
                self._book.take(Side.BUY, lots, ceil(fair * (1 + reach) / self._price_step))
            else:
                self._book.take(Side.SELL, lots, max(1, floor(fair * (1 - reach) / self._price_step)))


def bounded_pareto(chance: Random, mean: float, tail: float) -> float:
    """A size with density ~ x^(-tail-1) between a smallest value and PARETO_SPAN times it, with this mean."""
    cut = PARETO_SPAN**-tail
    ratio = log(PARETO_SPAN) if tail == 1.0 else tail / (tail - 1.0) * (1.0 - PARETO_SPAN ** (1.0 - tail))
    smallest = mean * (1.0 - cut) / ratio
    return float(smallest * (1.0 - chance.random() * (1.0 - cut)) ** (-1.0 / tail))
