"""How far and how one-sidedly prices move."""

from collections import deque
from math import sqrt
from typing import NamedTuple

from engine.indicators.averages import Ema


class Bands(NamedTuple):
    """Prices."""

    lower: float
    middle: float
    upper: float

    def place(self, price: float) -> float:
        """Where a price lies (%b): 0 at the lower band, 1 at the upper one; 0.5 while all prices were the same."""
        width = self.upper - self.lower
        return (price - self.lower) / width if width else 0.5


class Bollinger:
    """Bollinger bands: the mean of the last `length` closes, and `width` standard deviations (of the population) to
    either side."""

    def __init__(self, length: int = 20, width: float = 2.0) -> None:
        if length < 2:
            raise ValueError(f"bands of {length} closes: the length must be at least 2")
        self.length = length
        self._width = width
        self._closes: deque[float] = deque()
        self._mean = self._squares = 0.0  # of the window: the mean, and the sum of squared distances from it

    def add(self, close: float) -> Bands | None:
        """With one more close."""
        closes, mean = self._closes, self._mean
        closes.append(close)
        if len(closes) <= self.length:
            self._mean = mean + (close - mean) / len(closes)
            self._squares += (close - mean) * (close - self._mean)
            if len(closes) < self.length:
                return None
        else:
            old = closes.popleft()
            self._mean = mean + (close - old) / self.length
            self._squares += (close - old) * (close - self._mean + old - mean)
        reach = self._width * sqrt(max(0.0, self._squares) / self.length)
        return Bands(self._mean - reach, self._mean, self._mean + reach)


class Rsi:
    """Relative strength index (J. W. Wilder, 1978): 100·gains/(gains + losses), in Wilder's averages; 50 if none."""

    def __init__(self, length: int = 14) -> None:
        self._gains, self._losses = Ema(length, 1 / length), Ema(length, 1 / length)
        self._close: float | None = None

    def add(self, close: float) -> float | None:
        """With one more close; the first value comes with close number `length` + 1."""
        before, self._close = self._close, close
        if before is None:
            return None
        gains, losses = self._gains.add(max(0.0, close - before)), self._losses.add(max(0.0, before - close))
        if gains is None or losses is None:
            return None
        return 100 * gains / (gains + losses) if gains + losses else 50.0


class Atr:
    """Average true range (J. W. Wilder, 1978): how far a candle and the gap before it reach, in Wilder's average."""

    def __init__(self, length: int = 14) -> None:
        self._average = Ema(length, 1 / length)
        self._close: float | None = None

    def add(self, high: float, low: float, close: float) -> float | None:
        """With one more candle; the first value comes with candle number `length` + 1."""
        before, self._close = self._close, close
        return None if before is None else self._average.add(max(high, before) - min(low, before))
