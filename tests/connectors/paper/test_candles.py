"""Fills on candles: when orders act, at which prices, in which order, and how much."""

import numpy as np
import pytest
from numpy.typing import NDArray

from connectors.paper.candle_rows import COLUMNS, CandleFile, CandleRows
from connectors.paper.candles import MISSING, CandleKernel
from connectors.paper.words import (
    AMEND_REJECTED,
    AMENDED,
    BUY,
    CANCEL_REJECTED,
    CANCELLED,
    CLOSED,
    EXPIRED,
    FILLED,
    FOK,
    IOC,
    MAKER,
    MARKET,
    OPENED,
    POST_ONLY,
    REDUCE,
    SELL,
    STOP,
    TAKER,
    TRIGGERED,
)
from tests.connectors.paper.markets import candle_rows

Candle = tuple[int, int, int, int, int]  # open, high, low, close, volume
QUIET: Candle = (10_000, 10_010, 9_990, 10_000, 1_000)
MINUTE = 60


def kernel_of(*candles: Candle, skip: int = 0) -> CandleKernel:
    """A quiet candle, then these, after `skip` missing ones. Costs are 0 unless set."""
    opens_us = [0, *((index + 1 + skip) * MINUTE for index in range(len(candles)))]
    columns = [np.array(column, dtype=np.int64) for column in zip(QUIET, *candles, strict=True)]
    kernel = CandleKernel(candle_rows(MINUTE, np.array(opens_us), *columns))
    kernel.half_spread = kernel.slippage = 0
    kernel.run(MINUTE)
    kernel.told = []
    return kernel


def fills(kernel: CandleKernel) -> list[tuple[int, int, int, int, int]]:
    """(time, key, ticks, lots, liquidity) of all fills."""
    return [(us, key, ticks, lots, maker) for us, what, key, ticks, lots, maker, _ in kernel.told if what == FILLED]


def told(kernel: CandleKernel) -> list[tuple[int, int]]:
    """(what, key) but of candles."""
    return [(what, key) for _, what, key, *_ in kernel.told if what != CLOSED]


def test_candle_visible_only_when_closed() -> None:
    kernel = kernel_of((10_000, 12_000, 9_000, 11_000, 50))
    kernel.run(119)
    assert (kernel.rows_applied, kernel.best_bid, kernel.event_us, kernel.told) == (1, 10_000, 60, [])
    kernel.run(120)
    assert (kernel.rows_applied, kernel.best_bid, kernel.event_us) == (2, 11_000, 120)
    assert kernel.told == [(120, CLOSED, 1, 11_000, 50, 0, "")]
    assert kernel.source.seen_us(120, 7) == 127
    assert kernel.source.horizon_us(127, 7) == 120


@pytest.mark.parametrize(("at_us", "filled_us"), [(60, 120), (61, 180)])
def test_orders_act_from_the_next_candle_on(at_us: int, filled_us: int) -> None:
    kernel = kernel_of(QUIET, QUIET)
    kernel.submit(at_us, 1, BUY, 0, 5, MARKET)
    kernel.run(500)
    assert fills(kernel) == [(filled_us, 1, 10_000, 5, TAKER)]


@pytest.mark.parametrize(("at_us", "filled"), [(60, False), (61, True)])
def test_a_cancel_leaves_the_order_exposed_to_the_close(at_us: int, filled: bool) -> None:
    kernel = kernel_of((10_000, 10_000, 9_000, 9_500, 1_000))
    kernel.submit(60, 1, BUY, 9_900, 5, 0)
    kernel.cancel(at_us, 1)
    kernel.run(120)
    assert bool(fills(kernel)) is filled
    kernel.cancel(120, 1)
    assert told(kernel)[-1] == (CANCEL_REJECTED, 1)


def test_a_cancel_inside_a_candle_is_told_at_its_close() -> None:
    kernel = kernel_of(QUIET)
    kernel.submit(60, 1, BUY, 9_000, 5, 0)
    kernel.cancel(70, 1)
    kernel.run(120)
    assert [outcome[:3] for outcome in kernel.told] == [(60, OPENED, 1), (120, CANCELLED, 1), (120, CLOSED, 1)]
    kernel.submit(130, 2, BUY, 9_000, 5, 0)
    kernel.cancel(140, 2)
    assert told(kernel)[-1] == (CANCELLED, 2)


@pytest.mark.parametrize(
    ("touch", "low", "price"), [(False, 9_900, 0), (False, 9_899, 9_900), (True, 9_900, 9_900), (True, 9_901, 0)]
)
def test_limit_fills_at_its_price(touch: bool, low: int, price: int) -> None:
    """Never at the close (hummingbot#8142), never at a better open, only where the low went beyond."""
    kernel = kernel_of((10_000, 10_010, low, 9_950, 1_000), (9_000, 9_000, 9_000, 9_000, 1_000))
    kernel.touch = touch
    kernel.submit(60, 1, BUY, 9_900, 5, POST_ONLY)
    kernel.run(120)
    assert fills(kernel) == ([(120, 1, price, 5, MAKER)] if price else [])
    kernel.run(180)
    assert fills(kernel)[-1][2:] == (9_900, 5, MAKER)


def test_what_crosses_at_the_open_takes_with_costs() -> None:
    kernel = kernel_of(QUIET, QUIET)
    kernel.half_spread, kernel.slippage = 200, 100
    kernel.submit(60, 1, BUY, 0, 5, MARKET)
    kernel.submit(60, 2, SELL, 0, 5, MARKET)
    kernel.submit(60, 3, BUY, 10_002, 5, 0)
    kernel.submit(60, 4, BUY, 10_002, 5, POST_ONLY)
    kernel.submit(60, 5, BUY, 9_000, 5, IOC)
    kernel.submit(60, 6, BUY, 11_000, 500, FOK)
    kernel.run(120)
    assert fills(kernel) == [(120, 1, 10_003, 5, TAKER), (120, 2, 9_997, 5, TAKER), (120, 3, 10_002, 5, TAKER)]
    assert told(kernel)[-3:] == [(EXPIRED, 4), (EXPIRED, 5), (EXPIRED, 6)]


def test_candle_volume_cap() -> None:
    """A tenth of the volume, shared by price; nothing without volume."""
    kernel = kernel_of((10_000, 10_000, 9_000, 9_500, 1_000), (10_000, 10_000, 9_000, 9_500, 0))
    kernel.submit(60, 1, BUY, 9_800, 80, 0)
    kernel.submit(60, 2, BUY, 9_900, 70, 0)
    kernel.run(180)
    assert fills(kernel) == [(120, 2, 9_900, 70, MAKER), (120, 1, 9_800, 30, MAKER)]
    assert kernel.depth(BUY, 3) == [(9_500, 0)]


@pytest.mark.parametrize(("position", "first", "second"), [(SELL, SELL, BUY), (BUY, BUY, SELL)])
def test_intrabar_is_pessimistic(position: int, first: int, second: int) -> None:
    """Both a stop and a take-profit lie inside the candle: the stop is hit, and nothing is left for the other."""
    kernel = kernel_of(QUIET, (10_000, 10_500, 9_500, 10_000, 1_000))
    kernel.submit(60, 1, position, 0, 5, MARKET)
    kernel.run(120)
    kernel.told = []
    kernel.submit(120, 2, -position, 10_000 + position * 400, 5, REDUCE)
    kernel.submit(120, 3, -position, 0, 5, STOP | MARKET | REDUCE, 10_000 - position * 400)
    kernel.run(180)
    assert [fill[1] for fill in fills(kernel)] == [3]
    assert kernel.position == 0


def test_gap_through_stop() -> None:
    kernel = kernel_of((9_000, 9_100, 8_900, 9_000, 1_000))
    kernel.slippage = 1_000
    kernel.submit(60, 1, SELL, 0, 5, STOP | MARKET, 9_800)
    kernel.run(120)
    assert told(kernel)[1:] == [(TRIGGERED, 1), (FILLED, 1)]
    assert fills(kernel) == [(120, 1, 8_991, 5, TAKER)]


def test_a_stop_limit_rests_from_the_next_candle_on() -> None:
    kernel = kernel_of((10_000, 10_200, 9_990, 10_150, 1_000), (10_150, 10_150, 10_000, 10_100, 1_000))
    kernel.submit(60, 1, BUY, 10_050, 5, STOP, 10_100)
    kernel.run(120)
    assert fills(kernel) == []
    kernel.run(180)
    assert fills(kernel) == [(180, 1, 10_050, 5, MAKER)]


def test_a_stop_without_volume_expires() -> None:
    kernel = kernel_of((9_000, 9_100, 8_900, 9_000, 20))
    kernel.submit(60, 1, SELL, 0, 5, STOP | MARKET, 9_800)
    kernel.run(120)
    assert told(kernel)[-2:] == [(FILLED, 1), (EXPIRED, 1)]


def test_missing_candles_make_the_book_stale() -> None:
    kernel = kernel_of(QUIET, skip=3)
    kernel.run(119)
    assert kernel.stale == ""
    kernel.run(130)
    assert kernel.stale == MISSING
    kernel.run(300)
    assert kernel.stale == ""
    with pytest.raises(ValueError, match="candle 1 opens before"):
        CandleKernel(candle_rows(MINUTE, np.array([0, 30]), *[np.array([1, 1])] * 5))


def test_expiry_and_amend() -> None:
    kernel = kernel_of(QUIET, QUIET)
    kernel.submit(60, 1, BUY, 9_000, 5, 0, 0, 110)
    kernel.submit(60, 2, BUY, 9_000, 5, 0)
    kernel.amend(60, 2, 9_100, 6)
    kernel.run(120)
    kernel.amend(130, 2, 9_200, 6)
    kernel.amend(130, 7, 9_200, 6)
    kernel.run(180)
    steps = [(OPENED, 1), (OPENED, 2), (AMENDED, 2), (AMEND_REJECTED, 2), (AMEND_REJECTED, 7), (EXPIRED, 1)]
    assert told(kernel) == steps
    assert (kernel.lots_at(BUY, 10_000), kernel.lots_at(BUY, 1)) == (100, 0)


def test_files_are_read_when_their_turn_comes_and_one_is_held() -> None:
    loads: list[int] = []

    def file(number: int) -> CandleFile:
        open_us = np.array([0, 60, 120]) + number * 180
        columns = dict(zip(COLUMNS, [open_us, *(np.full(3, 100 + number) for _ in range(5))], strict=True))

        def load() -> dict[str, NDArray[np.int64]]:
            loads.append(number)
            return columns

        return CandleFile(3, number * 180, load)

    kernel = CandleKernel(CandleRows(60, [file(0), file(1), file(2)]))
    assert loads == [0]
    kernel.run(400)
    assert (kernel.rows_applied, loads) == (6, [0, 1, 2])
    kernel.run(1_000)
    assert [outcome[3] for outcome in kernel.told] == [100] * 3 + [101] * 3 + [102] * 3
    assert loads == [0, 1, 2]
    with pytest.raises(ValueError, match="files of candles have to follow each other"):
        CandleRows(60, [file(1), file(0)])
