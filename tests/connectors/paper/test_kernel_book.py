"""The book of the fill kernel: levels, window, crossed messages, best-level feeds, snapshots and gaps."""

from itertools import pairwise

import pytest

from connectors.paper.kernel import IN_GAP, Kernel
from connectors.paper.words import (
    ASK,
    BEST_ASK,
    BEST_BID,
    BID,
    BUY,
    BUY_TRADE,
    CLEAR,
    FILLED,
    GAP,
    NO_ASK,
    NO_BID,
    SELL,
    SELL_TRADE,
    THROUGH,
)
from tests.connectors.paper.markets import BOOK, Row, brief, kernel_of, resting, rows_of


def test_levels_appear_change_and_go() -> None:
    kernel = kernel_of((2, BID, 100, 5), (3, BID, 100, 0), (4, BID, 99, 0), (5, ASK, 101, 7), (6, ASK, 101, 0))
    bests = []
    for us in range(7):
        kernel.run(us)
        bests.append((kernel.best_bid, kernel.best_ask))
    assert bests == [(NO_BID, NO_ASK), (99, 101), (100, 101), (99, 101), (98, 101), (98, 101), (98, 103)]
    assert kernel.depth(BUY, 5) == [(98, 50)]
    assert kernel.depth(SELL, 5) == [(103, 40)]
    assert (kernel.lots_at(BUY, 98), kernel.lots_at(BUY, 97), kernel.lots_at(SELL, 103)) == (50, 0, 40)


def test_an_empty_side_has_no_best() -> None:
    kernel = kernel_of((2, BID, 98, 0), (2, BID, 99, 0), (3, ASK, 101, 0), (3, ASK, 103, 0))
    kernel.run(2)
    assert (kernel.best_bid, kernel.best_ask) == (NO_BID, 101)
    kernel.run(3)
    assert (kernel.best_bid, kernel.best_ask) == (NO_BID, NO_ASK)


def wandering(steps: int) -> list[Row]:
    """Levels around a price that moves up by a third and down again, with far ones that stay."""
    rows: list[Row] = [(1, CLEAR, 0, 0), (1, BID, 10, 3), (1, ASK, 900_000, 4)]
    for step in range(steps):
        middle = 10_000 + abs((step * 40) % 6_600 - 3_300)
        us = 2 + step
        if step:
            before = 10_000 + abs(((step - 1) * 40) % 6_600 - 3_300)
            rows += [(us, BID, before - 3, 0), (us, ASK, before + 3, 0)]
        rows += [(us, BID, middle - 3, 5 + step % 7), (us, ASK, middle + 3, 6), (us, BUY_TRADE, middle + 3, 2)]
        rows.append((us, SELL_TRADE, middle - 3, 1 + step % 5))
    return rows


@pytest.mark.parametrize("size", [8, 64, 1 << 12])
def test_recentring_changes_nothing(size: int) -> None:
    rows = rows_of(wandering(700))
    small, large = Kernel(rows, size), Kernel(rows, 1 << 16)
    for key, us in enumerate(range(2, 700, 29)):
        for kernel in (small, large):
            kernel.run(us)
            middle = (kernel.best_bid + kernel.best_ask) // 2
            kernel.submit(us, key, BUY if key % 2 else SELL, middle - 40 if key % 2 else middle + 40, 3, 0)
        assert small.digest() == large.digest()
    for kernel in (small, large):
        kernel.run(1_000)
    assert small.told == large.told
    assert small.digest() == large.digest()
    assert sum(outcome[1] == FILLED for outcome in small.told) > 10
    assert small.depth(SELL, 9)[-1] == (900_000, 4)
    assert small.depth(BUY, 9)[-1] == (10, 3)


@pytest.mark.parametrize(
    ("row", "bid", "ask"),
    [((2, BID, 102, 5), 102, 103), ((2, BID, 104, 5), 104, NO_ASK), ((2, ASK, 98, 5), NO_BID, 98)],
)
def test_a_crossed_message_leaves_the_newer_side(row: Row, bid: int, ask: int) -> None:
    kernel = kernel_of(row, (3, BUY_TRADE, 105, 1))
    kernel.run(3)
    assert (kernel.best_bid, kernel.best_ask) == (bid, ask)
    assert kernel.crossed_repairs == 1


def test_a_message_may_cross_on_its_way() -> None:
    kernel = kernel_of((2, BID, 102, 5), (2, ASK, 101, 0), (3, BUY_TRADE, 103, 1))
    kernel.run(3)
    assert (kernel.best_bid, kernel.best_ask, kernel.crossed_repairs) == (102, 103, 0)


BEST: list[Row] = [(1, BEST_BID, 99, 20), (1, BEST_ASK, 101, 30)]


def best_kernel(*rows: Row) -> Kernel:
    kernel = kernel_of(*rows, before=BEST)
    kernel.best_only = True
    kernel.run(1)
    return kernel


def test_best_levels_replace_each_other() -> None:
    kernel = best_kernel((2, BEST_BID, 100, 5), (2, BEST_ASK, 102, 6), (3, BEST_BID, 97, 7), (3, BEST_ASK, 98, 8))
    kernel.run(2)
    assert (kernel.depth(BUY, 9), kernel.depth(SELL, 9)) == ([(100, 5)], [(102, 6)])
    kernel.run(3)
    assert (kernel.depth(BUY, 9), kernel.depth(SELL, 9)) == ([(97, 7)], [(98, 8)])
    assert kernel.crossed_repairs == 0


def test_a_best_level_of_nothing_empties_the_side() -> None:
    kernel = best_kernel((2, BEST_BID, 99, 0), (2, BEST_ASK, 101, 30), (3, BEST_BID, 96, 4), (3, BEST_ASK, 101, 9))
    kernel.run(2)
    assert kernel.best_bid == NO_BID
    kernel.run(3)
    assert kernel.depth(BUY, 9) == [(96, 4)]


@pytest.mark.parametrize(("behind", "filled"), [(True, 0), (False, 4)])
def test_a_deep_order_waits_for_the_best(behind: bool, filled: int) -> None:
    """At 97 with the best at 99 nobody knows the queue: behind what is shown when the best gets there, or ahead."""
    rows: list[Row] = [(2, BEST_BID, 97, 10), (2, BEST_ASK, 101, 30), (3, SELL_TRADE, 97, 4), (4, SELL_TRADE, 97, 8)]
    kernel = best_kernel(*rows)
    kernel.deep_behind = behind
    kernel.submit(1, 7, BUY, 97, 5, 0)
    brief(kernel)
    kernel.run(3)
    assert sum(lots for _, _, _, lots in brief(kernel)) == filled
    kernel.run(4)
    assert sum(lots for _, _, _, lots in brief(kernel)) == (2 if behind else 1)


def test_nobody_is_ahead_of_an_order_that_the_best_has_left_behind() -> None:
    kernel = best_kernel((2, BEST_BID, 98, 10), (2, BEST_ASK, 101, 30), (3, SELL_TRADE, 99, 1))
    kernel.submit(1, 7, BUY, 99, 5, 0)
    brief(kernel)
    kernel.run(3)
    assert brief(kernel) == [(FILLED, 7, 99, 1)]


def test_a_snapshot_does_not_improve_the_queue() -> None:
    kernel = resting(kernel_of((2, CLEAR, 0, 0), (2, BID, 98, 80), (2, ASK, 101, 9), (3, SELL_TRADE, 98, 50)), 98, 5)
    kernel.run(3)
    assert brief(kernel) == []
    kernel = resting(kernel_of((2, CLEAR, 0, 0), (2, BID, 98, 30), (2, ASK, 101, 9), (3, SELL_TRADE, 98, 32)), 98, 5)
    kernel.run(3)
    assert brief(kernel) == [(FILLED, 1, 98, 2)]


def test_a_snapshot_that_reaches_us_is_an_offer() -> None:
    kernel = resting(kernel_of((2, CLEAR, 0, 0), (2, BID, 96, 30), (2, ASK, 98, 2)), 98, 5)
    kernel.run(2)
    assert brief(kernel) == [(FILLED, 1, 98, 2)]


GAP_ROWS: list[Row] = [(5, GAP, 0, 0), (9, CLEAR, 0, 0), (9, BID, 95, 10), (9, ASK, 98, 10)]


@pytest.mark.parametrize(("fills", "told"), [(True, [(FILLED, 1, 99, 5)]), (False, [])])
def test_snapshot_and_gap(fills: bool, told: list[tuple[int, int, int, int]]) -> None:
    """Stale in between; what the new book has passed is filled once at its own price, what it touches is not."""
    kernel = resting(kernel_of(*GAP_ROWS), 99, 5)
    kernel.submit(1, 2, BUY, 98, 5, 0)
    kernel.gap_fills = fills
    brief(kernel)
    kernel.run(8)
    assert kernel.stale == IN_GAP
    kernel.submit(8, 3, BUY, 101, 1, 0)
    assert kernel.told.pop()[6] == "market_data_gap"
    kernel.run(9)
    assert brief(kernel) == told
    assert (kernel.stale, kernel.gaps, kernel.gap_us) == ("", 1, 4)
    kernel.run(20)
    assert brief(kernel) == []


def test_a_cancel_works_in_a_gap() -> None:
    kernel = resting(kernel_of(*GAP_ROWS), 99, 5)
    kernel.run(7)
    kernel.cancel(7, 1)
    brief(kernel)
    kernel.run(9)
    assert brief(kernel) == []


def test_the_cursor_counts_rows_and_knows_the_next() -> None:
    kernel = kernel_of((2, BID, 100, 5), (7, BID, 100, 0))
    assert (kernel.next_us, kernel.rows_applied) == (1, 0)
    kernel.run(2)
    assert (kernel.next_us, kernel.rows_applied, kernel.event_us) == (7, len(BOOK) + 1, 2)


def test_far_levels_become_best_and_go() -> None:
    rows: list[Row] = [(1, BID, 100, 1), (1, ASK, 5_000, 1), (2, ASK, 5_000, 0), (3, ASK, 4_000, 2), (4, BID, 3_900, 3)]
    rows += [(5, BID, 3_900, 0), (6, BID, 100, 0), (7, BID, 2, 9), (8, ASK, 60_000, 5), (9, ASK, 4_000, 0)]
    small, large = Kernel(rows_of(rows), 16), Kernel(rows_of(rows), 1 << 16)
    for us in range(10):
        small.run(us)
        large.run(us)
        assert small.digest() == large.digest()
        assert [price for price, _ in small.depth(SELL, 9)] == sorted(price for price, _ in small.depth(SELL, 9))
        assert all(one > two for (one, _), (two, _) in pairwise(small.depth(BUY, 9)))
    assert (small.best_bid, small.best_ask) == (2, 60_000)


def test_through_stays_pessimistic_over_snapshots_and_best_moves() -> None:
    kernel = kernel_of((2, CLEAR, 0, 0), (2, BID, 98, 1), (2, ASK, 101, 9), (3, SELL_TRADE, 98, 500), before=BOOK)
    kernel.queue = THROUGH
    resting(kernel, 98, 5)
    kernel.run(3)
    assert brief(kernel) == []
