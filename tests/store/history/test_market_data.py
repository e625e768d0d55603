"""Ticks and candles: complete, once, and equal to what the plainest program makes of the same ticks."""

from array import array
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.model.market import BookSnapshot, FundingRate, PublicTrade
from engine.store.history import tables, timescale_jobs
from engine.store.history.candle_queries import candles
from engine.store.history.column_types import LATEST_US
from engine.store.history.connection import Store
from engine.store.history.errors import StoreError
from engine.store.history.feed import LIMITS, Feed
from engine.store.history.instruments import InstrumentKeys
from engine.store.history.level import Level, level_in_use
from engine.store.history.market_writer import MarketWriter
from engine.store.history.queries import ticks
from engine.store.history.rollups import ALL_US, Rollups, recompute, runs
from engine.store.history.timescale import AGGREGATES, INTERVALS_S
from tests.store.bots import SHEETS, SPOT, D
from tests.store.history.market import DAY_US, MINUTE_US, START_US, candles_of, play, public_trade, walk


class Market:
    """A session that only listens."""

    def __init__(self, store: Store, session: str = "s1", simulated: bool = False, **options: Any) -> None:
        self.feed = Feed(**options)
        self.rollups = Rollups(store)
        keys = InstrumentKeys(store)
        self.writer = MarketWriter(store, keys, self.feed, self.rollups, session, session if simulated else "")

    async def write(self, *trades: PublicTrade) -> None:
        play(self.feed, trades)
        while await self.writer.flush():
            pass


async def stored(store: Store, table: sa.Table) -> list[Any]:
    async with store.engine.connect() as connection:
        return list((await connection.execute(sa.select(table).order_by(*table.primary_key))).all())


async def stored_candles(store: Store, interval_s: int) -> list[tuple[Any, ...]]:
    rows = [row for row in await stored(store, tables.market_data_history) if row.interval_s == interval_s]
    assert {row.source for row in rows} <= {"ticks"}
    return [tuple(row)[2:-1] for row in rows]


def same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    """Equal but for the last digits of sums of floats."""
    assert [row[:5] + row[7:] for row in found] == [row[:5] + row[7:] for row in expected]
    assert [row[5:7] for row in found] == [pytest.approx(row[5:7], rel=1e-12) for row in expected]


async def test_candles_equal_an_independent_computation_with_late_ticks(store: Store) -> None:
    market = Market(store)
    trades = walk("candles", 1_500, 2 * DAY_US // 24)
    late = Random("late").sample(trades, 60)
    on_time = [trade for trade in trades if trade not in late]
    half = len(on_time) // 2
    for part in (on_time[:half], on_time[half:]):
        await market.write(*part)
        await market.rollups.compute(market.feed.now_us)
    same(await stored_candles(store, 60), candles_of(on_time, 60)[:-1])
    await market.write(*late, *on_time[:100])  # and some twice
    await market.rollups.compute(market.feed.now_us)
    await market.rollups.compute(ALL_US)
    assert market.rollups.pending == 0
    assert len(await stored(store, tables.price_tick)) == len(trades)
    for interval_s in INTERVALS_S:
        same(await stored_candles(store, interval_s), candles_of(trades, interval_s))
    before = await stored(store, tables.market_data_history)
    async with store.engine.begin() as connection:
        for interval_s in INTERVALS_S:
            await recompute(store, connection, interval_s, 1, START_US - DAY_US, START_US + DAY_US)
    assert await stored(store, tables.market_data_history) == before
    async with store.engine.connect() as connection:
        level = await connection.run_sync(level_in_use)
    if level is Level.TIMESCALE:  # its policy may have looked already, and these ticks are older than it looks back
        await timescale_jobs.refresh_all(store, START_US, START_US + DAY_US, {})
    async with store.engine.connect() as connection:
        for aggregate in AGGREGATES:
            view = await connection.exec_driver_sql(f"SELECT trades FROM ohlcv_{aggregate.name} ORDER BY ts")
            assert sum(row.trades for row in view) == len(trades)


async def test_continuous_aggregates_equal_it_too(store: Store) -> None:
    async with store.engine.connect() as connection:
        if await connection.run_sync(level_in_use) is not Level.TIMESCALE:
            pytest.skip("only TimescaleDB has them")
    market = Market(store)
    trades = walk("aggregates", 3_000, DAY_US)
    await market.write(*trades[100:])
    await timescale_jobs.refresh_all(store, START_US, START_US + DAY_US, {})
    await market.write(*trades[:100])  # late: the views have been computed already
    await timescale_jobs.refresh_all(store, START_US, trades[100].event_us, {})
    columns = "ts, open, high, low, close, volume, quote_volume, trades"
    async with store.engine.connect() as connection:
        for aggregate in AGGREGATES:
            query = sa.text(f"SELECT {columns} FROM ohlcv_{aggregate.name} ORDER BY ts")
            typed = query.columns(tables.price_tick.c.ts, *(sa.column(name) for name in columns.split(", ")[1:]))
            rows = [tuple(row) for row in await connection.execute(typed)]
            same(rows, candles_of(trades, aggregate.seconds))


async def test_a_venues_candles_are_never_overwritten(store: Store) -> None:
    market = Market(store)
    await market.write(public_trade(1, START_US + 5))
    candle = {"instrument_key": 1, "interval_s": 60, "ts": START_US, "trades": 9, "source": "venue"}
    numbers = dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume"), 1.0)
    async with store.engine.begin() as connection:
        await connection.execute(tables.market_data_history.insert(), candle | numbers)
    await market.rollups.compute(ALL_US)
    rows = {row.interval_s: row for row in await stored(store, tables.market_data_history)}
    assert rows[60].source == "venue"
    assert (rows[300].source, rows[300].trades) == ("ticks", 9)  # made of what is there


@pytest.mark.parametrize("interval_s", [10, 60, 120, 300, 2700, 7200, 86400])
async def test_candles_of_any_interval_at_any_moment(store: Store, interval_s: int) -> None:
    market = Market(store)
    trades = walk("any", 600, 5 * 3600 * 1_000_000)
    await market.write(*trades[:400])
    await market.rollups.compute(market.feed.now_us)
    await market.write(*trades[400:])  # not rolled up yet
    found = await candles(store, 1, interval_s, START_US, START_US + DAY_US)
    expected = candles_of(trades, interval_s)
    same([(row.ts, *tuple(getattr(row, name) for name in row.__struct_fields__[1:-1])) for row in found], expected)
    part = await candles(store, 1, interval_s, START_US + 3600 * 1_000_000 + 1, START_US + 2 * 3600 * 1_000_000)
    grid = (START_US + 3600 * 1_000_000) // (interval_s * 1_000_000) * interval_s * 1_000_000
    assert [row.ts for row in part] == [row[0] for row in expected if grid <= row[0] < START_US + 7200 * 1_000_000]


async def test_ticks_are_kept_exactly_and_in_order(store: Store) -> None:
    market = Market(store)
    named = [public_trade(7, START_US + 123_457, "50000.1"), public_trade(6, START_US + 123_457, "50000.2")]
    await market.write(*named)
    found = [tick async for tick in ticks(store, 1)]
    assert [(tick.ts, tick.sequence, tick.price, tick.aggressor) for tick in found] == [
        (START_US + 123_457, 6, 50000.2, -1),
        (START_US + 123_457, 7, 50000.1, 1),
    ]
    assert [tick async for tick in ticks(store, 1, START_US, START_US + 123_457)] == []


async def test_trades_without_numbers_get_ones_that_rise(store: Store) -> None:
    market = Market(store)
    moments = (5, 5, 4, 9)
    await market.write(*(public_trade(number, START_US + at, named=False) for number, at in enumerate(moments)))
    found = [tick.sequence for tick in [tick async for tick in ticks(store, 1)]]
    assert sorted(found) == [START_US + 5, START_US + 6, START_US + 7, START_US + 9]


async def test_nonsense_times_of_a_venue_stop_nothing(store: Store) -> None:
    market = Market(store)
    await market.write(public_trade(1, 1 << 62), public_trade(2, -5), public_trade(3, START_US))
    assert [tick.sequence for tick in [tick async for tick in ticks(store, 1, 0, LATEST_US + 1)]] == [2, 3, 1]


async def test_a_batch_that_failed_is_written_as_it_was(store: Store) -> None:
    market = Market(store)
    play(market.feed, [public_trade(number, START_US + 1, named=False) for number in range(700)])
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE funding_rate RENAME TO away")
    market.feed.hear(START_US, FundingRate(SPOT.instrument_id, D("0.0001"), START_US + 8, START_US, START_US))
    with pytest.raises(StoreError, match="funding_rate"):
        await market.writer.flush()
    assert market.writer.queued == 701
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO funding_rate")
    await market.write()
    assert market.writer.queued == 0
    assert market.writer.written["price_tick"] == len(await stored(store, tables.price_tick)) == 700
    (funding,) = await stored(store, tables.funding_rate)
    assert (funding.rate, funding.next_at) == (0.0001, START_US + 8)


async def test_simulated_markets_of_two_sessions_never_mix(store: Store) -> None:
    for session in ("one", "two"):
        await Market(store, session, simulated=True).write(public_trade(1, START_US))
    await Market(store, "three").write(public_trade(1, START_US))
    await Market(store, "four").write(public_trade(1, START_US))
    assert len(await stored(store, tables.price_tick)) == 3
    found = await stored(store, tables.instrument)
    assert [(row.venue, row.symbol, row.session_id) for row in found] == [
        ("sim", "BTC-USDT", "one"),
        ("sim", "BTC-USDT", "two"),
        ("sim", "BTC-USDT", ""),
    ]


async def test_books_and_balances_are_sampled(store: Store) -> None:
    state = State([SPOT], OrderIds("TEST", 1), SHEETS, START_US)
    state.portfolio.open("sim", {"USDT": D("1000.123456789012345678901234567890")})
    market = Market(store, book_interval_us=1_000_000)
    bids, asks = ((D("49999"), D(2)), (D("49998"), D(3))), ((D("50001"), D(1)),)
    for step in range(4):
        state.now_us = START_US + step * 500_000
        if step < 3:  # at the last step the book is as it was
            state.books.apply(BookSnapshot(SPOT.instrument_id, bids, asks, step + 1, state.now_us, state.now_us))
        play(market.feed, [public_trade(step, state.now_us)], state)
    await market.write()
    rows = await stored(store, tables.order_book_snapshot)
    assert [row.mid for row in rows] == [50000.0, 50000.0]
    assert array("d", rows[0].bids).tolist() == [49999.0, 2.0, 49998.0, 3.0]
    balances = await stored(store, tables.balance_snapshot)
    assert [(row.asset, row.total) for row in balances if row.total] == [
        ("USDT", D("1000.123456789012345678901234567890"))
    ]


def test_the_oldest_rows_give_way_and_are_counted() -> None:
    feed = Feed()
    limit = LIMITS["price_tick"]
    for number in range(limit + 5):
        feed.hear(0, public_trade(number, START_US + number))
    buffer = feed.buffers["price_tick"]
    assert (len(buffer), buffer.dropped) == (limit, 5)
    assert buffer.take(1)[0].trade_id == "5"
    assert len(buffer) == limit - 1


def test_ticks_may_be_left_out() -> None:
    feed = Feed(ticks=False)
    feed.hear(0, public_trade(1, START_US))
    assert not any(feed.buffers.values())


@pytest.mark.parametrize("count", [1, 250])
def test_runs_of_neighbouring_candles(count: int) -> None:
    buckets = [(1, START_US + number * MINUTE_US) for number in range(count)]
    assert list(runs(buckets, MINUTE_US)) == [(1, START_US, START_US + count * MINUTE_US)]
    assert len(list(runs([*buckets, (2, START_US), (1, START_US + 1000 * MINUTE_US)], MINUTE_US))) == 3
