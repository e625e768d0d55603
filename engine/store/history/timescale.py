"""What TimescaleDB does for the series: chunks, continuous aggregates, compression, retention.

Written for 2.15 to 2.28 (2.28 is the last for PostgreSQL 15). On other databases the same views are plain ones over
`market_data_history`, so that the same SQL reads candles everywhere.
"""

import sqlalchemy as sa
from msgspec import Struct

from engine.store.history.level import Level


class Chunked(Struct, frozen=True):
    """A hypertable: length of a chunk, when it is compressed and how."""

    table: str
    chunk: str
    compress_after: str
    segment_by: str
    order_by: str


class Aggregate(Struct, frozen=True):
    """A view of candles, and when it is brought up to date."""

    name: str
    bucket: str
    seconds: int
    start: str
    every: str


CHUNKED = (
    Chunked("price_tick", "1 day", "2 days", "instrument_key", "ts, sequence"),
    Chunked("order_book_snapshot", "1 day", "2 days", "instrument_key", "ts, sequence"),
    Chunked("market_data_history", "30 days", "60 days", "instrument_key, interval_s", "ts"),
    Chunked("balance_snapshot", "30 days", "60 days", "session_id, venue, asset", "ts"),
)
AGGREGATES = (
    Aggregate("1m", "1 minute", 60, "2 hours", "1 minute"),
    Aggregate("5m", "5 minutes", 300, "4 hours", "5 minutes"),
    Aggregate("15m", "15 minutes", 900, "6 hours", "15 minutes"),
    Aggregate("1h", "1 hour", 3600, "12 hours", "30 minutes"),
    Aggregate("4h", "4 hours", 14400, "1 day", "1 hour"),
    Aggregate("1d", "1 day", 86400, "4 days", "6 hours"),
)
INTERVALS_S = tuple(aggregate.seconds for aggregate in AGGREGATES)


def install(connection: sa.Connection, level: Level) -> None:
    """Views of candles on every level; what the level offers beyond. In the transaction that makes the tables."""
    if level is not Level.NONE:
        for chunked in CHUNKED:
            connection.exec_driver_sql(
                f"SELECT create_hypertable('{chunked.table}', 'ts', chunk_time_interval => interval '{chunked.chunk}', "
                "create_default_indexes => false)"
            )
    if level is not Level.TIMESCALE:
        for aggregate in AGGREGATES:
            connection.exec_driver_sql(plain_view(aggregate))
        return
    for chunked in CHUNKED:
        _compress(connection, chunked)
    below = "price_tick"
    for aggregate in AGGREGATES:
        connection.exec_driver_sql(continuous_view(aggregate, below))
        connection.exec_driver_sql(
            f"SELECT add_continuous_aggregate_policy('ohlcv_{aggregate.name}', "
            f"start_offset => interval '{aggregate.start}', end_offset => interval '{aggregate.bucket}', "
            f"schedule_interval => interval '{aggregate.every}')"
        )
        below = f"ohlcv_{aggregate.name}"


def remove(connection: sa.Connection, level: Level) -> None:
    """The views; hypertables go with their tables."""
    kind = "MATERIALIZED VIEW" if level is Level.TIMESCALE else "VIEW"
    for aggregate in reversed(AGGREGATES):
        connection.exec_driver_sql(f"DROP {kind} ohlcv_{aggregate.name}")


def plain_view(aggregate: Aggregate) -> str:
    """Candles as they were computed from ticks by our own rollups."""
    return (
        f"CREATE VIEW ohlcv_{aggregate.name} AS SELECT instrument_key, ts, open, high, low, close, volume, "
        "quote_volume, trades FROM market_data_history "
        f"WHERE interval_s = {aggregate.seconds} AND source = 'ticks'"
    )


def continuous_view(aggregate: Aggregate, below: str) -> str:
    """A continuous aggregate of ticks, or of the next finer candles; with the newest rows computed when it is read.

    Open and close go by the sequence of ticks: two may share a microsecond. `materialized_only` is written out because
    its default has changed between versions.
    """
    if below == "price_tick":
        columns = (
            "first(price, sequence) AS open, max(price) AS high, min(price) AS low, last(price, sequence) AS close, "
            "sum(quantity) AS volume, sum(price * quantity) AS quote_volume, count(*) AS trades"
        )
    else:
        columns = (
            f"first(open, {below}.ts) AS open, max(high) AS high, min(low) AS low, last(close, {below}.ts) AS close, "
            "sum(volume) AS volume, sum(quote_volume) AS quote_volume, sum(trades)::bigint AS trades"
        )
    return (
        f"CREATE MATERIALIZED VIEW ohlcv_{aggregate.name} "
        "WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS "
        f"SELECT instrument_key, time_bucket(interval '{aggregate.bucket}', {below}.ts) AS ts, {columns} "
        f"FROM {below} GROUP BY 1, 2 WITH NO DATA"
    )


def _compress(connection: sa.Connection, chunked: Chunked) -> None:
    """The names of before 2.18: later versions still know them."""
    connection.exec_driver_sql(
        f"ALTER TABLE {chunked.table} SET (timescaledb.compress, "
        f"timescaledb.compress_segmentby = '{chunked.segment_by}', "
        f"timescaledb.compress_orderby = '{chunked.order_by}')"
    )
    connection.exec_driver_sql(f"SELECT add_compression_policy('{chunked.table}', interval '{chunked.compress_after}')")
