"""Small markets and short ways to ask what happened in them."""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from connectors.paper.candle_rows import COLUMNS, CandleFile, CandleRows
from connectors.paper.choice import kernel_class
from connectors.paper.kernel import Kernel
from connectors.paper.rows import Rows
from connectors.paper.words import ASK, BID, BUY, CLEAR, Outcome
from engine.model.instrument import Instrument

Row = tuple[int, int, int, int]  # µs, kind, ticks, lots
BOOK: list[Row] = [(1, CLEAR, 0, 0), (1, BID, 98, 50), (1, BID, 99, 20), (1, ASK, 101, 30), (1, ASK, 103, 40)]
INSTRUMENT = Instrument(
    instrument_id="paper:BTC-USDT",
    venue="paper",
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.5"),
    quantity_step=Decimal("0.001"),
    quantity_min=Decimal("0.001"),
    maker_rate=Decimal("0.0001"),
    taker_rate=Decimal("0.0004"),
)


def rows_of(rows: Iterable[Row], receive_us: list[int] | None = None) -> Rows:
    """Columns of rows written one by one."""
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 4)
    times = None if receive_us is None else np.array(receive_us, dtype=np.int64)
    return Rows(table[:, 0].copy(), table[:, 1].astype(np.int8), table[:, 2].copy(), table[:, 3].copy(), times)


def candle_rows(interval_us: int, *columns: NDArray[np.int64]) -> CandleRows:
    """Candles of one file: times of their opens, open, high, low, close, volume."""
    return CandleRows(interval_us, [candle_file(*columns)])


def candle_file(*columns: NDArray[np.int64]) -> CandleFile:
    """The same columns as a file."""
    return CandleFile(len(columns[0]), int(columns[0][0]), lambda: dict(zip(COLUMNS, columns, strict=True)))


def kernel_of(*rows: Row, size: int = 0, choice: str = "reference", before: list[Row] | None = None) -> Kernel:
    """A kernel that will play the usual book at 1 µs, or `before`, and then these rows."""
    return kernel_class(choice)(rows_of([*(BOOK if before is None else before), *rows]), size)


def take(kernel: Kernel) -> list[Outcome]:
    """What was told since the last time."""
    told, kernel.told = kernel.told, []
    return told


def brief(kernel: Kernel) -> list[tuple[int, int, int, int]]:
    """(what, key, ticks, lots) of what was told since the last time."""
    return [outcome[1:5] for outcome in take(kernel)]


def resting(kernel: Kernel, ticks: int, lots: int, side: int = BUY, key: int = 1) -> Kernel:
    """The kernel after the usual book, with one order of ours in it."""
    kernel.run(1)
    kernel.submit(1, key, side, ticks, lots, 0)
    take(kernel)
    return kernel
