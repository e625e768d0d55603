"""Messages in the order log: durable with their facts, numbered for ever, deleted when they have arrived."""

import sqlite3
from pathlib import Path

import pytest

from engine.store.connection import FILE_NAME, Durability, open_writer
from engine.store.order_log import DUE_US, OrderLog
from engine.store.outbox import OwnOutbox, PastOutbox
from engine.store.schema import STEPS
from tests.store.bots import START_US


@pytest.fixture
def log(tmp_path: Path) -> OrderLog:
    return OrderLog.open(tmp_path)


def note(log: OrderLog, *topics: str) -> None:
    for topic in topics:
        log.note_message(topic, "{}", START_US)


def test_messages_appear_with_the_commit(log: OrderLog) -> None:
    note(log, "a", "b")
    assert log.unsent(0, 10) == []
    assert log.due(START_US + DUE_US)
    log.commit(START_US)
    assert log.unsent(0, 10) == [(1, "a", "{}"), (2, "b", "{}")]
    assert log.unsent(1, 10) == [(2, "b", "{}")]
    assert log.unsent(0, 1) == [(1, "a", "{}")]
    log.close()


def test_what_arrived_goes_with_the_next_commit(log: OrderLog) -> None:
    note(log, "a", "b", "c")
    log.commit(START_US)
    log.note_sent(1)
    log.note_sent(2)
    assert len(log.unsent(0, 10)) == 3
    log.commit(START_US)
    assert log.unsent(0, 10) == [(3, "c", "{}")]
    log.close()


def test_numbers_are_never_used_again(log: OrderLog, tmp_path: Path) -> None:
    note(log, "a", "b")
    log.commit(START_US)
    log.note_sent(2)
    log.commit(START_US)
    log_id = log.log_id
    log.close()
    again = OrderLog.open(tmp_path)
    note(again, "c")
    again.commit(START_US)
    assert again.unsent(0, 10) == [(3, "c", "{}")]
    assert again.log_id == log_id
    again.close()


def test_every_log_has_its_own_id(log: OrderLog, tmp_path: Path) -> None:
    other = OrderLog.open(tmp_path / "other")
    assert len(log.log_id) == 32
    assert log.log_id != other.log_id
    other.close()
    log.close()


def test_the_log_of_an_ended_session(log: OrderLog, tmp_path: Path) -> None:
    note(log, "a", "b")
    log.commit(START_US)
    log.close()
    past = PastOutbox.open(tmp_path / FILE_NAME)
    assert past is not None
    assert past.log_id == log.log_id
    past.sent(1)
    assert past.unsent(10) == [(2, "b", "{}")]
    past.sent(2)
    past.close()
    assert PastOutbox.open(tmp_path / FILE_NAME) is None


def test_a_log_of_another_version_has_nothing_to_send(log: OrderLog, tmp_path: Path) -> None:
    note(log, "a")
    log.commit(START_US)
    log.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    connection.close()
    assert PastOutbox.open(tmp_path / FILE_NAME) is None


def test_a_log_without_an_outbox_gets_one(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / FILE_NAME, Durability.NORMAL)
    for statement in STEPS[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
    connection.close()
    log = OrderLog.open(tmp_path)
    note(log, "a")
    log.commit(START_US)
    assert log.unsent(0, 10) == [(1, "a", "{}")]
    log.close()


def test_a_file_with_nothing_but_an_outbox(tmp_path: Path) -> None:
    path = tmp_path / "data" / "outbox.sqlite"
    first, second = OwnOutbox.make(path), OwnOutbox.make(path)
    first.add("a", "1")
    second.add("b", "2")
    assert first.log_id == second.log_id
    assert second.unsent(10) == [(1, "a", "1"), (2, "b", "2")]
    first.sent(2)
    second.add("c", "3")
    assert second.unsent(10) == [(3, "c", "3")]
    first.close()
    second.close()
