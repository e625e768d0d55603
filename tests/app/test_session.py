"""Whole sessions in virtual time, in this process: what they leave behind, and how they end."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.app.bot_entry import BotState, Exit, read_entry
from engine.app.failure import Failure
from engine.app.session import Ending, Session
from engine.app.status import book_of, status_of, trades_of
from engine.app.status_view import render_line
from engine.app.summary import render_summary, summary_of
from engine.core.journal import read, read_header
from engine.model.enums import OperatorAction
from engine.model.event import OperatorCommand
from engine.store.order_history import OrderHistory
from tests.app.bots import QUOTES, WILD, bot_of, run_virtual_bot
from tests.app.cli.support import run


def entries_of(session: Session) -> list[bytes]:
    with session.recorder.journal.path.open("rb") as file:
        read_header(file)
        return [repr(entry).encode() for entry in read(file)]


def test_a_session_from_start_to_end(tmp_path: Path) -> None:
    session = run_virtual_bot(tmp_path)
    assert (session.ending, session.reason) == (Ending.DONE, "its time was over")
    entry = read_entry(bot_of(tmp_path).entry)
    assert entry == session.entry
    assert entry is not None
    assert (entry.state, entry.name, entry.instruments) == (BotState.STOPPED, "maker", ["sim:BTC-USDT"])
    assert isinstance(entry.exit, Exit)
    assert entry.exit.code == 0
    assert bot_of(tmp_path).entry.stat().st_mode & 0o777 == 0o600
    assert not bot_of(tmp_path).running()
    assert not bot_of(tmp_path).socket.exists()
    assert not session.engine.state.orders.active()


def test_the_summary_agrees_with_the_venue_and_the_order_log(tmp_path: Path) -> None:
    session = run_virtual_bot(tmp_path)
    data = summary_of(session)
    assert data["trades"] == data["buys"] + data["sells"] > 0
    assert data["orders_cancelled"] == data["orders_confirmed"] > 0
    assert data["orders_open"] == []
    assert [(line["asset"], Decimal(line["difference"])) for line in data["ledger"]] == [("BTC", 0), ("USDT", 0)]
    assert Decimal(data["total_pnl"]) == Decimal(data["vs_hold"]), "nothing but trading changes what we have"
    with OrderHistory(bot_of(tmp_path).orders) as log:
        assert len(log.trades()) == data["trades"] == len(trades_of(session, 1000))
        assert {asset.asset: asset.now for asset in log.assets()} == {
            line["asset"]: Decimal(line["ours"]) for line in data["ledger"]
        }
    text = render_summary(data)
    assert f"digest {data['journal_digest']}" in text
    assert text.count("difference 0\n") == 2


def test_the_same_again_is_the_same_to_the_bit(tmp_path: Path) -> None:
    first, second = run_virtual_bot(tmp_path), run_virtual_bot(tmp_path)
    assert first.recorder.journal.path != second.recorder.journal.path
    assert first.recorder.journal.digest == second.recorder.journal.digest
    assert entries_of(first) == entries_of(second)
    other = run_virtual_bot(tmp_path, "exchanges.sim.market.seed=8")
    assert other.recorder.journal.digest != first.recorder.journal.digest


def test_what_it_shows(tmp_path: Path) -> None:
    shown: list[dict[str, Any]] = []

    def ready(session: Session) -> None:
        session.show = lambda session: shown.append(status_of(session))

    session = run_virtual_bot(tmp_path, seconds=1800, ready=ready)
    assert shown[0]["state"] == "RECONCILING"
    assert shown[-1]["state"] == "STOPPED"
    assert len(shown) > 2, "it is shown while it runs"
    assert any(status["state"] == "RUNNING" and status["orders"] for status in shown)
    status = shown[-1]
    assert status["markets"][0]["symbol"] == "BTC-USDT"
    assert sum(Decimal(asset["share"]) for asset in status["assets"]) == 1
    assert f"{status['performance']['trades']} trades, PnL " in render_line(status)
    book = book_of(session.engine.state, "sim:BTC-USDT", 3)
    assert len(book["bids"]) == len(book["asks"]) == 3
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])


def test_a_command_is_an_event_of_the_journal(tmp_path: Path) -> None:
    def ready(session: Session) -> None:
        session.command(OperatorAction.PAUSE, "alice", "lunch")

    session = run_virtual_bot(tmp_path, ready=ready)
    command = OperatorCommand(OperatorAction.PAUSE, "alice", "lunch", session.start_us)
    assert repr(command).encode() in entries_of(session)
    assert session.tally.count == 0
    assert "R-PAUSE" in bot_of(tmp_path).log.read_text()


def test_kill_switch(tmp_path: Path) -> None:
    """Exit 7, and no start until an operator has looked."""
    rest = QUOTES + "risk: {kill_switch: 0.01%, max_drawdown: 0.005%}\n"
    session = run_virtual_bot(tmp_path, seconds=3600, rest=rest)
    assert session.ending is Ending.RISK
    assert session.reason.startswith("kill_switch 0.01%: equity ")
    assert not session.engine.state.orders.active()
    with pytest.raises(Failure, match=r"kill_switch 0\.01%") as caught:
        run_virtual_bot(tmp_path, rest=rest)
    assert (caught.value.code, caught.value.fix) == ("R-HALT", "review, then tickwright resume maker")
    assert "it was halted: kill_switch" in run("resume", "maker", cwd=tmp_path).stdout
    assert run_virtual_bot(tmp_path).ending is Ending.DONE


def test_a_strategy_that_raises(tmp_path: Path) -> None:
    """Its orders are cancelled, and the message names the line."""
    session = run_virtual_bot(tmp_path, rest=WILD)
    assert session.ending is Ending.STRATEGY
    assert "ZeroDivisionError" in session.reason
    assert "wild_strategy.py:30" in session.reason
    assert session.closing is not None
    assert [order.close_reason for order in session.closing.orders] == ["CANCELED"]


def test_orders_that_stay_open_at_the_deadline(tmp_path: Path) -> None:
    def ready(session: Session) -> None:
        session.timeout_us = 1

    session = run_virtual_bot(tmp_path, ready=ready)
    assert session.ending is Ending.DEADLINE
    assert summary_of(session)["orders_open"]
    with OrderHistory(bot_of(tmp_path).orders) as log:
        assert log.halt_latch == ""


def test_end_of_the_data(tmp_path: Path) -> None:
    """A recorded market ends; the session does too, in order."""
    write_recording(tmp_path / "frames.gz")
    session = run_virtual_bot(tmp_path, market=f"{{model: replay, path: {tmp_path / 'frames.gz'}}}")
    assert (session.ending, session.reason) == (Ending.DONE, "the market data ended")
    assert session.closing is not None
    assert len(session.closing.orders) == 2
    assert not session.engine.state.orders.active()


def write_recording(path: Path, count: int = 40) -> None:
    """A book that changes every half a second."""
    start_ms = 1_700_000_000_000
    book = {"bids": [["60000.01", "1.00001"]], "asks": [["60001.01", "1.00001"]]}
    lines = [f"{start_ms * 1000} {json.dumps({'lastUpdateId': 100, **book})}"]
    for index in range(count):
        at_ms = start_ms + 500 * (index + 1)
        change = {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": 101 + index, "u": 101 + index}
        change |= {"b": [["59990.00", f"{index + 1}.00000"]], "a": []}
        frame = json.dumps({"stream": "btcusdt@depth", "data": change}, separators=(",", ":"))
        lines.append(f"{at_ms * 1000} {frame}")
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
