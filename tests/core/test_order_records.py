"""Memory: indexes, forgetting, deadlines. Nothing grows with the number of orders."""

from engine.core.order_record import FAR
from engine.core.orders import OrderTracker, no_mid
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import OrderStatus, Side
from engine.model.event import OrderRecalled
from engine.model.order import Order
from tests.core.order_support import ACK, BTC, VENUE, World, us

OPEN, CANCELED, REJECTED = OrderStatus.OPEN, OrderStatus.CANCELED, OrderStatus.REJECTED
HOUR = 3600


def ended(world: World, at: float, vid: str) -> Order:
    order = world.live(at, vid=vid, tag=vid)
    world.update(at, CANCELED, 0, vid=vid)
    return order


def test_active_orders_by_owner_and_instrument_oldest_first() -> None:
    world = World()
    one = world.submit(tag="a")
    two = world.submit(tag="b", owner="grid")
    three = world.submit(tag="c")
    tracker = world.tracker
    assert list(tracker.active()) == [one, two, three]
    assert list(tracker.active(owner="pmm")) == [one, three]
    assert list(tracker.active(owner="pmm", instrument_id=BTC)) == [one, three]
    assert list(tracker.active(instrument_id=BTC)) == [one, two, three]
    assert list(tracker.active(owner="pmm", instrument_id="sim:ETH-USDT")) == []
    assert list(tracker.active(owner="nobody")) == []
    assert list(tracker.active(instrument_id="sim:ETH-USDT")) == []


def test_lookups_by_id() -> None:
    world = World()
    order = world.live()
    tracker = world.tracker
    assert tracker.by_client_id(world.cid) is tracker.by_venue_id(VENUE, "V1") is order
    assert tracker.by_client_id("none") is None
    assert tracker.by_venue_id(VENUE, "none") is None
    assert tracker.by_venue_id("si", "V1") is None


def test_done_orders_are_forgotten_after_an_hour_and_dead_ones_after_a_day() -> None:
    world = World()
    one = ended(world, 0, "V1")
    world.submit(1)
    world.update(1, REJECTED, reason="rejected:x", source=ACK, vid="")
    dead = world.order
    world.tick(HOUR - 1)
    assert world.tracker.by_client_id(one.client_order_id) is one
    world.tick(HOUR + 1)
    assert world.tracker.by_client_id(one.client_order_id) is None
    assert world.tracker.by_venue_id(VENUE, "V1") is None
    world.tick(24 * HOUR - 1)
    assert world.tracker.by_client_id(dead.client_order_id) is dead
    world.tick(24 * HOUR + 2)
    assert world.tracker.by_client_id(dead.client_order_id) is None


def test_forgetting_needs_no_wake_up() -> None:
    world = World()
    ended(world, 0, "V1")
    assert world.tracker.due_us == FAR


def test_an_order_that_came_back_to_life_is_not_forgotten() -> None:
    world = World()
    order = ended(world, 0, "V1")
    world.update(10, CANCELED, 4)
    world.tracker.forget(us(2 * HOUR))
    assert world.tracker.by_client_id(order.client_order_id) is order


def test_what_counts_is_when_an_order_was_done_last() -> None:
    world = World()
    order = ended(world, 0, "V1")
    world.update(10, CANCELED, 4)
    world.fill(20, "t1", 4)
    world.tracker.forget(us(15))
    assert world.tracker.by_client_id(order.client_order_id) is order
    world.tracker.forget(us(25))
    assert world.tracker.by_client_id(order.client_order_id) is None


def test_records_are_limited_and_active_ones_stay() -> None:
    world = World()
    world.tracker = OrderTracker({}, {}, world.ids, no_mid, kept=10)
    stays = world.live(0, vid="V0", tag="V0")
    made = [ended(world, number, f"V{number}") for number in range(1, 31)]
    left = [order for order in made if world.tracker.by_client_id(order.client_order_id) is not None]
    assert left == made[-9:]
    assert world.tracker.by_client_id(stays.client_order_id) is stays
    for number in range(50):
        world.submit(100, tag=f"a{number}")
    assert len(world.tracker.active()) == 51


def test_rejected_orders_do_not_push_ended_ones_out() -> None:
    """The oldest goes, whatever its end was; and never the one that has just come, or has just been recalled."""
    world = World()
    world.tracker = OrderTracker({}, {}, world.ids, no_mid, kept=4)
    for number in range(4):
        world.submit(number)
        world.update(number, REJECTED, reason="rejected:x", source=ACK, vid="")
    late = [ended(world, number, f"V{number}") for number in range(10, 12)]
    assert [world.tracker.by_client_id(order.client_order_id) for order in late] == late
    first = world.tracker.state.records
    world.tracker = OrderTracker({}, {}, world.ids, no_mid, kept=0)
    world.tracker.apply_recalled(OrderRecalled(late[0], late[0].client_order_id, "", us(20)))
    assert world.tracker.by_client_id(late[0].client_order_id) is late[0]
    assert len(first) == 4


def test_a_tracker_without_a_market_has_no_mid() -> None:
    world = World()
    world.tracker = OrderTracker({}, {}, world.ids)
    order = world.live(price=None)
    world.update(1, CANCELED, 4)
    world.run(1, 80)
    assert order.provisional is None


def test_forgetting_a_first_order_keeps_its_twin_and_the_other_way_round() -> None:
    for first_ends, twin_ends in ((1, 50), (50, 1)):
        world = World()
        world.live()
        world.update(0.5, OPEN, 0, vid="V2")
        world.update(min(first_ends, twin_ends), CANCELED, 0, vid="V1" if first_ends == 1 else "V2")
        world.update(50, CANCELED, 0, vid="V2" if first_ends == 1 else "V1")
        world.tracker.forget(us(20))
        assert world.order.venue_order_id == ("V2" if first_ends == 1 else "V1")
        world.tracker.forget(us(60))
        assert world.tracker.by_client_id(world.cid) is None


def test_a_quiet_tick_is_free_and_due_us_is_exact() -> None:
    world = World()
    assert world.tracker.due_us == FAR
    world.submit(0)
    assert world.tracker.due_us == us(2) + 1
    world.update(0.1, OPEN, 0, source=ACK)
    assert world.tracker.due_us == us(20.1)  # and not the stale two seconds
    world.cancel(1)
    assert world.tracker.due_us == us(3)
    assert world.tick(2.9) == []
    world.update(2, CANCELED, 0)
    assert world.tracker.due_us == FAR
    assert world.tick(100) == []


def test_many_orders_share_one_heap_entry_each() -> None:
    world = World()
    world.live()
    for number in range(1_000):
        world.update(number / 100, OPEN, 0)
    world.cancel(11)
    world.tick(11)
    assert len(world.tracker.state.deadlines._heap) <= 3


def test_an_order_in_another_slot_of_the_same_owner() -> None:
    world = World()
    bid = world.submit(tag="bid")
    ask = world.submit(tag="ask", side=Side.SELL)
    slots = [world.tracker.slot("pmm", BTC, tag) for tag in ("bid", "ask", "none")]
    assert slots == [bid, ask, None]


def test_the_same_venue_id_on_two_instruments() -> None:
    world = World()
    order = world.live()
    other = world.row(1, OPEN, 0, cid="", vid="V1")
    moved = type(other)("sim:ETH-USDT", "", "V1", CANCELED, None, "", us(1), us(1))
    assert world.tracker.apply_update(moved) is None
    assert order.status is OPEN
    assert us(1) - us(0) == SECOND_US
