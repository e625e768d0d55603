"""A bot reduced to its bookkeeping: a real tracker and portfolio, and an order log that is told all a session tells."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.orders import OrderTracker
from engine.core.portfolio import Portfolio
from engine.core.venue_sheet import VenueSheet
from engine.model.account import Balance
from engine.model.enums import Action, InstrumentKind, Liquidity, OrderStatus, OrderType, Side, UpdateSource
from engine.model.event import (
    AccountSnapshot,
    FillCorrected,
    OperatorDecision,
    OrderUpdate,
    RequestFailed,
    RequestSent,
    TradesSynced,
    TransferSeen,
)
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.order import Order
from engine.model.request import AmendOrder, CancelOrder, Request, SubmitOrder
from engine.store.causes import cause_of
from engine.store.order_log import OrderLog
from engine.store.recovery import restore

START_US = 1_700_000_000_000_000
TAG = "TEST"
D = Decimal
SPOT = Instrument("sim:BTC-USDT", "sim", "BTC-USDT", "BTC", "USDT", D("0.1"), D("0.001"), taker_rate=D("0.001"))
PERPETUAL = Instrument(
    "sim:BTC-USDT-PERP",
    "sim",
    "BTC-USDT-PERP",
    "BTC",
    "USDT",
    D("0.1"),
    D("0.001"),
    kind=InstrumentKind.PERPETUAL,
    settle="USDT",
)
INSTRUMENTS = {each.instrument_id: each for each in (SPOT, PERPETUAL)}
SHEETS = {"sim": VenueSheet(amend_in_place=True, cancel_by_client_id=True)}
Fact = OrderUpdate | Fill | FillCorrected | RequestFailed | OperatorDecision


class Bot:
    """One run. `now_us` moves a millisecond with each call."""

    def __init__(self, folder: Path, start_us: int = START_US) -> None:
        self.now_us = start_us
        self.log = OrderLog.open(folder)
        self.session = self.log.begin_session(start_us, TAG)
        self.ids = OrderIds(TAG, self.session.epoch)
        self.tracker = OrderTracker(INSTRUMENTS, SHEETS, self.ids, lambda _: D("50000"))
        self.portfolio = Portfolio(INSTRUMENTS, lambda _: D("50000"))
        self.recovered = self.log.load(start_us)
        restore(self.recovered, self.tracker, self.portfolio, start_us)
        self.log.follow(self.portfolio)
        for order in self.tracker.active():
            self.log.note_order(order, start_us, "restart")

    def step(self, by_us: int = 1_000) -> int:
        self.now_us += by_us
        return self.now_us

    def deposit(self, **amounts: str) -> None:
        """The venue's first word on the balances."""
        balances = tuple(Balance("sim", asset, D(amount), D(amount)) for asset, amount in amounts.items())
        now_us = self.step()
        self.portfolio.apply_snapshot(AccountSnapshot("sim", now_us, now_us, balances=balances))

    def submit(
        self,
        side: Side = Side.BUY,
        price: str = "50000",
        quantity: str = "1",
        instrument: Instrument = SPOT,
        owner: str = "pmm",
        order_type: OrderType = OrderType.LIMIT,
    ) -> Order:
        """Record, note, commit, hand over: what a tick does with a submit."""
        limit = D(price) if order_type is OrderType.LIMIT else None
        request = SubmitOrder(
            self.ids.new(), instrument.instrument_id, side, order_type, D(quantity), limit, owner=owner, tag="bid_1"
        )
        order = self.tracker.record(request, self.step())
        assert order is not None
        self.portfolio.follow(order)
        self.log.note_order(order, self.now_us, "tick")
        return order

    def sent(self, order: Order) -> None:
        sent = RequestSent(order.client_order_id, Action.SUBMIT, self.step(), self.now_us + 5_000_000)
        self.tracker.apply_sent(sent)
        self.log.note_order(order, self.now_us, cause_of(sent))

    def report(
        self,
        order: Order,
        status: OrderStatus,
        filled: str | None = "0",
        source: UpdateSource = UpdateSource.STREAM,
        reason: str = "",
        venue_order_id: str | None = None,
    ) -> None:
        """A venue's word on an order."""
        venue_id = f"v{order.client_order_id}" if venue_order_id is None else venue_order_id
        cumulative = None if filled is None else D(filled)
        now_us = self.step()
        self.apply(
            OrderUpdate(
                order.instrument_id,
                order.client_order_id,
                venue_id,
                status,
                cumulative,
                reason,
                now_us,
                now_us,
                source,
                now_us,
                order.side,
                order.price,
                order.quantity,
            )
        )

    def fill(
        self,
        order: Order,
        quantity: str,
        price: str = "50000",
        trade_id: str = "",
        fee: str = "0.5",
        fee_asset: str = "USDT",
        venue_order_id: str | None = None,
        realized: str | None = None,
    ) -> None:
        venue_id = f"v{order.client_order_id}" if venue_order_id is None else venue_order_id
        now_us = self.step()
        named = (trade_id or f"t{now_us}", order.client_order_id, venue_id, order.instrument_id, order.side)
        money = (D(price), D(quantity), D(fee), fee_asset)
        paid = None if realized is None else D(realized)
        self.apply(Fill(*named, *money, Liquidity.MAKER, now_us, now_us, realized=paid))

    def correct(self, order: Order, trade_id: str, quantity: str, price: str = "50000") -> None:
        now_us = self.step()
        money = (D(quantity), D(price), D("0.1"))
        named = (trade_id, order.client_order_id, order.venue_order_id, order.instrument_id)
        self.apply(FillCorrected(*named, *money, now_us))

    def apply(self, fact: Fact) -> None:
        """Tracker, portfolio, log: what a session does with every fact about an order."""
        tracker = self.tracker
        change: Change | None
        if isinstance(fact, OrderUpdate):
            change = tracker.apply_update(fact)
        elif isinstance(fact, Fill):
            change = tracker.apply_fill(fact)
        elif isinstance(fact, FillCorrected):
            change = tracker.apply_correction(fact)
        elif isinstance(fact, OperatorDecision):
            change = tracker.apply_decision(fact)
        else:
            change = tracker.apply_failure(fact)
        self.book([change] if change else [], cause_of(fact))

    def book(self, changes: Sequence[Change], cause: str) -> None:
        for change in (*changes, *self.tracker.take_changes()):
            self.portfolio.apply(change)
            self.log.note_change(change, self.now_us, cause)

    def want(self, request: CancelOrder | AmendOrder) -> None:
        """A cancel or an amend, whether it is to be sent or only to be remembered."""
        self.tracker.record(request, self.step())
        self.portfolio.follow(self._note_request(request))

    def _note_request(self, request: CancelOrder | AmendOrder) -> Order:
        """By venue id where it is known: a client id may mean the wrong twin."""
        order = self.tracker.by_venue_id("sim", request.venue_order_id)
        order = order or self.tracker.by_client_id(request.client_order_id)
        assert order is not None
        self.log.note_order(order, self.now_us, "tick")
        return order

    def cancel(self, order: Order) -> None:
        self.want(CancelOrder(order.client_order_id, order.instrument_id, order.venue_order_id))

    def sync(self, cursor: str) -> None:
        """A complete fetch of trades."""
        now_us = self.step(10_000_000)
        changes = self.tracker.apply_trades_synced(TradesSynced(SPOT.instrument_id, "", cursor, now_us, now_us))
        self.book(changes, "TRADES")
        self.log.note_cursor(SPOT.instrument_id, cursor, now_us)

    def transfer(self, amount: str, kind: str = "deposit", transfer_id: str = "1", instrument_id: str = "") -> None:
        seen = TransferSeen("sim", "USDT", D(amount), kind, transfer_id, START_US, self.step(), instrument_id)
        self.portfolio.apply_transfer(seen)
        self.log.note_transfer(seen, self.now_us)

    def tick(self, by_us: int) -> list[Request]:
        """The tracker's deadlines; what it repeats is noted like any request."""
        requests = self.tracker.tick(self.step(by_us))
        self.book([], "tick")
        for request in requests:
            if isinstance(request, CancelOrder | AmendOrder):
                self._note_request(request)
        return requests

    def commit(self) -> None:
        self.log.commit(self.now_us)

    def open_order(self, **terms: str) -> Order:
        """An order that the venue has acknowledged."""
        order = self.submit(**terms)  # type: ignore[arg-type]
        self.commit()
        self.sent(order)
        self.report(order, OrderStatus.OPEN, source=UpdateSource.ACK)
        return order
