"""What a session tells other programs, over the bus of its process."""

import itertools
import sqlite3
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.app.session import Ending, Session
from engine.app.status import status_of
from engine.messaging.envelope import Message, decode
from engine.messaging.topics import kind_of
from engine.model.enums import OperatorAction
from engine.store.order_history import OrderHistory
from tests.app.bots import bot_of, run_virtual_bot


class Listener:
    """Everything that went over the bus of a session."""

    def __init__(self, pattern: str = "#") -> None:
        self.messages: list[Message] = []
        self._pattern = pattern

    def __call__(self, session: Session) -> None:
        session.bus.subscribe(self._pattern, self.messages.append)

    def of(self, kind: str) -> list[Any]:
        """The payloads of a kind."""
        return [decode(each.topic, each.body).data for each in self.messages if kind_of(each.topic) == kind]

    def row(self, kind: str) -> tuple[str, str]:
        """Topic and body of the last one of a kind."""
        return next((m.topic, m.body.decode()) for m in reversed(self.messages) if kind_of(m.topic) == kind)

    def kinds(self) -> Counter[str]:
        return Counter(kind_of(message.topic) for message in self.messages)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Listener, Path]:
    home, listener = tmp_path_factory.mktemp("home"), Listener()
    return run_virtual_bot(home, ready=listener), listener, home


def test_every_message_is_told_once_in_order(told: tuple[Session, Listener, Path]) -> None:
    _, listener, _ = told
    assert [message.sequence for message in listener.messages] == list(range(1, len(listener.messages) + 1))
    assert {message.log_id for message in listener.messages} == {listener.messages[0].log_id}
    for message in listener.messages:
        body = decode(message.topic, message.body)
        assert body.topic == message.topic
        assert message.topic.endswith((".maker", body.data.session_id))
        assert body.recorded_us >= body.event_us


def test_trades_and_orders_are_those_of_the_order_log(told: tuple[Session, Listener, Path]) -> None:
    session, listener, home = told
    with OrderHistory(bot_of(home).orders) as log:
        known = [trade.fill.trade_id for trade in reversed(log.trades())]
    assert [trade.trade_id for trade in listener.of("fill.booked")] == known
    summed = sum(Decimal(each.amount) * (1 if each.side == "BUY" else -1) for each in listener.of("fill.booked"))
    last = listener.of("position.changed")[-1]
    assert summed == Decimal(last.size) == session.engine.state.portfolio.position("sim:BTC-USDT")
    assert len(listener.of("position.changed")) == len(listener.of("fill.booked")) > 0
    lives: dict[str, list[str]] = {}
    for message in listener.messages:
        if message.topic.startswith("order."):
            order = decode(message.topic, message.body).data
            assert message.topic == f"order.{order.status.lower()}.maker"
            lives.setdefault(order.client_order_id, []).append(order.status)
    assert all(life[0] == "PENDING_NEW" for life in lives.values())
    assert all(life[-1] in ("FILLED", "CANCELED", "REJECTED") for life in lives.values())
    assert all(first != second for life in lives.values() for first, second in itertools.pairwise(life))


def test_the_life_of_the_session(told: tuple[Session, Listener, Path]) -> None:
    session, listener, _ = told
    kinds = [
        kind_of(message.topic) for message in listener.messages if not message.topic.startswith(("or", "fi", "ba"))
    ]
    assert [kind for kind in kinds if kind.startswith("simulation")] == ["simulation.started", "simulation.stopped"]
    assert kinds[-2:] == ["session.stopped", "simulation.stopped"]
    (stopped,) = listener.of("session.stopped")
    assert (stopped.exit_code, stopped.exit_reason) == (0, "its time was over")
    assert stopped.started_us == session.entry.started_us


def test_balances_at_most_once_a_second(told: tuple[Session, Listener, Path]) -> None:
    _, listener, _ = told
    times = [decode(m.topic, m.body).event_us for m in listener.messages if m.topic == "balance.changed.maker"]
    assert len(times) > 2
    assert all(later - earlier >= 1_000_000 for earlier, later in itertools.pairwise(times))
    first = listener.of("balance.changed")[0]
    assert {row.asset: Decimal(row.total) for row in first.balances} == {"BTC": Decimal("0.5"), "USDT": 30000}


def test_how_far_messages_have_come(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def ready(session: Session) -> None:
        session.bus.subscribe("session.stopped.#", lambda _: seen.append(status_of(session)["messaging"]))

    session = run_virtual_bot(tmp_path, "messaging.topics=[session.*.maker]", ready=ready)
    (status,) = seen
    assert (status["to"], status["error"]) == ("bus", "")
    assert status["waiting"] > 0
    assert status["lag_us"] >= 0
    assert session.announcer.outbox.waiting == 0


def test_without_listeners_nothing_is_written(tmp_path: Path) -> None:
    session = run_virtual_bot(tmp_path, seconds=20)
    assert session.messaging is None
    assert status_of(session)["messaging"] is None
    assert session.announcer.outbox.waiting == 0


def test_only_what_is_wanted_is_written(tmp_path: Path) -> None:
    listener = Listener()
    run_virtual_bot(tmp_path, "messaging.topics=[fill.#, session.*.maker]", ready=listener)
    assert set(listener.kinds()) >= {"fill.booked", "session.stopped"}
    assert {kind.partition(".")[0] for kind in listener.kinds()} == {"fill", "session"}


def test_pauses_and_limits(tmp_path: Path) -> None:
    listener = Listener("session.#")

    def ready(session: Session) -> None:
        listener(session)
        session.bus.subscribe("session.started.#", lambda _: session.command(OperatorAction.PAUSE, "alice"))
        session.bus.subscribe("session.paused.#", lambda _: session.command(OperatorAction.RESUME, "alice"))

    run_virtual_bot(tmp_path, seconds=1200, ready=ready)
    lives = [kind for kind in (kind_of(each.topic) for each in listener.messages) if kind != "session.mode"]
    assert lives == ["session.started", "session.paused", "session.resumed", "session.stopped"]
    modes = [(each.before.value, each.after.value) for each in listener.of("session.mode") if not each.scope]
    assert ("RUN", "PAUSED") in modes
    assert ("PAUSED", "RUN") in modes


def test_a_limit_that_is_reached(tmp_path: Path) -> None:
    listener = Listener("risk.#")
    session = run_virtual_bot(tmp_path, "risk.kill_switch=0.0001%", seconds=600, ready=listener)
    assert session.ending is Ending.RISK
    assert [alert.rule for alert in listener.of("risk.alert")] == ["R-KILL"]


def test_a_session_that_breaks(tmp_path: Path) -> None:
    listener = Listener("session.#")

    def broken(session: Session) -> None:
        raise ZeroDivisionError("no screen")

    def ready(session: Session) -> None:
        listener(session)
        session.show = broken

    with pytest.raises(ZeroDivisionError):
        run_virtual_bot(tmp_path, ready=ready)
    (crashed,) = listener.of("session.crashed")
    assert (crashed.exit_code, crashed.exit_reason) == (1, "ZeroDivisionError: no screen")


def test_a_past_log_that_cannot_be_read(tmp_path: Path) -> None:
    listener = Listener("session.#")
    past = bot_of(tmp_path).past
    past.mkdir(parents=True)
    (past / "orders_1.sqlite").write_bytes(b"no database at all" * 100)
    session = run_virtual_bot(tmp_path, ready=listener)
    assert listener.of("session.stopped")
    assert any("orders_1.sqlite: file is not a database" in shown.notice.text for shown in session.notices.recent)


def test_what_the_bus_could_not_tell_is_told_by_the_next_session(tmp_path: Path) -> None:
    first, second = Listener(), Listener()

    def end(session: Session) -> None:
        first(session)
        session.bus.subscribe("order.open.#", lambda _: session.interrupt())

    run_virtual_bot(tmp_path, ready=end)
    log = bot_of(tmp_path).orders
    with sqlite3.connect(log) as connection:
        connection.execute("INSERT INTO outbox (topic, payload) VALUES (?, ?)", first.row("session.stopped"))
    connection.close()
    run_virtual_bot(tmp_path, ready=second)
    assert len({message.log_id for message in second.messages}) == 2
    assert second.messages[0].log_id == first.messages[0].log_id
    assert second.messages[0].topic == "session.stopped.maker"


def test_messaging_that_breaks_does_not_stop_trading(tmp_path: Path) -> None:
    async def broken(messages: object) -> int:
        raise ZeroDivisionError("no bus")

    def ready(session: Session) -> None:
        session.bus.subscribe("#", lambda _: None)
        session.bus.publish = broken  # type: ignore[method-assign]

    session = run_virtual_bot(tmp_path, ready=ready)
    assert session.ending is Ending.DONE
    told = [shown.notice.text for shown in session.notices.recent]
    assert "messaging stops until the next start: ZeroDivisionError: no bus" in told
    assert session.announcer.outbox.waiting > 10
