"""The disk under the order log: SQLite in memory, which can be set back, and whose commits can fail."""

import sqlite3
from collections.abc import Iterable
from random import Random
from typing import Any

from engine.store.schema import migrate

FAILURES: tuple[str, ...] = ("database is locked", "database or disk is full", "disk I/O error")


class Disk:
    """Stands where the order log keeps its connection. It outlives processes; `set_back` is a power loss."""

    def __init__(self, path: Any, chance: Random) -> None:
        self.real = sqlite3.connect(":memory:", isolation_level=None)
        self.fault = 0.0
        self.failures = FAILURES  # what it says then
        self.failed = 0
        self._chance = chance
        self._copy: bytes = b""
        migrate(self.real, path)
        self.real.execute("PRAGMA synchronous=OFF")

    @property
    def in_transaction(self) -> bool:
        return self.real.in_transaction

    @property
    def has_ledger(self) -> bool:
        return self.real.execute("SELECT 1 FROM balances").fetchone() is not None

    def execute(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        if self.fault and statement.startswith("BEGIN") and self._chance.random() < self.fault:
            self.failed += 1
            raise sqlite3.OperationalError(self._chance.choice(self.failures))
        return self.real.execute(statement, tuple(values))

    def executemany(self, statement: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        return self.real.executemany(statement, rows)

    def kill(self) -> None:
        """The process died: what was not committed is gone."""
        if self.real.in_transaction:
            self.real.execute("ROLLBACK")

    def copy(self) -> None:
        """Remember the disk as it is, if the ledger has begun."""
        if self.has_ledger:
            self._copy = self.real.serialize()

    def set_back(self) -> bool:
        """The power went: the disk is what it was at the last copy."""
        if not self._copy:
            return False
        self.real.deserialize(self._copy)
        return True
