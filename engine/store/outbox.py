"""The outbox of an order log: messages for other programs, committed together with the facts that they tell of.

What was sent is deleted, so the table holds what nobody has confirmed yet. A message keeps its number for ever.
Programs that have no order log have a file with nothing but an outbox.
"""

import sqlite3
from pathlib import Path

from engine.store.connection import transaction
from engine.store.schema import MESSAGES, META, STEPS, read_meta, version_of

MessageRow = tuple[int, str, str]  # number, topic, body as JSON
INSERT_MESSAGE = "INSERT INTO outbox (seq, topic, payload) VALUES (?, ?, ?)"
SELECT_MESSAGES = "SELECT seq, topic, payload FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"
DELETE_MESSAGES = "DELETE FROM outbox WHERE seq <= ?"


def last_message(connection: sqlite3.Connection) -> int:
    """The highest number that was ever used, whether the message still exists or not."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return int(row[0]) if row else 0


class PastOutbox:
    """What the log of an ended session still holds, where no session writes to it any more."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self.log_id = read_meta(connection)["log_id"]

    @classmethod
    def open(cls, path: Path) -> "PastOutbox | None":
        """None: it has nothing to send, or was written by another version."""
        connection = sqlite3.connect(path, isolation_level=None)
        if version_of(connection) == len(STEPS) and connection.execute(SELECT_MESSAGES, (0, 1)).fetchone():
            return cls(path, connection)
        connection.close()
        return None

    def unsent(self, limit: int) -> list[MessageRow]:
        """In their order, at most `limit`."""
        return self._connection.execute(SELECT_MESSAGES, (0, limit)).fetchall()

    def sent(self, seq: int) -> None:
        """All messages up to this one have arrived. Raises LogFailed."""
        with transaction(self._connection, self._path):
            self._connection.execute(DELETE_MESSAGES, (seq,))

    def close(self) -> None:
        self._connection.close()


class OwnOutbox(PastOutbox):
    """The outbox of programs that have no order log. Several may use the file at once."""

    @classmethod
    def make(cls, path: Path) -> "OwnOutbox":
        """Open the file; it is made if there is none."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None)
        with transaction(connection, path):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                for statement in (META, *MESSAGES):
                    connection.execute(statement)
        return cls(path, connection)

    def add(self, topic: str, payload: str) -> None:
        """Durable when it returns. Raises LogFailed."""
        with transaction(self._connection, self._path):
            self._connection.execute("INSERT INTO outbox (topic, payload) VALUES (?, ?)", (topic, payload))
