"""What waits for the next commit of the order log: rows that are ready to be written.

Rows stay until they are written, so a commit that failed loses nothing; the next one writes them.
"""

import sqlite3
from collections.abc import Iterable, KeysView, Sequence

from engine.model.fill import Fill
from engine.model.money import to_text
from engine.model.order import Order
from engine.store.postings import Posting
from engine.store.rows import FILL_COLUMNS, INSERT_FILL, UPSERT_FILL, Value, fill_row
from engine.store.schema import SET_META

Row = Sequence[Value | bytes]
UPSERT_BALANCE = """INSERT INTO balances VALUES (?, ?, ?, '0')
    ON CONFLICT (venue, asset) DO UPDATE SET total = excluded.total"""
UPSERT_CURSOR = "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)"
UPSERT_STATE = "INSERT OR REPLACE INTO bot_state VALUES (?, ?, ?, ?)"
DELETE_STATE = "DELETE FROM bot_state WHERE component = ?"
INSERT_POSTING = "INSERT INTO postings (event_seq, account_code, asset, amount) VALUES (?, ?, ?, ?)"


class Pending:
    """Rows by statement and key. Their order does not matter: foreign keys are checked at the end of a commit."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[object, Row]] = {}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def put(self, statement: str, key: object, row: Row) -> None:
        """Replaces the row that has the same key."""
        rows = self._rows.get(statement)
        if rows is None:
            rows = self._rows[statement] = {}
        rows[key] = row

    def keys(self, statement: str) -> KeysView[object]:
        return self._rows.get(statement, {}).keys()

    def put_fill(self, order: Order, fill: Fill, *, known: bool, replaced_by: str = "") -> dict[str, Value]:
        """Returns the row by column. `known`: it may be in the log already.

        One that must not, but is, makes the commit fail: nothing is booked twice.
        """
        row = fill_row(fill, replaced_by)
        key = (order.client_order_id, order.twin, fill.trade_id)
        statement = UPSERT_FILL if known and key not in self.keys(INSERT_FILL) else INSERT_FILL
        self.put(statement, key, (order.client_order_id, order.twin, *row))
        return dict(zip(FILL_COLUMNS, row, strict=True))

    def put_postings(self, event_seq: int, postings: Iterable[Posting]) -> None:
        for number, (code, asset, amount) in enumerate(postings):
            self.put(INSERT_POSTING, (event_seq, number), (event_seq, code, asset, to_text(amount)))

    def put_state(self, component: str, row: Row | None) -> None:
        """None deletes it."""
        for statement in (UPSERT_STATE, DELETE_STATE):
            self._rows.get(statement, {}).pop(component, None)
        self.put(DELETE_STATE if row is None else UPSERT_STATE, component, (component,) if row is None else row)

    def put_meta(self, key: str, value: str) -> None:
        self.put(SET_META, key, (key, value))

    def write(self, connection: sqlite3.Connection) -> None:
        """To be called within a transaction."""
        for statement, rows in self._rows.items():
            connection.executemany(statement, rows.values())
