"""Real failures of other bots' order handling, one test each: the same story told to our tracker."""

import pytest

from engine.core.venue_sheet import LookupScope, VenueSheet
from engine.model.enums import Action, CloseReason, Command, OrderStatus, Outcome, Phase, Side, UpdateSource
from engine.model.request import CancelOrder, FetchTrades, LookupOrder
from tests.core.order_support import ACK, BTC, LOOKUP, World, alarms, kinds

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED
REJECTED, UNKNOWN = OrderStatus.REJECTED, OrderStatus.UNKNOWN


def timed_out() -> World:
    """A create whose answer never came."""
    world = World()
    world.submit()
    world.update(5, UNKNOWN, reason="ambiguous:timeout", vid="", source=ACK)
    return world


@pytest.mark.parametrize("peer", ["hummingbot#493", "hummingbot#6901", "catalyst#317", "blue_collar_gdax#1"])
def test_a_timeout_is_no_failure_and_frees_no_slot(peer: str) -> None:
    """1, 2, 4, 5: treated as failed, ordered again, and both were live."""
    world = timed_out()
    assert (world.order.status, world.order.is_open) == (UNKNOWN, True)
    assert world.tracker.slot("pmm", BTC, "bid") is world.order
    assert world.tracker.exposure(BTC).open_buy == 10


@pytest.mark.parametrize("peer", ["hummingbot#2342", "hummingbot#4945", "ccxt#2599", "ccxt#7411"])
def test_an_order_that_exists_on_the_venue_only_is_found(peer: str) -> None:
    """3, 6: after a timeout it went through more often than not."""
    world = timed_out()
    assert kinds(world.run(5, 6), LookupOrder) == [5.5, 6]
    world.update(6, OPEN, 0, source=LOOKUP)
    assert world.order.is_working


def test_filled_and_closed_at_once_after_a_timeout() -> None:
    """7, ccxt#1880, ccxt#2698: the list of open orders showed nothing."""
    world = World(VenueSheet(lookup_scope=LookupScope.OPEN_ONLY))
    world.submit()
    world.update(5, UNKNOWN, reason="ambiguous:timeout", vid="", source=ACK)
    for at in range(6, 40, 5):
        world.snapshot(at)
        world.absent(at, vid="")
    assert world.order.phase is Phase.SENT
    world.fill(41, "t1", 10, source=UpdateSource.REST)
    assert world.order.status is FILLED


def test_an_id_is_never_sent_again() -> None:
    """8, reya-python-sdk#55: a retry wrapper made up to five duplicates. No request of the tracker is a create."""
    world = timed_out()
    assert {type(request) for _, request in world.run(5, 200, 0.5)} == {LookupOrder}


def test_a_lost_buy_fills_hours_later() -> None:
    """9, hummingbot#3374."""
    world = timed_out()
    for at in (20, 22):
        world.absent(at, vid="")
    assert world.order.close_reason is CloseReason.NEVER_EXISTED
    world.tick(6 * 3600)
    change = world.fill(6 * 3600, "t1", 4)
    assert alarms(change) == ["resurrected"]
    assert world.tick(6 * 3600) == [CancelOrder(world.cid, BTC, "V1")]
    assert world.tracker.exposure(BTC).position == 4


def test_a_cancel_that_fails_because_it_is_filled() -> None:
    """10, passivbot#514: the bot ordered again and had twice the exposure."""
    world = World()
    world.live()
    world.cancel(1)
    world.fail(1.1, Action.CANCEL, Outcome.ABSENT)
    assert world.tracker.slot("pmm", BTC, "bid") is world.order
    assert FetchTrades(BTC, "V1") in world.tick(1.2)
    world.fill(1.3, "t1", 10, source=UpdateSource.REST)
    assert (world.order.status, world.tracker.exposure(BTC).position) == (FILLED, 10)


@pytest.mark.parametrize("peer", ["hummingbot#2501", "hummingbot#8094"])
def test_a_fill_during_a_pending_cancel_is_an_event(peer: str) -> None:
    """11: it got none, and the hedge was missed."""
    world = World()
    world.live()
    world.cancel(1)
    change = world.fill(1.1, "t1", 4)
    assert change is not None
    assert (change.fill is not None, change.order.status) == (True, OrderStatus.PENDING_CANCEL)


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.AMBIGUOUS, Outcome.NOT_SENT, Outcome.ABSENT])
def test_a_failed_cancel_is_repeated_for_ever(outcome: Outcome) -> None:
    """12, 13, 15: DEXBot#73, pyexchange#195, freqtrade#3647, hummingbot#745: cancelled in the bot, open at the venue.

    And hummingbot#2679: not in a busy loop either.
    """
    world = World()
    world.live()
    world.cancel(1)
    cancels = 0
    for at in range(2, 302):
        for request in world.tick(at):
            if isinstance(request, CancelOrder):
                cancels += 1
                world.fail(at + 0.5, Action.CANCEL, outcome)
    assert 20 < cancels < 40
    assert world.order.is_open


def test_cancelled_and_filled() -> None:
    """14, freqtrade#1858."""
    world = World()
    world.live()
    world.cancel(1)
    world.update(1.1, CANCELED, 10, source=ACK)
    assert world.order.is_open
    world.fill(1.2, "t1", 10)
    assert (world.order.is_open, world.order.filled) == (False, 10)


@pytest.mark.parametrize("peer", ["freqtrade#2383", "freqtrade#7444", "freqtrade#8374"])
def test_a_partial_fill_and_then_the_cancel(peer: str) -> None:
    """16: the full amount was kept, and sells failed."""
    world = World()
    world.live()
    world.fill(1, "t1", 3)
    world.cancel(2)
    world.update(2.1, CANCELED, 3, source=ACK)
    assert (world.order.status, world.order.filled, world.order.remaining) == (CANCELED, 3, 7)


def test_the_stream_drops_one_fill() -> None:
    """17, Lean.Brokerages.TradeStation#101, #95: heartbeats flowed, the fill never came."""
    world = World()
    world.live()
    world.fill(1, "t1", 3)
    world.update(2, OPEN, 7)
    assert kinds(world.run(2, 3), FetchTrades) == [2.2, 3]


@pytest.mark.parametrize("peer", ["mmb#127", "CoinAlpha/hummingbot#82"])
def test_a_fill_before_the_ack_of_its_create(peer: str) -> None:
    """18."""
    world = World()
    world.submit()
    world.fill(0.1, "t1", 10)
    world.update(0.2, OPEN, 0, source=ACK)
    assert world.order.status is FILLED


def test_two_fills_of_one_order_are_two() -> None:
    """19, hummingbot#5037: the order id was used as the trade id, so the second partial fill was lost."""
    world = World()
    world.live()
    world.fill(1, "t1", 3)
    world.fill(2, "t2", 3)
    assert world.order.filled == 6


def test_trade_ids_do_not_grow() -> None:
    """20, LEAN#5472."""
    world = World()
    world.live()
    for trade in ("900", "17", "901"):
        world.fill(1, trade, 1)
    assert world.order.filled == 3


@pytest.mark.parametrize("peer", ["QuantDinger#231", "QuantDinger#232"])
def test_no_fill_is_booked_twice_after_a_restart(peer: str) -> None:
    """21."""
    world = World()
    order = world.live()
    world.fill(1, "t1", 3)
    again = World()
    again.cid = world.cid
    again.tracker.restore([order], world.order.updated_us)
    assert again.fill(2, "t1", 3, source=UpdateSource.REST) is None
    assert again.order.filled == 3


@pytest.mark.parametrize("peer", ["nautilus_trader#3046", "#3176", "#3493", "#3878"])
def test_the_synthetic_and_the_real_fill_are_one(peer: str) -> None:
    """22: both were counted."""
    world = World()
    world.live()
    world.update(1, CANCELED, 4)
    world.run(1, 75)
    assert world.order.provisional_filled == 4
    world.fill(80, "t1", 4)
    assert (world.order.filled, world.order.provisional_filled, world.tracker.exposure(BTC).position) == (4, 0, 4)


@pytest.mark.parametrize("peer", ["hummingbot#366", "hummingbot#3684", "nautilus_trader#5000"])
def test_open_orders_survive_a_restart_without_a_log(peer: str) -> None:
    """23, 24: they were forgotten, or dropped from the mass status."""
    world = World()
    rows = [
        world.row(1, OPEN, 0, cid=f"TEST0000000000{n:02}", vid=f"V{n}", side=Side.SELL, price=101, quantity=10)
        for n in range(14)
    ]
    requests = world.snapshot(1, *rows)
    assert len(world.tracker.active()) == 14
    assert [type(request) for request in requests] == [CancelOrder] * 14


def test_live_orders_outlive_a_name_server() -> None:
    """28, hummingbot#8457: dropped after lookups that could not be sent."""
    world = World()
    world.live()
    for at in range(20, 600, 5):
        world.fail(at, Action.LOOKUP, Outcome.NOT_SENT)
    assert world.order.is_working


def test_the_rest_of_a_finished_order_is_remembered_but_not_for_ever() -> None:
    """43, hummingbot#8266, #7462, #7363: memory grew with the number of orders."""
    world = World()
    for number in range(300):
        world.live(number * 60, vid=f"V{number}", tag="bid")
        world.update(number * 60 + 1, CANCELED, 0, vid=f"V{number}")
        world.tick(number * 60 + 2)
    assert len(world.tracker.state.records) <= 62  # an hour of them


def test_never_existed_is_not_a_loop_of_create_and_doubt() -> None:
    """A dead order stays dead through any denial, and needs nothing any more."""
    world = timed_out()
    for at in (20, 22, 30):
        world.absent(at, vid="")
    assert (world.order.command, world.run(22, 60)) == (Command.NONE, [])
