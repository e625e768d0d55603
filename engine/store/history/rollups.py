"""Candles from ticks: one minute from `price_tick`, longer ones from the next shorter.

Every candle is computed by the database from the rows that are there, so it does not matter when they came: a late tick
marks its minute, the minute is computed again, and then what is above it. The same statement in SQLite and PostgreSQL.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.store.history.column_types import TimeUs
from engine.store.history.connection import Store
from engine.store.history.timescale import INTERVALS_S

GRACE_US = 2_000_000  # a candle is computed this long after its end
SECOND_US = 1_000_000
ALL_US = 1 << 57  # after every candle
MINUTE_S = INTERVALS_S[0]
LATE_US = 2 * 3_600 * SECOND_US  # how far the policy of minutes looks back
Bucket = tuple[int, int]  # instrument_key, start

_FROM_TICKS = """
    SELECT max(CASE WHEN n = 1 THEN price END) AS open, max(price) AS high, min(price) AS low,
        max(CASE WHEN n = total THEN price END) AS close, sum(quantity) AS volume,
        sum(price * quantity) AS quote_volume, count(*) AS trades, bucket
    FROM (SELECT price, quantity, {bucket} AS bucket, row_number() OVER (PARTITION BY {bucket} ORDER BY sequence) AS n,
            count(*) OVER (PARTITION BY {bucket}) AS total
        FROM price_tick WHERE instrument_key = :key AND ts >= :start AND ts < :end) AS ticks
    GROUP BY bucket"""
_FROM_CANDLES = """
    SELECT max(CASE WHEN n = 1 THEN open END) AS open, max(high) AS high, min(low) AS low,
        max(CASE WHEN n = total THEN close END) AS close, sum(volume) AS volume,
        sum(quote_volume) AS quote_volume, CAST(sum(trades) AS bigint) AS trades, bucket
    FROM (SELECT *, {bucket} AS bucket, row_number() OVER (PARTITION BY {bucket} ORDER BY ts) AS n,
            count(*) OVER (PARTITION BY {bucket}) AS total
        FROM market_data_history
        WHERE instrument_key = :key AND interval_s = {below} AND ts >= :start AND ts < :end) AS candles
    GROUP BY bucket"""
_COLUMNS = ("open", "high", "low", "close", "volume", "quote_volume", "trades")
_UPSERT = f"""INSERT INTO market_data_history (instrument_key, interval_s, ts, {", ".join(_COLUMNS)}, source)
    SELECT :key, {{interval}}, bucket, {", ".join(_COLUMNS)}, 'ticks' FROM ({{candles}}) AS computed WHERE true
    ON CONFLICT (instrument_key, interval_s, ts) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)} WHERE market_data_history.source = 'ticks'"""


def candles_sql(store: Store, interval_s: int) -> str:
    """A query for the candles of :key from :start to :end, both on the grid of the interval, unordered."""
    if store.postgres:
        bucket = f"date_bin(interval '{interval_s} seconds', ts, timestamptz 'epoch')"
    else:
        bucket = f"ts - ts % {interval_s * SECOND_US}"
    if interval_s not in INTERVALS_S[1:]:
        return _FROM_TICKS.format(bucket=bucket)
    return _FROM_CANDLES.format(bucket=bucket, below=INTERVALS_S[INTERVALS_S.index(interval_s) - 1])


def timed(text: str) -> sa.TextClause:
    """A statement with the times :start and :end."""
    return sa.text(text).bindparams(sa.bindparam("start", type_=TimeUs()), sa.bindparam("end", type_=TimeUs()))


class Rollups:
    """Which candles have new ticks, and computing them.

    `late` is the range of ticks that came after TimescaleDB's own jobs had looked there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._marked: dict[int, set[Bucket]] = {interval_s: set() for interval_s in INTERVALS_S}
        self.late: tuple[int, int] | None = None

    @property
    def pending(self) -> int:
        """Candles that are to be computed, now or when they end."""
        return sum(map(len, self._marked.values()))

    def mark(self, ticks: Iterable[tuple[Any, ...]]) -> None:
        """Rows of price_tick that were written."""
        width = MINUTE_S * SECOND_US
        self._marked[MINUTE_S].update((row[0], row[1] - row[1] % width) for row in ticks)

    async def compute(self, now_us: int) -> None:
        """Every marked candle that had ended by `now_us`; a failure leaves them marked. Raises StoreError."""
        with self._store.guarded():
            for number, interval_s in enumerate(INTERVALS_S):
                width = interval_s * SECOND_US
                due = {each for each in self._marked[interval_s] if each[1] + width + GRACE_US <= now_us}
                if not due:
                    continue
                async with self._store.engine.begin() as connection:
                    for key, start_us, end_us in runs(due, width):
                        await recompute(self._store, connection, interval_s, key, start_us, end_us)
                self._marked[interval_s] -= due
                if interval_s == MINUTE_S:
                    self._note_late([start for _, start in due if start < now_us - LATE_US], width)
                for above in INTERVALS_S[number + 1 : number + 2]:
                    wider = above * SECOND_US
                    self._marked[above].update((key, start - start % wider) for key, start in due)

    def _note_late(self, starts: list[int], width: int) -> None:
        if starts:
            before = self.late or (starts[0], starts[0])
            self.late = (min(before[0], *starts), max(before[1], max(starts) + width))


async def recompute(
    store: Store, connection: AsyncConnection, interval_s: int, key: int, start_us: int, end_us: int
) -> None:
    """Compute the candles of one interval again from what they are made of. Candles of venues stay as they are."""
    statement = _UPSERT.format(interval=interval_s, candles=candles_sql(store, interval_s))
    await connection.execute(timed(statement), {"key": key, "start": start_us, "end": end_us})


def runs(buckets: Iterable[Bucket], width: int) -> Iterator[tuple[int, int, int]]:
    """Neighbouring buckets joined: key, start, end."""
    run: tuple[int, int, int] | None = None
    for key, start in sorted(buckets):
        if run is not None and run[0] == key and run[2] == start:
            run = (key, run[1], start + width)
            continue
        if run is not None:
            yield run
        run = (key, start, start + width)
    if run is not None:
        yield run
