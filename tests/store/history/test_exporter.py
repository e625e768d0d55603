"""Order logs arrive in the history: every order and every fill once, whatever happens in between."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model.enums import OrderStatus, Side
from engine.store.history import audit, tables
from engine.store.history.connection import Store
from engine.store.history.errors import StoreError
from engine.store.history.exporter import Exporter
from engine.store.history.instruments import InstrumentKeys
from engine.store.history.log_reader import LogReader, past_logs
from engine.store.history.progress import describe
from engine.store.order_history import OrderHistory
from tests.store.bots import PERPETUAL, SPOT, START_US, Bot, D

ABOUT = {
    "session_id": "20260101-000000-000001",
    "mode": "live",
    "config": {"name": "test"},
    "config_hash": "abc",
    "seed": 7,
    "code_version": "0.1",
    "instruments": {each.instrument_id: describe(each) for each in (SPOT, PERPETUAL)},
}


def exporter(store: Store) -> Exporter:
    return Exporter(store, InstrumentKeys(store), "test")


def begun(folder: Path, **about: Any) -> Bot:
    """A bot whose session the history is told of."""
    bot = Bot(folder)
    bot.log.begin_session(START_US, "TEST", ABOUT | about)
    return bot


def trade_a_little(bot: Bot) -> None:
    """Two orders, one filled in two parts, one cancelled; money that came; a correction."""
    bot.deposit(USDT="100000", BTC="3")
    first = bot.submit()
    bot.sent(first)
    bot.report(first, OrderStatus.OPEN)
    bot.fill(first, "0.4", trade_id="a")
    bot.fill(first, "0.6", trade_id="b")
    bot.report(first, OrderStatus.FILLED, "1")
    second = bot.submit(Side.SELL, "51000", "0.5")
    bot.sent(second)
    bot.report(second, OrderStatus.OPEN)
    bot.cancel(second)
    bot.report(second, OrderStatus.CANCELED)
    bot.correct(first, "b", "0.5")
    bot.transfer("12.5")
    bot.log.commit(bot.now_us)


async def export_all(exporting: Exporter, bot: Bot) -> int:
    log = LogReader(bot.log.path)
    try:
        cursor = 0
        while cursor < log.last_seq():
            cursor = await exporting.export(log)
        return cursor
    finally:
        log.close()


async def rows(store: Store, table: sa.Table) -> list[Any]:
    async with store.engine.connect() as connection:
        return list((await connection.execute(sa.select(table).order_by(*table.primary_key))).all())


async def test_orders_and_fills_are_those_of_the_log(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    trade_a_little(bot)
    await export_all(exporter(store), bot)
    bot.log.close()
    with OrderHistory(bot.log.path) as history:
        known = {order.client_order_id: order for order in history.orders()}
        fills = {each.fill.trade_id: each.fill for each in history.trades()}
    orders = await rows(store, tables.orders)
    assert [each.client_order_id for each in orders] == sorted(known)
    for row in orders:
        order = known[row.client_order_id]
        names = ("filled", "price", "quantity", "status", "average_price", "settled", "venue_order_id", "owner")
        assert [getattr(row, name) for name in names] == [getattr(order, name) for name in names]
    trades = await rows(store, tables.trade)
    assert {(each.trade_id, each.quantity, each.price, each.ts) for each in trades} == {
        (trade_id, fill.quantity, fill.price, fill.receive_us) for trade_id, fill in fills.items()
    }
    assert {each.trade_id: each.quantity for each in trades} == {"a": D("0.4"), "b": D("0.5")}
    (transfer,) = await rows(store, tables.transfer)
    assert (transfer.amount, transfer.asset, transfer.kind) == (D("12.5"), "USDT", "deposit")
    (position,) = await rows(store, tables.position)
    assert (position.owner, position.quantity, position.cost) == ("pmm", D("0.9"), D("45000"))
    session = (await rows(store, tables.session))[-1]
    assert (session.session_id, session.mode, session.config) == (ABOUT["session_id"], "live", {"name": "test"})
    instruments = await rows(store, tables.instrument)
    assert [(each.symbol, each.price_step, each.kind) for each in instruments] == [
        ("BTC-USDT", D("0.1"), "SPOT"),
        ("BTC-USDT-PERP", D("0.1"), "PERPETUAL"),
    ]


async def test_every_entry_once_however_often_it_is_sent(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    trade_a_little(bot)
    for _ in range(2):  # the second exporter knows nothing of the first
        last = await export_all(exporter(store), bot)
    events = await rows(store, tables.order_event)
    assert [each.log_sequence for each in events] == list(range(1, last + 1))
    async with store.engine.begin() as connection:  # the database was set back
        await connection.execute(tables.order_log.update().values(log_sequence=3))
        await connection.execute(tables.order_event.delete().where(tables.order_event.c.log_sequence > 3))
        await connection.execute(tables.trade.delete())
    exporting = exporter(store)
    await export_all(exporting, bot)
    bot.log.close()
    assert await rows(store, tables.order_event) == events
    assert len(await rows(store, tables.trade)) == 2
    assert exporting.missing == 0


async def test_a_failed_batch_is_written_whole_later(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    trade_a_little(bot)
    exporting = exporter(store)
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE trade RENAME TO away")
    with pytest.raises(StoreError):
        await export_all(exporting, bot)
    assert len(await rows(store, tables.order_event)) == 1  # of the session before
    assert await rows(store, tables.instrument) == await rows(store, tables.orders) == []
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO trade")
    await export_all(exporting, bot)
    bot.log.close()
    assert len(await rows(store, tables.trade)) == 2


async def test_a_session_without_an_end_has_crashed(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    bot.log.begin_session(START_US + 5, "TEST", ABOUT | {"session_id": "second", "mode": "simulated"})
    bot.log.note_event("SESSION_END", {"reason": "stopped by a test"}, START_US + 9)
    bot.submit()
    bot.log.commit(bot.now_us)
    await export_all(exporter(store), bot)
    bot.log.close()
    ended = {each.session_id: (each.ended_at, each.exit_reason) for each in await rows(store, tables.session)}
    assert ended[str(ABOUT["session_id"])] == (START_US + 5, "crashed")
    assert ended["second"] == (START_US + 9, "stopped by a test")
    (order,) = await rows(store, tables.orders)
    own = [each for each in await rows(store, tables.instrument) if each.session_id == "second"]
    assert order.session_id == "second"
    assert order.instrument_key in [each.instrument_key for each in own]


async def test_pruned_entries_are_counted_and_wanted_ones_stay(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    trade_a_little(bot)
    last = bot.log.note_event("MARK", {}, bot.now_us)
    bot.log.note_exported(4)
    bot.log.commit(bot.now_us)
    assert bot.log.prune(bot.now_us * 2) is False
    exporting = exporter(store)
    assert await export_all(exporting, bot) == last
    bot.log.close()
    assert exporting.missing == 4
    assert [each.log_sequence for each in await rows(store, tables.order_event)] == list(range(5, last + 1))


async def test_operators_are_in_the_audit_log(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    bot.log.note_event("PAUSE", {"actor": "ann", "reason": "lunch\0"}, START_US + 1)
    bot.log.set_halt_latch("too much lost", START_US + 2)
    await export_all(exporter(store), bot)
    bot.log.close()
    found = await rows(store, tables.audit_log)
    assert [(each.actor, each.action, each.after) for each in found] == [
        ("ann", "PAUSE", {"reason": "lunch"}),
        ("engine", "HALT", {"reason": "too much lost"}),
    ]
    assert await audit.verify(store) == ""
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        async with store.engine.begin() as connection:
            await connection.execute(tables.audit_log.update().values(actor="bob"))
    async with store.engine.begin() as connection:
        off = "ALTER TABLE audit_log DISABLE TRIGGER USER" if store.postgres else "DROP TRIGGER audit_log_update"
        await connection.exec_driver_sql(off)
        await connection.execute(tables.audit_log.update().where(tables.audit_log.c.seq == 2).values(actor="bob"))
    assert "audit_log 2" in await audit.verify(store)


async def test_memories_of_strategies(store: Store, tmp_path: Path) -> None:
    bot = begun(tmp_path)
    for number in (1, 2):
        bot.log.note_component("pmm", 1, f'{{"n": {number}}}', bot.step())
        bot.log.note_event("MARK", {}, bot.now_us)
        bot.log.commit(bot.now_us)
        await export_all(exporter(store), bot)
    bot.log.close()
    (state,) = await rows(store, tables.bot_state)
    assert (state.component, state.state) == ("pmm", {"n": 2})


def test_past_logs_are_those_that_were_wanted(tmp_path: Path) -> None:
    for number, wanted in enumerate((True, False)):
        bot = Bot(tmp_path / str(number))
        if wanted:
            bot.log.note_exported(0)
        bot.log.note_event("MARK", {}, START_US)
        bot.log.commit(START_US)
        bot.log.close()
        bot.log.path.rename(tmp_path / f"orders_{number}.sqlite")
    (tmp_path / "orders_x.sqlite").write_text("no database at all, but long enough to look like one" * 50)
    found = list(past_logs(tmp_path))
    assert [each.path.name for each in found] == ["orders_0.sqlite"]
    found[0].close()
    assert sqlite3.connect(tmp_path / "orders_1.sqlite").execute("SELECT 1").fetchone()
