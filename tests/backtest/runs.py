"""Backtests of small data sets."""

from pathlib import Path
from typing import Any

from engine.app.backtest import run_backtest
from engine.app.backtest_runs import read_result
from engine.app.config.load import load_bot

BOT = """
name: pmm-test
mode: backtest
exchanges:
  binance:
    connector: recorded
    balances: {{BTC: 0.5, USDT: 30000}}
    latency: 20ms
strategy:
  kind: pure_market_making
  exchange: binance
  trading_pair: BTC-USDT
  bid_spread: 1bps
  ask_spread: 1bps
  order_amount: 0.01
  order_refresh_time: 5s
data: {{path: {data}}}
"""


def on(now_us: int, end_us: int, rows: int) -> bool:
    """Nobody stops the run."""
    return True


def run(folder: Path, data: Path, *overrides: str, bot: str = "", progress: Any = on) -> tuple[Path, Any]:
    """A run on a data set, by default of pure market making: its folder and its result."""
    file = folder / "bot.yml"
    folder.mkdir(exist_ok=True, parents=True)
    file.write_text(bot or BOT.format(data=data))
    results = run_backtest(load_bot([file], overrides), folder, progress)
    return results, read_result(results)
