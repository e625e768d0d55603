"""Orders that turn up: own unknown ones, twins, and trades without a client id."""

import pytest

from engine.core.parking import PARKED_MAX
from engine.core.venue_sheet import LeftoverPolicy, VenueSheet
from engine.model.enums import Command, OrderStatus, Phase, Side
from engine.model.event import OrderRecalled
from engine.model.request import CancelOrder, LookupOrder
from tests.core.order_support import ACK, BTC, LOOKUP, SNAPSHOT, VENUE, World, alarms, kinds, us

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED
LOST_ID = "TEST000000000007"  # of an earlier run whose log is gone


def stranger() -> World:
    world = World()
    world.cid = LOST_ID
    return world


def test_t22_a_fill_of_an_own_order_nobody_knows() -> None:
    world = stranger()
    change = world.fill(1, "t1", 4)
    order = world.order
    assert (order.quantity, order.filled, order.phase, order.command) == (None, 4, Phase.LIVE, Command.CANCEL)
    assert alarms(change) == ["quantity_unknown"]
    assert world.tracker.exposure(BTC).unknown == 1
    assert world.tick(1) == [CancelOrder(LOST_ID, BTC, "V1"), LookupOrder(LOST_ID, "V1", BTC, us(-59))]


def test_t22_full_is_never_inferred_from_a_guess() -> None:
    world = stranger()
    world.fill(1, "t1", 4)
    world.fill(2, "t2", 6)
    assert world.order.phase is Phase.LIVE
    change = world.update(3, OPEN, 10, source=LOOKUP, quantity=10)
    assert change is not None
    assert (change.order.status, change.order.quantity) == (FILLED, 10)
    assert world.tracker.exposure(BTC).unknown == 0


def test_t22_the_quantity_comes_with_the_end() -> None:
    world = stranger()
    world.fill(1, "t1", 4)
    world.update(2, FILLED, None, quantity=4)
    assert (world.order.status, world.order.quantity) == (FILLED, 4)


def test_t22_ended_first_and_then_the_quantity() -> None:
    world = stranger()
    world.fill(1, "t1", 4)
    world.update(2, FILLED, None)
    assert world.order.settling  # how much it was is not known
    world.update(3, FILLED, None, quantity=4, source=LOOKUP)
    assert (world.order.status, world.order.quantity) == (FILLED, 4)


def test_t23_an_open_order_of_ours_is_adopted_and_cancelled() -> None:
    world = stranger()
    requests = world.snapshot(1, world.row(1, OPEN, 2, side=Side.SELL, price=101, quantity=10))
    order = world.order
    assert (order.side, order.price, order.quantity, order.venue_filled) == (Side.SELL, 101, 10, 2)
    assert requests == [CancelOrder(LOST_ID, BTC, "V1")]
    [change] = world.tracker.take_changes()
    assert alarms(change) == ["adopted"]


def test_t23_claimed_by_configuration() -> None:
    world = World(VenueSheet(leftover=LeftoverPolicy.CLAIM))
    world.cid = LOST_ID
    assert world.snapshot(1, world.row(1, OPEN, 0, side=Side.BUY, price=100, quantity=10)) == []
    assert world.order.is_working
    assert world.tracker.assign(LOST_ID, "pmm", "bid")
    assert world.tracker.slot("pmm", BTC, "bid") is world.order
    assert list(world.tracker.active(owner="pmm")) == [world.order]
    assert not world.tracker.assign(LOST_ID, "pmm", "ask")  # it has an owner now
    assert not world.tracker.assign("TEST000000000009", "pmm", "ask")


def test_t23_a_slot_is_given_to_one_order_only() -> None:
    world = World(VenueSheet(leftover=LeftoverPolicy.CLAIM))
    world.live(vid="V7")
    world.cid = LOST_ID
    world.snapshot(1, world.row(1, OPEN, 0, side=Side.BUY, price=100, quantity=10))
    assert not world.tracker.assign(LOST_ID, "pmm", "bid")


@pytest.mark.parametrize(
    ("status", "filled", "adopted"),
    [(CANCELED, 4, True), (CANCELED, 0, False), (CANCELED, None, False), (FILLED, None, True), (OPEN, 0, True)],
)
def test_t23_an_update_of_an_order_nobody_knows(status: OrderStatus, filled: object, adopted: bool) -> None:
    world = stranger()
    change = world.update(1, status, filled, side=Side.BUY, price=100, quantity=10)
    assert (change is not None) is adopted
    if change is not None:
        assert change.order.phase is (Phase.LIVE if status is OPEN else Phase.CLOSED)
        assert bool(kinds(world.run(1, 2), CancelOrder)) is (status is OPEN)


@pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.UNKNOWN])
def test_nothing_is_adopted_from_no_order(status: OrderStatus) -> None:
    assert stranger().update(1, status, side=Side.BUY) is None


def test_nothing_is_adopted_without_a_side() -> None:
    world = stranger()
    assert world.update(1, OPEN, 0) is None
    assert world.snapshot(2, world.row(2, OPEN, 0)) == []
    assert world.tracker.foreign.of(VENUE) == []  # but it is ours


def test_r12_a_doubled_create_is_a_twin() -> None:
    world = World()
    first = world.live()
    world.update(1, CANCELED, 0)
    change = world.update(2, OPEN, 0, vid="V2", quantity=10)
    twin = world.order
    assert change is not None
    assert (change.order, alarms(change)) == (twin, ["twin"])
    assert (twin.twin, twin.venue_order_id, twin.owner, twin.tag, twin.quantity) == (1, "V2", "pmm", "bid", 10)
    assert (first.status, first.venue_order_id) == (CANCELED, "V1")
    assert world.tick(2) == [CancelOrder(world.cid, BTC, "V2")]
    assert world.tracker.slot("pmm", BTC, "bid") is twin  # the slot is busy
    world.update(3, CANCELED, 0, vid="V2", source=ACK)
    assert (twin.status, world.tracker.slot("pmm", BTC, "bid")) == (CANCELED, None)


def test_r12_the_end_of_a_twin_is_not_the_end_of_the_first() -> None:
    world = World()
    first = world.live()
    world.update(1, CANCELED, 0, vid="V2")
    assert first.phase is Phase.LIVE
    assert (world.order.twin, world.order.status) == (1, CANCELED)
    world.update(2, CANCELED, 0)
    assert first.status is CANCELED


def test_r12_a_fill_of_a_twin() -> None:
    world = World()
    first = world.live()
    world.fill(1, "t1", 4, vid="V2")
    world.fill(2, "t1", 4, vid="V1")  # a self-trade has the same trade id on both orders
    assert (world.order.twin, world.order.quantity, world.order.filled, first.filled) == (1, None, 4, 4)
    assert world.tracker.exposure(BTC).position == 8


def test_r12_three_orders_of_one_id() -> None:
    world = World()
    world.live()
    world.update(1, OPEN, 0, vid="V2")
    world.update(2, OPEN, 0, vid="V3")
    assert [order.twin for order in world.tracker.active()] == [0, 1, 2]
    for at, vid in ((3, "V1"), (4, "V3"), (5, "V2")):
        world.update(at, CANCELED, 0, vid=vid)
    assert len(world.tracker.active()) == 0
    world.tracker.forget(us(10))
    assert world.tracker.by_client_id(world.cid) is None


def test_r12_an_ambiguous_answer_makes_no_twin() -> None:
    world = World()
    world.live()
    assert world.update(1, OrderStatus.UNKNOWN, vid="V2", source=ACK, reason="ambiguous:x") is None
    assert world.order.twin == 0


def test_a_twin_and_its_first_have_one_slot() -> None:
    world = World()
    first = world.live()
    world.update(1, OPEN, 0, vid="V2")
    twin = world.order
    assert world.tracker.slot("pmm", BTC, "bid") is first
    world.update(2, CANCELED, 0, vid="V2")
    assert world.tracker.slot("pmm", BTC, "bid") is first
    world.update(3, OPEN, 0, vid="V3")
    world.update(4, CANCELED, 0, vid="V1")
    assert world.tracker.slot("pmm", BTC, "bid") is world.order is not twin


def test_a_trade_without_a_client_id_joins_by_venue_id() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 4, cid="")
    assert order.filled == 4


def test_a_trade_without_a_venue_id_joins_by_client_id() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 4, vid="")
    assert order.filled == 4


def test_a_trade_of_an_unknown_venue_id_is_parked_until_the_ack() -> None:
    world = World()
    order = world.submit()
    assert world.fill(1, "t1", 4, cid="") is None
    assert world.tracker.due_us == us(1)
    assert world.tick(1) == [LookupOrder("", "V1", BTC)]
    assert [at for at, _ in world.run(1.1, 1.9)] == []
    world.update(1.9, OPEN, 4, source=ACK)
    [change] = world.tracker.take_changes()
    assert change.fill is not None
    assert (change.fill.trade_id, order.filled) == ("t1", 4)


def test_a_parked_trade_of_a_lost_order_is_adopted_by_its_lookup() -> None:
    world = World()
    world.fill(1, "t1", 4, cid="")
    world.cid = LOST_ID
    world.update(2, OPEN, 4, source=LOOKUP, side=Side.BUY, price=100, quantity=10)
    assert world.order.filled == 4


def test_a_parked_trade_of_somebody_else_is_released() -> None:
    world = World()
    world.fill(1, "t1", 4, cid="")
    world.fill(1, "t1", 4, cid="")
    assert world.tracker.state.parking.count == 1
    assert world.update(2, OPEN, 4, source=LOOKUP, cid="web_123") is None
    assert world.run(2, 20) == []


def test_parking_has_a_limit_and_says_so() -> None:
    world = World()
    for number in range(PARKED_MAX + 1):
        world.fill(1, f"t{number}", 1, cid="", vid=f"V{number}")
    [alarm] = world.tracker.take_alarms()
    assert alarm.kind == "parked_dropped"
    assert alarm.text == "trade t1000 of unknown order V1000 could not be kept: fetch the trades again"
    assert world.tracker.state.parking.may_hold("another:MARKET", us(1))  # nobody knows what had no room


def test_a_trade_that_names_no_order_at_all() -> None:
    world = World()
    assert world.fill(1, "t1", 1, cid="", vid="") is None
    [alarm] = world.tracker.take_alarms()
    assert alarm.text.startswith("trade t1 of unknown order without any id")
    assert world.tick(2) == []


def test_a_fill_of_somebody_else_is_not_ours() -> None:
    world = World()
    assert world.fill(1, "t1", 4, cid="web_123") is None
    assert world.tracker.exposure(BTC).position == 0


def test_r12_both_of_an_id_are_missing_from_a_snapshot() -> None:
    world = World()
    world.live()
    world.update(1, OPEN, 0, vid="V2")
    looked = [request.venue_order_id for request in world.snapshot(10) if isinstance(request, LookupOrder)]
    assert looked[0] == "V1"
    assert "V2" in looked


def test_r12_a_recalled_first_order_takes_its_place_behind_its_twins() -> None:
    world = World()
    first = world.live()
    world.update(1, CANCELED, 0)
    world.update(2, OPEN, 0, vid="V2")
    world.update(3, OPEN, 0, vid="V3")
    world.tracker.forget(us(1.5))
    assert world.tracker.by_venue_id(VENUE, "V1") is None
    world.tracker.apply_recalled(OrderRecalled(first, world.cid, "V1", us(9)))
    assert world.tracker.by_venue_id(VENUE, "V1") is first
    world.update(9, OPEN, 0, vid="V4")
    assert [order.twin for order in world.tracker.active()] == [1, 2, 3]


def test_r12_a_listed_twin() -> None:
    world = World()
    world.live()
    requests = world.snapshot(10, world.row(10, OPEN, 0), world.row(10, OPEN, 0, vid="V2", quantity=10))
    assert requests == [CancelOrder(world.cid, BTC, "V2")]
    assert world.update(11, OPEN, 0, source=SNAPSHOT, vid="V1") is None
