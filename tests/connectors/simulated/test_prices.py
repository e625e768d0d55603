"""Price models against theory: each bound is at least 4.5 standard deviations of the estimate wide."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log, sqrt
from random import Random
from statistics import fmean, pstdev, pvariance
from typing import Any

import pytest

from connectors.simulated.prices import TREND_PER_YEAR, YEAR_S, PricePath, ScenarioStopped, arrivals
from connectors.simulated.synthetic import build_path
from tests.connectors.simulated.scenarios import scenario
from tests.connectors.simulated.venues import INSTRUMENT

S = 1_000_000
SIGMAS = 4.5


def path(seed: int = 1, **keys: Any) -> PricePath:
    return build_path(scenario(**keys), INSTRUMENT, seed)


def prices(count: int, seed: int = 1, **keys: Any) -> list[float]:
    made = path(seed, **keys)
    interval_us = scenario(**keys).market_update_interval
    return [made.at(step * interval_us) for step in range(count + 1)]


def log_returns(values: Sequence[float]) -> list[float]:
    return [log(after / before) for before, after in pairwise(values)]


@pytest.mark.parametrize("interval", ["1s", "250ms", "1h"])
def test_brownian_returns_have_the_mean_and_variance_of_theory(interval: str):
    keys = {"model": "brownian", "volatility": "0.8", "drift": "0.5", "market_update_interval": interval}
    count = 20_000
    returns = log_returns(prices(count, **keys))
    years = scenario(**keys).market_update_interval / 1e6 / YEAR_S
    variance = 0.64 * years
    assert fmean(returns) == pytest.approx((0.5 - 0.32) * years, abs=SIGMAS * sqrt(variance / count))
    assert pvariance(returns) == pytest.approx(variance, rel=SIGMAS * sqrt(2 / count))
    assert fmean(a * b for a, b in pairwise(returns)) == pytest.approx(0, abs=SIGMAS * variance / sqrt(count))


def test_the_expected_brownian_price_grows_with_the_drift_alone():
    """E[S(1 year)] = S(0)·exp(drift): the half variance is taken off the log."""
    steps, paths = 24, 400
    ends = [
        prices(steps * 5, seed, model="brownian", volatility="10", drift="0", market_update_interval="1h")[-1] / 60000
        for seed in range(paths)
    ]
    deviation = sqrt(exp(100 * steps * 5 * 3600 / YEAR_S) - 1)
    assert fmean(ends) == pytest.approx(1.0, abs=SIGMAS * deviation / sqrt(paths))


@pytest.mark.parametrize(("trend", "sign"), [("UP", 1), ("DOWN", -1), ("SIDEWAYS", 0)])
def test_a_trend_moves_by_one_daily_deviation_a_day(trend: str, sign: int):
    returns = log_returns(prices(4000, model="brownian", trend=trend, volatility="0.6", market_update_interval="1h"))
    hourly = 0.6 * sqrt(3600 / YEAR_S)
    expected = sign * TREND_PER_YEAR * 0.6 / 8760 - 0.18 / 8760
    assert fmean(returns) == pytest.approx(expected, abs=SIGMAS * hourly / sqrt(4000))


def test_without_volatility_the_price_follows_the_drift_exactly():
    values = prices(10, model="brownian", volatility="0", drift="0.1", market_update_interval="1h")
    assert values[-1] == pytest.approx(60000 * exp(0.1 * 10 / 8760), rel=1e-12)


@pytest.mark.parametrize("law", ["normal", "double_exponential"])
def test_jumps_come_as_often_and_as_large_as_said(law: str):
    count, rate, size, mean = 40_000, 0.2, 0.01, 0.002
    keys = {"volatility": "0", "jump_rate": "0.2/s", "jump_size": "1%", "jump_mean": "0.2%", "jump_law": law}
    returns = log_returns(prices(count, **keys))
    jumped = [value for value in returns if value != 0.0]
    steps_with_jump = count * (1 - exp(-rate))
    assert len(jumped) == pytest.approx(steps_with_jump, abs=SIGMAS * sqrt(steps_with_jump))
    assert sum(returns) == pytest.approx(count * rate * mean, abs=SIGMAS * sqrt(count * rate * (size**2 + mean**2)))
    fourth = 3 if law == "normal" else 6  # kurtosis of the law
    second = size**2 + mean**2
    spread = sqrt(rate * fourth * size**4 * 1.5 / count)
    assert pvariance(returns) == pytest.approx(rate * second, abs=SIGMAS * spread)


def test_the_double_exponential_law_has_the_heavier_tails():
    def kurtosis(law: str) -> float:
        keys = {"volatility": "0", "jump_rate": "0.01/s", "jump_size": "1%", "jump_law": law}
        jumped = [value for value in log_returns(prices(200_000, **keys)) if value != 0.0]
        return fmean(value**4 for value in jumped) / pvariance(jumped) ** 2

    assert kurtosis("normal") == pytest.approx(3.0, abs=0.6)
    assert kurtosis("double_exponential") > 4.5


def test_arrivals_are_a_poisson_process_whatever_the_step():
    for expected in (0.01, 0.5, 3.0):
        arrived = arrivals(Random(expected))
        counts = [arrived(expected) for _ in range(20_000)]
        assert fmean(counts) == pytest.approx(expected, abs=SIGMAS * sqrt(expected / 20_000))
        bound = SIGMAS * sqrt((expected + 2 * expected**2) / 20_000)
        assert pvariance(counts) == pytest.approx(expected, abs=bound)


def test_a_deviation_from_the_target_halves_in_every_half_life():
    keys = {"model": "mean_reverting", "volatility": "0", "target_price": "50000", "half_life": "10m"}
    values = prices(1200, **keys)
    assert log(values[600] / 50000) == pytest.approx(log(1.2) / 2)
    assert log(values[1200] / 50000) == pytest.approx(log(1.2) / 4)


def test_the_mean_reverting_price_has_the_stationary_deviation_and_half_life_of_theory():
    """AR(1) with factor a = 2^(-dt/half_life): variance σ²dt·a²/(1-a²), autocorrelation a."""
    count = 40_000
    keys = {"model": "mean_reverting", "volatility": "2", "half_life": "20s"}
    logs = [log(value / 60000) for value in prices(count, **keys)][500:]
    a = 2 ** (-1 / 20)
    deviation = 2 * sqrt(1 / YEAR_S) * a / sqrt(1 - a * a)
    independent = count * (1 - a) / (1 + a)
    assert pstdev(logs) == pytest.approx(deviation, rel=SIGMAS / sqrt(2 * independent))
    mean = fmean(logs)
    lagged = fmean((x - mean) * (y - mean) for x, y in zip(logs, logs[20:], strict=False)) / pvariance(logs)
    assert lagged == pytest.approx(0.5, abs=SIGMAS / sqrt(independent))


def test_a_formula_is_the_price():
    values = prices(3, model="formula", formula="price + t + trend", trend="UP")
    assert values == [60000, 60002, 60005, 60009]


def test_a_formula_draws_from_the_seed():
    keys = {"model": "formula", "formula": "price * exp(0.001 * normal())"}
    assert prices(50, **keys) == prices(50, **keys)
    assert prices(50, seed=2, **keys) != prices(50, **keys)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (
            "price - 30000 * t",
            "step 2: the price would be -30000.0; formula 'price - 30000 * t' inputs price=30000.0 t=2.0",
        ),
        ("price / abs(t - 3)", "step 3: formula, line 1 column 1: has no value here (float division by zero)"),
    ],
)
def test_a_price_that_is_none_stops_the_scenario(formula: str, words: str):
    with pytest.raises(ScenarioStopped) as caught:
        prices(5, model="formula", formula=formula)
    assert words in str(caught.value)


def test_a_price_beyond_all_numbers_stops_the_scenario():
    with pytest.raises(ScenarioStopped, match="step 1: math range error"):
        prices(5, model="brownian", drift="1e12", market_update_interval="1h")


def test_shocks_multiply_the_price():
    events = [{"at": "2s", "inject": "jump", "size": "-6%"}, {"at": "0s", "inject": "jump", "size": "1%"}]
    values = prices(3, model="brownian", volatility="0", events=events)
    assert values == pytest.approx([60000, 60600, 60600 * 0.94, 60600 * 0.94])


def test_changes_of_volatility_take_effect():
    events = [{"at": "1000s", "set": {"volatility": "0"}}]
    values = prices(1100, model="brownian", volatility="1", events=events)
    assert len(set(values[:1000])) == 1000
    assert len(set(values[999:])) == 1


def test_the_pieces_do_not_share_their_chance():
    """Jumps of size 0 leave the diffusion's draws as they are."""
    with_jumps = prices(100, model="jump_diffusion", jump_rate="1/s", jump_size="0")
    assert with_jumps == prices(100, model="brownian")


def test_equal_paths_are_equal_however_they_are_asked():
    finely, coarsely = path(), path()
    assert [finely.at(second * S) for second in range(101)][-1] == coarsely.at(100 * S + 1)
    assert path(seed=2).at(100 * S) != coarsely.at(100 * S)
