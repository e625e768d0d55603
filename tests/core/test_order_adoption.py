"""Orders that turn up: own unknown ones, twins, trades without a client id, and other people's orders."""

import pytest

from engine.core.parking import PARKED_MAX
from engine.core.venue_sheet import ForeignPolicy, LeftoverPolicy, VenueSheet
from engine.model.enums import Command, OrderStatus, Phase, Side
from engine.model.event import AccountSnapshot, OrderRecalled
from engine.model.request import CancelOrder, FetchTrades, LookupOrder, RecallOrder
from tests.core.order_support import ACK, BTC, LOOKUP, SNAPSHOT, VENUE, World, alarms, dec, kinds, us

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


@pytest.mark.parametrize(
    ("policy", "told", "cancelled"),
    [(ForeignPolicy.IGNORE, 0, 0), (ForeignPolicy.REPORT, 1, 0), (ForeignPolicy.CANCEL, 1, 1)],
)
def test_t24_foreign_orders_by_policy(policy: ForeignPolicy, told: int, cancelled: int) -> None:
    world = World(VenueSheet(foreign=policy))
    row = world.row(1, OPEN, 0, cid="web_1", vid="F1")
    requests = world.snapshot(1, row)
    assert requests == [CancelOrder("web_1", BTC, "F1")][:cancelled]
    assert len(world.tracker.take_alarms()) == told
    assert world.tracker.foreign.of(VENUE) == [row]
    world.snapshot(2, row)
    assert world.tracker.take_alarms() == ()  # told once
    world.snapshot(3)
    assert world.tracker.foreign.of(VENUE) == []


def test_r11_an_order_younger_than_the_snapshot_is_not_judged() -> None:
    world = World()
    world.live(at=10)
    assert world.snapshot(12, started=9) == []
    assert world.snapshot(12.9, started=12.9) == []
    assert world.snapshot(13.1, started=13.1) == [LookupOrder(world.cid, "V1", BTC, us(-50))]
    assert world.order.phase is Phase.LIVE  # and even then only looked up


def test_an_incomplete_snapshot_judges_nothing() -> None:
    world = World()
    world.live()
    row = world.row(9, OPEN, 0, cid=LOST_ID, vid="V2", side=Side.BUY, quantity=10)
    assert world.snapshot(10, row, complete=False) == [CancelOrder(LOST_ID, BTC, "V2")]
    assert world.run(10, 19) != []  # only the repeats of that cancel
    assert world.tracker.foreign.of(VENUE) == []


def test_a_snapshot_without_orders_or_of_another_venue_says_nothing() -> None:
    world = World()
    world.live()
    assert world.tracker.reconcile(AccountSnapshot(VENUE, us(30), us(30), balances=())) == []
    assert world.tracker.reconcile(AccountSnapshot("other", us(10), us(10), open_orders=())) == []


def test_a_listed_order_is_alive() -> None:
    world = World()
    order = world.submit()
    world.snapshot(3, world.row(3, OPEN, 4))
    assert (order.phase, order.venue_order_id, order.venue_filled) == (Phase.LIVE, "V1", 4)
    assert kinds(world.run(3, 3.2), FetchTrades) == [3.2]


def test_recall_before_an_event_of_a_forgotten_order() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 4)
    world.update(2, CANCELED, 4)
    world.tracker.forget(us(3))
    assert world.tracker.by_client_id(world.cid) is None
    late = world.row(9, CANCELED, 6)
    assert world.tracker.wants_recall(late) == RecallOrder(world.cid, "V1")
    world.tracker.apply_recalled(OrderRecalled(order, world.cid, "V1", us(9)))
    assert world.tracker.wants_recall(late) is None
    world.tracker.apply_recalled(OrderRecalled(order, world.cid, "V1", us(9)))  # twice is once
    world.tracker.apply_update(late)
    assert (world.order.settling, world.fill(9, "t1", 4)) == (True, None)
    world.fill(10, "t2", 2)
    assert (world.order.status, world.order.filled) == (CANCELED, 6)


def test_recall_of_what_the_log_does_not_know() -> None:
    world = stranger()
    assert world.tracker.wants_recall(world.row(1, OPEN)) == RecallOrder(LOST_ID, "V1")
    world.tracker.apply_recalled(OrderRecalled(None, LOST_ID, "V1", us(1)))
    assert world.tracker.by_client_id(LOST_ID) is None
    assert world.tracker.wants_recall(world.row(1, OPEN, cid="web_1")) is None


def test_exposure_counts_everything_that_may_still_trade() -> None:
    world = World()
    world.tracker.set_position(BTC, dec(5))
    world.live(quantity=10)
    world.fill(1, "t1", 4)
    world.update(2, OPEN, 5)  # one is missing
    world.submit(3, side=Side.SELL, quantity=7, tag="ask")
    exposure = world.tracker.exposure(BTC)
    assert (exposure.position, exposure.open_buy, exposure.open_sell, exposure.unknown) == (10, 5, 7, 0)
    assert exposure.worst == 15
    assert world.tracker.exposure("sim:ETH-USDT").worst == 0


def test_restore_trusts_nothing() -> None:
    world = World()
    intent = world.submit(sent=False, tag="a")
    live = world.live(tag="b", vid="V2")
    world.cancel(1)
    settling = world.live(tag="c", vid="V3")
    world.update(2, CANCELED, None, vid="V3")
    missing = world.live(tag="d", vid="V4")
    world.update(2, CANCELED, 4, vid="V4")
    done = world.live(tag="e", vid="V5")
    world.update(2, CANCELED, 0, vid="V5")
    after = World()
    after.tracker.restore([intent, live, settling, missing, done], us(100))
    after.tracker.set_cursor(BTC, "c9")
    assert (intent.phase, intent.sent_us, intent.expires_us) == (Phase.SENT, us(100), 0)
    assert after.tracker.by_client_id(done.client_order_id) is done
    assert list(after.tracker.active()) == [intent, live, settling, missing]
    requests = after.run(100, 101.5)
    looked = {request.client_order_id for _, request in requests if isinstance(request, LookupOrder)}
    assert looked == {order.client_order_id for order in (intent, live, settling)}
    assert [request for _, request in requests if isinstance(request, CancelOrder)] == [
        CancelOrder(live.client_order_id, BTC, "V2")
    ]
    fetched = [request.venue_order_id for _, request in requests if isinstance(request, FetchTrades)]
    assert fetched == ["V3", "V4", "V3", "V4"]
    assert after.tracker.cursors == {BTC: "c9"}


def test_r12_both_of_an_id_are_missing_from_a_snapshot() -> None:
    world = World()
    world.live()
    world.update(1, OPEN, 0, vid="V2")
    looked = [request.venue_order_id for request in world.snapshot(10) if isinstance(request, LookupOrder)]
    assert looked[0] == "V1"
    assert "V2" in looked


def test_r12_a_listed_twin() -> None:
    world = World()
    world.live()
    requests = world.snapshot(10, world.row(10, OPEN, 0), world.row(10, OPEN, 0, vid="V2", quantity=10))
    assert requests == [CancelOrder(world.cid, BTC, "V2")]
    assert world.update(11, OPEN, 0, source=SNAPSHOT, vid="V1") is None
