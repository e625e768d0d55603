"""Strategies on candles: leaving out ticks of which nothing can come changes nothing that is sent, filled or shown."""

from pathlib import Path
from random import Random

import polars
import pytest

from engine.core.driver import Driver
from engine.model.errors import TickwrightError
from tests.backtest.files import START_US, import_one, write
from tests.backtest.runs import run

MINUTES = 3_000  # across two midnights
MINUTE_US = 60_000_000
BOT = """
name: crossing
mode: backtest
tick: 1m
exchanges: {{binance: {{connector: recorded, balances: {{BTC: 10, USDT: 100000}}, latency: {latency},
  feed_latency: {latency}, response_latency: {latency}}}}}
strategy: {{use: "tests.backtest.crossing:Crossing", interval: {interval}}}
risk: {{stale_data: 3m}}
data: {{path: {data}}}
"""


def candles(missing: range) -> str:
    """A random walk; some minutes are not there."""
    chance = Random("candles:1")
    close = 10_000.0
    rows = ["time_ms,open,high,low,close,volume"]
    for minute in range(MINUTES):
        first, close = close, close * (1 + chance.gauss(0, 0.001))
        high, low = max(first, close) * 1.0003, min(first, close) * 0.9997
        if minute not in missing:
            values = ",".join(f"{value:.2f}" for value in (first, high, low, close))
            rows.append(f"{(START_US + minute * MINUTE_US) // 1_000},{values},1000.123")
    return "\n".join(rows)


@pytest.fixture(scope="module", params=[range(0), range(1_000, 1_020)], ids=["whole", "gap"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    import_one(write(folder / "candles.csv", candles(request.param)), "ohlcv", folder / "set")
    return folder / "set"


@pytest.mark.parametrize(("latency", "interval"), [("0ms", "1m"), ("40ms", "1m"), ("0ms", "3m")])
def test_ticks_that_are_left_out_change_nothing(
    data: Path, tmp_path: Path, latency: str, interval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    step = Driver.step
    monkeypatch.setattr(Driver, "step", lambda *arguments: steps.append(1) or step(*arguments))
    bot = BOT.format(data=data, latency=latency, interval=interval)
    gliding, result = run(tmp_path / "gliding", data, bot=bot)
    few, steps[:] = len(steps), []
    ticking, expected = run(tmp_path / "ticking", data, "risk.kill_switch=99%", bot=bot)
    assert few < len(steps) / 3
    assert result["orders"] == expected["orders"]
    assert result["orders"]["fills"] > (20 if interval == "1m" else 6)
    for name in ("requests_hash", "fills_hash"):
        assert result["run"][name] == expected["run"][name]
    drawdowns = [each["money"].pop("drawdown") for each in (result, expected)]
    assert drawdowns[0] == pytest.approx(drawdowns[1])
    assert result["money"] == expected["money"]
    assert result["days"] == expected["days"]
    for name in ("equity.parquet", "holdings-binance-BTC-USDT.parquet"):
        assert_same_table(polars.read_parquet(gliding / name), polars.read_parquet(ticking / name))


def assert_same_table(found: polars.DataFrame, expected: polars.DataFrame) -> None:
    """Equal within what floats are."""
    assert found.columns == expected.columns
    for name in expected.columns:
        assert found[name].fill_nan(0.0).to_list() == pytest.approx(expected[name].fill_nan(0.0).to_list()), name


@pytest.mark.parametrize("interval", ["90s", "30s"])
def test_candles_that_the_data_do_not_have(tmp_path: Path, interval: str) -> None:
    import_one(write(tmp_path / "candles.csv", candles(range(0))), "ohlcv", tmp_path / "set")
    bot = BOT.format(data=tmp_path / "set", latency="0ms", interval=interval)
    with pytest.raises(TickwrightError, match=f"no candles of {interval[:2]} s can be made of the data"):
        run(tmp_path, tmp_path / "set", bot=bot)
