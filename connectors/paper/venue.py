"""A venue that pretends: somebody else's market, our orders filled by kernels, our money in a ledger.

Implements `engine.core.ports.VirtualVenue`. Keys stand for client order ids in the kernels, ticks and lots for Decimal;
what happens there becomes the events that a live connector would send.
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from connectors.paper.account import Orders, PaperOrder
from connectors.paper.answers import Answers
from connectors.paper.candles import CandleKernel
from connectors.paper.latency import Latency
from connectors.paper.ledger import Ledger
from connectors.paper.listing import Listing
from connectors.paper.wire import Act, Wire
from connectors.paper.words import (
    AMEND_REJECTED,
    AMENDED,
    CANCELLED,
    CLOSED,
    EXPIRED,
    FILLED,
    MARKED,
    NEVER_US,
    OPENED,
    REJECTED,
    TRIGGERED,
    Outcome,
)
from engine.core.candle_series import CandleSeries
from engine.core.candles import Shown
from engine.core.state import State
from engine.model.enums import Action, Channel, Health, Liquidity, OrderStatus, OrderType, UpdateSource
from engine.model.enums import Outcome as Verdict
from engine.model.event import ConnectorStatus, Event, TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import FundingRate, MarkPrice
from engine.model.money import ZERO
from engine.model.order import LIQUIDATION, liquidation_id
from engine.model.request import AmendOrder, CancelAll, CancelOrder, Request, SubmitOrder

CHANNELS = (Channel.MARKET, Channel.USER, Channel.REST)
ACK, STREAM, OPEN = UpdateSource.ACK, UpdateSource.STREAM, OrderStatus.OPEN
CANCEL, AMEND = Action.CANCEL, Action.AMEND
STATUS = {
    OPENED: OPEN,
    REJECTED: OrderStatus.REJECTED,
    CANCELLED: OrderStatus.CANCELED,
    EXPIRED: OrderStatus.EXPIRED,
    AMENDED: OPEN,
    TRIGGERED: OPEN,
}
SOURCE = {OPENED: ACK, REJECTED: ACK, CANCELLED: ACK, EXPIRED: STREAM, AMENDED: ACK, TRIGGERED: STREAM}
ENDED = (REJECTED, CANCELLED, EXPIRED)
LIQUIDITY = (Liquidity.MAKER, Liquidity.TAKER)
RATE_STEP = Decimal("1E-9")


class PaperVenue:
    """`listings` in the order of their instrument ids; balances are what the account starts with, by asset."""

    request_expiry_us = 0

    def __init__(
        self, venue: str, listings: Sequence[Listing], ledger: Ledger, latency: Latency, start_us: int
    ) -> None:
        self.venue = venue
        self.now_us = start_us
        self.listings = listings
        self.instruments: Sequence[Instrument] = [each.instrument for each in listings]
        self.ledger = ledger
        self.orders = Orders()
        self.wire = Wire([each.kernel for each in listings], latency, self._hear)
        self._answers = Answers(venue, self.orders, ledger)
        self._numbers = {each.instrument.instrument_id: number for number, each in enumerate(listings)}
        self._outbox: deque[tuple[int, Event]] = deque()  # answers and the private stream, in the order of receipt
        self._market: deque[tuple[int, Event]] = deque()
        self._last_key = self._last_trade = 0
        self._acts: dict[type, Act] = {
            SubmitOrder: self._submit,
            CancelOrder: self._cancel,
            AmendOrder: self._amend,
            CancelAll: self._cancel_all,
        }
        for channel in CHANNELS:
            self._outbox.append((start_us, ConnectorStatus(venue, channel, Health.HEALTHY, "connected", start_us)))

    def install(self, state: State) -> None:
        """Show our books to the strategies of an engine."""
        for listing in self.listings:
            state.books.install(listing.instrument.instrument_id, listing.book)

    # ---- the port

    def send(self, request: Request) -> None:
        """Hand over a request at `now_us`."""
        self.wire.send(self.now_us, self._acts.get(type(request), self._answer), request, self.now_us)

    def advance(self, now_us: int) -> Sequence[Event]:
        """Move to `now_us` and return what we have been told by then, in order of receipt."""
        self.wire.advance(now_us)
        self.now_us = now_us
        outbox, market = self._outbox, self._market
        told: list[Event] = []
        while outbox and outbox[0][0] <= now_us:
            while market and market[0][0] <= outbox[0][0]:
                told.append(market.popleft()[1])
            told.append(outbox.popleft()[1])
        while market and market[0][0] <= now_us:
            told.append(market.popleft()[1])
        return told

    def glide(self, until_us: int, series: CandleSeries) -> Shown | None:
        """Give a series the closed candles that are visible by `until_us`, up to one that its reader wants to act on.

        None: no candle was, anything else is under way, or there are other markets.
        """
        listing, feed_us = self.listings[0], self.wire.latency.feed_us
        kernel, instrument = listing.kernel, listing.instrument
        if len(self.listings) > 1 or self._outbox or self._market or self.orders.open or not self.wire.idle:
            return None
        if not isinstance(kernel, CandleKernel) or series.instrument_id != instrument.instrument_id:
            return None
        see = series.taker(kernel.source.interval_us)
        if see is None:
            return None
        shown = kernel.glide(until_us - feed_us, instrument.price_step, instrument.quantity_step, see)
        if shown is None:
            return None
        self.now_us = seen_us = kernel.event_us + feed_us
        return Shown(*shown, seen_us)

    @property
    def orders_received(self) -> int:
        """How many new orders have arrived."""
        return self._last_key

    @property
    def next_us(self) -> int:
        """When the next event can become visible at the earliest."""
        known_us = [queue[0][0] for queue in (self._outbox, self._market) if queue]
        if self.orders.open or not self.wire.idle:
            known_us.append(self.wire.next_us)
        return max(min(known_us, default=NEVER_US), self.now_us + 1)

    def waits_until(self, quiet_us: int) -> int:
        """When something is to be told or to be done, unless rows come before; see `Wire.waits_until`."""
        known_us = [queue[0][0] for queue in (self._outbox, self._market) if queue]
        return min([*known_us, self.wire.waits_until(self.now_us, quiet_us)])

    @property
    def finished(self) -> bool:
        """All rows are played, every command is executed, and we have heard of everything."""
        return not self._outbox and not self._market and self.wire.finished

    # ---- commands, at the time of their arrival

    def _submit(self, at_us: int, request: SubmitOrder, sent_us: int) -> None:
        number = self._numbers[request.instrument_id]
        listing, ledger = self.listings[number], self.ledger
        self._last_key = key = self._last_key + 1
        order = PaperOrder(key, request, number, sent_us, request.quantity, request.price)
        terms = listing.measure(request.price, request.quantity)
        reason = listing.refusal(request, terms, ledger)
        if not reason:
            pays = listing.pays(request)
            if pays is None:
                reason = "no_market"
            elif not listing.reserves(request):
                order.pays = None
            else:
                order.pays = pays
                order.reserved = need = listing.market.need(request.side, request.quantity, pays)
                if not ledger.reserve(listing.market.asset(request.side), need):
                    reason = "insufficient_balance"
        if reason or terms is None:
            order.status, order.reason, order.event_us = OrderStatus.REJECTED, f"rejected:{reason}", at_us
            receive_us = self.wire.answer_us(at_us)
            self._outbox.append((receive_us, order.update(receive_us, ACK, sent_us)))
            return
        self.orders.add(order)
        listing.submit(at_us, key, request, terms)

    def _cancel(self, at_us: int, request: CancelOrder, sent_us: int) -> None:
        order = self._open(at_us, request, CANCEL, sent_us)
        if order is not None:
            order.started_us = sent_us
            self.listings[order.number].kernel.cancel(at_us, order.key)

    def _amend(self, at_us: int, request: AmendOrder, sent_us: int) -> None:
        order = self._open(at_us, request, AMEND, sent_us)
        if order is None:
            return
        listing, side = self.listings[order.number], order.request.side
        order.started_us = sent_us
        terms = listing.measure(request.price, request.quantity)
        more = ZERO
        if order.pays is not None:
            more = listing.market.need(side, request.quantity - order.filled, request.price) - order.reserved
        if terms is None:
            self._fail(at_us, request, AMEND, Verdict.REJECTED, "filter_failure", sent_us)
        elif more > 0 and more > self.ledger.available(listing.market.asset(side)):
            self._fail(at_us, request, AMEND, Verdict.REJECTED, "insufficient_balance", sent_us)
        else:
            listing.kernel.amend(at_us, order.key, *terms)

    def _cancel_all(self, at_us: int, request: CancelAll, sent_us: int) -> None:
        number = self._numbers[request.instrument_id]
        for order in list(self.orders.open.values()):
            if order.number == number:
                order.started_us = sent_us
                self.listings[number].kernel.cancel(at_us, order.key)

    def _answer(self, at_us: int, request: Request, sent_us: int) -> None:
        receive_us = self.wire.answer_us(at_us)
        for event in self._answers.by_type[type(request)](request, sent_us, at_us, receive_us):
            self._outbox.append((receive_us, event))

    def _open(self, at_us: int, request: CancelOrder | AmendOrder, action: Action, sent_us: int) -> PaperOrder | None:
        """The open order that a request names; if there is none, that is answered."""
        order = self.orders.find(request.client_order_id, request.venue_order_id)
        if order is not None and order.key in self.orders.open:
            return order
        reason = "never seen here" if order is None else f"it is {order.status}"
        self._fail(at_us, request, action, Verdict.ABSENT, "unknown_order", sent_us, reason)
        return None

    def _fail(
        self,
        at_us: int,
        request: CancelOrder | AmendOrder,
        action: Action,
        verdict: Verdict,
        code: str,
        sent_us: int,
        reason: str = "",
    ) -> None:
        receive_us = self.wire.answer_us(at_us)
        failure = self._answers.failed(request, action, verdict, code, reason or code, sent_us, receive_us)
        self._outbox.append((receive_us, failure))

    # ---- what happens at the venue

    def _hear(self, receive_us: int, number: int, outcome: Outcome) -> None:
        event_us, what, key, ticks, lots, liquidity, reason = outcome
        if what >= MARKED:
            self._hear_market(receive_us, self.listings[number], outcome)
            return
        order = self.orders.by_key[key]
        order.event_us = event_us
        if what == FILLED:
            self._filled(receive_us, order, ticks, lots, liquidity)
            return
        if what == AMEND_REJECTED:
            names = AmendOrder(order.request.client_order_id, order.request.instrument_id, str(key), ZERO, ZERO)
            failure = self._answers.failed(names, AMEND, Verdict.REJECTED, reason, reason, order.started_us, receive_us)
            self._outbox.append((receive_us, failure))
            return
        order.status = STATUS[what]
        if reason:
            order.reason = f"rejected:{reason}" if what == REJECTED else reason
        if what == AMENDED:
            book = self.listings[number].book
            order.price, order.quantity = book.prices.value(ticks), book.quantities.value(lots)
            self._hold(order, order.price)
        elif what in ENDED:
            self._end(order)
        source = SOURCE[what]
        update = order.update(receive_us, source, order.started_us if source is ACK else None)
        self._outbox.append((receive_us, update))
        if self.ledger.touched:
            self._tell_balances(event_us, receive_us)

    def _filled(self, receive_us: int, order: PaperOrder, ticks: int, lots: int, liquidity: int) -> None:
        listing, request = self.listings[order.number], order.request
        price, quantity = listing.book.prices.value(ticks), listing.book.quantities.value(lots)
        fee, fee_asset = self.ledger.book(listing.market, request.side, price, quantity, listing.rates[liquidity])
        self._last_trade += 1
        fill = Fill(
            str(self._last_trade),
            request.client_order_id,
            str(order.key),
            request.instrument_id,
            request.side,
            price,
            quantity,
            fee,
            fee_asset,
            LIQUIDITY[liquidity],
            order.event_us,
            receive_us,
        )
        self.orders.fills.append(fill)
        order.filled += quantity
        order.cost += price * quantity
        if order.filled == order.quantity:
            order.status = OrderStatus.FILLED
            self._end(order)
        else:
            self._hold(order, order.pays)
        self._outbox.append((receive_us, fill))
        self._tell_balances(order.event_us, receive_us)

    def _hold(self, order: PaperOrder, pays: Decimal | None) -> None:
        """What an order ties up after its rest or its terms changed."""
        if order.pays is None or pays is None:
            return
        market, side = self.listings[order.number].market, order.request.side
        need = market.need(side, order.quantity - order.filled, pays)
        self.ledger.release(market.asset(side), order.reserved - need)
        order.pays, order.reserved = pays, need

    def _end(self, order: PaperOrder) -> None:
        if order.reserved:
            asset = self.listings[order.number].market.asset(order.request.side)
            self.ledger.release(asset, order.reserved)
            order.reserved = ZERO
        self.orders.end(order)

    def _tell_balances(self, event_us: int, receive_us: int) -> None:
        for asset in self.ledger.touched:
            self._outbox.append((receive_us, self.ledger.balance(asset, event_us, receive_us)))
        self.ledger.touched = {}

    def _hear_market(self, receive_us: int, listing: Listing, outcome: Outcome) -> None:
        """A candle closed, or a mark price may end a position, or a funding row pays."""
        event_us, what, _, ticks, lots, _, _ = outcome
        if what == CLOSED:
            self._market.append((receive_us, listing.candle(outcome[2], receive_us)))
            return
        name, market, ledger = listing.instrument.instrument_id, listing.market, self.ledger
        if what == MARKED:
            market.mark = mark = listing.book.prices.value(ticks)
            self._market.append((receive_us, MarkPrice(name, mark, event_us, receive_us)))
            if ledger.in_trouble(market.money):
                self._liquidate(event_us, market.money)
            return
        rate = lots * RATE_STEP
        self._market.append((receive_us, FundingRate(name, rate, event_us, event_us, receive_us)))
        amount = ledger.funding(market, rate)
        if amount:
            ledger.pay(market.money, amount)
            answer_us = self.wire.answer_us(event_us)
            paid = TransferSeen(
                self.venue, market.money, amount, "funding", f"{name}@{event_us}", event_us, answer_us, name
            )
            self._outbox.append((answer_us, paid))
            self._tell_balances(event_us, answer_us)

    def _liquidate(self, event_us: int, asset: str) -> None:
        """Equity is no more than the maintenance margin: our orders are cancelled, our positions closed until it is.

        Each by an order of the venue's own, which is told as such.
        """
        for order in list(self.orders.open.values()):
            listing = self.listings[order.number]
            if listing.market.money == asset:
                listing.kernel.cancel(event_us, order.key)
        receive_us = self.wire.answer_us(event_us)
        for number, listing in enumerate(self.listings):
            market = listing.market
            if market.spot or market.money != asset or not market.position.quantity or market.mark is None:
                continue
            if self.ledger.in_trouble(asset):
                self._close_position(event_us, receive_us, number)
        self._tell_balances(event_us, receive_us)

    def _close_position(self, event_us: int, receive_us: int, number: int) -> None:
        market = self.listings[number].market
        side, price, quantity, fee = self.ledger.liquidate(market)
        self._last_key = key = self._last_key + 1
        self._last_trade += 1
        name = market.instrument.instrument_id
        request = SubmitOrder(liquidation_id(self.venue, str(key)), name, side, OrderType.MARKET, quantity)
        order = PaperOrder(key, request, number, event_us, quantity, None)
        order.status, order.filled, order.cost = OrderStatus.FILLED, quantity, price * quantity
        order.event_us, order.reason = event_us, LIQUIDATION
        self.orders.add(order)
        self.orders.end(order)
        terms = (price, quantity, fee, market.money, Liquidity.TAKER, event_us, receive_us)
        fill = Fill(str(self._last_trade), request.client_order_id, str(key), name, side, *terms)
        self.orders.fills.append(fill)
        self._outbox.append((receive_us, fill))
        self._outbox.append((receive_us, order.update(receive_us, STREAM, None)))
