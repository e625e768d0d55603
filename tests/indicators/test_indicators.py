"""Indicators against their formulas, written down anew on whole arrays; and some known figures."""

from collections.abc import Callable
from math import inf, nan
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.indicators.averages import Ema, Macd, Sma
from engine.indicators.ranges import Atr, Bollinger, Rsi

Floats = NDArray[np.float64]
COUNT = 600


def walk(seed: int) -> tuple[Floats, Floats, Floats]:
    """High, low and close of a random walk around 20,000."""
    chance = Random(f"indicators:{seed}")
    close = 20_000 + np.cumsum([chance.gauss(0, 20) for _ in range(COUNT)])
    spread = np.array([abs(chance.gauss(0, 15)) for _ in range(COUNT)])
    return close + spread, close - spread * 0.7, close


def sma(values: Floats, length: int) -> Floats:
    return np.array([nan if i + 1 < length else values[i + 1 - length : i + 1].mean() for i in range(len(values))])


def smoothed(values: Floats, length: int, weight: float) -> Floats:
    """Begins with the mean of the first `length` numbers."""
    start = int(np.isnan(values).sum()) + length - 1
    found = np.full(len(values), nan)
    found[start] = values[start + 1 - length : start + 1].mean()
    for i in range(start + 1, len(values)):
        found[i] = (1 - weight) * found[i - 1] + weight * values[i]
    return found


def ema(values: Floats, length: int) -> Floats:
    return smoothed(values, length, 2 / (length + 1))


def rsi(close: Floats, length: int) -> Floats:
    changes = np.diff(close, prepend=nan)
    gains = smoothed(np.where(np.isnan(changes), nan, np.maximum(changes, 0)), length, 1 / length)
    losses = smoothed(np.where(np.isnan(changes), nan, np.maximum(-changes, 0)), length, 1 / length)
    return 100 - 100 / (1 + gains / losses)


def atr(high: Floats, low: Floats, close: Floats, length: int) -> Floats:
    before = np.concatenate([[nan], close[:-1]])
    reach = np.maximum(high - low, np.maximum(abs(high - before), abs(low - before)))
    return smoothed(reach, length, 1 / length)


def run(values: list[float | None]) -> Floats:
    return np.array([nan if value is None else value for value in values])


def assert_same(found: Floats, expected: Floats) -> None:
    assert 0 < np.isnan(expected).sum() < COUNT / 2
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("length", [2, 20, 100])
@pytest.mark.parametrize(("made", "formula"), [(Sma, sma), (Ema, ema), (Rsi, rsi)])
def test_of_closes(made: type[Sma | Ema | Rsi], formula: Callable[[Floats, int], Floats], length: int) -> None:
    close, indicator = walk(length)[2], made(length)
    assert_same(run([indicator.add(float(value)) for value in close]), formula(close, length))


@pytest.mark.parametrize("lengths", [(12, 26, 9), (3, 10, 2)])
def test_macd(lengths: tuple[int, int, int]) -> None:
    close, indicator = walk(1)[2], Macd(*lengths)
    line = ema(close, lengths[0]) - ema(close, lengths[1])
    signal = ema(line, lengths[2])
    found = [indicator.add(float(value)) for value in close]
    for number, expected in enumerate((np.where(np.isnan(signal), nan, line), signal, line - signal)):
        assert_same(run([None if each is None else each[number] for each in found]), expected)


@pytest.mark.parametrize(("length", "width"), [(20, 2.0), (5, 1.0)])
def test_bollinger(length: int, width: float) -> None:
    close, indicator = walk(2)[2], Bollinger(length, width)
    middle = sma(close, length)
    reach = width * np.sqrt(sma(close**2, length) - middle**2)
    found = [indicator.add(float(value)) for value in close]
    for number, expected in enumerate((middle - reach, middle, middle + reach)):
        np.testing.assert_allclose(run([None if each is None else each[number] for each in found]), expected, rtol=1e-8)


def test_atr() -> None:
    high, low, close = walk(3)
    indicator = Atr(14)
    found = run([indicator.add(*map(float, row)) for row in zip(high, low, close, strict=True)])
    assert_same(found, atr(high, low, close, 14))


def test_known_figures() -> None:
    """Wilder's RSI of fourteen days, from the table of StockCharts' ChartSchool: 70.53 and 66.32."""
    closes = "44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 45.8931 46.0328 45.6140"
    closes += " 46.2820 46.2820 46.0028"
    indicator = Rsi(14)
    found = [indicator.add(float(close)) for close in closes.split()]
    assert found[:14] == [None] * 14
    assert [round(value, 2) for value in found[14:] if value is not None] == [70.53, 66.32]


def test_prices_that_do_not_move() -> None:
    bollinger, strength = Bollinger(3), Rsi(3)
    found = [bollinger.add(7.1) for _ in range(9)][-1]
    assert found == pytest.approx((7.1, 7.1, 7.1))
    assert found is not None
    assert found._replace(lower=7.0, upper=7.4).place(7.1) == pytest.approx(0.25)
    assert found._replace(lower=7.1, upper=7.1).place(7.1) == 0.5
    assert [strength.add(7.1) for _ in range(5)] == [None, None, None, 50.0, 50.0]


@pytest.mark.parametrize("made", [lambda: Sma(0), lambda: Bollinger(1), lambda: Macd(26, 12)])
def test_lengths_that_make_no_sense(made: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must be (at least|shorter)"):
        made()


def test_sums_stay_exact_enough() -> None:
    """A year of minutes: the running sum of the longest window is off by less than 1e-9 of a price."""
    chance, average = Random("sums:1"), Sma(100)
    values = [20_000 + chance.uniform(-0.01, 0.01) for _ in range(100_000)]
    worst = -inf
    for number, value in enumerate(values):
        found = average.add(value)
        if found is not None and number % 5_000 == 4_999:
            worst = max(worst, abs(found - sum(values[number - 99 : number + 1]) / 100))
    assert worst < 2e-9
