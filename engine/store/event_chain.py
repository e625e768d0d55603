"""The hash chain of `order_events`: each row holds SHA-256(hash of the row before + canonical JSON of the row)."""

import sqlite3
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from engine.store.schema import read_meta

EventRow = tuple[int, int, str, str, str, int, str, bytes, bytes]
_encode = msgspec.json.Encoder(order="sorted").encode
INSERT_EVENT = "INSERT INTO order_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
SELECT_EVENTS = """SELECT seq, at_us, source, kind, client_order_id, twin, payload, prev_hash, hash FROM order_events"""


def digest(
    previous: bytes, seq: int, at_us: int, source: str, kind: str, client_order_id: str, twin: int, payload: bytes
) -> bytes:
    """The hash of a row. `payload` is canonical JSON: sorted keys, no spaces, decimals as text."""
    body = _encode((seq, at_us, source, kind, client_order_id, twin, msgspec.Raw(payload)))
    return sha256(previous + body).digest()


class EventChain:
    """The end of the chain, to which rows are added."""

    def __init__(self, seq: int, head: bytes) -> None:
        self.seq = seq
        self._head = head

    def add(
        self, at_us: int, source: str, kind: str, payload: Mapping[str, object], order: tuple[str, int] = ("", 0)
    ) -> EventRow:
        """The next row. It must be written, or no later one may be."""
        text = _encode(payload)
        client_order_id, twin = order
        self.seq += 1
        previous = self._head
        self._head = digest(previous, self.seq, at_us, source, kind, client_order_id, twin, text)
        return self.seq, at_us, source, kind, client_order_id, twin, text.decode(), previous, self._head


def anchor(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Number and hash of the last pruned row; those before the first row at the beginning."""
    meta = read_meta(connection)
    return int(meta["anchor_seq"]), bytes.fromhex(meta["anchor_hash"])


def is_linked(row: EventRow, seq: int, head: bytes) -> bool:
    """Whether a row follows number `seq` with the hash `head` and is as it was written."""
    number, at_us, source, kind, client_order_id, twin, payload, previous, own = row
    if number != seq + 1 or previous != head:
        return False
    return own == digest(previous, number, at_us, source, kind, client_order_id, twin, payload.encode())


def read_chain(connection: sqlite3.Connection) -> EventChain | None:
    """The chain as it was left. None: its last row is not as it was written."""
    row = connection.execute(f"{SELECT_EVENTS} ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        return EventChain(*anchor(connection))
    return EventChain(row[0], row[8]) if is_linked(row, row[0] - 1, row[7]) else None
