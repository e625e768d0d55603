"""Figures of merit by hand, and the mistakes that others make."""

from math import sqrt
from random import Random

import numpy as np
import pytest

from engine.backtest.equity import MINUTE_US, EquityCurve
from engine.backtest.ratios import (
    DAY_US,
    Grid,
    annual_growth,
    calmar,
    grid_of,
    returns_of,
    sample,
    sharpe,
    sortino,
    tail,
)

RETURNS = np.array([0.01, -0.005, 0.002, 0.0, -0.01, 0.015] * 6)


def test_sharpe_by_hand() -> None:
    found = sharpe(Grid(DAY_US, 365.0, RETURNS), risk_free=0.0001)
    assert found is not None
    per_day = (RETURNS.mean() - 0.0001) / RETURNS.std(ddof=1)
    assert found[0] == pytest.approx(per_day * sqrt(365))
    assert found[1] == pytest.approx(sqrt((1 + per_day**2 / 2) / 36) * sqrt(365))


def test_sharpe_is_on_returns() -> None:
    """The same returns on another capital: the same ratio. A straight line has no ratio, never 1.732."""
    growth = np.cumprod(1 + RETURNS)
    ratios = [sharpe(Grid(DAY_US, 365.0, returns_of(capital * growth))) for capital in (1.0, 1000.0, 1e9)]
    assert all(ratio is not None and ratio[0] == pytest.approx(ratios[0][0]) for ratio in ratios)  # type: ignore[index]
    assert sharpe(Grid(DAY_US, 365.0, returns_of(1.01 ** np.arange(60)))) is None
    line = sharpe(Grid(DAY_US, 365.0, returns_of(100.0 + np.arange(60))))
    assert line is not None
    assert line[0] > 20


@pytest.mark.parametrize("returns", [RETURNS[:29], np.zeros(50), np.empty(0)], ids=["few", "flat", "none"])
def test_what_the_data_cannot_tell(returns: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
    assert sharpe(Grid(DAY_US, 365.0, returns)) is None
    assert sortino(Grid(DAY_US, 365.0, returns)) is None


def test_sortino_by_hand() -> None:
    downside = sqrt((np.minimum(RETURNS, 0) ** 2).mean())
    assert sortino(Grid(DAY_US, 365.0, RETURNS)) == pytest.approx(RETURNS.mean() / downside * sqrt(365))


def test_growth_and_calmar() -> None:
    assert annual_growth(100, 110, 365 * DAY_US) == pytest.approx(0.1)
    assert annual_growth(100, 110, 29 * DAY_US) is None
    assert annual_growth(0, 110, 365 * DAY_US) is None
    assert calmar(0.1, 0.05) == pytest.approx(2)
    assert calmar(None, 0.05) is calmar(0.1, 0) is None


@pytest.mark.parametrize(("days", "step_us"), [(40, DAY_US), (3, 3_600_000_000), (1, 60_000_000)])
def test_grid_follows_the_length(days: int, step_us: int) -> None:
    at_us = np.arange(1, days * 1440 + 1) * 60_000_000
    grid = grid_of(at_us, np.linspace(100, 110, len(at_us)))
    assert grid.step_us == step_us
    assert grid.periods == pytest.approx(365 * DAY_US / step_us)
    assert len(grid.returns) in (days * DAY_US // step_us - 1, days * DAY_US // step_us)


def test_returns_need_money() -> None:
    assert len(returns_of(np.array([1.0, 0.0, 1.0]))) == 0
    assert len(grid_of(np.array([5]), np.array([1.0])).returns) == 0


def test_samples_are_the_last_known() -> None:
    at_us, equity = np.array([10, 19, 25, 41]), np.array([1.0, 2.0, 3.0, 4.0])
    assert sample(at_us, equity, 10).tolist() == [1.0, 2.0, 3.0, 3.0]


def test_tail() -> None:
    returns = np.linspace(-0.10, 0.10, 101)
    found = tail(returns)
    assert found is not None
    assert found.var_95 == pytest.approx(0.09)
    assert found.shortfall_95 == pytest.approx(np.mean([0.10, 0.098, 0.096, 0.094, 0.092, 0.09]))
    assert tail(np.empty(0)) is None


def test_drawdown_over_all_ticks() -> None:
    """The depth is that of the ticks, also between the points that are kept."""
    curve = EquityCurve()
    for second, equity in enumerate([100, 110, 55, 105, 110, 111, 100]):
        curve.add(MINUTE_US + second * 1_000_000, float(equity))
    worst = curve.drawdown
    assert worst.depth == pytest.approx(0.5)
    assert [(each - MINUTE_US) // 1_000_000 for each in (worst.peak_us, worst.trough_us, worst.recovered_us)] == [
        1,
        2,
        4,
    ]
    assert worst.longest_us == 2_000_000
    columns = curve.columns()
    assert {name: column.tolist() for name, column in columns.items()} == {
        "at_us": [MINUTE_US + 6_000_000],
        "equity": [100.0],
        "low": [55.0],
        "high": [111.0],
        "drawdown": [0.5],
    }


def naive(ticks: list[tuple[int, float]]) -> tuple[float, int, int, int, int]:
    """Tick by tick: depth, peak, trough, recovery, longest time below a peak."""
    peak, peak_us, depth, found, longest_us = ticks[0][1], ticks[0][0], 0.0, (0, 0, 0), 0
    for at_us, equity in ticks:
        if equity >= peak:
            if found[1] and not found[2]:
                found = (*found[:2], at_us)
            peak, peak_us = equity, at_us
            continue
        longest_us = max(longest_us, at_us - peak_us)
        if 1 - equity / peak > depth:
            depth, found = 1 - equity / peak, (peak_us, at_us, 0)
    return depth, *found, longest_us


@pytest.mark.parametrize("seed", range(20))
def test_drawdown_in_pieces_is_that_of_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.backtest.equity.TICKS_GATHERED", 7)
    chance = Random(f"equity:{seed}")
    equity = 100.0
    ticks = [(at_us, equity := round(equity + chance.choice((-1, 0, 1)) * 0.5, 1)) for at_us in range(10, 400)]
    curve = EquityCurve(20)
    for tick in ticks:
        curve.add(*tick)
    worst = curve.drawdown
    expected = naive(ticks)
    assert worst.depth == pytest.approx(expected[0])
    assert (worst.peak_us, worst.trough_us, worst.recovered_us, worst.longest_us) == expected[1:]
    columns = curve.columns()
    assert columns["at_us"].tolist() == [*range(19, 400, 20)]
    assert columns["low"].tolist() == [min(e for at, e in ticks if at // 20 == step) for step in range(20)]


def test_curve_keeps_a_line_a_step() -> None:
    curve = EquityCurve(1_000_000)
    for at_us in range(0, 3_000_000, 250_000):
        curve.add(at_us, 1.0 + at_us)
    assert curve.columns()["at_us"].tolist() == [750_000, 1_750_000, 2_750_000]
    assert len(EquityCurve().columns()["at_us"]) == 0
