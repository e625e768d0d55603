"""Short ways to say what happens to orders, for the tests of the order tracker. Times are in seconds of the test."""

from decimal import Decimal

from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.orders import OrderTracker
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import Action, Liquidity, OrderStatus, OrderType, Outcome, Side, UpdateSource
from engine.model.event import AccountSnapshot, FillCorrected, OrderUpdate, RequestFailed, RequestSent, TradesSynced
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.order import Order
from engine.model.request import CancelOrder, Request, SubmitOrder

VENUE = "sim"
BTC = "sim:BTC-USDT"
START_US = 1_700_000_000 * SECOND_US
RULES = Instrument(BTC, VENUE, "BTC-USDT", "BTC", "USDT", Decimal("0.1"), Decimal("0.001"), taker_rate=Decimal("0.001"))
SHEET = VenueSheet(
    request_expiry_us=5 * SECOND_US,
    ahead_us=SECOND_US,
    lookup_scope=LookupScope.ALL,
    amend_in_place=True,
)  # as Binance, quarantine 10 s
QUARANTINE_S = 10.0
STREAM, ACK, LOOKUP, SNAPSHOT = UpdateSource.STREAM, UpdateSource.ACK, UpdateSource.LOOKUP, UpdateSource.SNAPSHOT


def us(seconds: float) -> int:
    """Engine time of a second of the test."""
    return START_US + round(seconds * SECOND_US)


def dec(value: object) -> Decimal:
    return Decimal(str(value))


class World:
    """A tracker and the venue's words to it, for one instrument and mostly one order, `self.cid`."""

    def __init__(self, sheet: VenueSheet = SHEET) -> None:
        self.ids = OrderIds("TEST", 1)
        self.mid: Decimal | None = None
        self.tracker = OrderTracker({BTC: RULES}, {VENUE: sheet}, self.ids, lambda _instrument_id: self.mid)
        self.cid = ""

    # ---- what we want

    def submit(
        self,
        at: float = 0,
        *,
        quantity: object = 10,
        price: object = 100,
        side: Side = Side.BUY,
        tag: str = "bid",
        owner: str = "pmm",
        sent: bool = True,
        parent: str = "",
    ) -> Order:
        self.cid = self.ids.new()
        order_type = OrderType.MARKET if price is None else OrderType.LIMIT
        limit = None if price is None else dec(price)
        request = SubmitOrder(
            self.cid, BTC, side, order_type, dec(quantity), limit, owner=owner, tag=tag, parent=parent
        )
        order = self.tracker.record(request, us(at))
        assert order is not None
        if sent:
            self.tracker.apply_sent(RequestSent(self.cid, Action.SUBMIT, us(at), us(at + 5)))
        return order

    def cancel(self, at: float = 0, vid: str = "") -> Order | None:
        return self.tracker.record(CancelOrder(self.cid, BTC, vid), us(at))

    def live(self, at: float = 0, vid: str = "V1", **submit: object) -> Order:
        """A submitted and acknowledged order."""
        order = self.submit(at, **submit)  # type: ignore[arg-type]
        self.update(at, OrderStatus.OPEN, 0, vid=vid, source=ACK)
        return order

    # ---- what the venue says

    def update(
        self,
        at: float,
        status: OrderStatus,
        filled: object = None,
        *,
        vid: str = "V1",
        cid: str | None = None,
        source: UpdateSource = STREAM,
        reason: str = "",
        side: Side | None = None,
        price: object = None,
        quantity: object = None,
        average: object = None,
    ) -> Change | None:
        return self.tracker.apply_update(
            self.row(
                at,
                status,
                filled,
                vid=vid,
                cid=cid,
                source=source,
                reason=reason,
                side=side,
                price=price,
                quantity=quantity,
                average=average,
            )
        )

    def row(
        self,
        at: float,
        status: OrderStatus,
        filled: object = None,
        *,
        vid: str = "V1",
        cid: str | None = None,
        source: UpdateSource = SNAPSHOT,
        reason: str = "",
        side: Side | None = None,
        price: object = None,
        quantity: object = None,
        average: object = None,
    ) -> OrderUpdate:
        said = [None if value is None else dec(value) for value in (price, quantity, average)]
        cum = None if filled is None else dec(filled)
        return OrderUpdate(
            BTC, self.cid if cid is None else cid, vid, status, cum, reason, us(at), us(at), source, us(at), side, *said
        )

    def fill(
        self,
        at: float,
        trade: str,
        quantity: object,
        *,
        vid: str = "V1",
        cid: str | None = None,
        price: object = 100,
        side: Side = Side.BUY,
        fee: object = 0,
        source: UpdateSource = STREAM,
    ) -> Change | None:
        name = self.cid if cid is None else cid
        terms = (dec(price), dec(quantity), dec(fee), "USDT", Liquidity.MAKER)
        return self.tracker.apply_fill(Fill(trade, name, vid, BTC, side, *terms, us(at), us(at), source))

    def fail(
        self,
        at: float,
        action: Action,
        outcome: Outcome,
        *,
        started: float | None = None,
        vid: str = "V1",
        cid: str | None = None,
    ) -> Change | None:
        begin = us(at if started is None else started)
        name = self.cid if cid is None else cid
        return self.tracker.apply_failure(RequestFailed(BTC, name, vid, action, outcome, "-2013", "", begin, us(at)))

    def absent(self, at: float, *, started: float | None = None, vid: str = "V1") -> Change | None:
        """A lookup that found nothing."""
        return self.fail(at, Action.LOOKUP, Outcome.ABSENT, started=started, vid=vid)

    def synced(
        self, at: float, *, started: float | None = None, vid: str = "", cursor: str = "", complete: bool = True
    ) -> list[Change]:
        begin = us(at if started is None else started)
        return self.tracker.apply_trades_synced(TradesSynced(BTC, vid, cursor, begin, us(at), complete))

    def snapshot(
        self, at: float, *rows: OrderUpdate, started: float | None = None, complete: bool = True
    ) -> list[Request]:
        begin = us(at if started is None else started)
        return self.tracker.reconcile(AccountSnapshot(VENUE, begin, us(at), complete, open_orders=rows))

    def correct(
        self, at: float, trade: str, quantity: object, price: object = 100, fee: object = 0, told: object = None
    ) -> Change | None:
        terms = (dec(quantity), dec(price), dec(fee))
        first = None if told is None else dec(told)
        return self.tracker.apply_correction(FillCorrected(trade, self.cid, "V1", BTC, *terms, us(at), first))

    # ---- what follows

    def tick(self, at: float) -> list[Request]:
        return self.tracker.tick(us(at))

    def run(self, begin: float, end: float, step: float = 0.1) -> list[tuple[float, Request]]:
        """Tick from `begin` to `end`; each request with its second."""
        found = []
        for number in range(round((end - begin) / step) + 1):
            at = round(begin + number * step, 3)
            found += [(at, request) for request in self.tick(at)]
        return found

    @property
    def order(self) -> Order:
        order = self.tracker.by_client_id(self.cid)
        assert order is not None
        return order


def kinds(requests: list[tuple[float, Request]], kind: type) -> list[float]:
    """The seconds at which requests of a kind were made."""
    return [at for at, request in requests if isinstance(request, kind)]


def alarms(change: Change | None) -> list[str]:
    """The kinds of a change's alarms."""
    return [] if change is None else [alarm.kind.value for alarm in change.alarms]


def seen(change: Change | None) -> tuple[OrderStatus, OrderStatus]:
    """The status before and after a change."""
    assert change is not None
    return change.status_before, change.order.status
