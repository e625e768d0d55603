"""Candles that went by without a tick of their own: gathered as they are, worked out many at a time."""

from array import array

import numpy as np
from numpy.typing import NDArray

from engine.core.candles import Shown


class Stretches:
    """Of one market, each with numbers that were the same all along it. The last candle of each has a tick."""

    def __init__(self) -> None:
        self.last_us = 0  # when the last one would have been ticked
        self._close_us = array("q")
        self._close = array("d")
        self._late_us = self._grid_us = 0
        self._counts: list[int] = []
        self._terms: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._close)

    def add(self, shown: Shown, grid_us: int, *terms: float) -> None:
        """Candles in a row. The tick that sees one is the next on the grid."""
        close_us = shown.close_us
        self._grid_us, self._late_us = grid_us, shown.seen_us - close_us[-1] + grid_us - 1
        self.last_us = (close_us[-2] + self._late_us) // grid_us * grid_us
        self._close_us.extend(close_us)
        self._close.extend(shown.close)
        self._counts.append(len(close_us))
        self._terms.append(terms)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.float64], list[NDArray[np.float64]]]:
        """Of all candles but those with a tick: its time, the closes, and a column a term."""
        counts = np.array(self._counts)
        kept = np.ones(len(self), bool)
        kept[counts.cumsum() - 1] = False
        times = np.array(self._close_us)[kept] + self._late_us
        terms = [np.repeat(row, counts)[kept] for row in np.array(self._terms).T]
        return times - times % self._grid_us, np.array(self._close)[kept], terms
