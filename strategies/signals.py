"""Signals on closed candles: +1 for a rise, -1 for a fall, 0 for nothing new."""

from typing import Protocol

from engine.indicators.averages import Macd, Sma
from engine.indicators.ranges import Bollinger, Rsi


class Signal(Protocol):
    """What the last closed candle says."""

    def add(self, close: float) -> int:
        """With one more close: +1, -1 or 0."""
        ...


class MovingAverageCross:
    """A fast average of the closes that crosses a slow one: upwards +1, downwards -1."""

    def __init__(self, fast: int, slow: int) -> None:
        self._fast, self._slow = Sma(fast), Sma(slow)
        self._side: int | None = None

    def add(self, close: float) -> int:
        """+1, -1 or 0."""
        fast, slow = self._fast.add(close), self._slow.add(close)
        if fast is None or slow is None:
            return 0
        side = 1 if fast > slow else -1 if fast < slow else 0
        before = self._side
        if side == before:
            return 0
        self._side = side
        return 0 if before is None else side


class BollingerTouch:
    """Places between Bollinger's bands are 0 at the lower and 1 at the upper one: +1 at or below `low`, -1 at or above
    `high`."""

    def __init__(self, length: int, width: float, low: float, high: float) -> None:
        self._bands = Bollinger(length, width)
        self._low, self._high = low, high

    def add(self, close: float) -> int:
        """+1, -1 or 0."""
        bands = self._bands.add(close)
        if bands is None:
            return 0
        place = bands.place(close)
        return 1 if place <= self._low else -1 if place >= self._high else 0


class MacdBollinger:
    """A touch of a Bollinger band, where the MACD agrees that the move is turning: below 0 and rising over its signal
    line for +1, above 0 and falling under it for -1."""

    def __init__(self, touch: BollingerTouch, macd: Macd) -> None:
        self._touch, self._macd = touch, macd

    def add(self, close: float) -> int:
        """+1, -1 or 0."""
        touch, macd = self._touch.add(close), self._macd.add(close)
        if macd is None or macd.line * touch >= 0 or macd.histogram * touch <= 0:
            return 0
        return touch


class RsiTurn:
    """A relative strength index at or below `low`: +1; at or above `high`: -1."""

    def __init__(self, length: int, low: float, high: float) -> None:
        self._strength = Rsi(length)
        self._low, self._high = low, high

    def add(self, close: float) -> int:
        """+1, -1 or 0."""
        strength = self._strength.add(close)
        if strength is None or self._low < strength < self._high:
            return 0
        return 1 if strength <= self._low else -1
