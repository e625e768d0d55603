"""L1: the tracker against a venue that loses and delays, compared after every step with a small reference model."""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.model.enums import Action, Command, OrderStatus, Outcome, Phase, UpdateSource
from engine.model.request import CancelOrder
from tests.core.order_support import ACK, BTC, LOOKUP, STREAM, World

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED
QUANTITY = 10


@dataclass
class Venue:
    """One order as it is at the venue."""

    vid: str
    cid: str
    trades: list[int] = field(default_factory=list)
    status: OrderStatus = OPEN
    told: list[tuple[OrderStatus, int]] = field(default_factory=lambda: [(OPEN, 0)])  # every state it was in

    def step(self, status: OrderStatus) -> None:
        self.status = status
        self.told.append((status, sum(self.trades)))


@dataclass
class Model:
    """What may be known of that order after what was delivered: the reference, in its simplest words."""

    booked: dict[str, int] = field(default_factory=dict)
    cum: int = 0
    ended: OrderStatus | None = None
    full_size_known: bool = True

    def hear(self, status: OrderStatus, cum: int) -> None:
        self.cum = max(self.cum, cum)
        if status is not OPEN and self.ended is None:
            self.ended = status

    def book(self, trade: str, quantity: int) -> None:
        self.booked.setdefault(trade, quantity)
        filled = sum(self.booked.values())
        self.cum = max(self.cum, filled)
        if filled >= QUANTITY and self.full_size_known:
            self.ended = FILLED

    @property
    def done(self) -> bool:
        return self.ended is not None and sum(self.booked.values()) >= self.cum


class TrackerMachine(RuleBasedStateMachine):
    """Orders, replays of creates, stale and doubled reports, lost answers, at any time and in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.at = 0.0
        self.venue: dict[str, Venue] = {}
        self.models: dict[str, Model] = {}
        self.waiting: list[str] = []  # client ids whose create has not arrived
        self.sizes: dict[str, str] = {}  # the first venue id heard of for each client id

    def _known(self, order: Venue, *, by_fill: bool) -> Model:
        """The model of an order that is heard of; a twin first heard of by a fill has no quantity."""
        first = self.sizes.setdefault(order.cid, order.vid)
        fresh = order.vid not in self.models
        model = self.models.setdefault(order.vid, Model())
        if fresh and by_fill and first != order.vid:
            model.full_size_known = False
        return model

    def _tick(self, seconds: float = 0.05) -> None:
        self.at += seconds
        for request in self.world.tick(self.at):
            if isinstance(request, CancelOrder):
                assert request.venue_order_id, "a cancel names the venue id"

    @rule()
    @precondition(lambda self: len(self.sizes) + len(self.waiting) < 4)
    def submit(self) -> None:
        order = self.world.submit(self.at, quantity=QUANTITY, tag=f"slot{len(self.venue) + len(self.waiting)}")
        self.waiting.append(order.client_order_id)

    @rule(data=st.data())
    @precondition(lambda self: self.waiting)
    def arrive(self, data: st.DataObject) -> None:
        cid = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self._create(cid)

    @rule(data=st.data())
    @precondition(lambda self: any(order.status is not OPEN for order in self.venue.values()))
    def arrive_again(self, data: st.DataObject) -> None:
        """The network doubled a create: executed again once the first one has closed."""
        closed = [order.cid for order in self.venue.values() if order.status is not OPEN]
        live = {order.cid for order in self.venue.values() if order.status is OPEN}
        cid = data.draw(st.sampled_from(closed))
        if cid not in live and len(self.venue) < 6:
            self._create(cid)

    def _create(self, cid: str) -> None:
        vid = f"V{len(self.venue)}"
        self.venue[vid] = Venue(vid, cid)

    @rule(data=st.data(), quantity=st.integers(1, QUANTITY))
    @precondition(lambda self: any(order.status is OPEN for order in self.venue.values()))
    def trade(self, data: st.DataObject, quantity: int) -> None:
        order = self._pick(data, [order for order in self.venue.values() if order.status is OPEN])
        order.trades.append(min(quantity, QUANTITY - sum(order.trades)))
        order.step(FILLED if sum(order.trades) == QUANTITY else OPEN)

    @rule(data=st.data())
    @precondition(lambda self: any(order.status is OPEN for order in self.venue.values()))
    def end(self, data: st.DataObject) -> None:
        self._pick(data, [order for order in self.venue.values() if order.status is OPEN]).step(CANCELED)

    @rule(data=st.data(), source=st.sampled_from((ACK, STREAM, LOOKUP)))
    @precondition(lambda self: self.venue)
    def report(self, data: st.DataObject, source: UpdateSource) -> None:
        order = self._pick(data, list(self.venue.values()))
        status, cum = data.draw(st.sampled_from(order.told))
        model = self._known(order, by_fill=False)
        self._tick()
        self.world.update(self.at, status, cum, vid=order.vid, cid=order.cid, source=source, quantity=QUANTITY)
        model.full_size_known = True
        model.hear(status, cum)
        if sum(model.booked.values()) >= QUANTITY:
            model.ended = FILLED

    @rule(data=st.data())
    @precondition(lambda self: any(order.trades for order in self.venue.values()))
    def fill(self, data: st.DataObject) -> None:
        order = self._pick(data, [order for order in self.venue.values() if order.trades])
        number = data.draw(st.integers(0, len(order.trades) - 1))
        model = self._known(order, by_fill=True)
        self._tick()
        self.world.fill(self.at, f"t{number}", order.trades[number], vid=order.vid, cid=order.cid)
        model.book(f"t{number}", order.trades[number])

    @rule(data=st.data(), action=st.sampled_from((Action.LOOKUP, Action.CANCEL)), outcome=st.sampled_from(Outcome))
    @precondition(lambda self: self.models)
    def deny(self, data: st.DataObject, action: Action, outcome: Outcome) -> None:
        """An answer of a stale replica, or none: about an order that is known to exist it proves nothing."""
        order = self.venue[data.draw(st.sampled_from(sorted(self.models)))]
        self._tick()
        self.world.fail(self.at, action, outcome, vid=order.vid, cid=order.cid)

    @rule(data=st.data())
    @precondition(lambda self: self.sizes)
    def cancel(self, data: st.DataObject) -> None:
        self._tick()
        self.world.cid = data.draw(st.sampled_from(sorted(self.sizes)))
        self.world.cancel(self.at)

    @rule(seconds=st.sampled_from((0.1, 1.0, 5.0, 30.0)))
    def time_passes(self, seconds: float) -> None:
        self._tick(seconds)

    def _pick(self, data: st.DataObject, orders: list[Venue]) -> Venue:
        return data.draw(st.sampled_from(orders))

    @invariant()
    def tracker_is_the_model(self) -> None:
        tracker = self.world.tracker
        for vid, model in self.models.items():
            order = tracker.by_venue_id("sim", vid)
            assert order is not None
            filled = sum(model.booked.values())
            assert (order.filled, order.venue_filled) == (filled, model.cum)
            assert (order.phase is Phase.CLOSED) == (model.ended is not None)
            assert order.settled == model.done
            assert not order.settled or order.status == model.ended.value  # type: ignore[union-attr]
            assert order.twin == 0 or order.settled or order.command is Command.CANCEL
        booked = sum((sum(model.booked.values()) for model in self.models.values()), 0)
        position = tracker.state.positions.get(BTC, Decimal(0))
        inferred = sum((order.provisional_filled for order in tracker.active()), Decimal(0))
        assert position == booked + inferred
        open_now = sum(not model.done for model in self.models.values())
        unheard = sum(order.phase in (Phase.INTENT, Phase.SENT) for order in tracker.active())
        assert len(tracker.active()) == open_now + unheard
        assert tracker.due_us > 0


TestTracker = TrackerMachine.TestCase
TestTracker.settings = settings(max_examples=150, stateful_step_count=40)
