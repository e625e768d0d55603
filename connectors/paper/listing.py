"""One instrument at a paper venue: its kernel, its book in Decimal, and what the venue asks of an order."""

from decimal import Decimal
from math import ceil

from connectors.paper.book import SIDES, PaperBook
from connectors.paper.candle_rows import CandleRows
from connectors.paper.interface import FillKernel
from connectors.paper.ledger import Ledger, Market
from connectors.paper.words import FOK, IOC, MARKET, POST_ONLY, REDUCE, STOP
from engine.core.position import on_grid
from engine.model.enums import OrderType, TimeInForce
from engine.model.instrument import Instrument
from engine.model.market import Candle
from engine.model.request import SubmitOrder

KINDS = {
    OrderType.LIMIT: 0,
    OrderType.MARKET: MARKET,
    OrderType.STOP_LIMIT: STOP,
    OrderType.STOP_MARKET: STOP | MARKET,
}
TERMS = {TimeInForce.GTC: 0, TimeInForce.GTD: 0, TimeInForce.IOC: IOC, TimeInForce.FOK: FOK}
FLAGS = {(kind, term): KINDS[kind] | TERMS[term] for kind in KINDS for term in TERMS}


class Listing:
    """`leverage` divides the margin of derivatives."""

    def __init__(self, instrument: Instrument, kernel: FillKernel, feed_us: int, leverage: Decimal) -> None:
        self.instrument = instrument
        self.kernel = kernel
        self.book = PaperBook(kernel, instrument, feed_us)
        self.market = Market(instrument, leverage)
        self.rates = (instrument.maker_rate, instrument.taker_rate)
        unit = instrument.price_step * instrument.quantity_step * instrument.contract_size
        self._lots_min = max(1, ceil(instrument.quantity_min / instrument.quantity_step))
        self._value_min = ceil(instrument.notional_min / unit)  # in ticks · lots
        self._is_limited = bool(instrument.quantity_max or instrument.price_min or instrument.price_max)

    def measure(self, price: Decimal | None, quantity: Decimal) -> tuple[int, int] | None:
        """(ticks, lots), 0 ticks without a price; None for what lies between the steps."""
        ticks = 0 if price is None else self.book.prices.count(price)
        lots = self.book.quantities.count(quantity)
        return None if ticks is None or lots is None else (ticks, lots)

    def refusal(self, request: SubmitOrder, terms: tuple[int, int] | None, ledger: Ledger) -> str:
        """The code with which the venue rejects an order before it looks at funds, or "". `terms` as measured."""
        if request.list_id or request.display_quantity is not None or request.trailing_delta is not None:
            return "unsupported_order"
        if terms is None:
            return "filter_failure"
        ticks, lots = terms
        if self._is_limited or not ticks or request.stop_price is not None:
            if self.instrument.problems(request):
                return "filter_failure"
        elif lots < self._lots_min or ticks * lots < self._value_min:
            return "filter_failure"
        if request.reduce_only and request.quantity > ledger.reducible(self.market, request.side):
            return "reduce_only"
        return ""

    def reserves(self, request: SubmitOrder) -> bool:
        """Whether an order ties up money: one that only reduces a derivative position needs none."""
        return self.market.spot or not request.reduce_only

    def candle(self, number: int, receive_us: int) -> Candle:
        """One of the candles of a market that has them."""
        rows, price = self.kernel.source, self.book.prices.value
        assert isinstance(rows, CandleRows)
        open_us, first, high, low, close, volume = rows.candle(number)
        return Candle(
            self.instrument.instrument_id,
            rows.interval_us,
            open_us,
            open_us + rows.interval_us,
            price(first),
            price(high),
            price(low),
            price(close),
            self.book.quantities.value(volume),
            True,
            receive_us,
        )

    def pays(self, request: SubmitOrder) -> Decimal | None:
        """The price at which an order is checked against funds: a market order pays for the levels that it needs."""
        price = request.price or request.stop_price
        if price is None:
            paid = self.book.vwap(request.side, request.quantity) or self.book.mid
            return None if paid is None else on_grid(paid)
        return price

    def submit(self, at_us: int, key: int, request: SubmitOrder, terms: tuple[int, int]) -> None:
        """Hand an order that was not refused to the kernel."""
        ticks, lots = terms
        flags = FLAGS[request.order_type, request.time_in_force]
        if request.post_only:
            flags |= POST_ONLY
        if request.reduce_only:
            flags |= REDUCE
        if request.stop_price is None and not request.expire_us:
            self.kernel.submit(at_us, key, SIDES[request.side], ticks, lots, flags)
            return
        stop = 0 if request.stop_price is None else self.book.prices.count(request.stop_price)
        assert stop is not None
        self.kernel.submit(at_us, key, SIDES[request.side], ticks, lots, flags, stop, request.expire_us)
