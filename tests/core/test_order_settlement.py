"""Settlement by trades, closes without a cumulative quantity, and provisional fills."""

import pytest

from engine.core.order_change import Change
from engine.core.venue_sheet import LookupScope, VenueSheet
from engine.model.enums import OrderStatus, Side, UpdateSource
from engine.model.request import FetchTrades, LookupOrder
from tests.core.order_support import ACK, BTC, LOOKUP, World, alarms, dec, kinds

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED


def provisional(world: World) -> Change:
    [change] = [change for change in world.tracker.take_changes() if change.fill is not None]
    return change


def test_a_live_order_with_missing_trades_fetches_them() -> None:
    world = World()
    world.live()
    world.update(1, OPEN, 4)
    assert kinds(world.run(1, 7), FetchTrades) == [1.2, 2, 3, 6]
    world.fill(7, "t1", 4)
    assert kinds(world.run(7, 18), FetchTrades) == []


def test_without_a_venue_id_the_trades_come_from_the_cursor() -> None:
    world = World()
    world.submit()
    world.update(1, CANCELED, 4, vid="")
    world.synced(1.1, cursor="7")
    assert world.tick(1.2) == [FetchTrades(BTC, "", "7")]


def test_a_close_without_a_cumulative_quantity_is_not_done() -> None:
    world = World()
    order = world.live()
    world.cancel(1)
    world.update(1.1, CANCELED, None, source=ACK)
    assert (order.settling, order.status) == (True, OrderStatus.PENDING_CANCEL)
    requests = world.run(1, 2)
    assert kinds(requests, LookupOrder) == [1.3]
    assert kinds(requests, FetchTrades) == [1.3]
    world.update(2, CANCELED, 0, source=LOOKUP)
    assert order.status is CANCELED


def test_a_complete_fetch_after_the_read_lag_proves_the_close() -> None:
    world = World()
    order = world.live()
    world.update(1, CANCELED, None)
    assert world.synced(3.5, started=2.9, vid="V1") == []  # the replica may have been older than the close
    assert world.synced(3.5, started=3.1, vid="V1", complete=False) == []
    assert world.synced(3.5, started=3.1, vid="V9") == []
    [change] = world.synced(3.5, started=3.1, vid="V1")
    assert (change.status_before, order.status) == (OrderStatus.PENDING_CANCEL, CANCELED)


def test_a_complete_fetch_of_the_instrument_proves_it_too() -> None:
    world = World()
    order = world.live()
    world.update(1, CANCELED, None)
    world.fill(2, "t1", 4)
    assert order.settling
    assert [change.order.status for change in world.synced(9, cursor="c1")] == [CANCELED]
    assert world.tracker.cursors == {BTC: "c1"}


def test_an_open_report_proves_no_close() -> None:
    world = World()
    order = world.live()
    world.update(1, CANCELED, None)
    world.update(2, OPEN, 0)
    assert order.settling


def test_filled_means_the_whole_quantity() -> None:
    world = World()
    order = world.live()
    world.update(1, FILLED, None)
    assert (order.venue_filled, order.status) == (10, OPEN)
    world.fill(2, "t1", 10)
    assert order.status is FILLED


def test_a_provisional_fill_after_a_minute() -> None:
    world = World()
    order = world.live()
    world.update(1, CANCELED, 4, average=99)
    world.fill(2, "t1", 1, price=96)
    world.run(1, 72)
    change = provisional(world)
    fill = change.fill
    assert fill is not None
    assert (fill.trade_id, fill.quantity, fill.price) == ("syn:V1:1-4", 3, 100)  # (4·99 − 96)/3
    assert (fill.fee, fill.fee_asset, fill.source) == (dec("0.3"), "USDT", UpdateSource.PROVISIONAL)
    assert alarms(change) == ["provisional"]
    assert (order.filled, order.provisional_filled, order.settling) == (1, 3, True)
    assert world.tracker.exposure(BTC).position == 4
    assert kinds(world.run(72, 100), FetchTrades) == [76, 86, 96]  # the real ones are still wanted
    assert world.tracker.take_changes() == []  # and only one is inferred


def test_a_real_trade_replaces_the_provisional_one() -> None:
    world = World()
    order = world.live(side=Side.SELL)
    world.update(1, CANCELED, 4)
    world.run(1, 72)
    inferred = provisional(world).fill
    change = world.fill(73, "t1", 3, side=Side.SELL)
    assert change is not None
    assert (change.reversed, order.provisional, order.filled) == (inferred, None, 3)
    assert world.tracker.exposure(BTC).position == -4  # three booked, one known to be missing
    change = world.fill(74, "t2", 1, side=Side.SELL)
    assert change is not None
    assert (change.reversed, order.status) == (None, CANCELED)
    assert world.tracker.exposure(BTC).position == -4


def test_the_rest_is_inferred_anew() -> None:
    world = World()
    world.live()
    world.update(1, CANCELED, 4)
    world.run(1, 72)
    provisional(world)
    world.fill(73, "t1", 3)
    world.run(73, 140)
    fill = provisional(world).fill
    assert fill is not None
    assert (fill.trade_id, fill.quantity) == ("syn:V1:3-4", 1)


@pytest.mark.parametrize(("price", "mid", "inferred"), [(100, 98, 100), (None, 98, 98), (None, None, None)])
def test_the_price_of_a_provisional_fill(price: object, mid: object, inferred: object) -> None:
    world = World()
    world.live(price=price)
    world.mid = None if mid is None else dec(mid)
    world.update(1, CANCELED, 4)
    world.run(1, 80)
    fills = [change.fill for change in world.tracker.take_changes() if change.fill is not None]
    assert [fill.price for fill in fills] == ([] if inferred is None else [inferred])


def test_the_fee_of_an_unknown_instrument_is_nothing() -> None:
    world = World()
    world.tracker.state.instruments = {}
    world.live()
    world.update(1, CANCELED, 4)
    world.run(1, 72)
    fill = provisional(world).fill
    assert fill is not None
    assert (fill.fee, fill.fee_asset) == (0, "")


def test_fees_per_asset_and_rebates() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 1, fee="0.2")
    world.fill(2, "t2", 1, fee="-0.1")
    assert order.fees == {"USDT": dec("0.1")}


@pytest.mark.parametrize("scope", list(LookupScope))
def test_settlement_is_the_same_whatever_lookups_see(scope: LookupScope) -> None:
    world = World(VenueSheet(lookup_scope=scope))
    order = world.live()
    world.update(1, CANCELED, 4)
    world.fill(2, "t1", 4)
    assert order.status is CANCELED
