"""Strategies on candles, live: the exchange tells those that closed before, or says at the start that it cannot."""

from pathlib import Path

import pytest

from tests.app.cli.support import run
from tests.app.served import BOT, KEY, SECRET, served, write_live_bot

FOLLOWER = """strategy:
  {kind: signal_follower, exchange: binance, trading_pair: BTC-USDT, quantity: 0.1, interval: 1s, fast: 2, slow: 3}
"""
STRATEGY = BOT[BOT.index("strategy:") : BOT.index("risk:")]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_API_SECRET", SECRET)


def test_a_live_bot_is_told_what_closed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as venue:
        monkeypatch.setenv("VENUE_URL", venue.url)
        file = str(write_live_bot(tmp_path, (STRATEGY, FOLLOWER)))
        started = run("start", file, "--live", "--for", "3s", cwd=tmp_path)
        assert started.exit_code == 0, started.output
        assert "GET /api/v3/klines" in venue.requests


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("interval: 1s", "interval: 7s"), "candles of 7 s, which binance does not tell"),
        (("connector: binance", "connector: gate"), "candles of 1 s, which binance does not tell"),
    ],
)
def test_candles_that_nobody_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: tuple[str, str], says: str
) -> None:
    monkeypatch.setenv("VENUE_URL", "http://127.0.0.1:1")
    file = write_live_bot(tmp_path, (STRATEGY, FOLLOWER))
    file.write_text(file.read_text().replace(*edit))
    started = run("start", str(file), "--live", "--for", "3s", cwd=tmp_path)
    assert started.exit_code == 1, started.output
    assert says in started.output
