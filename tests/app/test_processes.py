"""Bots as processes of their own, on the wall clock: commands, signals, crashes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from engine.app.bot_entry import BotEntry, BotState, read_entry, state_of, write_entry
from engine.app.control.client import ask
from engine.store.order_history import OrderHistory
from tests.app.bots import WAIT_SECONDS, bot_of, wait_until, write_config
from tests.app.cli.support import failed, ok, run
from tests.app.test_control import entry
from tests.support import ROOT

RSS_MAX_KB = 80 * 1024


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A user's folder with the configuration of a fast bot; no bot outlives the test."""
    write_config(tmp_path, tick="50ms")
    yield tmp_path
    for path in (tmp_path / "data" / "run").glob("*.json"):
        entry = read_entry(path)
        if entry is not None and bot_of(tmp_path, entry.name).running():
            os.kill(entry.pid, signal.SIGKILL)
            wait_until(lambda name=entry.name: not bot_of(tmp_path, name).running())


def start(home: Path, *words: str, name: str = "maker", speed: str = "4") -> BotEntry:
    """`start -d`: it trades when this returns."""
    data = ok("start", str(home / "conf" / f"{name}.yml"), "-d", "--speed", speed, *words, cwd=home)
    entry = read_entry(bot_of(home, name).entry)
    assert entry is not None
    assert data == {"name": name, "pid": entry.pid, "state": "RUNNING", "session_id": entry.session_id}
    return entry


def entry_of(home: Path, name: str = "maker") -> BotEntry:
    entry = read_entry(bot_of(home, name).entry)
    assert entry is not None
    return entry


def orders(home: Path) -> Any:
    """The bot's open orders, as soon as it has any."""
    return wait_until(lambda: ok("status", "maker", cwd=home)["orders"])


def settings_of(home: Path, name: str) -> dict[str, str]:
    """What a running bot has by now."""
    return {each["path"]: each["value"] for each in ask(bot_of(home, name), "config.get")["settings"]}


def ended(home: Path) -> int:
    """The exit status of the bot, when it has ended."""
    wait_until(lambda: not bot_of(home).running())
    end = entry_of(home).exit
    assert end is not None
    return end.code


def test_a_day_in_the_life_of_a_bot(home: Path) -> None:
    """Start, look, pause, resume, replace, stop, replay: what a trader does."""
    path = str(home / "conf" / "maker.yml")
    entry = start(home, speed="1")
    assert orders(home)
    assert int(Path(f"/proc/{entry.pid}/status").read_text().partition("VmRSS:")[2].split()[0]) < RSS_MAX_KB
    assert failed("start", path, cwd=home)[1]["code"] == "E-RUNNING"
    assert failed("start", path, "-d", cwd=home)[1]["code"] == "E-RUNNING"
    (row,) = ok("ps", cwd=home)
    assert (row["name"], row["state"], row["pid"], row["instruments"]) == (
        "maker",
        "RUNNING",
        entry.pid,
        ["sim:BTC-USDT"],
    )
    assert "RUNNING" in run("status", "maker", cwd=home).stdout
    assert "bid" in run("orderbook", "maker", "BTC-USDT", "--lines", "2", cwd=home).stdout
    assert failed("orderbook", "maker", "ETH-USDT", cwd=home)[0] == 6
    assert [each["asset"] for each in ok("balance", cwd=home)[0]["balances"]] == ["BTC", "USDT"]

    assert ok("pause", "maker", cwd=home)["state"] == "PAUSED"
    wait_until(lambda: not ok("status", "maker", cwd=home)["orders"])
    assert ok("status", "maker", cwd=home)["warnings"][0]["code"] == "R-PAUSE"
    assert ok("resume", "maker", cwd=home)["state"] == "RUNNING"
    assert orders(home)

    changed = ok("config", "set", "maker", "strategy.bid_spread", "0.03%", cwd=home)
    assert changed == {"path": "strategy.bid_spread", "before": "0.02%", "after": "0.03%", "live": True, "file": path}
    text = Path(path).read_text()
    assert "  bid_spread: 0.03%\n" in text
    assert not ok("config", "set", "maker", "tick", "100ms", cwd=home)["live"]
    Path(path).write_text(text.replace("ask_spread: 0.02%", "ask_spread: 0.03%"))
    os.kill(entry.pid, signal.SIGHUP)
    wait_until(lambda: "by SIGHUP" in bot_of(home).log.read_text())
    assert settings_of(home, "maker")["strategy.ask_spread"] == "0.03%"
    Path(path).write_text("name: [")
    os.kill(entry.pid, signal.SIGHUP)
    wait_until(lambda: "the files were not taken" in bot_of(home).log.read_text())
    Path(path).write_text(text)

    other = start(home, "--replace")
    assert other.pid != entry.pid
    assert orders(home)
    (summary,) = ok("stop", "maker", cwd=home)
    assert summary["orders_cancelled"] == summary["orders_confirmed"] > 0
    assert [line["difference"].strip("0.") for line in summary["ledger"]] == ["", ""]
    assert entry_of(home).state is BotState.STOPPED
    code, error = failed("status", "maker", cwd=home)
    assert (code, error["code"]) == (3, "E-NOTRUNNING")
    assert "it stopped with exit 0: stop by" in error["detail"]
    for session in (entry.session_id, other.session_id, "maker"):
        assert ok("replay", session, cwd=home)["identical"]
    assert ok("replay", "maker", cwd=home)["digest"] == summary["journal_digest"]
    lives = ok("history", "maker", "--orders", "--trades", cwd=home)[-1]["order_list"]
    assert [event["cause"] for event in lives[0]["life"]][:3] == ["SubmitOrder", "SUBMIT sent", "ACK"]
    assert {order["status"] for order in lives} <= {"CANCELED", "FILLED"}
    explained = run("replay", "maker", "--explain", lives[0]["client_order_id"], cwd=home).stdout
    assert "SubmitOrder" in explained
    assert "OrderUpdate" in explained
    assert "RUNNING" not in run("ps", "--prune", cwd=home).stdout
    assert ok("ps", cwd=home) == []


def test_killed_bots(home: Path) -> None:
    """A process that dies without a word leaves a stale entry and nothing else: the next one starts."""
    entry = start(home)
    assert orders(home)
    os.kill(entry.pid, signal.SIGKILL)
    wait_until(lambda: not bot_of(home).running())
    assert state_of(entry_of(home), bot_of(home)) is BotState.CRASHED
    assert ok("ps", cwd=home)[0]["state"] == "CRASHED"
    assert "died without a word" in failed("status", "maker", cwd=home)[1]["detail"]
    assert ok("replay", entry.session_id, cwd=home)["cut"], "what was written before the end can be repeated"
    start(home)
    assert "the last session died with" in bot_of(home).log.read_text()
    assert orders(home)
    assert "cancelled" in run("kill", "maker", "--yes", cwd=home).stdout
    assert ended(home) == 0
    code, error = failed("start", str(home / "conf" / "maker.yml"), "-d", cwd=home)
    assert code == 1
    assert "R-HALT" in error["detail"]
    assert ok("resume", "maker", cwd=home)["halted"].startswith("kill by ")
    assert run("kill", "maker", "--yes", cwd=home).stdout == "maker: it was not running\n"


def test_a_bot_that_does_not_answer(home: Path) -> None:
    entry = start(home)
    os.kill(entry.pid, signal.SIGSTOP)
    assert ok("ps", cwd=home)[0]["warnings"] == "maker did not answer in 1 s"
    assert failed("kill", "--all", cwd=home)[0] == 4, "nobody is asked without a terminal"
    assert "did not answer and was killed" in run("kill", "--all", "--yes", cwd=home).stdout
    assert ended(home) == 137
    with OrderHistory(bot_of(home).orders) as log:
        assert log.halt_latch == "killed by the operator"


@pytest.mark.parametrize(
    ("signals", "code", "reason"),
    [
        ([signal.SIGINT], 130, "Ctrl-C"),
        ([signal.SIGTERM, signal.SIGTERM], 0, "SIGTERM"),
        ([signal.SIGINT, signal.SIGINT], 130, "Ctrl-C twice: ended at once"),
    ],
)
def test_signals(home: Path, signals: list[signal.Signals], code: int, reason: str) -> None:
    """The venue is slow, so there is time for a second signal."""
    entry = start(home, "--set", "exchanges.sim.latency=500ms")
    assert orders(home)
    for number in signals:
        os.kill(entry.pid, number)
        wait_until(lambda: "stop by" in bot_of(home).log.read_text() or not bot_of(home).running())
    assert ended(home) == code
    assert entry_of(home).exit is not None
    assert entry_of(home).exit.reason == reason  # type: ignore[union-attr]
    with OrderHistory(bot_of(home).orders) as log:
        left = [order for order in log.orders() if not order.settled]
    assert bool(left) is ("twice" in reason)
    said = (bot_of(home).folder / "output.txt").read_text()
    assert ("still open 0" in said) is not bool(left)


def test_a_stop_that_takes_too_long(home: Path) -> None:
    start(home, "--set", "exchanges.sim.latency=500ms")
    assert orders(home)
    code, error = failed("stop", "maker", "--timeout", "100ms", cwd=home)
    assert (code, error["code"]) == (5, "E-TIMEOUT")
    assert ended(home) == 5


def test_two_bots(home: Path) -> None:
    write_config(home, "other", "50ms")
    start(home)
    start(home, name="other")
    assert {row["name"]: row["state"] for row in ok("ps", cwd=home)} == {"maker": "RUNNING", "other": "RUNNING"}
    assert [summary["name"] for summary in ok("stop", "--all", cwd=home)] == ["maker", "other"]
    assert ok("stop", "--all", cwd=home) == []


def test_a_bot_that_cannot_start(home: Path) -> None:
    """The command that started it shows why."""
    (bot_of(home).folder).mkdir(parents=True)
    bot_of(home).orders.write_text("no order log")
    code, error = failed("start", str(home / "conf" / "maker.yml"), "-d", cwd=home)
    assert (code, error["code"]) == (1, "E-FAILED")
    assert "this is no readable order log" in error["detail"]


def test_the_hash_seed_of_python_changes_nothing(tmp_path: Path) -> None:
    digests = []
    for seed in ("1", "2"):
        path = write_config(tmp_path, f"maker-{seed}")
        words = ["start", str(path), "--speed", "max", "--for", "2m", "--json", "--set", "name=maker"]
        program = [sys.executable, str(ROOT / "bot.py"), *words, "--userdir", str(tmp_path)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
        digests.append(json.loads(done.stdout)["data"]["journal_digest"])
    assert digests[0] == digests[1]


def test_ctrl_c_in_virtual_time(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    program = [sys.executable, str(ROOT / "bot.py"), "start", str(path), "--speed", "max", "--userdir", str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: bot_of(tmp_path).entry.exists() and entry_of(tmp_path).state is BotState.RUNNING)
        assert ok("status", "maker", cwd=tmp_path)["virtual"]
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.startswith("maker stopped: Ctrl-C\n")
    assert "still open 0" in said


def test_followed_logs(home: Path) -> None:
    """Lines appear as they are written, also in a new file."""
    path = bot_of(home).log
    write_entry(bot_of(home).entry, entry())
    path.parent.mkdir()
    path.write_text("2026-01-01 00:00:00.000Z INFO    I-X      one\n")
    program = [sys.executable, str(ROOT / "bot.py"), "logs", "maker", "-f", "--userdir", str(home)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        limit = Timer(WAIT_SECONDS, process.kill)  # so that a line that never comes ends the test
        limit.start()
        assert process.stdout.readline().endswith(" one\n")
        path.rename(path.with_name("maker_2026-01-01.log"))
        path.write_text("2026-01-02 00:00:00.000Z INFO    I-X      two\n")
        assert process.stdout.readline().endswith(" two\n")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        limit.cancel()


def test_the_first_five_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From an empty folder to a trade and back."""
    monkeypatch.chdir(tmp_path)
    assert run("init", "demo").exit_code == 0
    home = tmp_path / "demo"
    monkeypatch.chdir(home)
    said = run("start", "conf/pmm_sim.yml", "-d", "--speed", "10")
    try:
        assert said.stderr.startswith(" SIMULATED  pmm-sim  pure_market_making  sim BTC-USDT  tick 1s  seed 7\n")
        assert "orders data/bots/pmm-sim/orders.sqlite   log logs/pmm-sim.log\n" in said.stderr
        assert "tickwright status pmm-sim --live | tickwright stop pmm-sim" in said.stdout
        shown = run("status", "pmm-sim").stdout
        titles = ("Markets", "Assets", "Performance", "Orders")
        assert [shown.find(title) for title in titles] == sorted(shown.find(title) for title in titles)
        assert ok("status", "pmm-sim")["state"] == "RUNNING"
    finally:
        stopped = run("stop", "pmm-sim").stdout
    assert re.fullmatch(
        r"pmm-sim: cancelled \d orders \(\d confirmed\), \d+ trades, total PnL [-+.\d]+ USDT, stopped in [.\d]+ s\n",
        stopped,
    )
    assert {path.name for path in (home / "data" / "bots" / "pmm-sim").iterdir()} >= {"orders.sqlite", "journal"}
    assert (home / "logs" / "pmm-sim.log").exists()
