"""`keys add|list|test|remove`, and the word that real money needs."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.cli.support import failed, ok, run
from tests.app.served import KEY, SECRET, Served, served
from tests.support import ROOT

PASSWORD = "a long password"
LIVE = """\
name: real
mode: live
exchanges: {binance: {connector: binance, url: "http://127.0.0.1:1"}}
strategy:
  kind: pure_market_making
  exchange: binance
  trading_pair: BTC-USDT
  bid_spread: 1bps
  ask_spread: 1bps
  order_amount: 0.01
risk: {max_order_value: 2000 USDT, max_drawdown: 5%, kill_switch: 8%, stale_data: 5s}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a live bot, and the password in a file."""
    (tmp_path / "password").write_text(PASSWORD)
    monkeypatch.setenv("TICKWRIGHT_PASSWORD_FILE", str(tmp_path / "password"))
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "real.yml").write_text(LIVE)
    return tmp_path


def add(home: Path, connector: str = "binance", **keys: str) -> None:
    ok("keys", "add", connector, cwd=home, input=json.dumps(keys))


def test_added_listed_removed(home: Path) -> None:
    assert run("keys", "list", cwd=home).stdout == "no keys are kept.  tickwright keys add binance\n"
    add(home, api_key="k-binance", api_secret="s-binance")
    add(home, "okx", api_key="k-okx", api_secret="s-okx", passphrase="p-okx")
    assert [(each["connector"], each["fields"]) for each in ok("keys", "list", cwd=home)] == [
        ("binance", ["api_key", "api_secret"]),
        ("okx", ["api_key", "api_secret", "passphrase"]),
    ]
    assert "s-binance" not in (home / "data" / "secrets.enc").read_text()
    add(home, "ccxt", api_key="k-ccxt", api_secret="s-ccxt")  # not all of its exchanges have passphrases
    assert ok("keys", "remove", "okx", cwd=home) == {"connector": "okx", "account": "default"}
    assert failed("keys", "remove", "okx", cwd=home)[1]["code"] == "E-NOTFOUND"


def test_a_key_file_is_the_secret(home: Path) -> None:
    (home / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    words = ("keys", "add", "binance", "--key-file", str(home / "key.pem"))
    assert ok(*words, cwd=home, input='{"api_key": "k"}')["fields"] == ["api_key", "api_secret"]
    (home / "key.pem").write_text("hello")
    assert failed(*words, cwd=home)[1]["code"] == "E-KEY"
    (home / "key.pem").unlink()
    assert failed(*words, cwd=home)[1]["code"] == "E-NOTFOUND"


@pytest.mark.parametrize(
    ("connector", "text", "code", "detail"),
    [
        ("simulated", "{}", "E-NOTFOUND", "'simulated' is not an exchange that needs keys"),
        ("binanc", "{}", "E-NOTFOUND", "'binanc' is not an exchange that needs keys"),
        ("binance", "hello", "E-USAGE", "stdin is no terminal and holds no JSON object of keys"),
        ("binance", '{"api_key": "k"}', "E-USAGE", "missing: api_secret"),
        ("okx", '{"api_key": "k", "api_secret": "s"}', "E-USAGE", "missing: passphrase"),
        ("okx", '{"api_key": "k", "api_secret": "s", "passphrase": ""}', "E-USAGE", "missing: passphrase"),
        ("binance", '{"api_key": "k", "api_secret": "s", "passphrase": "p"}', "E-USAGE", "binance has no passphrase"),
    ],
)
def test_what_is_not_taken(home: Path, connector: str, text: str, code: str, detail: str) -> None:
    error = failed("keys", "add", connector, cwd=home, input=text)[1]
    assert (error["code"], error["detail"]) == (code, detail)


def test_live_needs_keys_and_a_word(home: Path) -> None:
    file = str(home / "conf" / "real.yml")
    assert "needs API keys" in failed("start", file, "--live", cwd=home)[1]["detail"]
    add(home, api_key="k", api_secret="s")
    error = failed("start", file, cwd=home)[1]
    assert (error["code"], error["fix"]) == ("E-USAGE", "add --live, or --paper for simulated fills")
    error = failed("start", file, "--live", cwd=home)[1]
    assert "binance at http://127.0.0.1:1 does not tell what it trades" in error["detail"]
    (home / "password").write_text("another password")
    assert failed("start", file, "--live", cwd=home)[1]["code"] == "E-KEY"


def test_what_guards_real_money_is_changed_with_a_word(home: Path) -> None:
    add(home, api_key="k", api_secret="s")
    words = ("config", "set", "real", "risk.max_order_value", "3000 USDT")
    assert failed(*words, cwd=home)[1]["fix"] == "add --yes"
    assert ok(*words, "--yes", cwd=home)["after"] == "3000 USDT"
    assert "max_order_value: 3000 USDT" in (home / "conf" / "real.yml").read_text()


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with served() as venue:
        monkeypatch.setenv("TICKWRIGHT_VENUE_URL", venue.url)
        yield venue


def test_what_a_kept_key_may_do(home: Path, venue: Served) -> None:
    add(home, api_key=KEY, api_secret=SECRET)
    data = ok("keys", "test", "binance", cwd=home)
    assert abs(data.pop("clock_offset_ms")) < 1_000
    rights = {"may_trade": True, "may_withdraw": False, "bound_to_addresses": True}
    assert data == {"connector": "binance", "account": "default", **rights}
    venue.give(bound=False)
    said = run("keys", "test", "binance", cwd=home).output
    assert "this key works from any address: bind it" in said
    assert (
        "binance default key …0000: may trade, may not withdraw or transfer, works from any address; its clock" in said
    )
    venue.give(withdraws=True)
    status, error = failed("keys", "test", "binance", cwd=home)
    assert (status, error["code"], error["where"]) == (4, "E-WITHDRAW", "binance")
    venue.world.keys.revoke(KEY)
    assert failed("keys", "test", "binance", cwd=home)[1]["code"] == "E-KEY"
    assert SECRET not in said
    assert venue.orders_sent == []


def test_keys_that_cannot_be_tested(home: Path) -> None:
    add(home, api_key="k", api_secret="s")
    assert failed("keys", "test", "binance", "--account", "other", cwd=home)[1]["code"] == "E-NOTFOUND"
    error = failed("keys", "test", "ccxt", cwd=home)[1]
    assert (error["code"], error["fix"]) == ("E-USAGE", "tickwright doctor FILE")


def typed(home: Path, *answers: str, words: tuple[str, ...]) -> str:
    """What the program shows somebody at a terminal who types these answers."""
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "TICKWRIGHT_PASSWORD_FILE"}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "bot.py"), *words, "--userdir", str(home)],
        **dict.fromkeys(("stdin", "stdout", "stderr"), slave),
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    shown = ""
    left = list(answers)
    while True:
        try:
            part = os.read(master, 4096).decode()
        except OSError:  # handled: the process has closed its terminal
            break
        shown += part
        if left and part.endswith(": "):
            os.write(master, (left.pop(0) + "\n").encode())
    process.wait(timeout=30)
    os.close(master)
    return shown


def test_typed_at_a_terminal(home: Path) -> None:
    shown = typed(home, "my-api-key", "my-secret", "", "my-phrase", PASSWORD, PASSWORD, words=("keys", "add", "okx"))
    assert "kept in data/secrets.enc, encrypted" in shown
    assert shown.count("passphrase (chosen with the key)") == 2
    assert "my-secret" not in shown
    assert PASSWORD not in shown
    assert ok("keys", "list", cwd=home)[0]["fields"] == ["api_key", "api_secret", "passphrase"]
    add(home, api_key="k", api_secret="s")
    shown = typed(home, "unreal", words=("start", str(home / "conf" / "real.yml")))
    assert "Type its name to go on" in shown
    assert "nothing was started" in shown
