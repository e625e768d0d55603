"""`tickwright venue` as a process, and what is said when a bot does not fit to it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from connectors.simulated.asking import account_of, inspect
from connectors.simulated.remote import RemoteSettings, build_connector
from engine.app.bot_folder import BotFolder
from engine.core.journal import read_header
from engine.model.errors import TickwrightError
from engine.model.money import ZERO
from engine.store import recovery
from engine.store.order_log import OrderLog
from engine.store.verify import verify
from tests.app.bots import wait_until
from tests.app.cli.support import failed, ok
from tests.integration.kill_campaign import BOT, ROOT

READY_SECONDS = 30


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:  # the path of a socket may not be long
        (Path(folder) / "conf").mkdir()
        yield Path(folder)


@pytest.fixture(scope="module")
def path(home: Path) -> Iterator[Path]:
    """Where a venue listens."""
    socket = home / "venue.sock"
    words = ["venue", "--socket", str(socket), "--seed", "3", "--latency", "1ms", "--json"]
    command = [sys.executable, str(ROOT / "bot.py"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=home) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["data"]["trading_pair"] == "BTC-USDT", told
        assert socket.stat().st_mode & 0o777 == 0o600
        yield socket
        process.send_signal(signal.SIGTERM)
        assert process.wait(READY_SECONDS) == 0
    assert not socket.exists()


def settings(path: Path, **changes: Any) -> RemoteSettings:
    return RemoteSettings(**{"name": "sim", "socket": path, "trading_pairs": (), "account": "us", "seed": 1} | changes)


def test_accounts_are_opened_by_name_with_money_in_them(path: Path) -> None:
    assert account_of(path, "somebody").venue == "sim"
    found = inspect(path, "somebody else")
    assert [balance.asset for balance in found.balances] == ["BTC", "USDT"]
    assert all(balance.total > ZERO for balance in found.balances)
    assert (found.orders, found.trades, found.open_orders) == (0, (), ())


def test_a_connector_learns_what_is_traded(path: Path) -> None:
    assert [each.instrument_id for each in build_connector(settings(path)).instruments] == ["sim:BTC-USDT"]
    assert build_connector(settings(path, trading_pairs=["BTC-USDT"])).venue == "sim"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "other"}, "is called sim, not other\n  fix: call the section exchanges.sim"),
        ({"trading_pairs": ["ETH-USDT"]}, "sim does not trade ETH-USDT\n  fix: use BTC-USDT"),
    ],
)
def test_what_does_not_fit_is_said_with_its_remedy(path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TickwrightError, match=message):
        build_connector(settings(path, **changes))


def test_nobody_there_is_said_with_its_remedy(home: Path) -> None:
    with pytest.raises(TickwrightError, match=r"no simulated exchange answers at .*\n  fix: tickwright venue --socket"):
        account_of(home / "none.sock", "us")


def test_a_second_venue_at_the_same_place_is_refused(path: Path, home: Path) -> None:
    code, error = failed("venue", "--socket", str(path), cwd=home)
    assert (code, error["code"]) == (1, "E-RUNNING")


def test_a_long_path_is_refused(home: Path) -> None:
    _, error = failed("venue", "--socket", str(home / ("x" * 100)), cwd=home)
    assert "longer than 100" in error["detail"]


def test_a_bot_with_another_speed_is_refused(path: Path, home: Path) -> None:
    config = home / "conf" / "maker.yml"
    config.write_text(BOT.format(socket=path))
    _, error = failed("start", str(config), "--speed", "max", cwd=home)
    assert error["detail"] == "sim runs by the wall clock"


def test_a_session_that_began_with_a_killed_ones_orders_repeats_exactly(path: Path, home: Path) -> None:
    config, bot = home / "conf" / "maker.yml", BotFolder(home, "maker")
    config.write_text(BOT.format(socket=path))
    command = [sys.executable, str(ROOT / "bot.py"), "start", str(config), "--userdir", str(home), "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: inspect(path, "maker").open_orders)
        process.kill()
    left = {each.client_order_id for each in inspect(path, "maker").open_orders}
    assert left
    summary = ok("start", str(config), "--for", "300ms", cwd=home)
    assert (summary["orders_open"], inspect(path, "maker").open_orders) == ([], ())
    with bot.journal(summary["session_id"]).open("rb") as file:
        recovered = recovery.decode(read_header(file).recovered)
    assert left <= {order.client_order_id for order in recovered.orders}
    report = ok("replay", "maker", cwd=home)
    assert report["identical"]
    assert report["requests"] > 0


def test_what_is_older_than_it_is_kept_goes_at_the_start(path: Path, home: Path) -> None:
    config, bot = home / "conf" / "old.yml", BotFolder(home, "old")
    config.write_text(BOT.format(socket=path).replace("name: maker", "name: old") + "order_log: {keep: 1h}\n")
    log = OrderLog.open(bot.folder)
    log.note_event("HELLO", {}, 1)
    log.commit(1)
    log.close()
    journal = bot.journal("long-ago")
    journal.parent.mkdir()
    journal.touch()
    os.utime(journal, (0, 0))
    summary = ok("start", str(config), "--for", "100ms", cwd=home)
    assert [file.stem for file in bot.journals.iterdir()] == [summary["session_id"]]
    with closing(sqlite3.connect(bot.orders)) as connection:
        kinds = [kind for (kind,) in connection.execute("SELECT kind FROM order_events ORDER BY seq")]
    assert kinds[0] == "SESSION"
    assert kinds[-2:] == ["CLEAN_STOP", "SESSION_END"]
    assert verify(bot.orders) == []


def test_a_venue_serves_until_it_is_told_to_end(home: Path) -> None:
    """In this process, with a visitor in a thread."""
    socket = home / "other.sock"

    def visit() -> None:
        wait_until(socket.exists)
        seen.append(account_of(socket, "visitor").venue)
        os.kill(os.getpid(), signal.SIGTERM)

    seen: list[str] = []
    visitor = Thread(target=visit)
    visitor.start()
    data = ok("venue", "--socket", str(socket), "--name", "other", "--scenario", "stress", cwd=home)
    visitor.join()
    assert (data["name"], data["scenario"], seen) == ("other", "stress", ["other"])
    assert not socket.exists()


def test_a_new_bot_for_it_needs_only_the_socket(home: Path) -> None:
    words = ("new", "fresh", "--connector", "simulated_remote", "--strategy", "pure_market_making", "--yes")
    ok(*words, "--set", "exchanges.sim.socket=here.sock", cwd=home)
    written = (home / "conf" / "fresh.yml").read_text()
    assert "mode: simulated" in written
    assert "socket: here.sock" in written
    ok("new", "suggested", *words[2:], cwd=home)
    assert "socket: venue.sock" in (home / "conf" / "suggested.yml").read_text()


def test_a_bot_that_was_halted_does_not_start(path: Path, home: Path) -> None:
    config, bot = home / "conf" / "halted.yml", BotFolder(home, "halted")
    config.write_text(BOT.format(socket=path).replace("name: maker", "name: halted"))
    log = OrderLog.open(bot.folder)
    log.set_halt_latch("drawdown of 9 %", 1)
    log.close()
    code, error = failed("start", str(config), cwd=home)
    assert (code, error["code"]) == (1, "R-HALT")
    assert "drawdown of 9 %" in error["detail"]
