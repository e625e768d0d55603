"""Bots for the tests of sessions, processes and commands."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.app.bot_folder import BotFolder
from engine.app.config.load import load_bot
from engine.app.launch import Run, run_bot
from engine.app.session import Session

WAIT_SECONDS = 60  # a bound for a machine that is busy with something else; nothing waits this long
HEAD = """\
name: {name}
tick: {tick}
exchanges:
  sim:
    connector: simulated
    trading_pairs: [BTC-USDT]
    market: {market}
    balances: {{BTC: 0.5, USDT: 30000}}
    latency: 20ms
"""
MARKET = "{model: jump_diffusion, start_price: 60000, volatility: 0.6, seed: 7}"
QUOTES = """\
strategy:
  kind: pure_market_making
  exchange: sim
  trading_pair: BTC-USDT
  bid_spread: 0.02%
  ask_spread: 0.02%
  order_amount: 0.01
  order_refresh_time: 5s
  filled_order_delay: 1s
"""
WILD = """\
strategy: {use: "tests.app.wild_strategy:Wild", exchange: sim, trading_pair: BTC-USDT}
"""


def write_config(home: Path, name: str = "maker", tick: str = "1s", rest: str = QUOTES, market: str = MARKET) -> Path:
    """A configuration file in a user's folder."""
    path = home / "conf" / f"{name}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD.format(name=name, tick=tick, market=market) + rest)
    return path


def run_virtual_bot(
    home: Path,
    *overrides: str,
    seconds: int = 120,
    ready: Callable[[Session], None] = lambda session: None,
    rest: str = QUOTES,
    market: str = MARKET,
) -> Session:
    """A whole session in this process, in virtual time."""
    path = write_config(home, rest=rest, market=market)
    return run_bot(Run(load_bot([path], overrides), [path], home, None, seconds * 1_000_000), ready)


def wait_until(met: Callable[[], Any]) -> Any:
    """The first value that is true."""
    until = time.monotonic() + WAIT_SECONDS
    while not (value := met()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
    return value


def bot_of(home: Path, name: str = "maker") -> BotFolder:
    return BotFolder(home, name)
