"""What a database holds and how large it is, for operators and for Prometheus."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.store.history.connection import Store
from engine.store.history.level import Level, level_in_use
from engine.store.history.tables import metadata, order_log
from engine.store.history.upgrade import HEAD, revision_of


class LogCursor(Struct, frozen=True):
    """How far the history has copied an order log."""

    bot: str
    log_id: str
    log_sequence: int


class Inventory(Struct, frozen=True):
    """`revision` "" is a database without tables; `rows` by table, estimated on PostgreSQL; `cursors` of all logs."""

    where: str
    level: str
    revision: str
    newest: str
    size_bytes: int
    rows: dict[str, int]
    cursors: list[LogCursor]


async def take_inventory(store: Store) -> Inventory:
    """Raises StoreError."""
    with store.guarded():
        async with store.engine.connect() as connection:
            revision = await connection.run_sync(revision_of)
            level = await connection.run_sync(level_in_use)
            rows: dict[str, int] = {}
            cursors: list[LogCursor] = []
            if revision == HEAD:
                rows = await (_estimates(connection) if store.postgres else _counts(connection))
                newest = sa.select(order_log).order_by(order_log.c.bot_name, order_log.c.log_key)
                found = await connection.execute(newest)
                cursors = [LogCursor(row.bot_name, row.log_id, row.log_sequence) for row in found]
            size = await _size(store, connection)
    return Inventory(store.where, level, revision, HEAD, size, rows, cursors)


def metrics_text(inventory: Inventory, lags: Mapping[str, int]) -> str:
    """In Prometheus' text format. `lags`: entries of order logs that are not in the history, by bot."""
    return "".join(f"{line}\n" for line in _metrics(inventory, lags))


def _metrics(inventory: Inventory, lags: Mapping[str, int]) -> Iterator[str]:
    yield "# HELP tickwright_history_size_bytes Size of the history's database."
    yield "# TYPE tickwright_history_size_bytes gauge"
    yield f"tickwright_history_size_bytes {inventory.size_bytes}"
    yield "# HELP tickwright_history_rows Rows of a table of the history."
    yield "# TYPE tickwright_history_rows gauge"
    for table, count in inventory.rows.items():
        yield f'tickwright_history_rows{{table="{table}"}} {count}'
    yield "# HELP tickwright_history_lag_entries Entries of a bot's order log that are not in the history yet."
    yield "# TYPE tickwright_history_lag_entries gauge"
    for bot, lag in lags.items():
        yield f'tickwright_history_lag_entries{{bot="{bot}"}} {lag}'


async def _counts(connection: AsyncConnection) -> dict[str, int]:
    counts = {}
    for table in metadata.sorted_tables:
        query = sa.select(sa.func.count()).select_from(table)
        counts[table.name] = (await connection.execute(query)).scalar_one()
    return counts


async def _estimates(connection: AsyncConnection) -> dict[str, int]:
    """Counting a hundred million rows takes minutes; the planner knows how many there are, roughly."""
    rows = "CASE WHEN c.reltuples < 0 THEN s.n_live_tup ELSE greatest(c.reltuples, s.n_live_tup) END"
    if await connection.run_sync(level_in_use) is not Level.NONE:
        rows = "approximate_row_count(c.oid::regclass)"  # the rows are in the chunks
    query = f"""SELECT c.relname, {rows} FROM pg_class AS c
        JOIN pg_stat_user_tables AS s ON s.relid = c.oid WHERE c.relname = ANY($1)"""
    names = [table.name for table in metadata.sorted_tables]
    driver: Any = (await connection.get_raw_connection()).driver_connection
    found = {row[0]: int(row[1]) for row in await driver.fetch(query, names)}
    return {name: found.get(name, 0) for name in names}


async def _size(store: Store, connection: AsyncConnection) -> int:
    if store.postgres:
        return int((await connection.exec_driver_sql("SELECT pg_database_size(current_database())")).scalar_one())
    files = (store.where, f"{store.where}-wal")
    return sum(os.stat(name).st_size for name in files if os.access(name, os.F_OK))
