"""Opening the order log's file: one writer, guarded by a lock that the kernel releases on any death; many readers."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from engine.store.errors import LogDamaged, LogInUse, failed

FILE_NAME = "orders.sqlite"
LOCK_NAME = "orders.lock"
BUSY_SECONDS = 1


class Durability(StrEnum):
    """What a commit survives.

    NORMAL: kill -9; a power loss may take the last ones back, and the venue tells them again. FULL: power loss too;
    required where a venue cannot tell our orders by their client ids.
    """

    NORMAL = "NORMAL"
    FULL = "FULL"


class FileLock:
    """Held until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            fix = f"tickwright stop {folder.name}, or give this bot another name"
            raise LogInUse("the bot of this folder is already running", folder, fix) from None

    def release(self) -> None:
        os.close(self._descriptor)


def open_writer(path: Path, durability: Durability) -> sqlite3.Connection:
    """The one connection that writes; transactions are begun explicitly, see `transaction`."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={durability}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA wal_autocheckpoint=1000")
    except sqlite3.Error as error:
        connection.close()
        raise unreadable(error, path) from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Reads while the bot writes, and never holds it up. Raises LogDamaged. See `schema.open_current`."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise unreadable(error, path) from error
    return connection


def unreadable(error: sqlite3.Error, path: Path) -> LogDamaged:
    """There is no such file, or it is no order log."""
    if not path.exists():
        return LogDamaged("there is no order log", path, "check the name of the bot; a bot writes it when it starts")
    fix = "restore a backup, or move the file away: the next start then learns the open orders from the exchange"
    return LogDamaged(f"this is no readable order log: {error}", path, fix)


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing. Raises LogFailed when the file cannot be written."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise failed(error, path) from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
