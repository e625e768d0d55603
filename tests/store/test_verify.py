"""A sound log is called sound; whatever is changed behind its back is found and named."""

import sqlite3
from pathlib import Path

import pytest

from engine.model.enums import OrderStatus
from engine.store.connection import FILE_NAME
from engine.store.errors import LogDamaged
from engine.store.verify import verify
from tests.store.bots import PERPETUAL, Bot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed log with lives of every kind."""
    bot = Bot(tmp_path)
    bot.deposit(USDT="100000", BTC="2")
    first = bot.open_order()
    bot.fill(first, "0.4", trade_id="t1")
    bot.report(first, OrderStatus.OPEN, venue_order_id="other")
    second = bot.open_order(instrument=PERPETUAL)  # type: ignore[arg-type]
    bot.report(second, OrderStatus.FILLED, "1")
    bot.tick(70_000_000)
    bot.tick(70_000_000)
    assert second.provisional is not None
    bot.commit()
    bot.fill(second, "1", trade_id="t2")
    bot.correct(first, "t1", "0.3")
    bot.transfer("5")
    bot.log.mark_clean_stop(bot.now_us)
    bot.log.close()
    assert verify(bot.log.path) == []
    return bot.log.path


def tamper(path: Path, *statements: str) -> list[str]:
    """Change the file without the guards of the program."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER order_events_keep")
    connection.execute("DROP TRIGGER order_events_stay")
    for statement in statements:
        assert connection.execute(statement).rowcount != 0, statement
    connection.commit()
    connection.close()
    return verify(path)


@pytest.mark.parametrize("statement", ["UPDATE order_events SET kind = 'X'", "DELETE FROM order_events WHERE seq = 3"])
def test_the_history_is_append_only(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE order_events SET source = 'me' WHERE seq = 4", "order_events 4 is not as it was written"),
        ("UPDATE order_events SET prev_hash = x'00' WHERE seq = 4", "order_events 4 is not as it was written"),
        ("DELETE FROM order_events WHERE seq = 5", "order_events 6 is not as it was written"),
        ("UPDATE orders SET quantity = '2' WHERE twin = 0", "quantity is '2', by its history '1'"),
        ("UPDATE orders SET rev = 99 WHERE twin = 1", "twin 1: its last entry, 99, is missing"),
        ("UPDATE orders SET filled = '9' WHERE settled = 1", "filled is 9, the sum of its trades 1"),
        ("DELETE FROM orders WHERE twin = 1", "twin 1 has a history, but no row"),
        ("DELETE FROM fills WHERE trade_id = 't1'", "trade t1 is None, by its history {"),
        ("UPDATE fills SET price = '1' WHERE trade_id = 't2'", "trade t2 is {"),
        ("UPDATE postings SET amount = '7' WHERE seq = 3", "adds up to"),
        ("UPDATE balances SET total = '7' WHERE asset = 'BTC'", "balance BTC at sim is 7, its postings add up to 2.3"),
        ("DELETE FROM balances WHERE asset = 'BTC'", "BTC at sim has postings, but no balance"),
    ],
)
def test_tampering_is_found(path: Path, statement: str, found: str) -> None:
    problems = tamper(path, statement)
    assert any(found in problem for problem in problems), problems


def test_a_cut_tail_is_found(path: Path) -> None:
    problems = tamper(path, "DELETE FROM order_events WHERE seq > 8")
    assert any("is missing" in problem for problem in problems)


def damage(path: Path, table: str, old: bytes, new: bytes) -> list[str]:
    """Replace bytes on the first page of a table or index."""
    connection = sqlite3.connect(path)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.close()
    pages = bytearray(path.read_bytes())
    at = pages.index(old, (root - 1) * 4096, root * 4096)
    pages[at : at + len(old)] = new
    path.write_bytes(pages)
    return verify(path)


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("fills", b"\x0d", b"\xff"),
        ("orders_venue", b"other", b"otheR"),
    ],
)
def test_damaged_pages_are_found(path: Path, table: str, old: bytes, new: bytes) -> None:
    assert damage(path, table, old, new)[0].startswith("damaged pages: ")


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(LogDamaged, match="there is no order log"):
        verify(tmp_path / FILE_NAME)


def test_a_file_without_a_table_of_tables(path: Path) -> None:
    pages = bytearray(path.read_bytes())
    pages[100:108] = bytes(8)
    path.write_bytes(pages)
    with pytest.raises(LogDamaged, match="this is no readable order log"):
        verify(path)
