"""TimescaleDB's jobs do not run: what they should do is done from here, and nothing is deleted that should stay."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.core.clock import wall_us
from engine.store.history import tables, timescale_jobs
from engine.store.history.connection import Store
from engine.store.history.level import Level, find_level, level_in_use
from engine.store.history.maintenance import Maintenance
from engine.store.history.rollups import ALL_US
from engine.store.history.timescale import AGGREGATES
from engine.store.history.upgrade import upgrade
from tests.store.history.conftest import Databases, opened
from tests.store.history.market import DAY_US, candles_of, walk
from tests.store.history.test_market_data import Market, stored

RETENTION = {"price_tick": 10 * DAY_US, "order_book_snapshot": 7 * DAY_US}


@pytest.fixture
def engine() -> str:
    return "timescale"


async def scalar(store: Store, query: str) -> object:
    async with store.engine.connect() as connection:
        return (await connection.exec_driver_sql(query)).scalar()


async def test_paused_jobs_are_done_from_here(store: Store) -> None:
    now_us = wall_us()
    new, old = walk("new", 300, DAY_US // 2, now_us - DAY_US), walk("old", 200, DAY_US // 2, now_us - 30 * DAY_US)
    market = Market(store)
    await market.write(*old, *new)
    await market.rollups.compute(ALL_US)
    maintenance = Maintenance(store, RETENTION, "test")
    assert await maintenance.run(Level.TIMESCALE) == []
    async with store.engine.begin() as connection:
        paused = "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs"
        await connection.exec_driver_sql(f"{paused} WHERE proc_name LIKE 'policy_%' AND hypertable_name IS NOT NULL")
    said = await maintenance.run(Level.TIMESCALE)
    assert {each.code for each in said} == {"W-STORE"}
    assert any("policy_refresh_continuous_aggregate ohlcv_1m" in each.text for each in said)
    assert any("policy_retention price_tick" in each.text for each in said)
    assert await scalar(store, "SELECT count(*) FROM price_tick") == 300  # the old ones are dropped
    minutes = candles_of([*old, *new], 60)
    rows = [row for row in await stored(store, tables.market_data_history) if row.interval_s == 60]
    assert len(rows) == len(minutes)  # their candles stay
    assert await scalar(store, "SELECT count(*) FROM ohlcv_1m") == len(candles_of(new, 60))
    for aggregate in AGGREGATES:  # also where nothing is computed when it is read
        async with store.engine.begin() as connection:
            only = f"ALTER MATERIALIZED VIEW ohlcv_{aggregate.name} SET (timescaledb.materialized_only = true)"
            await connection.exec_driver_sql(only)
    assert await scalar(store, "SELECT sum(trades) FROM ohlcv_1m") == 300


async def test_a_refresh_never_deletes_candles_of_dropped_trades(store: Store) -> None:
    now_us = wall_us()
    await Market(store).write(*walk("dropped", 200, DAY_US, now_us - 20 * DAY_US))
    await timescale_jobs.refresh_all(store, now_us - 30 * DAY_US, now_us, {})
    before = await scalar(store, "SELECT count(*) FROM ohlcv_1m")
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql("SELECT drop_chunks('price_tick', interval '10 days')")
    await timescale_jobs.refresh_all(store, now_us - 30 * DAY_US, now_us, RETENTION)
    assert await scalar(store, "SELECT count(*) FROM ohlcv_1m") == before


async def test_retention_policies_follow_the_settings(store: Store) -> None:
    query = """SELECT string_agg(hypertable_name || ' ' || (config ->> 'drop_after'), ', ' ORDER BY hypertable_name)
        FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"""
    for retention, expected in (
        (RETENTION, "order_book_snapshot 168:00:00, price_tick 240:00:00"),
        ({"price_tick": DAY_US}, "price_tick 168:00:00"),  # candles of a day look back further than a day
        ({}, None),
    ):
        await Maintenance(store, retention, "test").run(Level.TIMESCALE)
        assert await scalar(store, query) == expected


async def test_plain_tables_where_it_is_not_wanted(databases: Databases) -> None:
    async with opened(await databases.new("timescale", empty=True)) as store:
        assert (await upgrade(store, timescale=False)).level is Level.NONE
        async with store.engine.begin() as connection:
            await connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS timescaledb")
            assert await connection.run_sync(find_level) is Level.TIMESCALE
            assert await connection.run_sync(level_in_use) is Level.NONE
            await connection.execute(sa.select(tables.price_tick))


async def test_nothing_of_it_in_a_file(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'x.sqlite'}") as store, store.engine.connect() as connection:
        assert await connection.run_sync(find_level) is Level.NONE
