"""A small faulty venue: whatever it did, once it is healthy everything is settled, cancelled and equal within 60 s."""

from dataclasses import dataclass, field
from random import Random

import pytest

from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import Action, OrderStatus, Outcome, UpdateSource
from engine.model.request import CancelOrder, FetchTrades, LookupOrder, Request
from tests.core.order_support import ACK, LOOKUP, STREAM, World

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED
FAULTY_S, QUIET_S = 120, 60


@dataclass
class Resting:
    vid: str
    cid: str
    born: float
    trades: dict[str, int] = field(default_factory=dict)
    status: OrderStatus = OPEN

    @property
    def filled(self) -> int:
        return sum(self.trades.values())


class FaultyVenue:
    """Loses requests and answers, executes creates late or twice, drops stream events. Requests expire after 5 s."""

    def __init__(self, seed: int, sheet: VenueSheet) -> None:
        self.random = Random(f"healing:{seed}")
        self.world = World(sheet)
        self.open_only = sheet.lookup_scope is LookupScope.OPEN_ONLY
        self.orders: list[Resting] = []
        self.late: list[tuple[float, str]] = []  # creates still on their way
        self.healthy = False

    def fault(self, chance: float) -> bool:
        return not self.healthy and self.random.random() < chance

    # ---- what the world does to us

    def create(self, at: float) -> None:
        cid = self.world.submit(at).client_order_id
        if self.fault(0.1):
            self.world.update(at, OrderStatus.REJECTED, vid="", cid=cid, source=ACK, reason="not_sent:dns")
            return
        if not self.fault(0.1):
            delay = self.random.uniform(0, 4.9) if self.fault(0.2) else 0
            self.late.append((at + delay, cid))
            if self.fault(0.1):
                self.late.append((at + self.random.uniform(0, 4.9), cid))
        self.arrivals(at)
        order = next((order for order in self.orders if order.cid == cid), None)
        if order is None or self.fault(0.2):
            self.world.update(at, OrderStatus.UNKNOWN, vid="", cid=cid, source=ACK, reason="ambiguous:timeout")
        else:
            self.tell(at, order, ACK)

    def arrivals(self, at: float) -> None:
        for when, cid in [late for late in self.late if late[0] <= at]:
            self.late.remove((when, cid))
            if any(order.cid == cid and order.status is OPEN for order in self.orders):
                continue  # duplicate client id among open orders
            self.orders.append(Resting(f"V{len(self.orders)}", cid, at))

    def trade(self, at: float) -> None:
        for order in self.orders:
            if order.status is OPEN and self.random.random() < 0.1:
                quantity = self.random.randint(1, 10 - order.filled)
                trade = f"t{len(order.trades)}"
                order.trades[trade] = quantity
                order.status = FILLED if order.filled == 10 else OPEN
                if not self.fault(0.3):
                    self.world.fill(at, trade, quantity, vid=order.vid, cid=order.cid)
                if not self.fault(0.3):
                    self.tell(at, order, STREAM)

    def tell(self, at: float, order: Resting, source: UpdateSource) -> None:
        cum = None if source is ACK and order.status is CANCELED else order.filled  # a cancel ack that does not say it
        self.world.update(
            at, order.status, cum, vid=order.vid, cid=order.cid, source=source, side=self.world.order.side, quantity=10
        )

    # ---- what we ask of it

    def answer(self, at: float, request: Request) -> None:
        if isinstance(request, FetchTrades):
            self.trades(at, request)
            return
        assert isinstance(request, CancelOrder | LookupOrder)
        cancel = isinstance(request, CancelOrder)
        action = Action.CANCEL if cancel else Action.LOOKUP
        named = [order for order in self.orders if order.cid == request.client_order_id]
        if request.venue_order_id:
            named = [order for order in self.orders if order.vid == request.venue_order_id]
        if cancel or (self.open_only and not request.venue_order_id):
            named = [order for order in named if order.status is OPEN]
        failure = {"cid": request.client_order_id, "vid": request.venue_order_id}
        if self.fault(0.2):
            self.world.fail(at, action, Outcome.AMBIGUOUS, **failure)  # type: ignore[arg-type]
        elif not named or (self.fault(0.2) and at - named[-1].born < 2):  # the second: a stale replica
            self.world.fail(at, action, Outcome.ABSENT, **failure)  # type: ignore[arg-type]
        else:
            if cancel:
                named[-1].status = CANCELED
            if not self.fault(0.3):
                self.tell(at, named[-1], ACK if cancel else LOOKUP)

    def trades(self, at: float, request: FetchTrades) -> None:
        if self.fault(0.2):
            self.world.fail(at, Action.TRADES, Outcome.AMBIGUOUS)
            return
        for order in self.orders:
            if request.venue_order_id in ("", order.vid):
                for trade, quantity in order.trades.items():
                    self.world.fill(at, trade, quantity, vid=order.vid, cid=order.cid, source=UpdateSource.REST)
        self.world.synced(at, vid=request.venue_order_id)

    def snapshot(self, at: float) -> None:
        rows = [
            self.world.row(
                at, OPEN, order.filled, vid=order.vid, cid=order.cid, side=self.world.order.side, quantity=10
            )
            for order in self.orders
            if order.status is OPEN and not self.fault(0.1)
        ]
        for request in self.world.snapshot(at, *rows, complete=not self.fault(0.5)):
            self.answer(at, request)

    def second(self, at: float) -> None:
        self.arrivals(at)
        self.trade(at)
        for request in self.world.tick(at):
            self.answer(at, request)
        if at % 30 == 0:
            self.snapshot(at)
            self.trades(at, FetchTrades("sim:BTC-USDT"))
        self.no_false_death()

    def no_false_death(self) -> None:
        """What the tracker calls dead, the venue does not have."""
        for order in self.orders:
            known = self.world.tracker.by_client_id(order.cid)
            assert known is None or not known.settled or known.status is not OrderStatus.REJECTED, order


def trade_a_while(venue: FaultyVenue) -> None:
    tracker = venue.world.tracker
    for at in range(FAULTY_S):
        order = tracker.slot("pmm", "sim:BTC-USDT", "bid")
        if order is None:
            venue.create(at)
        elif order.is_working and venue.random.random() < 0.3:
            venue.world.cid = order.client_order_id
            request = CancelOrder(order.client_order_id, "sim:BTC-USDT", order.venue_order_id)
            assert tracker.record(request, order.updated_us) is order
            venue.answer(at, request)
        venue.second(at)
    venue.healthy = True
    for at in range(FAULTY_S, FAULTY_S + QUIET_S):
        for order in list(tracker.active()):
            if order.is_working:
                request = CancelOrder(order.client_order_id, "sim:BTC-USDT", order.venue_order_id)
                tracker.record(request, order.updated_us)
                venue.answer(at, request)
        venue.second(at)


@pytest.mark.parametrize("scope", list(LookupScope))
@pytest.mark.parametrize("block", range(5))
def test_healed(block: int, scope: LookupScope) -> None:
    sheet = VenueSheet(request_expiry_us=5 * SECOND_US, lookup_scope=scope)
    for seed in range(block * 20, block * 20 + 20):
        venue = FaultyVenue(seed, sheet)
        trade_a_while(venue)
        tracker = venue.world.tracker
        assert [order.status for order in venue.orders if order.status is OPEN] == [], seed
        assert list(tracker.active()) == [], seed
        booked = {order.vid: tracker.by_venue_id("sim", order.vid) for order in venue.orders}
        for order in venue.orders:
            known = booked[order.vid]
            assert known is not None or not order.trades, seed
            if known is not None:
                assert (known.filled, known.status) == (order.filled, order.status), seed
        traded = sum(order.filled for order in venue.orders)
        assert tracker.state.positions.get("sim:BTC-USDT", 0) == traded, seed
        assert len(venue.orders) > 5, seed
