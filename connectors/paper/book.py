"""The kernel's book as strategies read it, in Decimal: made from ticks and lots on demand and remembered."""

from decimal import Decimal

from connectors.paper.interface import FillKernel
from connectors.paper.words import BUY, NO_ASK, NO_BID, SELL
from engine.model.enums import Side
from engine.model.instrument import Instrument
from engine.model.market import Level
from engine.model.money import ZERO

CACHED = 1 << 17  # numbers remembered of a kind; beyond it all are forgotten
SIDES = {Side.BUY: BUY, Side.SELL: SELL}


class Grid:
    """Whole multiples of a step ↔ Decimal, each made once."""

    def __init__(self, step: Decimal) -> None:
        self._step = step
        self._values: dict[int, Decimal] = {}
        self._counts: dict[Decimal, int] = {}

    def value(self, count: int) -> Decimal:
        """count · step."""
        value = self._values.get(count)
        if value is None:
            if len(self._values) >= CACHED:
                self._values.clear()
            value = self._values[count] = count * self._step
        return value

    def count(self, value: Decimal) -> int | None:
        """value / step; None for what is no multiple of the step."""
        count = self._counts.get(value)
        if count is None:
            if len(self._counts) >= CACHED:
                self._counts.clear()
            count = int(value / self._step)
            if count * self._step != value:
                return None
            self._counts[value] = count
        return count


class PaperBook:
    """A `BookView` on a kernel. Visible rows only: the kernel is never ahead of what we may know."""

    def __init__(self, kernel: FillKernel, instrument: Instrument, feed_us: int) -> None:
        self.prices = Grid(instrument.price_step)
        self.quantities = Grid(instrument.quantity_step)
        self._kernel = kernel
        self._feed_us = feed_us
        self._half_prices = Grid(instrument.price_step / 2)

    @property
    def stale(self) -> str:
        """Why the book must not be trusted, or ""."""
        return self._kernel.stale if self._kernel.event_us else "no data yet"

    @property
    def event_us(self) -> int:
        return self._kernel.event_us

    @property
    def receive_us(self) -> int:
        kernel = self._kernel
        return kernel.source.seen_us(kernel.event_us, self._feed_us) if kernel.event_us else 0

    @property
    def best_bid(self) -> Decimal | None:
        ticks = self._kernel.best_bid
        return None if ticks == NO_BID else self.prices.value(ticks)

    @property
    def best_ask(self) -> Decimal | None:
        ticks = self._kernel.best_ask
        return None if ticks == NO_ASK else self.prices.value(ticks)

    @property
    def mid(self) -> Decimal | None:
        bid, ask = self._kernel.best_bid, self._kernel.best_ask
        return None if bid == NO_BID or ask == NO_ASK else self._half_prices.value(bid + ask)

    @property
    def spread(self) -> Decimal | None:
        bid, ask = self._kernel.best_bid, self._kernel.best_ask
        return None if bid == NO_BID or ask == NO_ASK else self.prices.value(ask - bid)

    @property
    def microprice(self) -> Decimal | None:
        """(bid·ask_size + ask·bid_size)/(bid_size + ask_size)."""
        bid, ask, kernel = self.best_bid, self.best_ask, self._kernel
        if bid is None or ask is None:
            return None
        bid_lots, ask_lots = kernel.lots_at(BUY, kernel.best_bid), kernel.lots_at(SELL, kernel.best_ask)
        return (bid * ask_lots + ask * bid_lots) / (bid_lots + ask_lots)

    def levels(self, side: Side, count: int) -> list[Level]:
        """At most `count` best levels; BUY bids descending, SELL asks ascending."""
        price, quantity = self.prices.value, self.quantities.value
        return [(price(ticks), quantity(lots)) for ticks, lots in self._kernel.depth(SIDES[side], count)]

    def quantity_at(self, side: Side, price: Decimal) -> Decimal:
        """The displayed quantity of `side` at exactly `price`, 0 if there is none."""
        ticks = self.prices.count(price)
        return ZERO if ticks is None else self.quantities.value(self._kernel.lots_at(SIDES[side], ticks))

    def vwap(self, side: Side, quantity: Decimal) -> Decimal | None:
        """Average price for a taker of `side`; None if the book holds less than `quantity` or that is not above 0."""
        if quantity <= 0:
            return None
        left, cost = quantity, ZERO
        for price, shown in self.levels(side.opposite, NO_ASK):
            taken = min(left, shown)
            cost += taken * price
            left -= taken
            if not left:
                return cost / quantity
        return None

    def imbalance(self, count: int) -> Decimal | None:
        """(bid quantity − ask quantity)/(sum) of the best `count` levels, in [−1, 1]; None for an empty book."""
        bids = sum(lots for _, lots in self._kernel.depth(BUY, count))
        asks = sum(lots for _, lots in self._kernel.depth(SELL, count))
        return Decimal(bids - asks) / (bids + asks) if bids + asks else None
