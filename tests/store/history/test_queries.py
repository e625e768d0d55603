"""Questions to the history: pages that skip and repeat nothing, and profit that agrees with the bot's own ledgers."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.core.clock import wall_us
from engine.model.enums import Side
from engine.store.history import queries, tables
from engine.store.history.column_types import LATEST_US, bounded, microseconds, moment
from engine.store.history.connection import Store
from engine.store.history.leases import take
from engine.store.history.maintenance import prune
from engine.store.history.pnl import pnl_by_day
from engine.store.history.queries import Page, Span
from tests.store.bots import PERPETUAL, SPOT, START_US, D
from tests.store.history.market import DAY_US
from tests.store.history.market import START_US as MARKET_US
from tests.store.history.test_exporter import ABOUT, begun, export_all, exporter, trade_a_little

Query = Callable[[Store, Span, Sequence[Any] | None, int], Awaitable[Page]]


@pytest.mark.parametrize(
    "query", [queries.trades, queries.orders_of, queries.events, queries.transfers], ids=lambda query: query.__name__
)
async def test_pages_skip_and_repeat_nothing(store: Store, tmp_path: Path, query: Query) -> None:
    bot = begun(tmp_path)
    for _ in range(4):
        trade_a_little(bot)
    await export_all(exporter(store), bot)
    bot.log.close()
    whole = await query(store, Span(bot="test"), None, 1_000)
    assert whole.next is None
    found, after = [], None
    while True:
        page = await query(store, Span(bot="test"), after, 3)
        assert len(page.rows) <= 3
        found += page.rows
        after = page.next
        if after is None:
            break
    assert found == whole.rows
    assert (await query(store, Span(bot="other"), None, 10)).rows == []
    late = Span(bot="test", start_us=bot.now_us + DAY_US)
    assert (await query(store, late, None, 10)).rows == []
    named = Span(bot="test", session=str(ABOUT["session_id"]), instrument="" if query is queries.events else "x:Y")
    assert bool((await query(store, named, None, 10)).rows) is (query is queries.events)


async def test_the_life_of_an_order(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    trade_a_little(bot)
    await export_all(exporter(store), bot)
    bot.log.close()
    first = (await queries.orders_of(store, Span())).rows[0]
    life = await queries.order_life(store, first["client_order_id"])
    assert [event["kind"] for event in life] == ["PENDING_NEW", "PENDING_NEW", "OPEN", "FILL", "FILL", "CORRECTED"]
    (newest, _) = await queries.sessions(store, "test")
    assert newest["session_id"] == ABOUT["session_id"]
    assert [row["instrument_id"] for row in await queries.instruments(store, SPOT.instrument_id)] == ["sim:BTC-USDT"]


async def test_profit_is_that_of_the_bots_own_ledgers(store: Store, tmp_path: Path) -> None:
    """Random trades over ten days, in two markets, with fees in quote, in base and in another asset."""
    random = Random("profit")
    bot = begun(tmp_path)
    bot.deposit(USDT="1000000", BTC="100")
    for number in range(60):
        bot.now_us += random.randrange(8 * 3600) * 1_000_000
        market = random.choice([SPOT, PERPETUAL])
        order = bot.submit(random.choice(list(Side)), "50000", "1", market, owner=random.choice(["a", "b"]))
        fee_asset = random.choice(["USDT", "BTC", "BNB"] if market is SPOT else ["USDT", "BNB"])
        price, quantity = str(50_000 + random.randrange(-500, 500)), str(D(random.randrange(1, 1000)) / 1000)
        bot.fill(order, quantity, price, f"t{number}", "0.01", fee_asset)
    bot.transfer("-3.5", "funding", "f1", PERPETUAL.instrument_id)
    bot.log.commit(bot.now_us)
    await export_all(exporter(store), bot)
    days = await pnl_by_day(store, Span(bot="test"), UTC)
    bot.log.close()
    ledgers = list(bot.portfolio.ledgers())
    assert len({day.day for day in days}) > 5
    assert sum(day.realized for day in days) == sum(ledger.realized for ledger in ledgers)
    assert sum(day.trades for day in days) == 60
    assert sum((day.funding for day in days), Decimal(0)) == D("-3.5")
    paid = sum(ledger.fees_quote for ledger in ledgers)
    assert sum(day.fees for day in days) == paid
    unpriced = sum(fee for ledger in ledgers for fee in ledger.unpriced_fees.values())
    assert sum(fee for day in days for fee in day.unpriced_fees.values()) == unpriced > 0
    middle = days[len(days) // 2].day
    start_us = microseconds(moment(0)) + (middle - date(1970, 1, 1)) // timedelta(microseconds=1)
    assert await pnl_by_day(store, Span(bot="test", start_us=start_us), UTC) == [
        day for day in days if day.day >= middle
    ]
    zone = ZoneInfo("America/New_York")
    moved = await pnl_by_day(store, Span(bot="test"), zone)
    assert [(day.day, day.trades) for day in moved] != [(day.day, day.trades) for day in days]
    assert sum(day.total for day in moved) == sum(day.total for day in days)


def test_times_are_exact() -> None:
    random = Random("times")
    for time_us in [0, 1, LATEST_US, *(random.randrange(LATEST_US) for _ in range(200))]:
        assert microseconds(moment(time_us)) == time_us
    assert (bounded(-1), bounded(1 << 62), bounded(5)) == (0, LATEST_US, 5)


async def test_one_holds_a_lease(store: Store) -> None:
    assert await take(store, "work", "ann", 60_000_000) == 1
    assert await take(store, "work", "bob", 60_000_000) == 0
    assert await take(store, "work", "ann", 0) == 1  # kept, and over at once
    assert await take(store, "work", "bob", 60_000_000) == 2
    assert await take(store, "work", "ann", 60_000_000) == 0
    assert await take(store, "other", "ann", 1) == 1


async def test_old_market_data_go_in_slices(store: Store) -> None:
    now = (await _now(store)) // 1_000_000 * 1_000_000
    markets = [("real", "", now), ("gone", "s1", now - 40 * DAY_US), ("there", "s2", now)]
    async with store.engine.begin() as connection:
        for key, (name, session, created_us) in enumerate(markets, 1):
            row = {"instrument_id": f"x:{name}", "session_id": session, "venue": "x", "symbol": name}
            await connection.execute(tables.instrument.insert(), row | {"created_at": created_us})
            ages = [40, 40, 1] if key == 1 else [300, 300, 300]
            ticks = [
                {
                    "instrument_key": key,
                    "ts": now - age * DAY_US,
                    "sequence": n,
                    "price": 1.0,
                    "quantity": 1.0,
                    "aggressor": 1,
                }
                for n in range(450)
                for age in ages[n % 3 : n % 3 + 1]
            ]
            await connection.execute(tables.price_tick.insert(), ticks)
    deleted = await prune(store, {"price_tick": 30 * DAY_US})
    assert deleted == {"price_tick": 300 + 450}
    async with store.engine.connect() as connection:
        left = await connection.exec_driver_sql("SELECT instrument_key, count(*) FROM price_tick GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in left] == [(1, 150), (3, 450)]


async def _now(store: Store) -> int:
    return max(wall_us(), MARKET_US, START_US)
