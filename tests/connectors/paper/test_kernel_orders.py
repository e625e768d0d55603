"""Our orders in the fill kernel: arrival, taking, queues and fills, stops, amends, expiry, self-trades."""

import pytest

from connectors.paper.words import (
    AMEND_REJECTED,
    AMENDED,
    ASK,
    BID,
    BUY,
    BUY_TRADE,
    CANCEL_NEW,
    CANCEL_OLD,
    CANCEL_REJECTED,
    CANCELLED,
    EXPIRED,
    FILLED,
    FOK,
    FUNDED,
    FUNDING,
    IOC,
    MAKER,
    MARK,
    MARKED,
    MARKET,
    OPENED,
    POST_ONLY,
    REJECTED,
    SELL,
    SELL_TRADE,
    STOP,
    TAKER,
    TRIGGERED,
)
from tests.connectors.paper.markets import Row, brief, kernel_of, resting, take

Told = tuple[int, int, int, int]


@pytest.mark.parametrize(
    ("side", "ticks", "lots", "flags", "told"),
    [
        (BUY, 100, 5, 0, [(OPENED, 1, 100, 5)]),
        (BUY, 101, 5, 0, [(OPENED, 1, 101, 5), (FILLED, 1, 101, 5)]),
        (BUY, 103, 50, 0, [(OPENED, 1, 103, 50), (FILLED, 1, 101, 30), (FILLED, 1, 103, 20)]),
        (BUY, 102, 50, IOC, [(OPENED, 1, 102, 50), (FILLED, 1, 101, 30), (EXPIRED, 1, 102, 20)]),
        (BUY, 100, 5, IOC, [(OPENED, 1, 100, 5), (EXPIRED, 1, 100, 5)]),
        (BUY, 102, 50, FOK, [(OPENED, 1, 102, 50), (EXPIRED, 1, 102, 50)]),
        (BUY, 103, 70, FOK, [(OPENED, 1, 103, 70), (FILLED, 1, 101, 30), (FILLED, 1, 103, 40)]),
        (BUY, 101, 5, POST_ONLY, [(REJECTED, 1, 101, 5)]),
        (BUY, 100, 5, POST_ONLY, [(OPENED, 1, 100, 5)]),
        (SELL, 99, 30, 0, [(OPENED, 1, 99, 30), (FILLED, 1, 99, 20)]),
        (SELL, 99, 5, POST_ONLY, [(REJECTED, 1, 99, 5)]),
        (SELL, 0, 75, MARKET, [(OPENED, 1, 0, 75), (FILLED, 1, 99, 20), (FILLED, 1, 98, 50), (EXPIRED, 1, 0, 5)]),
        (BUY, 0, 31, MARKET, [(OPENED, 1, 0, 31), (FILLED, 1, 101, 30), (FILLED, 1, 103, 1)]),
    ],
)
def test_arrival(side: int, ticks: int, lots: int, flags: int, told: list[Told]) -> None:
    kernel = kernel_of()
    kernel.run(1)
    kernel.submit(1, 1, side, ticks, lots, flags)
    outcomes = take(kernel)
    assert [outcome[1:5] for outcome in outcomes] == told
    assert {outcome[5] for outcome in outcomes if outcome[1] == FILLED} <= {TAKER}


def test_post_only_would_take_is_rejected() -> None:
    """And leaves no ghost: nothing to cancel, nothing to fill (hummingbot#5318)."""
    kernel = kernel_of((2, SELL_TRADE, 90, 500))
    kernel.run(1)
    kernel.submit(1, 1, BUY, 101, 5, POST_ONLY)
    assert take(kernel)[0][6] == "would_take"
    kernel.cancel(1, 1)
    kernel.run(2)
    assert brief(kernel) == [(CANCEL_REJECTED, 1, 0, 0)]


def test_the_rest_of_a_taker_makes() -> None:
    kernel = kernel_of((2, SELL_TRADE, 102, 500))
    kernel.run(1)
    kernel.submit(1, 1, BUY, 102, 40, 0)
    take(kernel)
    kernel.run(2)
    assert [outcome[1:6] for outcome in take(kernel)] == [(FILLED, 1, 102, 10, MAKER)]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ((2, SELL_TRADE, 99, 20), []),  # 20 lots are ahead
        ((2, SELL_TRADE, 99, 23), [(FILLED, 1, 99, 3)]),
        ((2, SELL_TRADE, 99, 900), [(FILLED, 1, 99, 500)]),
        ((2, SELL_TRADE, 98, 7), [(FILLED, 1, 99, 7)]),  # through our price: as much as traded, no more
        ((2, SELL_TRADE, 100, 900), []),
        ((2, BUY_TRADE, 101, 900), []),
        ((2, ASK, 99, 11), [(FILLED, 1, 99, 11)]),
        ((2, ASK, 97, 600), [(FILLED, 1, 99, 500)]),
        ((2, ASK, 100, 600), []),
        ((2, BID, 99, 0), []),
    ],
)
def test_what_fills_a_resting_order(row: Row, told: list[Told]) -> None:
    """500 of ours behind 20: a small trade does not fill 500 (hummingbot#1762, #4877), nor never (hummingbot#5440)."""
    kernel = resting(kernel_of(row), 99, 500)
    kernel.run(2)
    assert brief(kernel) == told


def test_sells_are_filled_the_same_way() -> None:
    rows: list[Row] = [(2, BUY_TRADE, 101, 31), (3, BUY_TRADE, 102, 1), (4, BID, 101, 2), (5, BUY_TRADE, 101, 9)]
    kernel = resting(kernel_of(*rows), 101, 5, SELL)
    kernel.run(5)
    assert brief(kernel) == [(FILLED, 1, 101, 1), (FILLED, 1, 101, 1), (FILLED, 1, 101, 2), (FILLED, 1, 101, 1)]


def test_trade_quantity_is_shared_once() -> None:
    kernel = resting(kernel_of((2, SELL_TRADE, 99, 26), (3, SELL_TRADE, 97, 10)), 99, 4)
    kernel.submit(1, 2, BUY, 99, 4, 0)
    kernel.submit(1, 3, BUY, 98, 4, 0)
    take(kernel)
    kernel.run(2)
    assert brief(kernel) == [(FILLED, 1, 99, 4), (FILLED, 2, 99, 2)]
    kernel.run(3)
    assert brief(kernel) == [(FILLED, 2, 99, 2), (FILLED, 3, 98, 4)]


def test_taken_liquidity_comes_back_only_when_reported() -> None:
    kernel = kernel_of((2, ASK, 101, 30), (3, ASK, 101, 34), (4, ASK, 101, 0), (5, ASK, 101, 6))
    kernel.run(1)
    offered = []
    for key, us in enumerate(range(1, 6)):
        kernel.run(us)
        kernel.submit(us, key, BUY, 101, 30, IOC)
        offered.append(sum(lots for what, _, _, lots in brief(kernel) if what == FILLED))
    assert offered == [30, 0, 4, 0, 6]


def test_an_offer_fills_us_once_and_only_its_increase_again() -> None:
    kernel = resting(kernel_of((2, ASK, 98, 3), (3, ASK, 98, 3), (4, ASK, 98, 5), (5, ASK, 98, 1)), 99, 50)
    kernel.run(5)
    assert brief(kernel) == [(FILLED, 1, 99, 3), (FILLED, 1, 99, 2)]


@pytest.mark.parametrize(
    ("queue", "through", "lots"), [(True, True, [9, 9]), (False, True, [1, 9]), (False, False, [1, 2])]
)
def test_whole_fills_are_a_choice(queue: bool, through: bool, lots: list[int]) -> None:
    filled = []
    for row in ((2, SELL_TRADE, 99, 21), (2, SELL_TRADE, 97, 2)):
        kernel = kernel_of(row)
        kernel.whole_queue, kernel.whole_through = queue, through
        resting(kernel, 99, 9)
        kernel.run(2)
        filled.append(sum(lots for _, _, _, lots in brief(kernel)))
    assert filled == lots


def test_stops_wait_for_the_last_trade() -> None:
    rows: list[Row] = [(2, BUY_TRADE, 101, 1), (3, SELL_TRADE, 99, 1), (4, BUY_TRADE, 102, 1), (5, SELL_TRADE, 97, 1)]
    kernel = kernel_of(*rows)
    kernel.run(1)
    kernel.submit(1, 1, BUY, 0, 5, STOP | MARKET, 102)
    kernel.submit(1, 2, SELL, 96, 5, STOP, 98)
    assert brief(kernel) == [(OPENED, 1, 0, 5), (OPENED, 2, 96, 5)]
    kernel.run(3)
    assert brief(kernel) == []
    kernel.run(4)
    assert brief(kernel) == [(TRIGGERED, 1, 0, 5), (FILLED, 1, 101, 5)]
    kernel.run(5)
    assert brief(kernel) == [(TRIGGERED, 2, 96, 5), (FILLED, 2, 99, 5)]
    kernel.submit(5, 3, SELL, 0, 1, STOP | MARKET, 97)  # already reached
    assert brief(kernel) == [(OPENED, 3, 0, 1), (TRIGGERED, 3, 0, 1), (FILLED, 3, 99, 1)]


def test_a_stop_can_be_cancelled() -> None:
    kernel = kernel_of((2, BUY_TRADE, 200, 1))
    kernel.run(1)
    kernel.submit(1, 1, BUY, 0, 5, STOP | MARKET, 102)
    kernel.amend(1, 1, 0, 3)
    kernel.cancel(1, 1)
    kernel.run(2)
    assert brief(kernel) == [(OPENED, 1, 0, 5), (AMEND_REJECTED, 1, 0, 3), (CANCELLED, 1, 0, 5)]


@pytest.mark.parametrize(
    ("ticks", "lots", "told", "filled"),
    [
        (99, 4, (AMENDED, 1, 99, 4), 2),  # smaller: 20 − 20 ahead, then 2 of the 22 traded
        (99, 9, (AMENDED, 1, 99, 9), 0),  # larger: behind the 50 that are shown by then
        (98, 4, (AMENDED, 1, 98, 4), 0),
        (101, 5, (AMEND_REJECTED, 1, 101, 5), 2),
    ],
)
def test_amend(ticks: int, lots: int, told: Told, filled: int) -> None:
    kernel = kernel_of((2, BID, 99, 50), (4, SELL_TRADE, 99, 22))
    kernel.run(1)
    kernel.submit(1, 1, BUY, 99, 5, POST_ONLY)
    take(kernel)
    kernel.run(3)
    kernel.amend(3, 1, ticks, lots)
    assert brief(kernel) == [told]
    kernel.run(4)
    assert sum(lots for _, _, _, lots in brief(kernel)) == filled


def test_amend_counts_what_is_filled_and_may_lose_its_place() -> None:
    kernel = resting(kernel_of((2, SELL_TRADE, 99, 23), (3, SELL_TRADE, 99, 2)), 99, 5)
    kernel.amend_keeps_queue = False
    kernel.run(2)
    kernel.amend(2, 1, 99, 3)
    kernel.amend(2, 1, 99, 4)
    kernel.amend(2, 7, 99, 4)
    kernel.run(3)
    told = [(FILLED, 1, 99, 3), (AMEND_REJECTED, 1, 99, 3), (AMENDED, 1, 99, 4), (AMEND_REJECTED, 7, 99, 4)]
    assert brief(kernel) == told


def test_orders_expire_at_their_time() -> None:
    kernel = kernel_of((5, SELL_TRADE, 90, 1), (9, SELL_TRADE, 90, 1), (20, SELL_TRADE, 90, 50))
    kernel.run(1)
    kernel.submit(1, 1, BUY, 99, 5, 0, 0, 9)
    kernel.submit(1, 2, BUY, 98, 5, 0, 0, 15)
    take(kernel)
    kernel.run(30)
    assert [outcome[:5] for outcome in take(kernel)] == [
        (5, FILLED, 1, 99, 1),
        (9, FILLED, 1, 99, 1),
        (9, EXPIRED, 1, 99, 3),
        (15, EXPIRED, 2, 98, 5),
    ]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (0, [(OPENED, 2, 100, 3)]),
        (CANCEL_NEW, [(REJECTED, 2, 100, 3)]),
        (CANCEL_OLD, [(CANCELLED, 1, 100, 5), (OPENED, 2, 100, 3)]),
    ],
)
def test_self_trade_rules(rule: int, told: list[Told]) -> None:
    kernel = kernel_of()
    kernel.self_trade = rule
    resting(kernel, 100, 5)
    kernel.submit(1, 2, SELL, 100, 3, 0)
    assert brief(kernel) == told


def test_cancel() -> None:
    kernel = resting(kernel_of((2, SELL_TRADE, 90, 50)), 99, 5)
    kernel.submit(1, 2, BUY, 99, 6, 0)
    kernel.submit(1, 3, BUY, 97, 7, 0)
    kernel.cancel(1, 1)
    kernel.cancel(1, 1)
    take(kernel)
    kernel.run(2)
    assert brief(kernel) == [(FILLED, 2, 99, 6), (FILLED, 3, 97, 7)]


def test_marks_and_funding_are_told() -> None:
    kernel = kernel_of((2, MARK, 123, 0), (3, FUNDING, 0, -5))
    kernel.run(3)
    assert [outcome[:5] for outcome in take(kernel)] == [(2, MARKED, 0, 123, 0), (3, FUNDED, 0, 0, -5)]
