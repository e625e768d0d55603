"""TimescaleDB's own jobs, watched: where one fails, its work is done from here.

Written because all background jobs fail on PostgreSQL 15.20 ("cannot drop portal … while it is being set up"), and
nobody hears of it. An explicit CALL works there too.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.store.history.column_types import moment
from engine.store.history.connection import Store
from engine.store.history.progress import Said
from engine.store.history.timescale import AGGREGATES

DAY_US = 86_400_000_000
KEEP_MIN_US = 7 * DAY_US  # the refresh of daily candles looks back 4 days: what it finds gone, it deletes
# A refresh names its hypertable, or its view in newer versions.
_JOBS = """
    SELECT j.job_id, j.proc_name, j.hypertable_name, j.config,
        NOT j.scheduled OR coalesce(s.last_run_status = 'Failed', false)
        OR coalesce(s.last_successful_finish, now()) < now() - 3 * j.schedule_interval AS bad, a.view_name
    FROM timescaledb_information.jobs AS j
    LEFT JOIN timescaledb_information.job_stats AS s ON s.job_id = j.job_id
    LEFT JOIN timescaledb_information.continuous_aggregates AS a
        ON j.hypertable_name IN (a.materialization_hypertable_name, a.view_name)
    WHERE j.proc_name LIKE 'policy_%' AND j.hypertable_name IS NOT NULL ORDER BY j.job_id"""
_KEPT = """
    SELECT extract(epoch FROM (config ->> 'drop_after')::interval)::bigint FROM timescaledb_information.jobs
    WHERE proc_name = 'policy_retention' AND hypertable_name = :table"""
_ARGUMENTS = """
    SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = 'refresh_continuous_aggregate'"""


async def supervise(store: Store, retention_us: Mapping[str, int]) -> list[Said]:
    """Set the retention that is wanted, then do what failed jobs left undone. Returns what the operator should hear."""
    said = []
    async with store.engine.connect() as raw:
        connection = await raw.execution_options(isolation_level="AUTOCOMMIT")  # a refresh is no part of a transaction
        await set_retention(connection, retention_us)
        for job in (await connection.exec_driver_sql(_JOBS)).all():
            if job.bad:
                await _do(connection, job, retention_us)
                text = f"job {job.job_id} of TimescaleDB ({job.proc_name} {job.view_name or job.hypertable_name}) fails"
                said.append(Said("W-STORE", f"{text}; its work was done from here", "look at job_errors"))
    return said


async def set_retention(connection: AsyncConnection, retention_us: Mapping[str, int]) -> None:
    """Policies as they are wanted; raw ticks stay for a week at least."""
    for table in ("price_tick", "order_book_snapshot"):
        wanted = kept_us(retention_us, table)
        kept_s = (await connection.execute(sa.text(_KEPT), {"table": table})).scalar()
        if wanted and kept_s == wanted // 1_000_000:
            continue
        if kept_s is not None:
            await connection.exec_driver_sql(f"SELECT remove_retention_policy('{table}')")
        if wanted:
            seconds = wanted // 1_000_000
            await connection.exec_driver_sql(f"SELECT add_retention_policy('{table}', interval '{seconds} seconds')")


def kept_us(retention_us: Mapping[str, int], table: str) -> int:
    """How long rows of a table are kept here, 0: for ever."""
    return max(retention_us[table], KEEP_MIN_US) if table in retention_us else 0


async def refresh(
    connection: AsyncConnection, view: str, start_us: int, end_us: int, retention_us: Mapping[str, int]
) -> None:
    """Bring a view of candles up to date in a range. Every refresh goes through here.

    Where ticks were dropped, a refresh would delete the candles that were made of them: it never begins before
    retention − one chunk. `connection` is one that commits by itself.
    """
    keep_us = kept_us(retention_us, "price_tick")
    if keep_us:
        start_us = max(start_us, await _now_us(connection) - keep_us + DAY_US)
    if start_us >= end_us:
        return
    arguments = (await connection.exec_driver_sql(_ARGUMENTS)).scalar_one()
    # Without it the refresh of a long range takes ten times as long, where the option is known.
    option = ", options => '{\"buckets_per_batch\": 0}'" if "options" in arguments else ""
    statement = sa.text(f"CALL refresh_continuous_aggregate('{view}', :start, :end{option})")
    typed = statement.bindparams(*(sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("start", "end")))
    await connection.execute(typed, {"start": moment(start_us), "end": moment(end_us)})


async def refresh_all(store: Store, start_us: int, end_us: int, retention_us: Mapping[str, int]) -> None:
    """All views, from minutes up: ticks came later than the policies look back."""
    async with store.engine.connect() as raw:
        connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
        for aggregate in AGGREGATES:
            width = aggregate.seconds * 1_000_000
            first, last = start_us - start_us % width, end_us + -end_us % width
            await refresh(connection, f"ohlcv_{aggregate.name}", first, last, retention_us)


async def _do(connection: AsyncConnection, job: Any, retention_us: Mapping[str, int]) -> None:
    """What the job would have done."""
    if job.view_name is not None:
        now_us = await _now_us(connection)
        starts = {f"ohlcv_{each.name}": each for each in AGGREGATES}
        aggregate = starts[job.view_name]
        end_us = now_us - now_us % (aggregate.seconds * 1_000_000)
        await refresh(connection, job.view_name, end_us - 4 * DAY_US, end_us, retention_us)
    elif job.proc_name == "policy_compression":
        after = job.config["compress_after"]
        await connection.exec_driver_sql(
            f"SELECT compress_chunk(chunk, true) FROM show_chunks('{job.hypertable_name}', "
            f"older_than => interval '{after}') AS chunk"
        )
    elif job.proc_name == "policy_retention":
        after = job.config["drop_after"]
        await connection.exec_driver_sql(f"SELECT drop_chunks('{job.hypertable_name}', interval '{after}')")


async def _now_us(connection: AsyncConnection) -> int:
    query = "SELECT (extract(epoch FROM now()) * 1000000)::bigint"
    return int((await connection.exec_driver_sql(query)).scalar_one())
