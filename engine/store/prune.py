"""Forgetting what is over, in slices that hold up nobody: one delete of 432,000 rows blocked writers for 182 ms."""

import sqlite3
from collections import defaultdict
from decimal import Decimal

from engine.model.money import ZERO, to_text
from engine.store.event_chain import anchor
from engine.store.postings import VENUE
from engine.store.schema import SET_META, read_meta

SLICE = 600  # rows


def prune(connection: sqlite3.Connection, before_us: int) -> bool:
    """One slice of events, then the orders and postings that have none left. Returns whether there may be more.

    The chain then begins after the last deleted event, and balances carry the sum of the deleted postings. Entries that
    the history waits for stay.
    """
    exported = read_meta(connection).get("exported_seq")
    seq, head = anchor(connection)
    oldest = connection.execute("SELECT seq, at_us, hash FROM order_events ORDER BY seq LIMIT ?", (SLICE,))
    for number, at_us, own in oldest:
        if at_us >= before_us or (exported is not None and number > int(exported)):
            break
        seq, head = number, own
    connection.execute(SET_META, ("anchor_seq", str(seq)))
    connection.execute(SET_META, ("anchor_hash", head.hex()))
    events = connection.execute("DELETE FROM order_events WHERE seq <= ?", (seq,)).rowcount
    return max(events, _prune_orders(connection, before_us, seq), _prune_postings(connection, seq)) == SLICE


def _prune_orders(connection: sqlite3.Connection, before_us: int, seq: int) -> int:
    done = "SELECT client_order_id, twin FROM orders WHERE settled = 1 AND updated_us < ? AND rev <= ? LIMIT ?"
    keys = connection.execute(done, (before_us, seq, SLICE)).fetchall()
    connection.executemany("DELETE FROM fills WHERE client_order_id = ? AND twin = ?", keys)
    connection.executemany("DELETE FROM orders WHERE client_order_id = ? AND twin = ?", keys)
    return len(keys)


def _prune_postings(connection: sqlite3.Connection, seq: int) -> int:
    oldest = "SELECT seq, event_seq, account_code, asset, amount FROM postings ORDER BY seq LIMIT ?"
    rows = [row for row in connection.execute(oldest, (SLICE,)) if row[1] <= seq]
    sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for _, _, code, asset, amount in rows:
        if code.startswith(VENUE):
            sums[code[len(VENUE) :], asset] += Decimal(amount)
    for key, amount in sums.items():
        (carried,) = connection.execute("SELECT carried FROM balances WHERE (venue, asset) = (?, ?)", key).fetchone()
        row = (to_text(Decimal(carried) + amount), *key)
        connection.execute("UPDATE balances SET carried = ? WHERE (venue, asset) = (?, ?)", row)
    if rows:
        connection.execute("DELETE FROM postings WHERE seq <= ?", (rows[-1][0],))
    return len(rows)
