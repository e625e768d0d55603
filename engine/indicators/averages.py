"""Moving averages and what is made of them."""

from collections import deque
from typing import NamedTuple


class Sma:
    """Simple moving average: the mean of the last `length` values.

    Its running sum gets off by 1e-16 of itself with each value, up or down: 1e-13 in a year of minutes.
    """

    def __init__(self, length: int) -> None:
        if length < 1:
            raise ValueError(f"an average of {length} values: the length must be at least 1")
        self.length = length
        self._values = deque([0.0] * length)
        self._total = 0.0
        self._missing = length

    def add(self, value: float) -> float | None:
        """The mean with one more value."""
        values = self._values
        values.append(value)
        self._total = total = self._total + value - values.popleft()
        if self._missing:
            self._missing -= 1
            if self._missing:
                return None
        return total / self.length


class Ema:
    """Exponential moving average: e += weight·(value − e), from the mean of the first `length` values on.

    The weight is 2/(length + 1); that of J. W. Wilder's averages (1978) is 1/length.
    """

    def __init__(self, length: int, weight: float | None = None) -> None:
        self._first = Sma(length)
        self._weight = 2 / (length + 1) if weight is None else weight
        self._value: float | None = None

    def add(self, value: float) -> float | None:
        """The average with one more value."""
        before = self._value
        self._value = now = self._first.add(value) if before is None else before + self._weight * (value - before)
        return now


class MacdValue(NamedTuple):
    """All in the units of the price."""

    line: float
    signal: float
    histogram: float


class Macd:
    """Moving average convergence/divergence (G. Appel): line = EMA(fast) − EMA(slow), signal = EMA of the line,
    histogram = line − signal."""

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        if fast >= slow:
            raise ValueError(f"the fast average ({fast}) must be shorter than the slow one ({slow})")
        self._fast, self._slow, self._signal = Ema(fast), Ema(slow), Ema(signal)

    def add(self, close: float) -> MacdValue | None:
        """With one more close."""
        fast, slow = self._fast.add(close), self._slow.add(close)
        if fast is None or slow is None:
            return None
        line = fast - slow
        signal = self._signal.add(line)
        return None if signal is None else MacdValue(line, signal, line - signal)
