"""A live bot as people start it: a file, keys from the environment, real sockets; the exchange is a process of ours."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

BOT = """
name: live-bot
mode: live
tick: 200ms
exchanges:
  binance:
    connector: CONNECTOR
    url: ${VENUE_URL}
    api_key: ${BINANCE_API_KEY}
    api_secret: ${BINANCE_API_SECRET}
strategy:
  kind: pure_market_making
  exchange: binance
  trading_pair: BTC-USDT
  bid_spread: 0.005%
  ask_spread: 0.005%
  order_amount: 0.01
  order_refresh_time: 1s
  filled_order_delay: 500ms
risk:
  {max_drawdown: 5%, kill_switch: 8%, max_order_value: 5000 USDT, max_position: 20 BTC, max_open_orders: 4,
   max_orders_per_minute: 200, price_band: 2%, stale_data: 3s}
"""
PAPER = """
name: paper-bot
mode: paper
tick: 200ms
exchanges: {far: SECTION}
strategy:
  {kind: pure_market_making, exchange: far, trading_pair: BTC-USDT, bid_spread: 0.05%, ask_spread: 0.05%,
   order_amount: 0.01, order_refresh_time: 1s}
backtest: {default_balance: 100000 USDT}
"""


@pytest.fixture
def venue(tmp_path: Path, protocol: str) -> Iterator[dict[str, Any]]:
    words = ["venue", "--port", "0", "--protocol", protocol, "--seed", "3", "--json", "--userdir", str(tmp_path)]
    process = subprocess.Popen([sys.executable, str(ROOT / "bot.py"), *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["data"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.mark.parametrize("protocol", ["binance", "gate"])
def test_a_live_bot_trades_and_leaves_nothing_open(venue: dict[str, Any], protocol: str, tmp_path: Path) -> None:
    (tmp_path / "bot.yml").write_text(BOT.replace("CONNECTOR", protocol))
    key = venue["accounts"]["alice"]
    secrets = {"BINANCE_API_KEY": key["api_key"], "BINANCE_API_SECRET": key["secret"]}
    words = ["start", str(tmp_path / "bot.yml"), "--live", "--for", "6s", "--json", "--userdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bot.py"), *words],
        env={**os.environ, **secrets, "VENUE_URL": venue["url"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    log = (tmp_path / "logs" / "live-bot.log").read_text()
    for secret in secrets.values():
        assert secret not in done.stdout + done.stderr + log
        for path in tmp_path.rglob("*"):
            assert path.is_dir() or path.is_socket() or secret.encode() not in path.read_bytes(), path
    data = json.loads(done.stdout.splitlines()[-1])["data"]
    assert (data["reason"], data["orders_open"], data["ledger"]) == ("its time was over", [], [])
    assert data["orders_cancelled"] + data["trades"] > 0
    assert data["orders_confirmed"] == data["orders_cancelled"]


@pytest.mark.parametrize("protocol", ["gate"])
def test_any_exchange_of_ccxt_is_named_by_its_id(venue: dict[str, Any], tmp_path: Path) -> None:
    """On paper: its market is asked what it trades, and listened to."""
    section = "{connector: ccxt, exchange_id: gate, url: URL, trading_pairs: [BTC-USDT]}".replace("URL", venue["url"])
    (tmp_path / "paper.yml").write_text(PAPER.replace("SECTION", section))
    words = ["start", str(tmp_path / "paper.yml"), "--for", "3s", "--json", "--userdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bot.py"), *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads(done.stdout.splitlines()[-1])["data"]
    assert (data["reason"], data["orders_open"]) == ("its time was over", [])
    assert data["orders_cancelled"] + data["trades"] > 0
