"""Latencies, the order of things between us and a venue, and recorded clocks."""

import random

import numpy as np
import pytest

from connectors.paper.kernel import Kernel
from connectors.paper.latency import Latency, constant, recorded, sampled
from connectors.paper.rows import Rows, around_trades
from connectors.paper.wire import Wire
from connectors.paper.words import (
    ASK,
    BEST_ASK,
    BEST_BID,
    BID,
    BUY,
    BUY_TRADE,
    CANCEL_REJECTED,
    FILLED,
    MARK,
    MARKED,
    NEVER_US,
    OPENED,
    SELL,
    SELL_TRADE,
    Outcome,
)
from tests.connectors.paper.markets import Row, kernel_of, rows_of

Heard = list[tuple[int, int, int, int]]  # visible, event, what, key


def wire_of(*kernels: Kernel, feed: int = 10, entry: int = 20, response: int = 10) -> tuple[Wire, Heard]:
    heard: Heard = []

    def hear(visible_us: int, number: int, outcome: Outcome) -> None:
        heard.append((visible_us, *outcome[:3]))

    return Wire(kernels, Latency(feed, constant(entry), constant(response)), hear), heard


def test_commands_and_answers_are_under_way() -> None:
    kernel = kernel_of((50, SELL_TRADE, 90, 9), (500, SELL_TRADE, 90, 9))
    wire, heard = wire_of(kernel)
    wire.advance(15)
    assert kernel.event_us == 1
    wire.send(15, kernel.submit, 7, BUY, 99, 3, 0)
    wire.advance(34)
    assert heard == []
    wire.advance(60)
    assert heard == [(45, 35, OPENED, 7), (60, 50, FILLED, 7)]
    assert wire.late_answers == 0


def test_fill_during_cancel() -> None:
    kernel = kernel_of((50, SELL_TRADE, 90, 9), (500, SELL_TRADE, 90, 9))
    wire, heard = wire_of(kernel)
    wire.advance(12)
    wire.send(12, kernel.submit, 7, BUY, 99, 3, 0)
    wire.send(40, kernel.cancel, 7)
    wire.advance(100)
    assert [each[1:] for each in heard] == [(32, OPENED, 7), (50, FILLED, 7), (60, CANCEL_REJECTED, 7)]


def test_a_command_does_not_overtake_rows_that_are_not_visible_yet() -> None:
    kernel = kernel_of((30, SELL_TRADE, 90, 9), (500, SELL_TRADE, 90, 9))
    wire, heard = wire_of(kernel, feed=100, entry=5, response=0)
    wire.advance(101)
    wire.send(25, kernel.submit, 7, BUY, 99, 3, 0)  # arrives at 30, when the trade happens: rows go first
    wire.advance(129)
    assert heard == []
    wire.advance(130)
    assert heard == [(30, 30, OPENED, 7)]
    assert wire.late_answers == 1


def test_rows_of_one_time_go_before_commands_of_that_time() -> None:
    kernel = kernel_of((30, SELL_TRADE, 90, 9))
    wire, heard = wire_of(kernel, feed=0, entry=0, response=0)
    wire.advance(29)
    wire.send(30, kernel.submit, 7, BUY, 99, 3, 0)
    wire.advance(30)
    assert heard == [(30, 30, OPENED, 7)]
    assert wire.finished


def test_nothing_overtakes_on_the_way() -> None:
    delays = iter([50, 10, 10, 30, 5, 5])
    kernel = kernel_of()
    heard: Heard = []
    latency = Latency(0, lambda now_us: next(delays), constant(0))
    wire = Wire([kernel], latency, lambda visible_us, number, outcome: heard.append((visible_us, *outcome[:3])))
    for key in range(1, 7):
        wire.send(key, kernel.submit, key, BUY, 90, 1, 0)
    wire.advance(1_000)
    assert [each[3] for each in heard] == [1, 2, 3, 4, 5, 6]
    assert [each[1] for each in heard] == [51, 51, 51, 51, 51, 51]


def test_kernels_are_heard_by_time_and_brought_to_each_arrival() -> None:
    one = kernel_of((20, SELL_TRADE, 90, 9), (40, SELL_TRADE, 90, 9))
    two = kernel_of((10, SELL_TRADE, 90, 9), (30, SELL_TRADE, 90, 9))
    wire, heard = wire_of(one, two, feed=0, entry=0, response=0)
    wire.advance(5)
    wire.send(5, one.submit, 1, BUY, 99, 18, 0)
    wire.send(5, two.submit, 2, BUY, 99, 18, 0)
    wire.send(25, one.cancel, 3)
    wire.advance(50)
    assert [each[1:] for each in heard] == [
        (5, OPENED, 1),
        (5, OPENED, 2),
        (10, FILLED, 2),
        (20, FILLED, 1),
        (25, CANCEL_REJECTED, 3),
        (30, FILLED, 2),
        (40, FILLED, 1),
    ]


def test_market_news_come_with_the_feed() -> None:
    kernel = kernel_of((50, MARK, 123, 0))
    wire, heard = wire_of(kernel)
    wire.advance(60)
    assert heard == [(60, 50, MARKED, 0)]
    assert wire.next_us == NEVER_US


def test_delays() -> None:
    assert constant(7)(123) == 7
    one, two = (sampled(60_000, 0.4, random.Random("wire:1")) for _ in range(2))
    drawn = [one(at_us) for at_us in range(2_001)]
    assert drawn == [two(at_us) for at_us in range(2_001)]
    assert sorted(drawn)[1_000] == pytest.approx(60_000, rel=0.05)
    table = recorded([100, 200, 400], [10, 20, 40])
    assert [table(at_us) for at_us in (0, 100, 150, 200, 300, 400, 999)] == [10, 10, 15, 20, 30, 40, 40]
    with pytest.raises(ValueError, match="as many times as delays"):
        recorded([], [])


def test_recorded_receive_times_say_what_is_visible() -> None:
    rows = rows_of([(1, BID, 99, 1), (5, BID, 98, 1), (5, ASK, 101, 1), (9, BID, 97, 1)], [10, 40, 60, 55])
    assert rows.visible_us is not None
    assert rows.visible_us.tolist() == [10, 60, 60, 60]  # rows of one time together, none before an older one
    assert [rows.horizon_us(now_us, 3) for now_us in (9, 10, 59, 60)] == [0, 4, 4, NEVER_US - 1]
    assert [rows.seen_us(event_us, 3) for event_us in (1, 5, 9)] == [10, 60, 60]
    kernel = Kernel(rows)
    wire, _ = wire_of(kernel)
    seen = []
    for now_us in (9, 10, 59, 60):
        wire.advance(now_us)
        seen.append(kernel.rows_applied)
    assert seen == [0, 1, 1, 4]


def test_clock_skew_import() -> None:
    """Our clock ran 1.25 s behind: the venue's times are moved, and nothing is visible before it happened."""
    rows = rows_of([(2_000_000, BID, 99, 1), (2_100_000, BID, 98, 1)], [750_000, 860_000])
    assert rows.shift_us == -1_251_000
    assert rows.visible_us is not None
    assert (rows.visible_us - rows.event_us).tolist() == [1_000, 11_000]
    assert rows_of([(5, BID, 99, 1)], [5]).shift_us == 0


def test_rows_are_checked_and_named() -> None:
    with pytest.raises(ValueError, match="row 2 is older"):
        rows_of([(1, BID, 99, 1), (5, BID, 98, 1), (4, BID, 98, 1)])
    columns = {name: np.array([7, 8]) for name in ("event_us", "kind", "ticks", "lots", "receive_us")}
    rows = Rows.of(columns)
    assert (rows.count, rows.has_levels, rows.has_best, rows.price_at(0)) == (2, False, False, 0)
    assert Rows.of({name: columns[name] for name in ("event_us", "kind", "ticks", "lots")}).visible_us is None


def test_best_levels_assumed_around_trades() -> None:
    trades: list[Row] = [(1, BUY_TRADE, 100, 5), (3, SELL_TRADE, 99, 6)]
    rows = around_trades(rows_of(trades, [2, 4]), 3)
    assert rows.kind.tolist() == [BUY_TRADE, BEST_BID, BEST_ASK, SELL_TRADE, BEST_BID, BEST_ASK]
    assert rows.ticks.tolist() == [100, 98, 102, 99, 97, 101]
    assert rows.visible_us is not None
    assert rows.visible_us.tolist() == [2, 2, 2, 4, 4, 4]
    kernel = Kernel(rows)
    kernel.best_only = kernel.trades_only = True
    kernel.run(1)
    assert (kernel.best_bid, kernel.best_ask) == (98, 102)
    kernel.submit(1, 1, SELL, 99, 1, 0)
    kernel.run(3)
    assert kernel.best_ask == 101
