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

DAYS, WALKS = 3, 4
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


def hourly_gains(folder: Path, *, cheat: bool) -> list[float]:
    """What each hour earned before costs: changes of equity, less those of what the account began with."""
    gains: list[float] = []
    for seed in range(WALKS):
        text, signs = walk(seed)
        own = folder / str(seed)
        import_one(write(own / "walk.csv", text), "ohlcv", own / "set")
        oracle = write(own / "oracle.json", json.dumps(signs)) if cheat else ""
        results, result = run(own, own / "set", bot=BOT.format(data=own / "set", oracle=oracle))
        assert result["orders"]["fills"] > DAYS * 8
        table = polars.read_parquet(results / "holdings-binance-BTC-USDT.parquet")
        at_us, held, mid = (table[name].to_numpy() for name in ("at_us", "held", "mid"))
        earned = np.nan_to_num((held[:-1] - 10.0) * np.diff(mid))  # there is no mid before the first close
        hours = at_us[:-1] // HOUR_US
        gains += [float(earned[hours == hour].sum()) for hour in np.unique(hours)]
    return gains


@pytest.mark.parametrize("cheat", [False, True], ids=["honest", "oracle"])
def test_random_walk_earns_nothing(tmp_path: Path, cheat: bool) -> None:
    gains = np.array(hourly_gains(tmp_path, cheat=cheat))
    score = gains.mean() / (gains.std(ddof=1) / sqrt(len(gains)))
    assert (score > 5) if cheat else (abs(score) < 3), f"t = {score:.1f} of {len(gains)} hours"
