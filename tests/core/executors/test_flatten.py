"""The flatten executor: to zero, never past it, and without giving up."""

from typing import Any

import pytest

from engine.core.actions import StopHow
from engine.core.executors.flatten import FlattenExecutor, FlattenSettings
from engine.core.venue_sheet import SECOND_US
from engine.model.account import Position
from engine.model.enums import Health, InstrumentKind, OrderStatus, TimeInForce
from engine.model.event import AccountSnapshot
from engine.model.instrument import Instrument
from engine.model.market import MarkPrice
from engine.model.request import SubmitOrder
from tests.desk import BTC, Desk, d, instrument

OWNER = "mm/quotes"
PERPETUAL = "sim:BTC-USDT-PERP"


def desk_with(held: object, rules: Instrument | None = None, **settings: Any) -> tuple[Desk, FlattenExecutor]:
    """`held` belongs to OWNER; the book is 99.5 to 100.5."""
    market = rules or instrument(quantity_min="0.01")
    desk = Desk(instruments=[market], balances={"BTC": 10, "USDT": 100_000})
    desk.book(99.5, 100.5, instrument_id=market.instrument_id)
    desk.state.portfolio.adopt(OWNER, market.instrument_id, d(held), d(100))
    executor = FlattenExecutor("kill/1", FlattenSettings(market.instrument_id, OWNER, **settings))
    desk.state.executors[executor.executor_id] = executor
    desk.answering = False
    return desk, executor


def perpetual() -> Instrument:
    return instrument(PERPETUAL, kind=InstrumentKind.PERPETUAL, settle="USDT")


def miss(desk: Desk) -> None:
    """The order finds nothing."""
    (order,) = desk.state.orders.active()
    desk.update(order, OrderStatus.EXPIRED)


def fill(desk: Desk, quantity: object = None) -> None:
    (order,) = desk.state.orders.active()
    desk.fill(order, quantity)


@pytest.mark.parametrize(("held", "sent"), [(2, "flatten 2@99.1"), (-2, "flatten 2@101")])
def test_one_order_within_the_slippage_closes_the_position(held: int, sent: str) -> None:
    desk, executor = desk_with(held)
    desk.tick()
    assert desk.submitted() == [sent]
    (request,) = desk.sent
    assert isinstance(request, SubmitOrder)
    assert (request.time_in_force, request.owner, request.reduce_only) == (TimeInForce.IOC, OWNER, False)
    assert desk.tick() == [], "one order at a time"
    assert "PENDING_NEW" in executor.explain() or "UNKNOWN" in executor.explain()
    fill(desk)
    desk.tick()
    assert executor.done
    assert desk.state.portfolio.position(BTC, OWNER) == 0


def test_what_is_too_small_to_trade_is_left() -> None:
    desk, executor = desk_with("0.009")
    assert desk.tick() == []
    assert executor.done
    assert executor.explain() == "done; 0.009 is left"


def test_slices_are_equal_and_an_interval_apart() -> None:
    desk, executor = desk_with(3, slices=3, interval_us=10 * SECOND_US)
    for _ in range(3):
        desk.tick()
        assert [each.split()[1] for each in desk.submitted()] == ["1@99.1"]
        fill(desk)
        for _ in range(9):
            assert desk.tick() == []
    assert executor.done


def test_a_slice_that_would_leave_dust_takes_it_along() -> None:
    desk, _ = desk_with("0.019", slices=2)
    desk.tick()
    assert desk.submitted() == ["flatten 0.019@99.1"]


def test_a_partial_fill_is_followed_by_the_rest() -> None:
    desk, executor = desk_with(2)
    desk.tick()
    fill(desk, "0.5")
    miss(desk)
    desk.tick()
    assert desk.submitted() == ["flatten 1.5@99.1"]
    fill(desk)
    desk.tick()
    assert executor.done


def test_misses_double_the_slippage_up_to_the_cap_and_then_it_tries_every_five_seconds() -> None:
    desk, executor = desk_with(2, slippage_max=d("0.01"), slippage_cap=d("0.05"))
    prices = []
    for _ in range(4):
        desk.tick()
        prices += desk.submitted()
        miss(desk)
    assert prices == ["flatten 2@98.6", "flatten 2@97.6", "flatten 2@95.6", "flatten 2@94.6"]
    for _ in range(20):
        desk.tick(1)
        assert desk.sent == []
        desk.tick(4)
        assert desk.sent == []
        assert "next order" in executor.explain()
        desk.tick(1)
        assert desk.submitted() == ["flatten 2@94.6"]
        miss(desk)
    desk.tick()
    desk.tick(5)
    fill(desk)
    desk.tick()
    assert executor.done


def test_a_passive_phase_rests_at_the_best_own_side_and_follows_it() -> None:
    desk, executor = desk_with(2, passive_time_us=60 * SECOND_US)
    desk.answering = True
    desk.tick()
    assert desk.submitted() == ["flatten 2@100.5"]
    assert desk.orders()["flatten"].post_only
    assert desk.tick() == []
    desk.book(98.5, 99.5)
    desk.tick()
    assert desk.cancelled() == ["flatten"]
    desk.tick()
    assert desk.submitted() == ["flatten 2@99.5"]
    fill(desk, "0.5")
    desk.tick(60)
    assert desk.cancelled() == ["flatten"]
    desk.answering = False
    desk.tick()
    assert desk.submitted() == ["flatten 1.5@98.1"]
    fill(desk)
    desk.tick()
    assert executor.done


def test_a_spot_position_waits_for_a_book_that_can_be_trusted() -> None:
    desk, executor = desk_with(2)
    desk.health(Health.DOWN)
    assert desk.tick() == []
    assert "waits for a price" in executor.explain()
    assert not executor.done
    desk.book(99.5, 100.5)
    desk.tick()
    assert desk.submitted() == ["flatten 2@99.1"]


def test_a_derivative_goes_by_the_mark_price_and_reduces_only() -> None:
    desk, _ = desk_with(-2, perpetual())
    now_us = desk.state.now_us
    desk.engine.apply(MarkPrice(PERPETUAL, d(200), now_us, now_us))
    desk.health(Health.DOWN, PERPETUAL)
    desk.tick()
    (request,) = desk.sent
    assert isinstance(request, SubmitOrder)
    assert (request.price, request.reduce_only) == (201, True)


def test_beside_an_opposite_owner_it_does_not_reduce_only() -> None:
    desk, _ = desk_with(-2, perpetual())
    desk.state.portfolio.adopt("other/1", PERPETUAL, d(5), d(100))
    desk.tick()
    (request,) = desk.sent
    assert isinstance(request, SubmitOrder)
    assert not request.reduce_only


@pytest.mark.parametrize(("told", "sent"), [("2", ["flatten 2@99.1"]), ("0.5", ["flatten 0.5@99.1"]), ("-1", [])])
def test_of_two_opinions_it_trades_the_smaller_and_says_so(told: str, sent: list[str]) -> None:
    desk, _ = desk_with(2, perpetual())
    executor = FlattenExecutor("kill/2", FlattenSettings(PERPETUAL))
    desk.state.executors.clear()
    desk.state.executors["kill/2"] = executor
    now_us = desk.state.now_us
    desk.engine.apply(AccountSnapshot("sim", now_us, now_us, positions=(Position(PERPETUAL, d(told)),)))
    desk.tick()
    assert desk.submitted() == sent
    assert not executor.done
    if told != "2":
        assert "but the venue says" in executor.explain()


def test_spot_sells_no_more_than_the_venue_reports() -> None:
    desk, executor = desk_with(2)
    desk.balances(BTC="1.5", USDT=0)
    desk.tick()
    assert desk.submitted() == ["flatten 1.5@99.1"]
    assert "but the venue says 1.5" in executor.explain()


def test_a_refused_order_is_a_miss() -> None:
    desk, executor = desk_with(2)
    desk.state.portfolio.account("sim", "BTC").total = d(0)
    desk.balances(BTC=2, USDT=0)
    assert desk.tick() == []
    assert executor.memory.taking
    desk.tick()
    assert executor.memory.misses == 1


@pytest.mark.parametrize(("how", "done"), [(StopHow.CANCEL, True), (StopHow.KEEP, True), (StopHow.FLATTEN, False)])
def test_stop(how: StopHow, done: bool) -> None:
    desk, executor = desk_with(2, passive_time_us=60 * SECOND_US)
    desk.answering = True
    assert executor.explain() == "not started"
    desk.tick()
    executor.stop(how)
    desk.tick()
    assert desk.cancelled() == (["flatten"] if done else [])
    desk.tick()
    assert executor.done is done
