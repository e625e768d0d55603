"""Paper trading and recording from the command line, on an exchange that another process serves."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.cli.support import failed, ok, run
from tests.support import ROOT

BOT = """
name: on-paper
mode: {mode}
exchanges: {{binance: {{connector: binance, url: "{url}", balances: {{BTC: 0.5, USDT: 30000}}, latency: 5ms}}}}
strategy: {{kind: pure_market_making, exchange: binance, trading_pair: BTC-USDT, bid_spread: 1bps, ask_spread: 1bps,
  order_amount: 0.01, order_refresh_time: 1s}}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of an exchange without an account of ours."""
    words = ["venue", "--port", "0", "--seed", "3", "--json", "--userdir", str(tmp_path_factory.mktemp("venue"))]
    venue = subprocess.Popen([sys.executable, str(ROOT / "bot.py"), *words], stdout=subprocess.PIPE, text=True)
    assert venue.stdout is not None
    yield json.loads(venue.stdout.readline())["data"]["url"]
    venue.send_signal(signal.SIGTERM)
    venue.communicate(timeout=30)


def test_a_live_file_on_paper(url: str, tmp_path: Path) -> None:
    """The same file as live; nothing of ours is at the exchange, and the journal of the session replays."""
    file = tmp_path / "bot.yml"
    file.write_text(BOT.format(mode="live", url=url))
    done = run("start", str(file), "--paper", "--for", "3s", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert ok("history", "on-paper", "--orders", cwd=tmp_path)
    assert "identical" in run("replay", "on-paper", cwd=tmp_path).stdout


def test_recordings_become_a_data_set(url: str, tmp_path: Path) -> None:
    words = ("data", "record", "binance", "--symbol", "BTC-USDT", "--url", url, "--for", "1500ms")
    first, second = ok(*words, cwd=tmp_path), ok(*words, cwd=tmp_path)
    assert first[0]["rows"] > 20
    assert second[0]["rows"] > first[0]["rows"]
    assert second[0]["quality"]["gaps"] == 1
    assert run("data", "check", str(tmp_path / "data" / "binance"), cwd=tmp_path).stdout.endswith("ok\n")


@pytest.mark.parametrize("connector", ["simulated", "nothing"])
def test_only_real_exchanges_are_recorded(connector: str, tmp_path: Path) -> None:
    status, error = failed("data", "record", connector, "--symbol", "BTC-USDT", cwd=tmp_path)
    assert (status, error["code"]) == (2, "E-USAGE")
