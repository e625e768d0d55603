"""What keeps a database small and quick: retention, and on TimescaleDB a watch over its own jobs.

Old rows are deleted in slices with pauses between them: one large delete would block every writer for its whole time.
"""

import asyncio
from collections.abc import Mapping

import sqlalchemy as sa

from engine.core.clock import wall_us
from engine.store.history import leases, timescale_jobs
from engine.store.history.connection import Store
from engine.store.history.level import Level
from engine.store.history.progress import Said
from engine.store.history.tables import instrument, metadata

LEASE = "maintenance"
LEASE_US = 180_000_000
SLICE = 600  # rows
PAUSE_SECONDS = 0.0005
KEPT = ("price_tick", "order_book_snapshot")  # tables that may have a retention; the others stay small


class Maintenance:
    """One process at a time does it, whoever holds the lease."""

    def __init__(self, store: Store, retention_us: Mapping[str, int], owner: str) -> None:
        self._store = store
        self._retention_us = retention_us
        self._owner = owner

    async def run(self, level: Level) -> list[Said]:
        """Once a minute. Raises StoreError."""
        if not await leases.take(self._store, LEASE, self._owner, LEASE_US):
            return []
        if level is Level.TIMESCALE:
            with self._store.guarded():
                return await timescale_jobs.supervise(self._store, self._retention_us)
        await prune(self._store, self._retention_us)
        return []


async def prune(store: Store, retention_us: Mapping[str, int]) -> dict[str, int]:
    """Delete what is older than its retention; returns how many rows, by table. Raises StoreError.

    Rows of a simulated market have the times of its own clock: they go together, when the market is that old.
    """
    deleted: dict[str, int] = {}
    with store.guarded():
        async with store.engine.connect() as connection:
            query = sa.select(instrument.c.instrument_key, instrument.c.session_id, instrument.c.created_at)
            markets = (await connection.execute(query)).all()
        for name in KEPT:
            if name in retention_us:
                before_us = wall_us() - retention_us[name]
                deleted[name] = 0
                for key, session_id, created_us in markets:
                    limit_us = before_us
                    if session_id:
                        limit_us = 1 << 57 if created_us < before_us else 0
                    deleted[name] += await _delete(store, metadata.tables[name], key, limit_us)
        if not store.postgres and any(deleted.values()):
            await store.vacuum("PRAGMA incremental_vacuum(200)")
    return deleted


async def _delete(store: Store, table: sa.Table, instrument_key: int, before_us: int) -> int:
    key = table.primary_key.columns
    oldest = sa.select(*key).where(table.c.instrument_key == instrument_key, table.c.ts < before_us).limit(SLICE)
    statement = table.delete().where(sa.tuple_(*key).in_(oldest))
    count = 0
    while True:
        async with store.engine.begin() as connection:
            slice_count = (await connection.execute(statement)).rowcount
        count += slice_count
        if slice_count < SLICE:
            return count
        await asyncio.sleep(PAUSE_SECONDS)
