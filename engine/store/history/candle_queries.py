"""Candles of any interval, at any moment: the computed ones, and what has not been computed yet from below."""

from collections.abc import Iterable
from itertools import groupby

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.store.history.column_types import TimeUs
from engine.store.history.connection import Store
from engine.store.history.rollups import MINUTE_S, SECOND_US, candles_sql
from engine.store.history.tables import market_data_history as history
from engine.store.history.timescale import INTERVALS_S


class CandleRow(Struct, frozen=True, gc=False):
    """[ts, ts + interval) in microseconds; volumes in base units and in quote. `source`: ticks, venue, import."""

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trades: int
    source: str


_FIELDS = tuple(history.c[name] for name in CandleRow.__struct_fields__)


async def candles(store: Store, instrument_key: int, interval_s: int, start_us: int, end_us: int) -> list[CandleRow]:
    """Those that begin in [start_us, end_us), oldest first; the last one may be open, those without trades are missing.

    Intervals below a minute are computed from ticks, all others from the longest stored interval that divides them.
    The grid begins at the epoch, in UTC. Raises StoreError.
    """
    width = interval_s * SECOND_US
    start_us -= start_us % width
    with store.guarded():
        async with store.engine.connect() as connection:
            if interval_s % MINUTE_S:
                return await _from_ticks(store, connection, instrument_key, interval_s, start_us, end_us)
            level = max(number for number, each in enumerate(INTERVALS_S) if interval_s % each == 0)
            rows = await _at_level(store, connection, level, instrument_key, start_us, end_us)
    return rows if interval_s == INTERVALS_S[level] else folded(rows, width)


async def _at_level(
    store: Store, connection: AsyncConnection, level: int, key: int, start_us: int, end_us: int
) -> list[CandleRow]:
    """The stored candles of a level, continued from the level below, in the end from ticks."""
    width = INTERVALS_S[level] * SECOND_US
    query = (
        sa.select(*_FIELDS)
        .where(history.c.instrument_key == key, history.c.interval_s == INTERVALS_S[level])
        .where(history.c.ts >= start_us, history.c.ts < end_us)
        .order_by(history.c.ts)
    )
    rows = [CandleRow(*row) for row in await connection.execute(query)]
    since_us = rows[-1].ts + width if rows else start_us
    if since_us >= end_us:
        return rows
    if level:
        below = await _at_level(store, connection, level - 1, key, since_us, end_us)
        return rows + folded(below, width)
    return rows + await _from_ticks(store, connection, key, MINUTE_S, since_us, end_us)


async def _from_ticks(
    store: Store, connection: AsyncConnection, key: int, interval_s: int, start_us: int, end_us: int
) -> list[CandleRow]:
    names = ("open", "high", "low", "close", "volume", "quote_volume", "trades")
    query = sa.text(candles_sql(store, interval_s) + " ORDER BY bucket").bindparams(
        sa.bindparam("start", type_=TimeUs()), sa.bindparam("end", type_=TimeUs())
    )
    columns = query.columns(*(sa.column(name) for name in names), sa.column("bucket", TimeUs()))
    found = await connection.execute(columns, {"key": key, "start": start_us, "end": end_us})
    return [CandleRow(*(bucket, *values, "ticks")) for *values, bucket in found]


def folded(rows: Iterable[CandleRow], width: int) -> list[CandleRow]:
    """Candles of a longer interval (`width` in µs) from shorter ones."""
    made = []
    for start_us, group in groupby(rows, lambda row: row.ts - row.ts % width):
        parts = list(group)
        made.append(
            CandleRow(
                ts=start_us,
                open=parts[0].open,
                high=max(part.high for part in parts),
                low=min(part.low for part in parts),
                close=parts[-1].close,
                volume=sum(part.volume for part in parts),
                quote_volume=sum(part.quote_volume for part in parts),
                trades=sum(part.trades for part in parts),
                source=parts[-1].source,
            )
        )
    return made
