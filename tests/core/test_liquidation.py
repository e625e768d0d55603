"""Orders by which the venue closes our position: their trades are ours, and belong to whoever had the position."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.order_change import Change
from engine.model.enums import Command, OrderStatus, Phase, Side
from engine.model.event import OrderRecalled
from engine.model.order import is_liquidation, liquidation_id
from engine.model.request import LookupOrder, RecallOrder
from tests.core.order_support import BTC, LOOKUP, World, alarms, us
from tests.core.test_portfolio import PERP, fill, opened, order, post

D = Decimal
FORCED = liquidation_id("sim", "V9")
FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN


def forced() -> World:
    world = World()
    world.cid = FORCED
    return world


def test_its_name_tells_it_from_every_other_order() -> None:
    assert is_liquidation(FORCED)
    assert not World().ids.is_own(FORCED)
    assert liquidation_id("a", "1") != liquidation_id("b", "1"), "client ids are unique among venues"


def test_a_fill_comes_first() -> None:
    world = forced()
    change = world.fill(1, "t1", 4, vid="V9", side=Side.SELL)
    assert alarms(change) == ["liquidated"]
    assert (world.order.quantity, world.order.command) == (None, Command.NONE)
    world.update(1, FILLED, 4, vid="V9", side=Side.SELL, quantity=4, price=90)
    assert (world.order.phase, world.order.quantity, world.order.filled) == (Phase.CLOSED, 4, 4)
    assert world.tracker.exposure(BTC).position == -4


def test_an_update_comes_first() -> None:
    world = forced()
    change = world.update(1, OPEN, 0, vid="V9", side=Side.SELL, quantity=4, price=90)
    assert alarms(change) == ["liquidated"]
    world.fill(1, "t1", 4, vid="V9", side=Side.SELL)
    assert world.order.settled
    assert not world.tracker.active()


def test_a_venue_that_does_not_say_the_side_is_waited_for() -> None:
    world = forced()
    assert world.update(1, FILLED, 4, vid="V9") is None
    assert world.tracker.by_client_id(FORCED) is None


def test_trades_of_a_list_without_client_ids_are_booked_when_a_lookup_names_them() -> None:
    world = World()
    assert world.fill(1, "t1", 4, vid="V9", cid="", side=Side.SELL) is None
    assert world.tick(1) == [LookupOrder("", "V9", BTC)]
    world.update(2, FILLED, 4, vid="V9", cid=FORCED, source=LOOKUP, side=Side.SELL, quantity=4)
    (change,) = world.tracker.take_changes()
    assert change.fill is not None
    assert change.order.settled


def test_after_a_restart_the_order_log_is_asked_first() -> None:
    """Else a trade that is listed again would be booked again."""
    world = forced()
    world.fill(1, "t1", 4, vid="V9", side=Side.SELL)
    known = world.order
    again = forced()
    repeated = replace(known.fills["t1"], receive_us=us(9))
    assert again.tracker.wants_recall(repeated) == RecallOrder(FORCED, "V9")
    again.tracker.apply_recalled(OrderRecalled(known, FORCED, "V9", us(9)))
    assert again.tracker.apply_fill(repeated) is None


@pytest.mark.parametrize("realized", [None, "-1500"])
def test_it_closes_the_positions_of_their_owners(realized: str | None) -> None:
    portfolio = opened()
    post(portfolio, fill(Side.BUY, 60_000, 2, instrument_id=PERP), "a")
    post(portfolio, fill(Side.SELL, 61_000, 1, instrument_id=PERP), "b")
    post(portfolio, fill(Side.BUY, 62_000, 1, instrument_id=PERP), "c")
    money = portfolio.total("sim", "USDT")
    told = None if realized is None else D(realized)
    close = replace(fill(Side.SELL, 60_000, "2.5", 30, instrument_id=PERP), client_order_id=FORCED, realized=told)
    liquidation = order(PERP, Side.SELL, "")
    liquidation.client_order_id = FORCED
    portfolio.apply(Change(liquidation, OPEN, close))
    found = {each.owner: (each.quantity, each.realized, each.fees_quote) for each in portfolio.ledgers()}
    assert found == {"a": (D(0), D(0), D(24)), "b": (D(-1), D(0), D(0)), "c": (D("0.5"), D(-1000), D(6))}
    assert portfolio.position(PERP) == D("-0.5")
    net = portfolio.markets[PERP].net
    assert net.quantity == D("-0.5")
    assert portfolio.total("sim", "USDT") == money + (net.realized - 1000 if told is None else told) - 30


def test_what_nobody_here_had_is_nobody_s() -> None:
    portfolio = opened()
    post(portfolio, fill(Side.BUY, 60_000, 1, instrument_id=PERP), "a")
    liquidation = order(PERP, Side.SELL, "")
    liquidation.client_order_id = FORCED
    portfolio.apply(Change(liquidation, OPEN, fill(Side.SELL, 60_000, 3, instrument_id=PERP)))
    assert {each.owner: each.quantity for each in portfolio.ledgers()} == {"a": 0, "": -2}
