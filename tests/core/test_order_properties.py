"""Whatever order, number of copies and gaps a network makes of an order's life, the facts at its end are the same."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.enums import CloseReason, Command, OrderStatus, Phase, UpdateSource
from engine.model.order import Order
from tests.core.order_support import ACK, LOOKUP, SNAPSHOT, STREAM, World, us

RANK = {Phase.INTENT: 0, Phase.SENT: 1, Phase.LIVE: 2, Phase.CLOSED: 3}


@dataclass(frozen=True)
class Event:
    """One message of the venue: a fill (`trade`) or a report."""

    trade: str = ""
    quantity: int = 0
    status: OrderStatus = OrderStatus.OPEN
    cum: int | None = 0
    source: UpdateSource = STREAM

    def apply(self, world: World, at: float) -> None:
        if self.trade:
            world.fill(at, self.trade, self.quantity, source=self.source, fee=1)
        else:
            world.update(at, self.status, self.cum, source=self.source)


@dataclass(frozen=True)
class Life:
    """What really happened at the venue."""

    quantity: int
    trades: tuple[int, ...]
    end: OrderStatus

    @property
    def cum(self) -> int:
        return sum(self.trades)

    def events(self) -> list[Event]:
        """Everything the venue would say, in order."""
        events = [Event(source=ACK), Event(status=OrderStatus.UNKNOWN, cum=None, source=ACK), Event()]
        total = 0
        for number, quantity in enumerate(self.trades):
            total += quantity
            full = total == self.quantity
            events.append(Event(trade=f"t{number}", quantity=quantity))
            events.append(Event(status=OrderStatus.FILLED if full else OrderStatus.OPEN, cum=total))
            events.append(Event(cum=min(total, self.quantity - 1), source=SNAPSHOT))
        events += [Event(status=self.end, cum=None), Event(status=self.end, cum=self.cum, source=ACK)]
        return events

    def refetched(self) -> list[Event]:
        """What a complete synchronisation brings in the end."""
        fills = [Event(trade=f"t{n}", quantity=q, source=UpdateSource.REST) for n, q in enumerate(self.trades)]
        return [*fills, Event(status=self.end, cum=self.cum, source=LOOKUP)]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    quantity = draw(st.integers(2, 30))
    trades: list[int] = []
    while len(trades) < 4 and sum(trades) < quantity and draw(st.booleans()):
        trades.append(draw(st.integers(1, quantity - sum(trades))))
    if sum(trades) == quantity:
        return Life(quantity, tuple(trades), OrderStatus.FILLED)
    return Life(quantity, tuple(trades), draw(st.sampled_from((OrderStatus.CANCELED, OrderStatus.EXPIRED))))


def facts(order: Order) -> tuple[object, ...]:
    close = (order.phase, order.close_reason, order.settled, order.status)
    return (*close, order.filled, order.venue_filled, order.cost, order.fees, sorted(order.trade_ids))


def live_through(life: Life, events: list[Event], *, watch: bool) -> World:
    """A tracker that hears these events; with `watch`, that its knowledge only grows."""
    world = World()
    world.submit(quantity=life.quantity)
    before = (0, Decimal(0), Decimal(0))
    for number, event in enumerate(events):
        event.apply(world, number / 100)
        order = world.order
        after = (RANK[order.phase], order.venue_filled, order.filled)
        if watch:
            assert all(new >= old for new, old in zip(after, before, strict=True))
            assert order.filled <= order.venue_filled <= life.cum
            assert not order.settled or order.filled == order.venue_filled
            assert len(world.tracker.active()) == (not order.settled)
        before = after
    return world


@given(st.data())
@settings(max_examples=300)
def test_the_end_does_not_depend_on_the_way(data: st.DataObject) -> None:
    life = data.draw(lives())
    events = life.events()
    told = data.draw(st.lists(st.sampled_from(events), max_size=2 * len(events)))
    world = live_through(life, [*told, *data.draw(st.permutations(life.refetched()))], watch=True)
    straight = live_through(life, [*events, *life.refetched()], watch=False)
    assert facts(world.order) == facts(straight.order)
    assert world.order.close_reason == CloseReason(life.end.value)
    assert (world.order.command, world.order.filled) == (Command.NONE, life.cum)
    assert world.tracker.exposure(world.order.instrument_id).position == life.cum


@given(st.data())
@settings(max_examples=100)
def test_hearing_everything_twice_is_hearing_it_once(data: st.DataObject) -> None:
    life = data.draw(lives())
    events = data.draw(st.permutations(life.events()))
    world = live_through(life, [*events, *life.refetched()], watch=True)
    for event in events:
        before = facts(world.order)
        event.apply(world, 99)
        assert facts(world.order) == before


@given(st.data())
@settings(max_examples=100)
def test_the_same_events_give_the_same_requests(data: st.DataObject) -> None:
    life = data.draw(lives())
    told = data.draw(st.lists(st.sampled_from(life.events()), max_size=12))
    runs = []
    for _ in range(2):
        world = live_through(life, told, watch=False)
        runs.append((world.run(0, 30, 0.5), facts(world.order), world.tracker.due_us))
    assert runs[0] == runs[1]
    assert runs[0][2] > us(30) or world.order.settled
