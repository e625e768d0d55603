"""Candles of many files as one source of a kernel, of which only the file that is played is in memory.

A candle is a tuple (open_us, open, high, low, close, volume): prices in ticks, volume in lots.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Candle = tuple[int, int, int, int, int, int]
COLUMNS = ("open_us", "open", "high", "low", "close", "volume")
BLOCK = 1 << 12  # candles that exist as Python numbers at a time


class Bars(NamedTuple):
    """Candles that follow each other without a gap, in the units of their market."""

    close_us: Sequence[int]
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    volume: Sequence[float]


@dataclass(frozen=True, slots=True)
class CandleFile:
    """`count` candles, of which the first opens at `first_us`; `load` reads the COLUMNS."""

    count: int
    first_us: int
    load: Callable[[], Mapping[str, NDArray[Any]]]


class CandleRows:
    """Candles of `interval_us` in `files` in their order. Raises ValueError about any that overlap.

    They implement what the wire asks of a source: a candle is visible one feed latency after its close.
    """

    live = False

    def __init__(self, interval_us: int, files: Sequence[CandleFile]) -> None:
        if any(a.first_us >= b.first_us for a, b in pairwise(files)):
            raise ValueError("files of candles have to follow each other")
        self.interval_us = interval_us
        self.count = sum(file.count for file in files)
        self._files = files
        self._starts = [0]
        for file in files[:-1]:
            self._starts.append(self._starts[-1] + file.count)
        self._held = -1  # the number of the file in memory
        self._columns: list[NDArray[np.int64]] = []
        self._cells: list[memoryview] = []  # the same, for single numbers
        self._bars = Bars((), (), (), (), (), ())
        self._bars_from = 0  # the number of the first of them

    def candle(self, number: int) -> Candle:
        """One of them, counted from 0."""
        at = number - self._starts[self._hold(number)]
        open_us, first, high, low, close, volume = self._cells
        return open_us[at], first[at], high[at], low[at], close[at], volume[at]

    def bars(self, number: int, price_step: Decimal, quantity_step: Decimal) -> tuple[Bars, int]:
        """That candle and those after it, and where it is in them."""
        at = number - self._bars_from
        if not 0 <= at < len(self._bars.close_us):
            at, self._bars_from = 0, number
            self._bars = self._make_bars(number, price_step, quantity_step)
        return self._bars, at

    def _make_bars(self, number: int, price_step: Decimal, quantity_step: Decimal) -> Bars:
        start = number - self._starts[self._hold(number)]
        open_us, *prices, volume = (column[start : start + BLOCK] for column in self._columns)
        breaks = np.flatnonzero(np.diff(open_us) != self.interval_us)
        stop = int(breaks[0]) + 1 if len(breaks) else len(open_us)
        times = array("q", (open_us[:stop] + self.interval_us).tobytes())
        first, high, low, close = (_floats(column[:stop], price_step) for column in prices)
        return Bars(times, first, high, low, close, _floats(volume[:stop], quantity_step))

    def horizon_us(self, now_us: int, feed_us: int) -> int:
        """The venue's time up to which everything is visible."""
        return now_us - feed_us

    def seen_us(self, event_us: int, feed_us: int) -> int:
        """When we see what is known at `event_us`."""
        return event_us + feed_us

    def _hold(self, number: int) -> int:
        """Have the file of a candle in memory; its number."""
        file = bisect_right(self._starts, number) - 1
        if file != self._held:
            columns = self._files[file].load()
            self._columns = [np.asarray(columns[name], np.int64) for name in COLUMNS]
            self._cells = [column.data for column in self._columns]
            close = np.diff(self._columns[0]) < self.interval_us
            if close.any():
                raise ValueError(f"candle {int(close.argmax()) + 1} opens before the one before it has closed")
            self._held = file
        return file


def _floats(counts: NDArray[np.int64], step: Decimal) -> "array[float]":
    """counts · step, each rounded once: what `float` makes of the exact number, as long as that has 15 digits."""
    numerator, denominator = step.as_integer_ratio()
    return array("d", (counts * numerator / denominator).tobytes())
