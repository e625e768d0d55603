"""The tables of the order log, as steps from one version to the next.

Decimals are TEXT in plain notation, times INTEGER microseconds. `order_events` is the history: append-only, each row
holds the hash of the one before; the other tables are what follows from it, kept ready for the next start.
"""

import sqlite3
from contextlib import ExitStack
from pathlib import Path

from engine.store.connection import open_reader, transaction, unreadable
from engine.store.errors import LogVersion

Step = tuple[str, ...]  # statements

META = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_FIRST: Step = (
    META,
    # Where the chain of order_events begins: after the last row that was pruned.
    "INSERT INTO meta VALUES ('anchor_seq', '0'), ('anchor_hash', lower(hex(randomblob(32))))",
    # `born` and `rev` are the first and the last entry of the order in order_events.
    """CREATE TABLE orders (
        client_order_id TEXT NOT NULL, twin INTEGER NOT NULL, instrument_id TEXT NOT NULL, parent TEXT NOT NULL,
        side TEXT NOT NULL, order_type TEXT NOT NULL, time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL,
        reduce_only INTEGER NOT NULL, stop_price TEXT, expire_us INTEGER NOT NULL, list_id TEXT NOT NULL,
        created_us INTEGER NOT NULL, venue_order_id TEXT NOT NULL, owner TEXT NOT NULL, slot_tag TEXT NOT NULL,
        price TEXT, quantity TEXT, sent_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, phase TEXT NOT NULL,
        close_reason TEXT, reason TEXT NOT NULL, command TEXT NOT NULL, command_us INTEGER NOT NULL,
        attempts INTEGER NOT NULL, amend_price TEXT, amend_quantity TEXT, venue_filled TEXT NOT NULL,
        filled TEXT NOT NULL, settled INTEGER NOT NULL, doubt INTEGER NOT NULL, ambiguous INTEGER NOT NULL,
        updated_us INTEGER NOT NULL, born INTEGER NOT NULL, rev INTEGER NOT NULL,
        PRIMARY KEY (client_order_id, twin)) WITHOUT ROWID""",
    # Ids are unique per instrument only, at some venues.
    "CREATE UNIQUE INDEX orders_venue ON orders (instrument_id, venue_order_id) WHERE venue_order_id <> ''",
    "CREATE INDEX orders_open ON orders (settled) WHERE settled = 0",
    "CREATE INDEX orders_done ON orders (updated_us) WHERE settled = 1",
    """CREATE TABLE fills (
        seq INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL, twin INTEGER NOT NULL, trade_id TEXT NOT NULL,
        venue_order_id TEXT NOT NULL, instrument_id TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL,
        quantity TEXT NOT NULL, fee TEXT NOT NULL, fee_asset TEXT NOT NULL, liquidity TEXT NOT NULL,
        event_us INTEGER NOT NULL, receive_us INTEGER NOT NULL, source TEXT NOT NULL, replaced_by TEXT NOT NULL,
        UNIQUE (client_order_id, twin, trade_id),
        FOREIGN KEY (client_order_id, twin) REFERENCES orders (client_order_id, twin)
        DEFERRABLE INITIALLY DEFERRED)""",
    """CREATE TABLE order_events (
        seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
        client_order_id TEXT NOT NULL, twin INTEGER NOT NULL, payload TEXT NOT NULL,
        prev_hash BLOB NOT NULL, hash BLOB NOT NULL)""",
    """CREATE TRIGGER order_events_keep BEFORE UPDATE ON order_events
        BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END""",
    """CREATE TRIGGER order_events_stay BEFORE DELETE ON order_events
        WHEN OLD.seq > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'anchor_seq')
        BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END""",
    """CREATE TABLE postings (
        seq INTEGER PRIMARY KEY, event_seq INTEGER NOT NULL, account_code TEXT NOT NULL, asset TEXT NOT NULL,
        amount TEXT NOT NULL)""",
    """CREATE TABLE balances (
        venue TEXT NOT NULL, asset TEXT NOT NULL, total TEXT NOT NULL, carried TEXT NOT NULL,
        PRIMARY KEY (venue, asset)) WITHOUT ROWID""",
    """CREATE TABLE ledgers (
        instrument_id TEXT NOT NULL, owner TEXT NOT NULL, net INTEGER NOT NULL, quantity TEXT NOT NULL,
        cost TEXT NOT NULL, realized TEXT NOT NULL, fees_quote TEXT NOT NULL, funding_quote TEXT NOT NULL,
        unpriced_fees TEXT NOT NULL, PRIMARY KEY (instrument_id, owner, net)) WITHOUT ROWID""",
    """CREATE TABLE transfers (
        seq INTEGER PRIMARY KEY, venue TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL, kind TEXT NOT NULL,
        transfer_id TEXT NOT NULL, event_us INTEGER NOT NULL, receive_us INTEGER NOT NULL,
        instrument_id TEXT NOT NULL, UNIQUE (venue, kind, instrument_id, event_us, transfer_id))""",
    "CREATE TABLE cursors (instrument_id TEXT PRIMARY KEY, value TEXT NOT NULL, updated_us INTEGER NOT NULL)",
    """CREATE TABLE bot_state (
        component TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL, updated_us INTEGER NOT NULL)""",
)
MESSAGES: Step = (
    # Each message is called by the log and its number: numbers are never used again, and no two logs have one id.
    "INSERT INTO meta VALUES ('log_id', lower(hex(randomblob(16))))",
    # What the broker has not confirmed yet; `payload` is the whole body.
    """CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload TEXT NOT NULL)""",
)
STEPS: tuple[Step, ...] = (_FIRST, MESSAGES)
SET_META = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


def read_meta(connection: sqlite3.Connection) -> dict[str, str]:
    """schema_version, log_id, tag, epoch, halt_latch, clean_stop_us, anchor_seq, anchor_hash, as far as written."""
    return dict(connection.execute("SELECT key, value FROM meta"))


def version_of(connection: sqlite3.Connection) -> int:
    """0: an empty file."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return 0
    return int(read_meta(connection)["schema_version"])


def migrate(connection: sqlite3.Connection, path: Path, steps: tuple[Step, ...] = STEPS) -> None:
    """Bring a file to the newest version, in one transaction."""
    version = version_of(connection)
    if version > len(steps):
        raise _other_version(version, path)
    if version < len(steps):
        with transaction(connection, path):
            for step in steps[version:]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(SET_META, ("schema_version", str(len(steps))))


def open_current(path: Path) -> sqlite3.Connection:
    """A reader of a file of this version. Raises LogDamaged or LogVersion."""
    with ExitStack() as stack:
        connection = open_reader(path)
        stack.callback(connection.close)
        try:
            version = version_of(connection)
        except sqlite3.Error as error:
            raise unreadable(error, path) from error
        if version != len(STEPS):
            raise _other_version(version, path)
        stack.pop_all()
    return connection


def _other_version(version: int, path: Path) -> LogVersion:
    newer = version > len(STEPS)
    fix = "update Tickwright" if newer else "start the bot once with this version: that brings the file up to date"
    return LogVersion(f"order log of version {version}, this program knows version {len(STEPS)}", path, fix)
