"""Equity over time: what statistics need of every tick, and a line a minute for pictures. Floats: nothing is booked."""

from array import array
from dataclasses import dataclass

import numpy as np

from engine.backtest.columns import Columns

MINUTE_US = 60_000_000
COLUMNS = ("at_us", "equity", "low", "high", "drawdown")


@dataclass(slots=True)
class Drawdown:
    """The deepest fall from a peak, as a fraction, and when; `recovered_us` 0: not yet. Longest time below a peak."""

    depth: float = 0.0
    peak_us: int = 0
    trough_us: int = 0
    recovered_us: int = 0
    longest_us: int = 0


class EquityCurve:
    """Hears equity at every tick. Steps (minutes by default) keep their last value and their extremes."""

    def __init__(self, step_us: int = MINUTE_US) -> None:
        self.drawdown = Drawdown()
        self._step_us = step_us
        self._times = array("q")
        self._series = [array("d") for _ in COLUMNS[1:]]
        self._step = -1
        self._last_us = 0
        self._peak = 0.0
        self._peak_us = 0
        self._values = [0.0, 0.0, 0.0, 0.0]  # of the present step: last, low, high, deepest drawdown

    def add(self, now_us: int, equity: float) -> None:
        """The equity at a tick."""
        step = now_us // self._step_us
        if step != self._step:
            self._flush()
            self._step = step
            self._values = [equity, equity, equity, 0.0]
        values = self._values
        values[0] = equity
        values[1] = min(values[1], equity)
        values[2] = max(values[2], equity)
        self._last_us = now_us
        self._follow(now_us, equity, values)

    def _follow(self, now_us: int, equity: float, values: list[float]) -> None:
        worst = self.drawdown
        if equity >= self._peak or not self._peak_us:
            if worst.trough_us > self._peak_us and not worst.recovered_us:
                worst.recovered_us = now_us
            self._peak, self._peak_us = equity, now_us
            return
        worst.longest_us = max(worst.longest_us, now_us - self._peak_us)
        depth = 1 - equity / self._peak if self._peak > 0 else 0.0
        values[3] = max(values[3], depth)
        if depth > worst.depth:
            worst.depth, worst.peak_us, worst.trough_us, worst.recovered_us = depth, self._peak_us, now_us, 0

    def columns(self) -> Columns:
        """A row a step: time of its last tick, equity, extremes, deepest drawdown."""
        self._flush()
        self._step = -1
        return dict(zip(COLUMNS, (np.array(column) for column in (self._times, *self._series)), strict=True))

    def _flush(self) -> None:
        if self._step < 0:
            return
        self._times.append(self._last_us)
        for series, value in zip(self._series, self._values, strict=True):
            series.append(value)
