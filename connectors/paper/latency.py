"""How long things are under way between us and a venue: constant, sampled, or as recorded. Microseconds."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log
from random import Random

Delay = Callable[[int], int]
"""Time of departure → how long it takes."""


def constant(delay_us: int) -> Delay:
    """Always the same."""
    return lambda now_us: delay_us


def sampled(median_us: int, sigma: float, chance: Random) -> Delay:
    """Lognormal: `sigma` is the standard deviation of the logarithm."""
    centre = log(median_us)
    return lambda now_us: round(exp(chance.gauss(centre, sigma)))


def chosen(median_us: int, sigma: float, chance: Random) -> Delay:
    """Constant, or, with a sigma, sampled."""
    return sampled(median_us, sigma, chance) if sigma and median_us else constant(median_us)


def recorded(at_us: Sequence[int], delays_us: Sequence[int]) -> Delay:
    """Straight lines between measurements, and their ends beyond them. `at_us` ascends. Raises ValueError if empty."""
    if not at_us or len(at_us) != len(delays_us):
        raise ValueError("recorded latencies need as many times as delays, and at least one")

    def delay(now_us: int) -> int:
        after = bisect_left(at_us, now_us)
        if after == 0:
            return delays_us[0]
        if after == len(at_us):
            return delays_us[-1]
        before_us, span_us = at_us[after - 1], at_us[after] - at_us[after - 1]
        return delays_us[after - 1] + (delays_us[after] - delays_us[after - 1]) * (now_us - before_us) // span_us

    return delay


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one venue. `feed_us` is that of market data without recorded receive times; it is constant, so that what is
    visible at a time is one point in the venue's time."""

    feed_us: int
    entry: Delay
    response: Delay
