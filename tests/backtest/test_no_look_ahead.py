"""On random walks without drift nothing can be earned before costs, unless the future is known."""

import json
from math import sqrt
from pathlib import Path
from random import Random

import numpy as np
import polars
import pytest

from tests.backtest.files import START_US, import_one, write
from tests.backtest.runs import run
from tests.backtest.walker import HOUR_US

DAYS, WALKS = 3, 8
BOT = """
name: walker
mode: backtest
tick: 5m
exchanges: {{binance: {{connector: recorded, balances: {{BTC: 10, USDT: 100000}}, maker_fee: 0bps, taker_fee: 0bps}}}}
strategy: {{use: "tests.backtest.walker:Walker", oracle: "{oracle}"}}
backtest: {{half_spread: 0bps, slippage: 0bps, participation: 100%}}
risk: {{stale_data: 10m}}
data: {{path: {data}}}
"""
FOLLOWER = """
name: follower
mode: backtest
tick: 1m
exchanges: {{binance: {{connector: recorded, balances: {{BTC: 10, USDT: 100000}}, maker_fee: 0bps, taker_fee: 0bps}}}}
strategy: {{kind: signal_follower, exchange: binance, trading_pair: BTC-USDT, quantity: 1, short: true,
  signal: {signal}, bb_std: 1}}
backtest: {{half_spread: 0bps, slippage: 0bps, participation: 100%}}
risk: {{stale_data: 10m}}
data: {{path: {data}}}
"""
SIGNALS = ("moving_average_cross", "macd_bollinger", "bollinger", "rsi")


def walk(seed: int) -> tuple[str, dict[str, int]]:
    """One-minute candles of a driftless walk of 3 % a day, and the sign of each hour."""
    chance = Random(f"walk:{seed}")
    price = opened = 10_000.0
    rows = ["time_ms,open,high,low,close,volume"]
    signs = {}
    for minute in range(DAYS * 1440):
        steps = [price := price * (1 + chance.gauss(0, 0.03 / sqrt(1440 * 4))) for _ in range(4)]
        first = float(rows[-1].split(",")[4]) if minute else 10_000.0
        values = [first, max(first, *steps), min(first, *steps), steps[-1]]
        rows.append(f"{START_US // 1000 + minute * 60_000}," + ",".join(f"{value:.2f}" for value in values) + ",1000")
        if minute % 60 == 59:
            hour = (START_US + minute * 60_000_000) // HOUR_US
            signs[str(hour)] = (price > opened) - (price < opened)
            opened = price
    return "\n".join(rows), signs


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder a walk, with its data set and the signs of its hours."""
    folders = []
    for seed in range(WALKS):
        text, signs = walk(seed)
        folders.append(tmp_path_factory.mktemp("walk"))
        import_one(write(folders[-1] / "walk.csv", text), "ohlcv", folders[-1] / "set")
        write(folders[-1] / "oracle.json", json.dumps(signs))
    return folders


def hourly_gains(walks: list[Path], bot: str, name: str, fills: int) -> list[float]:
    """What each hour earned before costs: changes of equity, less those of what the account began with."""
    gains: list[float] = []
    for folder in walks:
        text = bot.format(data=folder / "set", oracle=folder / "oracle.json" if name == "oracle" else "", signal=name)
        results, result = run(folder / name, folder / "set", bot=text)
        assert result["orders"]["fills"] > fills
        table = polars.read_parquet(results / "holdings-binance-BTC-USDT.parquet")
        at_us, held, mid = (table[name].to_numpy() for name in ("at_us", "held", "mid"))
        earned = np.nan_to_num((held[:-1] - 10.0) * np.diff(mid))  # there is no mid before the first close
        hours = at_us[:-1] // HOUR_US
        gains += [float(earned[hours == hour].sum()) for hour in np.unique(hours)]
    return gains


def score(gains: list[float]) -> float:
    """Student's t of their mean."""
    found = np.array(gains)
    return float(found.mean() / (found.std(ddof=1) / sqrt(len(found))))


@pytest.mark.parametrize("name", ["honest", "oracle"])
def test_random_walk_earns_nothing(walks: list[Path], name: str) -> None:
    found = score(hourly_gains(walks[:4], BOT, name, DAYS * 8))
    assert (found > 5) if name == "oracle" else (abs(found) < 3), f"t = {found:.1f}"


@pytest.mark.parametrize("signal", SIGNALS)
def test_signals_earn_nothing_on_random_walks(walks: list[Path], signal: str) -> None:
    found = score(hourly_gains(walks, FOLLOWER, signal, DAYS * 3))
    assert abs(found) < 3, f"t = {found:.1f}"
