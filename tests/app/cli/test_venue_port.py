"""`tickwright venue --port`: an exchange for any client, as a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.app.cli.support import failed
from tests.support import ROOT


@pytest.mark.parametrize(
    ("protocol", "pair", "question", "best"),
    [
        ("binance", "BTC-USDT", "/api/v3/depth?symbol=BTCUSDT&limit=1", lambda body: body["bids"][0][0]),
        ("okx", "BTC-USDT", "/api/v5/market/books?instId=BTC-USDT&sz=1", lambda body: body["data"][0]["bids"][0][0]),
        (
            "gate",
            "BTC-USDT-PERP",
            "/api/v4/futures/usdt/order_book?contract=BTC_USDT&limit=1",
            lambda body: body["bids"][0]["p"],
        ),
        ("binance_perpetual", "BTC-USDT-PERP", "/fapi/v1/premiumIndex?symbol=BTCUSDT", lambda body: body["markPrice"]),
    ],
)
def test_a_served_market(protocol: str, pair: str, question: str, best: Callable[[Any], Any], tmp_path: Path) -> None:
    words = ["venue", "--port", "0", "--seed", "3", "--json", "--userdir", str(tmp_path), "--protocol", protocol]
    words += ["--trading-pair", pair]
    venue = subprocess.Popen([sys.executable, str(ROOT / "bot.py"), *words], stdout=subprocess.PIPE, text=True)
    try:
        assert venue.stdout is not None
        data = json.loads(venue.stdout.readline())["data"]
        assert (data["trading_pairs"], list(data["accounts"])) == ([pair], ["alice", "bob"])
        assert ("passphrase" in data["accounts"]["bob"]) is (protocol == "okx")
        with urlopen(data["url"] + question) as answer:
            assert float(best(json.load(answer))) > 0
    finally:
        venue.send_signal(signal.SIGTERM)
        venue.communicate(timeout=30)
    assert venue.returncode == 0


@pytest.mark.parametrize("words", [(), ("--port", "8070", "--socket", "x.sock")])
def test_either_a_port_or_a_socket(words: tuple[str, ...], tmp_path: Path) -> None:
    status, error = failed("venue", *words, cwd=tmp_path)
    assert (status, error["code"]) == (2, "E-USAGE")


def test_not_every_protocol_has_perpetuals(tmp_path: Path) -> None:
    status, error = failed("venue", "--port", "0", "--trading-pair", "BTC-USDT-PERP", cwd=tmp_path)
    assert (status, error["code"]) == (2, "E-USAGE")
    assert "not a spot market" in str(error)


@pytest.mark.parametrize("text", [None, "- {kind: explode}"])
def test_a_file_of_faults_has_to_be_one(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "faults.yml").write_text(text)
    status, error = failed("venue", "--port", "0", "--faults", str(tmp_path / "faults.yml"), cwd=tmp_path)
    assert (status, error["code"]) == (2, "E-USAGE")
    assert "faults.yml" in str(error)
