"""Figures of merit, on returns of equity and never on the level of profit.

Sharpe and its standard error: A. Lo, The statistics of Sharpe ratios, Financial Analysts Journal 58(4), 2002. None
stands for what the data cannot tell. Floats: these are statistics, nothing is booked from them.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
DAY_US = 86_400_000_000
YEAR_US = 365 * DAY_US
RETURNS_MIN = 30
FLAT = 1e-14  # a standard deviation that is only rounding


class Grid(NamedTuple):
    """Returns on a fixed grid; `periods` of them make a year."""

    step_us: int
    periods: float
    returns: Series


def sample(at_us: NDArray[np.int64], equity: Series, step_us: int) -> Series:
    """The last known equity at each multiple of `step_us` within the series, and at its begin."""
    first = at_us[0] // step_us * step_us
    points = np.arange(first + step_us, at_us[-1] + 1, step_us)
    indices = np.searchsorted(at_us, points, "right") - 1
    return np.concatenate([equity[:1], equity[indices]])


def grid_of(at_us: NDArray[np.int64], equity: Series) -> Grid:
    """Daily returns of 30 days or more, else hourly ones if there are 30, else those of minutes."""
    span_us = int(at_us[-1] - at_us[0]) if len(at_us) else 0
    step_us = DAY_US
    for step_us in (DAY_US, 3_600_000_000, 60_000_000):
        if span_us >= RETURNS_MIN * step_us:
            break
    if len(at_us) < 2:
        return Grid(step_us, YEAR_US / step_us, np.empty(0))
    return Grid(step_us, YEAR_US / step_us, returns_of(sample(at_us, equity, step_us)))


def returns_of(equity: Series) -> Series:
    """E_k / E_{k−1} − 1; none where equity is not above 0."""
    if len(equity) < 2 or (equity <= 0).any():
        return np.empty(0)
    return equity[1:] / equity[:-1] - 1


def sharpe(grid: Grid, risk_free: float = 0.0) -> tuple[float, float] | None:
    """(ratio per year, standard error): mean(r − rf) / sd(r) · √P, sd with n − 1; `risk_free` per period."""
    returns, periods = grid.returns, grid.periods
    count = len(returns)
    if count < RETURNS_MIN:
        return None
    deviation = float(np.std(returns, ddof=1))
    if deviation <= FLAT:
        return None
    per_period = (float(np.mean(returns)) - risk_free) / deviation
    ratio = per_period * sqrt(periods)
    return ratio, sqrt((1 + per_period**2 / 2) / count) * sqrt(periods)


def sortino(grid: Grid, least: float = 0.0) -> float | None:
    """(mean(r) − mar) / √mean(min(r − mar, 0)²) · √P, the mean over all n."""
    returns = grid.returns
    if len(returns) < RETURNS_MIN:
        return None
    downside = sqrt(float(np.mean(np.minimum(returns - least, 0.0) ** 2)))
    return None if downside <= FLAT else (float(np.mean(returns)) - least) / downside * sqrt(grid.periods)


def annual_growth(first: float, last: float, span_us: int) -> float | None:
    """(E_T / E_0)^(365 d / T) − 1; None below 30 days."""
    if span_us < RETURNS_MIN * DAY_US or first <= 0 or last <= 0:
        return None
    return float((last / first) ** (YEAR_US / span_us) - 1)


def calmar(growth: float | None, drawdown: float) -> float | None:
    """Growth per year / maximum drawdown."""
    return None if growth is None or drawdown <= 0 else growth / drawdown


class Tail(NamedTuple):
    """Historical value at risk and expected shortfall of one horizon, as fractions; `samples` returns were seen."""

    var_95: float
    var_99: float
    shortfall_95: float
    samples: int


def tail(returns: Series) -> Tail | None:
    """VaR is −quantile(r, 1 − α), linear; ES = −mean of the returns ≤ −VaR. None without returns."""
    if not len(returns):
        return None
    var_95, var_99 = (-float(np.quantile(returns, 1 - level)) for level in (0.95, 0.99))
    worst = returns[returns <= -var_95]
    return Tail(var_95, var_99, -float(np.mean(worst)) if len(worst) else var_95, len(returns))
