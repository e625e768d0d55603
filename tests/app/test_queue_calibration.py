"""`report --queue`: how near each queue model comes to what the simulated exchange did with the orders of a session."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.app.queue_calibration import calibrate_queue
from engine.app.session import Session
from engine.core.journal import End, Entry, JournalWriter, read, read_header
from engine.model.enums import Liquidity, OrderStatus
from engine.model.event import ClockSynced, OrderUpdate
from engine.model.fill import Fill
from engine.model.request import SubmitOrder
from tests.app.bots import run_virtual_bot
from tests.app.cli.support import failed, ok, run


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return run_virtual_bot(tmp_path_factory.mktemp("home"))


def changed(session: Session, target: Path, change: Callable[[Any], Iterable[Entry]]) -> Path:
    """The journal with other entries."""
    out = BytesIO()
    with session.recorder.journal.path.open("rb") as file:
        writer = JournalWriter(out, read_header(file))
        for entry in read(file):
            if not isinstance(entry, End):
                for each in change(entry):
                    writer.write(0, each)
    writer.close()
    target.write_bytes(out.getvalue())
    return target


def test_the_kernel_fills_as_the_simulated_exchange_did(session: Session) -> None:
    (market,) = calibrate_queue(session.recorder.journal.path).values()
    assert market["orders"] > 5
    assert market["real"]["fill_rate"] > 0
    assert market["models"][0]["error_s"] < 0.1


def test_it_is_shown(session: Session) -> None:
    home = session.files.userdir
    data = ok("report", "maker", "--queue", cwd=home)
    (name,) = data
    assert len(data[name]["models"]) == 20
    text = run("report", "maker", "--queue", cwd=home).stdout
    assert text.startswith(f"{name}: {data[name]['orders']} orders rested\n")
    assert "what happened" in text
    assert "The nearest is queue_model: " in text


def test_times_of_a_clock_that_is_off(session: Session, tmp_path: Path) -> None:
    """The venue's clock is a minute ahead: its times mean the same."""
    minute_us = 60_000_000

    def late(entry: Any) -> Iterable[Entry]:
        if isinstance(entry, ClockSynced):
            return [replace(entry, offset_us=entry.offset_us + minute_us)]
        return [replace(entry, event_us=entry.event_us + minute_us) if getattr(entry, "event_us", 0) else entry]

    path = session.recorder.journal.path
    with path.open("rb") as file:
        synced = [ClockSynced(read_header(file).instruments[0].venue, 0, 1_000, 1)]

    def also(entry: Any) -> Iterable[Entry]:
        return [each for told in (*(synced.pop() for _ in synced[:]), entry) for each in late(told)]

    assert calibrate_queue(changed(session, tmp_path / "x.twj", also)) == calibrate_queue(path)


def test_takers_and_orders_that_never_rested_are_left_out(session: Session, tmp_path: Path) -> None:
    def taking(entry: Any) -> Iterable[Entry]:
        return [replace(entry, liquidity=Liquidity.TAKER) if isinstance(entry, Fill) else entry]

    def silent(entry: Any) -> Iterable[Entry]:
        return () if isinstance(entry, OrderUpdate) and entry.status is OrderStatus.OPEN else (entry,)

    (market,) = calibrate_queue(changed(session, tmp_path / "x.twj", taking)).values()
    assert market["real"]["fill_rate"] == 0
    path = changed(session, tmp_path / "y.twj", silent)
    (market,) = calibrate_queue(path).values()
    assert (market["orders"], market["real"], market["models"]) == (0, None, [])
    assert run("report", str(path), "--queue", cwd=tmp_path).stdout.endswith("no order rested in the recorded book\n")


def test_an_amendment_is_followed(session: Session, tmp_path: Path) -> None:
    def smaller(entry: Any) -> Iterable[Entry]:
        """Every order is reported once more, with half its quantity."""
        if not (isinstance(entry, OrderUpdate) and entry.status is OrderStatus.OPEN and not entry.filled):
            return [entry]
        return [entry, replace(entry, quantity=(entry.quantity or Decimal("0.01")) / 2, event_us=entry.event_us + 1)]

    (market,) = calibrate_queue(changed(session, tmp_path / "x.twj", smaller)).values()
    (before,) = calibrate_queue(session.recorder.journal.path).values()
    assert market["orders"] == before["orders"]
    assert market["real"]["fill_rate"] == pytest.approx(2 * before["real"]["fill_rate"])


def test_journals_without_orders_and_damaged_ones(session: Session, tmp_path: Path) -> None:
    path = changed(session, tmp_path / "x.twj", lambda entry: () if isinstance(entry, SubmitOrder) else (entry,))
    code, error = failed("report", str(path), "--queue", cwd=tmp_path)
    assert (code, "no limit order is in this journal" in error["detail"]) == (6, True)
    path.write_bytes(b"no journal")
    code, error = failed("report", str(path), "--queue", cwd=tmp_path)
    assert (code, "not a journal" in error["detail"]) == (1, True)
