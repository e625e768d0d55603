"""Recorded sessions are repeated bit for bit, and what was changed in them is found."""

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from engine.app.config.load import with_changes
from engine.app.failure import Failure
from engine.app.replaying import explain, find_journal, replay_journal
from engine.app.session import Session
from engine.core.journal import MAGIC, End, JournalWriter, read, read_header
from engine.model.enums import OperatorAction
from engine.model.errors import TickwrightError
from engine.model.event import OrderUpdate
from engine.model.market import BookSnapshot
from engine.model.request import AmendOrder, SubmitOrder
from engine.store.order_history import OrderHistory
from tests.app.bots import bot_of, run_virtual_bot
from tests.app.cli.support import failed, ok, run


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return run_virtual_bot(tmp_path_factory.mktemp("home"))


def rewritten(session: Session, target: Path, change: Callable[[Any], Any]) -> Path:
    """The journal with other entries, and a digest that fits them."""
    out = BytesIO()
    with session.recorder.journal.path.open("rb") as file:
        writer = JournalWriter(out, read_header(file))
        for entry in read(file):
            if not isinstance(entry, End):
                writer.write(0, change(entry))
    writer.close()
    target.write_bytes(out.getvalue())
    return target


def test_a_session_is_repeated(session: Session) -> None:
    home = session.files.userdir
    data = ok("replay", "maker", cwd=home)
    assert data["identical"]
    assert (data["digest"], data["ticks"]) == (session.recorder.journal.digest, session.ticks)
    assert ok("replay", session.entry.session_id, cwd=home) == data
    assert f"identical: {session.ticks} ticks, " in run("replay", "maker", cwd=home).stdout


def test_a_session_with_commands_is_repeated(tmp_path: Path) -> None:
    def ready(session: Session) -> None:
        session.command(OperatorAction.PAUSE, "alice")
        session.command(OperatorAction.RESUME, "alice")
        session.command(OperatorAction.KILL, "alice")

    run_virtual_bot(tmp_path, ready=ready)
    assert ok("replay", "maker", cwd=tmp_path)["identical"]


def test_a_session_with_other_settings_is_repeated(tmp_path: Path) -> None:
    def ready(session: Session) -> None:
        changes = ("strategy.bid_spread=0.05%", "strategy.order_amount=0.02", "risk.max_open_orders=1", "tick=2s")
        found = session.change_settings(with_changes(session.loaded, changes), "alice")
        assert {each.path: each.live for each in found} == {
            "strategy.bid_spread": True,
            "strategy.order_amount": True,
            "risk.max_open_orders": True,
            "tick": False,
        }
        assert session.loaded.config.tick == 1_000_000
        assert session.entry.config_hash == session.loaded.hash

    session = run_virtual_bot(tmp_path, ready=ready)
    with OrderHistory(bot_of(tmp_path).orders) as orders:
        assert {order.quantity for order in orders.orders()} == {Decimal("0.02")}
    assert session.engine.refusals > 0
    assert ok("replay", "maker", cwd=tmp_path)["identical"]
    log = (tmp_path / "logs" / "maker.log").read_text()
    assert "strategy.bid_spread" in log
    assert "1s → 2s, needs a new start" in log


def test_settings_that_only_hold_with_others_are_refused_whole(tmp_path: Path) -> None:
    """What may change now would be wrong without what needs a new start."""

    def ready(session: Session) -> None:
        before = session.loaded
        others = ("strategy.trading_pair=ETH-EUR", "strategy.order_amount=250 EUR", "risk.max_open_orders=1")
        pairs = "exchanges.sim.trading_pairs=[BTC-USDT, ETH-EUR]"
        with pytest.raises(TickwrightError, match="neither in BTC nor in USDT"):
            session.change_settings(with_changes(before, (*others, pairs)), "alice")
        assert session.loaded is before

    run_virtual_bot(tmp_path, ready=ready)
    assert ok("replay", "maker", cwd=tmp_path)["identical"]


def test_another_request_is_found(session: Session, tmp_path: Path) -> None:
    def dearer(entry: Any) -> Any:
        return SubmitOrder(*tuple_of(entry, price=entry.price + 1)) if isinstance(entry, SubmitOrder) else entry

    path = rewritten(session, tmp_path / "dearer.twj", dearer)
    code, error = failed("replay", str(path), cwd=tmp_path)
    assert (code, error["code"]) == (1, "E-FAILED")
    assert "differs: expected client_order_id" in error["detail"]
    assert ", got client_order_id" in error["detail"]
    assert "2026-01-01 00:00:0" in error["detail"]


def test_another_fact_is_found(session: Session, tmp_path: Path) -> None:
    """Other prices make other quotes."""

    def emptied(entry: Any) -> Any:
        return BookSnapshot(*tuple_of(entry, bids=())) if isinstance(entry, BookSnapshot) else entry

    assert replay_journal(session.recorder.journal.path).result.first_difference is None  # type: ignore[union-attr]
    path = rewritten(session, tmp_path / "emptied.twj", emptied)
    difference = replay_journal(path).result.first_difference  # type: ignore[union-attr]
    assert difference is not None
    assert isinstance(difference.expected, SubmitOrder | AmendOrder)


def test_a_changed_byte_is_found(session: Session, tmp_path: Path) -> None:
    data = bytearray(session.recorder.journal.path.read_bytes())
    at = data.rindex(b"ConnectorStatus") if b"ConnectorStatus" in data else len(data) - 200
    data[at + 20] ^= 1
    path = tmp_path / "changed.twj"
    path.write_bytes(data)
    assert failed("replay", str(path), cwd=tmp_path)[0] == 1


def test_a_journal_without_end(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "cut.twj"
    path.write_bytes(session.recorder.journal.path.read_bytes()[:-300])
    assert "the session did not end well" in run("replay", str(path), cwd=tmp_path).stdout


def test_no_journal(session: Session, tmp_path: Path) -> None:
    (tmp_path / "other.twj").write_bytes(MAGIC[:3])
    assert "not a journal" in failed("replay", str(tmp_path / "other.twj"), cwd=tmp_path)[1]["detail"]
    with pytest.raises(Failure, match="there is no journal of 'maker'"):
        find_journal(tmp_path, "maker")


def test_an_order_is_explained(session: Session) -> None:
    path = session.recorder.journal.path
    order = session.tally.trades[0][0]
    lines = explain(path, order.client_order_id)
    assert [line["type"] for line in lines][:3] == ["SubmitOrder", "RequestSent", "OrderUpdate"]
    assert "Fill" in {line["type"] for line in lines}
    by_venue_id = explain(path, order.venue_order_id)
    assert [line["type"] for line in by_venue_id] == [line["type"] for line in lines][2:]
    assert (
        OrderUpdate.__name__
        in run("replay", "maker", "--explain", order.client_order_id, cwd=session.files.userdir).stdout
    )
    with pytest.raises(Failure, match="no order NONE"):
        explain(path, "NONE")


def tuple_of(entry: Any, **changes: Any) -> list[Any]:
    """The fields of a struct, some of them changed."""
    return [changes.get(name, getattr(entry, name)) for name in entry.__struct_fields__]
