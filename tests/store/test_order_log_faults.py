"""Disks fill, files get locked, processes die: nothing acknowledged is lost, nothing is half written."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from engine.model.money import to_text
from engine.store.connection import FILE_NAME
from engine.store.errors import LogFailed
from engine.store.order_history import OrderHistory
from engine.store.order_log import OrderLog
from engine.store.verify import verify
from tests.store.bots import START_US, Bot
from tests.support import ROOT

KILLS = 20


@contextmanager
def locked(bot: Bot) -> Iterator[None]:
    """Another program writes to the file."""
    other = sqlite3.connect(bot.log.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def full(bot: Bot) -> Iterator[None]:
    """The file may not grow: SQLite then answers as it does on a full disk."""
    connection = bot.log._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    yield
    connection.execute("PRAGMA max_page_count=1073741823")


@contextmanager
def unwritable(bot: Bot) -> Iterator[None]:
    """The kernel refuses to make any file of this process longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = bot.log.path.with_name(f"{FILE_NAME}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 5_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_space(bot: Bot) -> Iterator[None]:
    """Fill the disk of a folder that is a small file system of its own."""
    ballast = bot.log.path.parent / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while os.statvfs(ballast).f_bavail:
            file.write(b"x" * 4096)
    yield
    ballast.unlink()


def many(bot: Bot) -> list[str]:
    """More than fits into the pages that the file has."""
    return [bot.submit(quantity="0.001").client_order_id for _ in range(60)]


@pytest.mark.parametrize(
    ("fault", "what", "fix"),
    [
        (locked, "database is locked", "end the other program"),
        (full, "database or disk is full", "free space on this disk"),
        (unwritable, "disk I/O error", "check the disk"),
    ],
    ids=["locked", "full", "unwritable"],
)
def test_a_commit_that_fails_loses_nothing(tmp_path: Path, fault, what: str, fix: str) -> None:  # type: ignore[no-untyped-def]
    bot = Bot(tmp_path)
    bot.deposit(USDT="1000000")
    before = bot.open_order()
    bot.commit()
    with fault(bot):
        wanted = many(bot)
        bot.fill(before, "0.5")
        for _ in range(2):
            with pytest.raises(LogFailed) as caught:
                bot.commit()
        assert bot.log.due(bot.now_us + 1_000_000)
        assert not bot.log.due(bot.now_us + 999_999)
        with OrderHistory(bot.log.path) as history:  # what a crash now would leave
            assert [order.client_order_id for order in history.orders()] == [before.client_order_id]
            assert history.trades() == []
        bot.submit()
    assert what in str(caught.value)
    assert str(bot.log.path) in str(caught.value)
    assert f"fix: {fix}" in str(caught.value)
    bot.commit()
    bot.log.close()
    assert verify(bot.log.path) == []
    again = Bot(tmp_path, bot.now_us + 1)
    found = [order.client_order_id for order in again.recovered.orders]
    assert found[:61] == [before.client_order_id, *wanted]
    assert again.portfolio.total("sim", "USDT") == bot.portfolio.total("sim", "USDT")
    again.log.close()


def test_a_really_full_disk(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        bot = Bot(tmp_path / "bot")
        bot.open_order()
        bot.commit()
        with no_space(bot):
            wanted = many(bot)
            with pytest.raises(LogFailed, match=r"free space on this disk|check the disk"):
                bot.commit()
        bot.commit()
        bot.log.close()
        assert verify(bot.log.path) == []
        again = Bot(tmp_path / "bot", bot.now_us + 1)
        assert [order.client_order_id for order in again.recovered.orders][1:] == wanted
        again.log.close()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


WRITER = """
import sys
from pathlib import Path
from tests.store.bots import Bot, Side

bot = Bot(Path(sys.argv[1]), int(sys.argv[2]))
if not bot.recovered.totals:
    bot.deposit(USDT="1000000")
while True:
    order = bot.open_order(quantity="0.001", price="40000")
    bot.fill(order, "0.001", price="40000", fee="0")
    bot.commit()
    print(order.client_order_id, order.filled, bot.portfolio.total("sim", "USDT"), flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: dict[str, str] = {}
    epochs: list[str] = []
    money = ""
    for run in range(KILLS):
        start_us = START_US + run  # within one second: only the stored epoch keeps the ids apart
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(start_us)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(1 + run * 3):
                client_order_id, filled, money = writer.stdout.readline().split()
                assert client_order_id not in acknowledged
                acknowledged[client_order_id] = filled
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:  # acknowledged before the signal came
                if line.endswith("\n"):
                    client_order_id, filled, money = line.split()
                    acknowledged[client_order_id] = filled
        epochs.append(client_order_id[4:10])
        with OrderHistory(tmp_path / FILE_NAME) as history:
            stored = {order.client_order_id: to_text(order.filled) for order in history.orders()}
            assert acknowledged.items() <= stored.items()
            assert len(stored) <= len(acknowledged) + run + 1  # one commit more than was told, at most
    assert epochs == sorted(set(epochs))
    assert verify(tmp_path / FILE_NAME) == []
    log = OrderLog.open(tmp_path)
    assert log.load(START_US).totals["sim", "USDT"] in (Decimal(money), Decimal(money) - 40)
    log.close()
