"""The venue's list against ours: the fence, other people's orders, restart, recall, exposure."""

import pytest

from engine.core.venue_sheet import ForeignPolicy, VenueSheet
from engine.model.enums import OrderStatus, Phase, Side
from engine.model.event import AccountSnapshot, OrderRecalled
from engine.model.request import CancelOrder, FetchTrades, LookupOrder, RecallOrder
from tests.core.order_support import BTC, VENUE, World, dec, kinds, us

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED
LOST_ID = "TEST000000000007"  # of an earlier run whose log is gone


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
    world = World()
    world.cid = LOST_ID
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


def test_r11_a_trade_that_is_fetched_again_is_no_sign_of_life() -> None:
    world = World()
    world.live()
    world.fill(1, "t1", 4)
    world.fill(10, "t1", 4)
    assert world.snapshot(10) == [LookupOrder(world.cid, "V1", BTC, us(-60))]
