"""A session's history while its database is killed, frozen, locked by others, or away: nothing that was done is lost.

The database is another process, so these tests run in real time, and wait for what they expect, not for a time.
"""

import asyncio
import multiprocessing
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model.enums import OrderStatus
from engine.store.history import tables
from engine.store.history.connection import Store
from engine.store.history.feed import Feed
from engine.store.history.progress import Plan, Progress
from engine.store.history.service import HistoryService
from tests.store.bots import Bot
from tests.store.history.conftest import Databases, opened
from tests.store.history.market import MINUTE_US, START_US, candles_of, play, public_trade, walk
from tests.store.history.postgres import Server
from tests.store.history.test_exporter import ABOUT

PATIENCE_SECONDS = 60.0


def plan(url: str, folder: Path, **changes: Any) -> Plan:
    named: dict[str, Any] = {"bot": "test", "session_id": str(ABOUT["session_id"]), "simulated": False}
    named["end_seconds"] = PATIENCE_SECONDS
    return Plan(url=url, base=folder, log=folder / "orders.sqlite", past=folder / "past", **named | changes)


class Impatient(HistoryService):
    attempt_seconds = long_seconds = 0.3


class Running:
    """A service at work, in this loop."""

    def __init__(self, plan: Plan, feed: Feed, kind: type[HistoryService] = HistoryService) -> None:
        self.progress = Progress()
        self.feed = feed
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(kind(plan, feed, self.progress).run(self.stop))

    async def until(self, condition: Callable[[Progress], bool]) -> None:
        await until(self.progress, condition)

    async def end(self) -> None:
        self.stop.set()
        await self.task

    def codes(self) -> list[str]:
        return [each.code for each in self.progress.said]


async def until(progress: Progress, condition: Callable[[Progress], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition(progress):  # noqa: ASYNC110  (the thread's words, read as any thread may)
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    url: str, folder: Path, feed: Feed | None = None, kind: type[HistoryService] = HistoryService, **changes: Any
) -> AsyncIterator[Running]:
    found = Running(plan(url, folder, **changes), feed or Feed(), kind)
    try:
        yield found
    finally:
        await found.end()


def begun(folder: Path) -> Bot:
    bot = Bot(folder)
    bot.log.begin_session(bot.now_us, "TEST", ABOUT)
    return bot


def trade(bot: Bot, number: int) -> None:
    """An order that fills, with its commit."""
    order = bot.submit()
    bot.sent(order)
    bot.report(order, OrderStatus.OPEN)
    bot.fill(order, "1", trade_id=f"t{number}")
    bot.report(order, OrderStatus.FILLED, "1")
    bot.log.commit(bot.now_us)


async def counted(store: Store) -> dict[str, int]:
    async with store.engine.connect() as connection:
        names = ("orders", "trade", "order_event", "price_tick")
        query = "SELECT count(*) FROM {}"
        return {name: (await connection.exec_driver_sql(query.format(name))).scalar_one() for name in names}


async def test_a_session_from_beginning_to_end(engine: str, databases: Databases, tmp_path: Path) -> None:
    url = await databases.new(engine, empty=True)  # the service makes the tables
    bot, feed = begun(tmp_path), Feed()
    trades = walk("service", 900, 12 * MINUTE_US)
    async with running(url, tmp_path, feed) as session:
        play(feed, trades[:500])
        for number in range(3):
            trade(bot, number)
        await session.until(lambda progress: progress.written.get("price_tick") == 500)
        play(feed, trades[500:])
        trade(bot, 3)
    assert session.progress.state == "closed"
    assert (session.progress.lag_entries, session.progress.queued, session.codes()) == (0, 0, [])
    assert session.progress.exported_seq == bot.log.note_event("END", {}, bot.now_us) - 1
    bot.log.close()
    async with opened(url) as store:
        found = await counted(store)
        assert (found["orders"], found["trade"], found["price_tick"]) == (4, 4, 900)
        async with store.engine.connect() as connection:
            candles = sa.select(tables.market_data_history.c.trades).where(
                tables.market_data_history.c.interval_s == 60
            )
            assert sum((await connection.execute(candles)).scalars()) == 900
    assert len(candles_of(trades, 60)) > 5


async def test_logs_of_ended_sessions_are_caught_up(engine: str, databases: Databases, tmp_path: Path) -> None:
    url = await databases.new(engine)
    (tmp_path / "past").mkdir()
    for number in range(3):  # the database was away during all of them
        bot = begun(tmp_path)
        trade(bot, number)
        bot.log.close()
        bot.log.path.rename(tmp_path / "past" / f"orders_{number}.sqlite")
    bot = begun(tmp_path)
    async with running(url, tmp_path) as session:
        await session.until(lambda progress: progress.state == "ready")
    bot.log.close()
    async with opened(url) as store:
        assert (await counted(store))["trade"] == 3


async def test_the_database_is_killed_twenty_times(databases: Databases, tmp_path: Path) -> None:
    await databases.new("postgres")
    if databases.server is None:
        pytest.skip("only a server of our own may be killed")
    server = await asyncio.to_thread(Server)
    try:
        bot, feed = begun(tmp_path), Feed()
        ticks = 0
        async with running(server.url(), tmp_path, feed) as session:
            await session.until(lambda progress: progress.state == "ready")
            for number in range(20):
                play(feed, [public_trade(ticks + each, START_US + ticks + each) for each in range(50)])
                ticks += 50
                trade(bot, 2 * number)
                if number % 2:  # in the middle of writing, or when all is written
                    await session.until(lambda progress: progress.queued == 0)
                await asyncio.to_thread(server.kill)
                play(feed, [public_trade(ticks + each, START_US + ticks + each) for each in range(50)])
                ticks += 50
                trade(bot, 2 * number + 1)
                await session.until(lambda progress: progress.state == "waiting")
                await asyncio.to_thread(server.start)
                await session.until(lambda progress: progress.state == "ready")
        assert session.progress.failures >= 20
        assert set(session.codes()) == {"W-STORE", "I-STORE"}
        bot.log.close()
        async with opened(server.url()) as store:
            found = await counted(store)
        events = sqlite3.connect(bot.log.path).execute("SELECT count(*) FROM order_events").fetchone()[0]
        assert found == {"orders": 40, "trade": 40, "order_event": events, "price_tick": ticks}
    finally:
        await asyncio.to_thread(server.close)


async def test_what_the_buffer_cannot_hold_is_counted(tmp_path: Path) -> None:
    bot, feed = begun(tmp_path), Feed()
    for number in range(200_005):
        feed.hear(0, public_trade(number, START_US + number))
    async with running("postgresql://nobody@127.0.0.1:1/none", tmp_path, feed) as session:
        await session.until(lambda progress: progress.failures > 2)
        trade(bot, 1)
    bot.log.close()
    progress = session.progress
    assert progress.dropped["price_tick"] == 5
    assert progress.lag_entries > 5
    texts = [each.text for each in progress.said]
    assert len(texts) == 2  # each is told once, not once an attempt
    assert "trading goes on, facts wait in the order log" in texts[0]
    assert "5 rows of price_tick gave way" in texts[1]


async def test_a_frozen_database_is_left_alone_and_taken_up_again(databases: Databases, tmp_path: Path) -> None:
    url = await databases.new("postgres")
    if databases.server is None:
        pytest.skip("only a server of our own may be frozen")
    bot, feed = begun(tmp_path), Feed()
    async with running(url, tmp_path, feed, Impatient) as session:
        await session.until(lambda progress: progress.state == "ready")
        databases.server.pause()
        try:
            trade(bot, 1)
            play(feed, [public_trade(1, START_US)])
            await session.until(lambda progress: progress.state == "waiting")
            assert "no answer in 0.3 s" in session.progress.error
        finally:
            databases.server.pause(paused=False)
        await session.until(lambda progress: progress.state == "ready" and not progress.lag_entries)
    bot.log.close()
    async with opened(url) as store:
        assert (await counted(store))["trade"] == (await counted(store))["price_tick"] == 1


def _writer(url: str, folder: str, first: int) -> None:
    """A process of its own: a bot and its history."""

    async def work() -> None:
        bot, feed = Bot(Path(folder)), Feed()
        bot.log.begin_session(bot.now_us, "TEST", ABOUT | {"session_id": f"s{first}"})
        async with running(url, Path(folder), feed, session_id=f"s{first}", bot=f"bot{first}"):
            for number in range(40):
                play(
                    feed,
                    [public_trade(first + number * 25 + each, START_US + number * 25 + each) for each in range(25)],
                )
                trade(bot, number)
                await asyncio.sleep(0.002)
        bot.log.close()

    asyncio.run(work())


async def test_three_processes_share_one_file(databases: Databases, tmp_path: Path) -> None:
    url = await databases.new("sqlite", empty=True)
    context = multiprocessing.get_context("spawn")
    folders = [str(tmp_path / str(number)) for number in range(3)]
    workers = [context.Process(target=_writer, args=(url, each, n * 1_000)) for n, each in enumerate(folders)]
    for worker in workers:
        worker.start()
    for worker in workers:
        await asyncio.to_thread(worker.join, PATIENCE_SECONDS)
        assert worker.exitcode == 0
    async with opened(url) as store:
        found = await counted(store)
    assert (found["orders"], found["trade"], found["price_tick"]) == (120, 120, 3_000)


async def test_a_full_disk(databases: Databases, tmp_path: Path) -> None:
    """As far as one file may grow: what does not fit waits, and is written when there is room."""
    url = await databases.new("sqlite")
    bot, feed = begun(tmp_path), Feed()
    service = HistoryService(plan(url, tmp_path), feed, progress := Progress())
    limit = {"pages": 100}

    @sa.event.listens_for(service._store.engine.sync_engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={limit['pages']}")
        cursor.close()

    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    for number in range(300):
        trade(bot, number)
    play(feed, [public_trade(each, START_US + each) for each in range(2_000)])
    await until(progress, lambda progress: progress.failures > 0)
    assert (progress.said[0].code, progress.state) == ("E-STORE", "waiting")
    assert "full" in progress.said[0].text
    limit["pages"] = 100_000
    await until(progress, lambda each: each.state == "ready" and not each.lag_entries and not each.queued)
    stop.set()
    await task
    bot.log.close()
    async with opened(url) as store:
        found = await counted(store)
    assert (found["orders"], found["trade"], found["price_tick"]) == (300, 300, 2_000)


async def test_newer_tables_end_it_with_one_message(engine: str, databases: Databases, tmp_path: Path) -> None:
    url = await databases.new(engine)
    async with opened(url) as store, store.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    bot = begun(tmp_path)
    async with running(url, tmp_path) as session:
        await session.until(lambda progress: progress.state == "off")
        await session.task
    bot.log.close()
    (said,) = session.progress.said
    assert (said.code, said.fix) == ("E-VERSION", "update Tickwright, or name another database in store.url")


async def test_tables_are_left_to_the_command(engine: str, databases: Databases, tmp_path: Path) -> None:
    url = await databases.new(engine, empty=True)
    bot = begun(tmp_path)
    async with running(url, tmp_path, auto_upgrade=False) as session:
        await session.until(lambda progress: progress.state == "off")
    bot.log.close()
    assert session.progress.said[0].fix == "tickwright db upgrade"
