"""Candles that are told together make the same curve as ticks that are told one by one."""

from random import Random

import numpy as np
import pytest

from engine.backtest import equity
from engine.backtest.equity import MINUTE_US, EquityCurve
from engine.backtest.stretches import Stretches
from engine.core.candles import Shown

FEED_US = 40_000
GRID_US = 30_000_000


@pytest.mark.parametrize("step", [1, 7, 60])
def test_candles_told_together_make_the_same_curve(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equity, "TICKS_GATHERED", 50)
    chance = Random("stretches:1")
    together, single = (EquityCurve(step * MINUTE_US) for _ in range(2))
    close_us = 0
    for _ in range(100):
        count, held, rest = chance.randint(1, 30), chance.uniform(-2, 2), chance.uniform(0, 10)
        times = [close_us + (number + 1) * MINUTE_US for number in range(count)]
        closes = [chance.uniform(1, 2) for _ in times]
        close_us = times[-1]
        if count > 1:
            together.glide(Shown(times, closes, close_us + FEED_US), GRID_US, rest, held)
        for at_us, close in zip(times, closes, strict=True):
            single.add(at_us + GRID_US, rest + held * close)
        together.add(close_us + GRID_US, rest + held * closes[-1])
    assert together.drawdown == single.drawdown
    found, expected = together.columns(), single.columns()
    for name, column in expected.items():
        assert np.array_equal(found[name], column), name


def test_the_last_candle_of_a_stretch_has_a_tick_of_its_own() -> None:
    stretches = Stretches()
    stretches.add(Shown([60, 120, 180], [1.0, 2.0, 3.0], 185), 10, 7.0)
    stretches.add(Shown([240, 300], [4.0, 5.0], 305), 10, 8.0)
    times, closes, terms = stretches.columns()
    assert stretches.last_us == times[-1]
    assert [each.tolist() for each in (times, closes, *terms)] == [[70, 130, 250], [1.0, 2.0, 4.0], [7.0, 7.0, 8.0]]
