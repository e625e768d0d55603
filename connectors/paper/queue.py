"""Queue models by name, and the chance that a cancellation happened behind us in the probabilistic ones.

The functions are those of hftbacktest's ProbQueueModel family; f and b are the lots ahead of us and behind us.
"""

from collections.abc import Callable
from math import isfinite, log1p

from connectors.paper.words import NONE, PROBABILISTIC, RISK_AVERSE, THROUGH

QUEUES = {"risk_averse": RISK_AVERSE, "probabilistic": PROBABILISTIC, "none": NONE, "through": THROUGH}
Behind = Callable[[float, float], float]


def behind(shape: str, exponent: float = 3.0) -> Behind:
    """(b, f) → chance that a decrease of the level is behind us, by the shape of its formula."""
    formula = SHAPES[shape]

    def chance(back: float, front: float) -> float:
        try:
            value = formula(back, front, exponent)
        except ZeroDivisionError:
            return 1.0
        return value if isfinite(value) else 1.0

    return chance


def _power(back: float, front: float, exponent: float) -> float:
    """bⁿ/(bⁿ + fⁿ)."""
    ours: float = _raise(back, exponent)
    return ours / (ours + _raise(front, exponent))


def _power2(back: float, front: float, exponent: float) -> float:
    """bⁿ/(b + f)ⁿ."""
    return _raise(back, exponent) / _raise(back + front, exponent)


def _power3(back: float, front: float, exponent: float) -> float:
    """1 − (f/(f + b))ⁿ."""
    return 1.0 - _raise(front / (front + max(back, 0.0)), exponent)


def _log(back: float, front: float, exponent: float) -> float:
    """ln(1 + b)/(ln(1 + b) + ln(1 + f))."""
    ours = log1p(max(back, 0.0))
    return ours / (ours + log1p(max(front, 0.0)))


def _log2(back: float, front: float, exponent: float) -> float:
    """ln(1 + b)/ln(1 + b + f)."""
    return log1p(max(back, 0.0)) / log1p(max(back, 0.0) + max(front, 0.0))


def _raise(value: float, exponent: float) -> float:
    return float(max(value, 0.0) ** exponent)


SHAPES = {"power": _power, "power2": _power2, "power3": _power3, "log": _log, "log2": _log2}
