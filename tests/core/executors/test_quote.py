"""The quote executor, rule by rule, on the real engine with a venue that answers by hand."""

from typing import Any

import pytest

from engine.core.actions import StopHow
from engine.core.executors.quote import QuoteExecutor
from engine.core.executors.quote_settings import DelayScope, RefreshMode
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Health, OrderStatus, Side
from engine.model.quote import Quote
from tests.core.executors.quoting import ETH, PAIR, desk_with, quote, want
from tests.desk import BTC, d


def test_quotes_become_orders_best_level_first_bids_and_asks_in_turn() -> None:
    desk, _ = desk_with("ask_2 1@102", "bid_2 1@98", "bid_1 1@99", "ask_1 1@101", "bid_3 1@97")
    desk.tick()
    assert desk.submitted() == ["bid_1 1@99", "ask_1 1@101", "bid_2 1@98", "ask_2 1@102", "bid_3 1@97"]
    assert all(order.post_only and order.owner == "mm/quotes" for order in desk.orders().values())
    assert desk.tick() == []


@pytest.mark.parametrize("state", ["unanswered", "cancel in flight", "amend in flight", "settling"])
def test_a_busy_slot_is_left_alone(state: str) -> None:
    desk, executor = desk_with("bid_1 1@99", amends=state == "amend in flight")
    desk.answering = state != "unanswered"
    desk.tick()
    desk.answering = False
    if state == "settling":
        desk.update(desk.orders()["bid_1"], OrderStatus.CANCELED, filled="0.5")
    want(executor, "bid_1 1@98")
    desk.tick(31)
    assert len(desk.sent) == (0 if state in ("unanswered", "settling") else 1)
    for price in (97, 96, 95):
        want(executor, f"bid_1 1@{price}")
        assert executor.step(desk.state) == []


def test_a_withdrawn_quote_is_cancelled_at_once() -> None:
    desk, executor = desk_with(*PAIR)
    desk.tick()
    want(executor, "ask_1 1@101")
    desk.tick()
    assert desk.cancelled() == ["bid_1"]
    assert "1 quotes wanted" in executor.explain()


def test_an_order_of_the_wrong_side_goes_at_once() -> None:
    desk, executor = desk_with("bid_1 1@99")
    desk.tick()
    assert desk.tick() == []
    executor.set_quotes([Quote(BTC, Side.SELL, d(101), d(1), "bid_1")])
    desk.tick()
    assert desk.cancelled() == ["bid_1"]
    desk.tick()
    assert desk.submitted() == ["bid_1 1@101"]


def test_an_old_order_is_replaced_although_it_fits() -> None:
    desk, _ = desk_with("bid_1 1@99", max_order_age_us=60 * SECOND_US)
    desk.tick()
    desk.tick(59)
    assert desk.sent == []
    desk.tick(1)
    assert desk.cancelled() == ["bid_1"]
    desk.tick()
    assert desk.submitted() == ["bid_1 1@99"]


@pytest.mark.parametrize(
    ("settings", "wanted", "stays"),
    [
        ({}, "bid_1 1@99", True),
        ({}, "bid_1 1@98.9", False),
        ({}, "bid_1 1.001@99", False),
        ({"order_refresh_tolerance": d("0.01")}, "bid_1 1@99.9", True),
        ({"order_refresh_tolerance": d("0.01")}, "bid_1 1@98.1", True),
        ({"order_refresh_tolerance": d("0.01")}, "bid_1 1@98", False),
        ({"order_refresh_tolerance": d("0.01")}, "bid_1 1@100", False),
        ({"quantity_tolerance": d("0.1")}, "bid_1 1.1@99", True),
        ({"quantity_tolerance": d("0.1")}, "bid_1 0.9@99", True),
        ({"quantity_tolerance": d("0.1")}, "bid_1 1.101@99", False),
        ({"order_refresh_tolerance": None}, "bid_1 1@99", False),
    ],
)
def test_what_fits_stays(settings: dict[str, Any], wanted: str, stays: bool) -> None:
    desk, executor = desk_with("bid_1 1@99", **settings)
    desk.tick()
    want(executor, wanted)
    desk.tick(29)
    assert desk.sent == [], "before its refresh time nothing is replaced"
    desk.tick(1)
    assert (desk.cancelled() == []) is stays


def test_an_order_whose_time_is_over_is_replaced_at_the_first_tick_at_which_it_misfits() -> None:
    desk, executor = desk_with("bid_1 1@99")
    desk.tick()
    desk.tick(300)
    assert desk.sent == []
    want(executor, "bid_1 1@98")
    desk.tick(1)
    assert desk.cancelled() == ["bid_1"]


def test_a_partly_filled_order_fits_by_its_whole_quantity_and_its_fill_touches_no_timer() -> None:
    desk, executor = desk_with(*PAIR)
    desk.tick()
    desk.fill(desk.orders()["bid_1"], "0.4")
    desk.tick(31)
    assert desk.sent == []
    want(executor)
    desk.tick()
    want(executor, *PAIR)
    desk.tick()
    assert desk.submitted() == [*PAIR]


def test_each_slot_is_refreshed_alone() -> None:
    desk, executor = desk_with("bid_1 1@99")
    desk.tick()
    want(executor, *PAIR)
    desk.tick(20)
    want(executor, "bid_1 1@98", "ask_1 1@102")
    desk.tick(10)
    assert desk.cancelled() == ["bid_1"]
    desk.tick(20)
    assert desk.cancelled() == ["ask_1"]
    assert desk.submitted() == ["bid_1 1@98"]


def test_refresh_mode_all_replaces_everything_and_waits_for_every_cancel() -> None:
    desk, executor = desk_with(*PAIR, "bid_2 1@98", refresh_mode=RefreshMode.ALL)
    executor.set_quotes([*map(quote, (*PAIR, "bid_2 1@98")), quote("ask_9 1@105", hanging=True)])
    desk.tick()
    executor.set_quotes([*map(quote, (PAIR[0], "ask_1 1@102", "bid_2 1@98")), quote("ask_9 1@105", hanging=True)])
    desk.answering = False
    desk.tick(30)
    assert sorted(desk.cancelled()) == ["ask_1", "bid_1", "bid_2"]
    for tag in ("ask_1", "bid_2"):
        desk.update(desk.orders()[tag], OrderStatus.CANCELED)
        assert desk.tick() == []
    desk.update(desk.orders()["bid_1"], OrderStatus.CANCELED)
    desk.tick()
    assert desk.submitted() == ["bid_1 1@99", "ask_1 1@102", "bid_2 1@98"]


@pytest.mark.parametrize(
    ("scope", "first", "after"),
    [
        (DelayScope.ALL, [], ["bid_1 1@99", "bid_2 1@98"]),
        (DelayScope.SIDE, [], ["bid_1 1@99", "bid_2 1@98"]),
        (DelayScope.SLOT, ["bid_2 1@98"], ["bid_1 1@99"]),
    ],
)
def test_a_complete_fill_pauses_its_scope(scope: DelayScope, first: list[str], after: list[str]) -> None:
    desk, executor = desk_with(*PAIR, filled_order_delay_scope=scope, filled_order_delay_us=60 * SECOND_US)
    desk.tick()
    desk.fill(desk.orders()["bid_1"])
    want(executor, *PAIR, "bid_2 1@98")
    desk.tick()
    assert desk.submitted() == first
    desk.tick(59)
    assert desk.submitted() == []
    desk.tick(1)
    assert desk.submitted() == after


def test_a_fill_of_one_side_does_not_pause_the_other() -> None:
    desk, executor = desk_with("bid_1 1@99", filled_order_delay_scope=DelayScope.SIDE)
    desk.tick()
    desk.fill(desk.orders()["bid_1"])
    want(executor, *PAIR)
    desk.tick()
    assert desk.submitted() == ["ask_1 1@101"]


def test_survivors_of_a_fill_may_be_replaced_when_the_pause_ends() -> None:
    desk, executor = desk_with(*PAIR, order_refresh_time_us=300 * SECOND_US, filled_order_delay_us=60 * SECOND_US)
    desk.tick()
    desk.fill(desk.orders()["bid_1"])
    desk.tick()
    want(executor, "bid_1 1@98", "ask_1 1@102")
    desk.tick(59)
    assert desk.sent == []
    assert not executor.refresh_due("ask_1", desk.state.now_us)
    desk.tick(1)
    assert (desk.cancelled(), desk.submitted()) == (["ask_1"], ["bid_1 1@98"])


def test_an_order_that_fills_between_two_ticks_pauses_too() -> None:
    desk, _ = desk_with("bid_1 1@99")
    desk.answering = False
    desk.tick()
    assert len(desk.state.executors["mm/quotes"].outstanding()) == 1
    desk.fill(desk.orders()["bid_1"])
    assert desk.tick() == []
    desk.tick(60)
    assert desk.submitted() == ["bid_1 1@99"]


def test_a_second_fill_prolongs_the_pause() -> None:
    desk, _ = desk_with(*PAIR)
    desk.tick()
    desk.fill(desk.orders()["bid_1"])
    desk.tick()
    desk.fill(desk.orders()["ask_1"])
    desk.tick(10)
    desk.tick(59)
    assert desk.submitted() == []
    desk.tick(1)
    assert desk.submitted() == [*PAIR]


def test_a_hanging_order_is_neither_replaced_nor_pauses_anything() -> None:
    desk, executor = desk_with(max_order_age_us=1000 * SECOND_US)
    executor.set_quotes([quote("ask_9 1@110", hanging=True), quote("bid_1 1@99")])
    desk.tick()
    executor.set_quotes([quote("ask_9 1@120", hanging=True), quote("bid_1 1@99")])
    desk.tick(100)
    assert desk.sent == []
    desk.fill(desk.orders()["ask_9"])
    executor.set_quotes(map(quote, PAIR))
    desk.tick()
    assert desk.submitted() == ["ask_1 1@101"]


def test_a_hanging_order_is_renewed_in_spite_of_a_pause() -> None:
    desk, executor = desk_with(max_order_age_us=100 * SECOND_US, filled_order_delay_us=1000 * SECOND_US)
    executor.set_quotes([quote("ask_9 1@110", hanging=True), quote("bid_1 1@99")])
    desk.tick()
    desk.fill(desk.orders()["bid_1"])
    desk.tick(100)
    assert desk.cancelled() == ["ask_9"]
    desk.tick()
    assert desk.submitted() == ["ask_9 1@110"]


def test_without_waiting_for_cancels_a_replacement_takes_the_second_name() -> None:
    desk, executor = desk_with("bid_1 1@99", wait_for_cancel=False, order_refresh_time_us=SECOND_US)
    desk.tick()
    desk.answering = False
    want(executor, "bid_1 1@98")
    desk.tick()
    assert (desk.cancelled(), desk.submitted()) == (["bid_1"], ["bid_1+ 1@98"])
    desk.update(desk.orders()["bid_1+"], OrderStatus.OPEN)
    want(executor, "bid_1 1@97")
    desk.tick()
    assert (desk.cancelled(), desk.submitted()) == (["bid_1+"], []), "both names are taken: the slot waits"
    desk.fill(desk.orders()["bid_1"])
    desk.update(desk.orders()["bid_1+"], OrderStatus.CANCELED)
    assert desk.tick() == [], "a fill during the cancel is a complete fill and pauses"
    desk.tick(60)
    assert desk.submitted() == ["bid_1 1@97"]


def test_a_quote_that_would_meet_our_own_order_is_held_back() -> None:
    desk, executor = desk_with("ask_1 1@101")
    desk.tick()
    want(executor, "ask_1 1@101", "bid_1 1@101")
    assert desk.tick() == []
    want(executor, "bid_1 1@101")
    desk.tick()
    assert (desk.cancelled(), desk.submitted()) == (["ask_1"], [])
    desk.tick()
    assert desk.submitted() == ["bid_1 1@101"]


def test_of_two_crossing_quotes_only_the_first_is_sent() -> None:
    desk, _ = desk_with("bid_1 1@101", "ask_1 1@100")
    desk.tick()
    assert desk.submitted() == ["bid_1 1@101"]


def test_a_post_only_rejection_is_tried_again_at_the_next_tick_three_times() -> None:
    desk, _ = desk_with("bid_1 1@99")
    desk.answering = False
    for attempt in range(4):
        desk.tick()
        assert desk.submitted() == ["bid_1 1@99"], attempt
        desk.reject(desk.orders()["bid_1"], "would_take")
    desk.tick(0.5)
    assert desk.submitted() == []


def test_a_stale_book_withdraws_its_quotes_only() -> None:
    desk, executor = desk_with()
    executor.set_quotes([quote("bid_1 1@99"), quote("bid_2 1@50", instrument_id=ETH)])
    desk.tick()
    desk.health(Health.DOWN)
    desk.tick()
    assert desk.cancelled() == ["bid_1"]
    assert desk.tick() == []
    assert "can be trusted" in executor.explain()
    desk.book(99.5, 100.5)
    desk.tick()
    assert desk.submitted() == ["bid_1 1@99"]


def test_restart_takes_over_the_orders_that_fit() -> None:
    desk, executor = desk_with(*PAIR)
    desk.tick()
    again = QuoteExecutor("mm/quotes", executor.settings)
    desk.state.executors["mm/quotes"] = again
    want(again, *PAIR)
    assert desk.tick(100) == []


def test_stop_cancels_and_is_done_when_nothing_is_open() -> None:
    desk, executor = desk_with(*PAIR)
    desk.tick()
    executor.stop(StopHow.CANCEL)
    want(executor, *PAIR)
    desk.tick()
    assert sorted(desk.cancelled()) == ["ask_1", "bid_1"]
    assert not executor.done
    assert "stopping (CANCEL)" in executor.explain()
    desk.tick()
    assert executor.done
    assert desk.sent == []


def test_stop_with_flatten_sells_what_was_bought() -> None:
    desk, executor = desk_with(*PAIR)
    desk.tick()
    desk.fill(desk.orders()["bid_1"])
    executor.stop(StopHow.FLATTEN)
    desk.tick()
    desk.tick()
    desk.answering = False
    desk.tick()
    assert desk.submitted() == ["flatten 1@99.1"]
    desk.fill(desk.orders()["flatten"])
    desk.tick()
    assert executor.done
    assert "done; 0" in executor.explain()
    assert desk.state.portfolio.position(BTC, "mm/quotes") == 0


def test_changed_settings_apply_at_the_next_tick() -> None:
    desk, executor = desk_with("bid_1 1@99", order_refresh_tolerance=d("0.01"))
    desk.tick()
    want(executor, "bid_1 1@98.5")
    assert desk.tick(30) == []
    executor.change({"order_refresh_tolerance": d("0.001")})
    desk.tick()
    assert desk.cancelled() == ["bid_1"]
