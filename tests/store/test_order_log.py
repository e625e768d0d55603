"""Opening, starting, committing, recalling, pruning: what a session asks of the order log."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.order_ids import OrderIds
from engine.model.enums import Action, OrderStatus, Outcome, Phase, Side, UpdateSource
from engine.model.event import (
    FillCorrected,
    OperatorDecision,
    OrderRecalled,
    OrderUpdate,
    RequestFailed,
    RequestSent,
    TradesSynced,
)
from engine.model.request import RecallOrder
from engine.store.causes import cause_of
from engine.store.connection import FILE_NAME, Durability, open_writer
from engine.store.errors import LogDamaged, LogFailed, LogInUse, LogMismatch, LogVersion
from engine.store.order_history import OrderHistory
from engine.store.order_log import OrderLog, Session
from engine.store.schema import STEPS, migrate, version_of
from engine.store.verify import verify
from tests.store.bots import PERPETUAL, SPOT, START_US, TAG, Bot, D
from tests.support import ROOT

HOUR_US = 3_600_000_000


@pytest.fixture
def bot(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Bot(tmp_path)
    made.deposit(USDT="100000", BTC="2")
    yield made
    made.log.close()


def restarted(bot: Bot, later_us: int = 1_000_000) -> Bot:
    """The same bot after a crash."""
    bot.log.close()
    fresh = Bot(bot.log.path.parent, bot.now_us + later_us)
    bot.log = fresh.log
    return fresh


def test_importing_the_store_imports_no_orm() -> None:
    code = "import sys, engine.store.order_log, engine.store.order_history; sys.exit('sqlalchemy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# ---- opening


@pytest.mark.parametrize("durability", Durability)
def test_pragmas(tmp_path: Path, durability: Durability) -> None:
    connection = open_writer(tmp_path / FILE_NAME, durability)
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    connection.close()
    assert found == ["wal", {"NORMAL": 1, "FULL": 2}[durability], 1, 1000]


def test_one_bot_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "bots" / "mm"
    first = OrderLog.open(folder)
    with pytest.raises(LogInUse) as caught:
        OrderLog.open(folder)
    assert str(folder) in str(caught.value)
    assert "fix: tickwright stop mm" in str(caught.value)
    first.close()
    OrderLog.open(folder).close()


def test_a_file_that_is_no_order_log(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be looked at" * 20)
    with pytest.raises(LogDamaged, match="restore a backup"):
        OrderLog.open(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    OrderLog.open(tmp_path).close()  # the lock was given back


def test_a_newer_file(tmp_path: Path) -> None:
    OrderLog.open(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    path = tmp_path / FILE_NAME
    for opening, place in ((OrderLog.open, tmp_path), (OrderHistory, path), (verify, path)):
        with pytest.raises(LogVersion, match=rf"version 99, this program knows version {len(STEPS)}\n  fix: update"):
            opening(place)  # type: ignore[operator]


def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    connection = open_writer(path, Durability.NORMAL)
    migrate(connection, path)
    migrate(connection, path, (*STEPS, ("ALTER TABLE cursors ADD COLUMN name TEXT", "CREATE TABLE later (a)")))
    assert version_of(connection) == len(STEPS) + 1
    assert connection.execute("SELECT name FROM cursors").fetchall() == []
    broken = (*STEPS, ("CREATE TABLE half (a)",), ("CREATE TABLE later (a)",))
    with pytest.raises(LogFailed, match="already exists"):
        migrate(connection, path, (*broken, ("never",)))
    assert version_of(connection) == len(STEPS) + 1
    connection.close()


def test_an_older_file_cannot_be_read_yet(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / FILE_NAME).execute("CREATE TABLE other (a)").connection.close()
    with pytest.raises(LogVersion, match=r"version 0, .*\n  fix: start the bot once"):
        OrderHistory(tmp_path / FILE_NAME)


def test_a_damaged_last_entry(bot: Bot) -> None:
    bot.open_order()
    bot.commit()
    bot.log.close()
    with sqlite3.connect(bot.log.path) as connection:
        connection.execute("DROP TRIGGER order_events_keep")
        connection.execute("UPDATE order_events SET kind = 'FILLED' WHERE seq = (SELECT max(seq) FROM order_events)")
    connection.close()
    with pytest.raises(LogDamaged, match="the last entry is not as it was written"):
        OrderLog.open(bot.log.path.parent)
    bot.log = OrderLog.open(bot.log.path.parent / "other")


# ---- starting


def test_epochs_grow_whatever_the_clock_says(tmp_path: Path) -> None:
    log = OrderLog.open(tmp_path)
    first = log.begin_session(START_US, TAG)
    assert first == Session(TAG, (START_US - 1_577_836_800_000_000) // 1_000_000, 0, "")
    assert log.begin_session(START_US - 10**12, TAG).epoch == first.epoch + 1
    assert log.begin_session(START_US + 10**9, TAG).epoch == first.epoch + 1_000
    with pytest.raises(LogMismatch, match="belongs to order tag TEST, not MINE\n  fix: keep the order tag TEST"):
        log.begin_session(START_US, "MINE")
    log.close()


def test_a_restored_old_copy_repeats_no_id(tmp_path: Path) -> None:
    bot = Bot(tmp_path / "bot")
    bot.log.close()
    shutil.copytree(tmp_path / "bot", tmp_path / "backup")
    ids = {bot.ids.new()}
    for run in range(1, 4):
        later = Bot(tmp_path / "bot", START_US + run * 60_000_000)
        ids |= {later.ids.new() for _ in range(3)}
        later.log.close()
    restored = Bot(tmp_path / "backup", START_US + 240_000_000)
    assert {restored.ids.new() for _ in range(3)}.isdisjoint(ids)
    restored.log.close()


def test_a_clean_stop_is_told_once(bot: Bot) -> None:
    bot.log.mark_clean_stop(bot.now_us)
    again = restarted(bot)
    assert again.session.clean_stop_us == bot.now_us
    assert restarted(bot).session.clean_stop_us == 0
    assert again.session.epoch < restarted(bot).session.epoch


def test_the_halt_latch_stays(bot: Bot) -> None:
    bot.log.set_halt_latch("kill switch 3%", bot.now_us)
    assert restarted(bot).session.halt_latch == "kill switch 3%"
    with OrderHistory(bot.log.path) as history:
        assert history.halt_latch == "kill switch 3%"
    bot.log.set_halt_latch("", bot.now_us)
    assert restarted(bot).session.halt_latch == ""


# ---- facts


def test_nothing_is_kept_without_a_commit(bot: Bot) -> None:
    bot.submit()
    assert restarted(bot).recovered.orders == []


def test_an_intent_is_recovered_and_counts_as_sent(bot: Bot) -> None:
    order = bot.submit()
    bot.commit()
    again = restarted(bot)
    assert [found.client_order_id for found in again.recovered.orders] == [order.client_order_id]
    known = again.tracker.by_client_id(order.client_order_id)
    assert known is not None
    assert known.phase is Phase.SENT
    assert again.portfolio.reserved("sim", "USDT") == D("50050")


def test_done_orders_are_recovered_for_an_hour_and_dead_ones_for_a_day(bot: Bot) -> None:
    done, dead = bot.open_order(), bot.submit()
    bot.report(done, OrderStatus.CANCELED)
    bot.report(dead, OrderStatus.REJECTED, reason="rejected:-2010", venue_order_id="")
    bot.commit()
    assert [len(restarted(bot, hours * HOUR_US).recovered.orders) for hours in (0, 2, 22, 25)] == [2, 1, 1, 0]


def test_cursors_transfers_and_components_are_recovered(bot: Bot) -> None:
    bot.sync("4711")
    bot.log.note_component("grid_1", 2, '{"level":3}', bot.now_us)
    bot.log.note_component("gone", 1, "{}", bot.now_us)
    bot.log.note_component("gone", 1, None, bot.now_us)
    bot.transfer("100")
    bot.transfer("100")
    bot.commit()
    bot.transfer("100")
    bot.commit()
    again = restarted(bot)
    assert again.tracker.cursors == {SPOT.instrument_id: "4711"}
    assert {name: (each.version, each.state) for name, each in again.recovered.components.items()} == {
        "grid_1": (2, '{"level":3}')
    }
    assert [transfer.amount for transfer in again.recovered.transfers] == [D(100)]
    again.transfer("100")  # the venue tells it again
    assert again.portfolio.total("sim", "USDT") == D(100100)


def test_payments_of_other_markets_are_recovered(bot: Bot) -> None:
    """Connectors tell those of a week at every start."""
    elsewhere = ("-3", "funding", "f1", "sim:DOGE-USDT-PERP")
    bot.transfer(*elsewhere)
    bot.commit()
    again = restarted(bot)
    again.transfer(*elsewhere)
    again.commit()
    assert again.portfolio.total("sim", "USDT") == again.recovered.totals["sim", "USDT"] == D(99997)


def test_payments_from_before_the_first_balances_begin_no_ledger(tmp_path: Path) -> None:
    """Killed in between: else the next start would believe that they are all that we have."""
    first = Bot(tmp_path)
    first.transfer("-3", "funding", "f1", PERPETUAL.instrument_id)
    first.commit()
    again = restarted(first)
    assert not again.portfolio.is_open("sim")
    again.transfer("-3", "funding", "f1", PERPETUAL.instrument_id)
    again.deposit(USDT="997")
    again.commit()
    last = restarted(again)
    assert last.portfolio.total("sim", "USDT") == 997
    last.log.close()


def test_positions_are_recovered(bot: Bot) -> None:
    spot, perpetual = bot.open_order(), bot.open_order(instrument=PERPETUAL)  # type: ignore[arg-type]
    bot.fill(spot, "0.4", fee="0.001", fee_asset="BTC")
    bot.fill(perpetual, "1", fee="0.2", fee_asset="BNB")
    bot.transfer("-3", "funding", "f1", PERPETUAL.instrument_id)
    bot.commit()
    bot.portfolio.hand_over(SPOT.instrument_id, "pmm", "grid")
    bot.portfolio.retire("grid", "heir")
    bot.portfolio.adopt("pmm", PERPETUAL.instrument_id, D(-1), D(50_000))
    bot.portfolio.adopt("pmm", PERPETUAL.instrument_id, D(1), D(50_000))
    given = bot.portfolio.take_given()
    assert given == [
        (SPOT.instrument_id, "pmm"),
        (SPOT.instrument_id, "grid"),
        (SPOT.instrument_id, "heir"),
        (PERPETUAL.instrument_id, "pmm"),
    ]
    for instrument_id, owner in given:
        bot.log.note_given(instrument_id, owner, bot.now_us)
    assert bot.portfolio.take_given() == []
    bot.commit()
    again = restarted(bot).portfolio
    assert again.position(SPOT.instrument_id) == again.position(SPOT.instrument_id, "heir") == D("0.399")
    ledger = again.ledger(PERPETUAL.instrument_id, "pmm")
    assert (ledger.quantity, ledger.cost, ledger.funding_quote) == (1, 50_000, -3)
    assert ledger.unpriced_fees == bot.portfolio.ledger(PERPETUAL.instrument_id, "pmm").unpriced_fees
    assert again.total("sim", "USDT") == bot.portfolio.total("sim", "USDT") == D(79_997)
    assert again.differences("sim") == {}


def test_a_note_without_news_writes_nothing(bot: Bot) -> None:
    order = bot.open_order()
    bot.commit()
    bot.log.note_order(order, bot.step(), "tick")
    assert not bot.log.due(bot.step(5_000_000))


def test_a_fill_is_booked_once_whatever_the_tracker_says(bot: Bot) -> None:
    order = bot.open_order()
    bot.fill(order, "0.4", trade_id="t1")
    bot.commit()
    order.fills.clear()  # what must never happen
    bot.fill(order, "0.4", trade_id="t1")
    with pytest.raises(LogFailed, match="UNIQUE constraint"):
        bot.commit()


def test_facts_are_due_after_a_second(bot: Bot) -> None:
    bot.commit()
    assert not bot.log.due(bot.now_us + 10**9)
    bot.submit()
    assert [bot.log.due(bot.now_us + wait_us) for wait_us in (0, 999_999, 1_000_000)] == [False, False, True]
    bot.commit()
    assert not bot.log.due(bot.now_us + 10**9)


NOW = START_US
CAUSES = (
    (OrderUpdate("i", "c", "v", OrderStatus.OPEN, None, "", NOW, NOW, UpdateSource.ACK), "ACK"),
    (RequestSent("c", Action.SUBMIT, NOW, NOW), "SUBMIT sent"),
    (RequestFailed("i", "c", "v", Action.CANCEL, Outcome.ABSENT, "-2011", "", NOW, NOW), "CANCEL ABSENT -2011"),
    (RequestFailed("i", "c", "v", Action.LOOKUP, Outcome.AMBIGUOUS, "", "", NOW, NOW), "LOOKUP AMBIGUOUS"),
    (OperatorDecision("c", "ann", NOW), "operator ann"),
    (FillCorrected("t", "c", "v", "i", D(0), D(0), D(0), NOW), "correction"),
    (TradesSynced("i", "v", "7", NOW, NOW), "TradesSynced"),
)


@pytest.mark.parametrize(("event", "cause"), CAUSES, ids=[cause for _, cause in CAUSES])
def test_causes(event: OrderUpdate, cause: str) -> None:
    assert cause_of(event) == cause


# ---- recall and prune


def test_an_order_out_of_memory_is_recalled_with_its_twins(bot: Bot) -> None:
    order = bot.open_order()
    bot.fill(order, "0.4", trade_id="t1")
    bot.report(order, OrderStatus.OPEN, venue_order_id="other")
    bot.commit()
    ids = (order.client_order_id, order.venue_order_id)
    for request in (RecallOrder(*ids), RecallOrder("", "other"), RecallOrder(ids[0], "unheard")):
        found = bot.log.recall(request, SPOT.instrument_id, bot.now_us)
        assert [(each.twin, each.venue_order_id) for each in found] == [(0, ids[1]), (1, "other")]
        assert list(found[0].fills) == ["t1"]
    assert bot.log.recall(RecallOrder("", ids[1]), PERPETUAL.instrument_id, bot.now_us) == []
    assert bot.log.recall(RecallOrder("", ""), SPOT.instrument_id, bot.now_us) == []


def test_a_late_fill_of_a_recalled_order_is_known_or_booked_once(bot: Bot) -> None:
    order = bot.open_order()
    bot.fill(order, "0.4", trade_id="t1")
    bot.report(order, OrderStatus.CANCELED, "0.4")
    bot.commit()
    again = restarted(bot, 30 * HOUR_US)
    assert again.tracker.by_client_id(order.client_order_id) is None
    (known,) = again.log.recall(RecallOrder(order.client_order_id, ""), SPOT.instrument_id, again.now_us)
    again.tracker.apply_recalled(OrderRecalled(known, order.client_order_id, "", again.now_us))
    again.fill(known, "0.4", trade_id="t1")
    assert again.portfolio.position(SPOT.instrument_id) == D("0.4")
    again.fill(known, "0.1", trade_id="t2")
    again.commit()
    assert verify(again.log.path) == []
    assert again.portfolio.position(SPOT.instrument_id) == D("0.5")


def test_pruning_takes_slices_and_keeps_what_counts(bot: Bot) -> None:
    kept = bot.open_order(price="40000")
    for _ in range(250):
        order = bot.open_order(quantity="0.001")
        bot.fill(order, "0.001")
    bot.commit()
    bot.step(HOUR_US)
    recent = bot.open_order(side=Side.SELL, quantity="0.002")  # type: ignore[arg-type]
    bot.fill(recent, "0.002")
    bot.commit()
    totals, before_us = bot.log.load(bot.now_us).totals, bot.now_us - HOUR_US // 2
    slices = 1
    while bot.log.prune(before_us):
        slices += 1
    assert slices == 3
    assert verify(bot.log.path) == []
    with OrderHistory(bot.log.path) as history:
        assert [order.client_order_id for order in history.orders()] == [recent.client_order_id, kept.client_order_id]
        assert len(history.trades()) == 1
    again = restarted(bot)
    assert again.recovered.totals == totals
    assert again.portfolio.position(SPOT.instrument_id) == D("0.248")
    assert again.tracker.by_client_id(kept.client_order_id) is not None
    assert verify(bot.log.path) == []


def test_ids_of_recovered_orders_are_own(bot: Bot) -> None:
    order = bot.open_order()
    bot.commit()
    again = restarted(bot)
    assert again.ids.is_own(order.client_order_id)
    assert OrderIds(TAG, again.session.epoch).new() != order.client_order_id
