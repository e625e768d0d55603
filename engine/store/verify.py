"""Whether an order log is what it was written as: every table against the history that it follows from."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from engine.model.enums import UpdateSource
from engine.model.money import ZERO, to_text
from engine.store.event_chain import SELECT_EVENTS, anchor, is_linked
from engine.store.postings import VENUE
from engine.store.rows import COLUMNS, FILL_COLUMNS, SELECT_FILLS
from engine.store.schema import open_current


def verify(path: Path) -> list[str]:
    """Every contradiction in the file, one sentence each; empty when it is sound. The bot may go on writing.

    Raises LogDamaged when it cannot be read and LogVersion when another version wrote it.
    """
    connection = open_current(path)
    try:
        connection.execute("BEGIN")  # one moment for all checks
        pages = [text for (text,) in connection.execute("PRAGMA integrity_check(10)") if text != "ok"]
        if pages:
            return [f"damaged pages: {text}" for text in pages]
        return [*_chain(connection), *_orders(connection), *_sums(connection), *_ledger(connection)]
    except sqlite3.DatabaseError as error:
        return [f"damaged pages: {error}"]
    finally:
        connection.close()


def _chain(connection: sqlite3.Connection) -> Iterator[str]:
    seq, head = anchor(connection)
    for row in connection.execute(f"{SELECT_EVENTS} ORDER BY seq"):
        if not is_linked(row, seq, head):
            yield f"order_events {row[0]} is not as it was written, or an entry before it is missing"
            return
        seq, head = row[0], row[8]


def _orders(connection: sqlite3.Connection) -> Iterator[str]:
    """Each order and its fills against the fold of its history."""
    whole = not anchor(connection)[0]  # no entry was pruned
    rows = connection.execute("""SELECT client_order_id, twin, payload FROM order_events
        WHERE client_order_id <> '' ORDER BY client_order_id, twin, seq""")
    by_key = f"SELECT {', '.join(COLUMNS)} FROM orders WHERE client_order_id = ? AND twin = ?"
    for key, group in groupby(rows, itemgetter(0, 1)):
        facts, fills = _fold(text for _, _, text in group)
        row = connection.execute(by_key, key).fetchone()
        if row is None:
            yield f"{_name(key)} has a history, but no row"
            continue
        order, stored = dict(zip(COLUMNS, row, strict=True)), _fills(connection, key)
        for column, value in facts.items():
            if order[column] != value:
                yield f"{_name(key)}: {column} is {order[column]!r}, by its history {value!r}"
        for trade_id in dict.fromkeys((*fills, *(stored if whole else ()))):
            if stored.get(trade_id) != fills.get(trade_id):
                yield f"{_name(key)}: trade {trade_id} is {stored.get(trade_id)}, by its history {fills.get(trade_id)}"


def _sums(connection: sqlite3.Connection) -> Iterator[str]:
    """Each order against the sum of its trades and the number of its last entry."""
    pruned = anchor(connection)[0]
    rows = connection.execute("""SELECT o.client_order_id, o.twin, o.filled, o.rev, e.client_order_id, e.twin
        FROM orders AS o LEFT JOIN order_events AS e ON e.seq = o.rev""")
    for client_order_id, twin, filled, rev, *named in rows:
        key = (client_order_id, twin)
        if rev > pruned and named != [*key]:
            yield f"{_name(key)}: its last entry, {rev}, is missing"
        booked = (f for f in _fills(connection, key).values() if f["source"] != UpdateSource.PROVISIONAL)
        total = sum((Decimal(fill["quantity"]) for fill in booked), ZERO)
        if total != Decimal(filled):
            yield f"{_name(key)}: filled is {filled}, the sum of its trades {to_text(total)}"


def _name(key: tuple[str, int]) -> str:
    return f"order {key[0]} twin {key[1]}" if key[1] else f"order {key[0]}"


def _fills(connection: sqlite3.Connection, key: tuple[str, int]) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(zip(FILL_COLUMNS, row, strict=True)) for row in connection.execute(SELECT_FILLS, key)}


def _fold(payloads: Iterable[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What the entries of an order add up to; less than all of it where the first ones were pruned."""
    facts: dict[str, Any] = {}
    fills: dict[str, dict[str, Any]] = {}
    for text in payloads:
        payload = msgspec.json.decode(text)
        facts = payload.get("order") or {**facts, **payload.get("change", {})}
        fills.update((fill["trade_id"], fill) for fill in payload.get("fills", ()))
    return facts, fills


def _ledger(connection: sqlite3.Connection) -> Iterator[str]:
    """Double entry: every entry adds up to 0, and all of them to the balances."""
    totals: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    rows = connection.execute("SELECT event_seq, account_code, asset, amount FROM postings ORDER BY seq")
    for event_seq, group in groupby(rows, itemgetter(0)):
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for _, code, asset, amount in group:
            sums[asset] += Decimal(amount)
            if code.startswith(VENUE):
                totals[code[len(VENUE) :], asset] += Decimal(amount)
        for asset, amount in sums.items():
            if amount:
                yield f"postings of entry {event_seq}: {asset} adds up to {to_text(amount)} and not to 0"
    for venue, asset, total, carried in connection.execute("SELECT venue, asset, total, carried FROM balances"):
        posted = totals.pop((venue, asset), ZERO) + Decimal(carried)
        if posted != Decimal(total):
            yield f"balance {asset} at {venue} is {total}, its postings add up to {to_text(posted)}"
    yield from (f"{asset} at {venue} has postings, but no balance" for venue, asset in totals)
