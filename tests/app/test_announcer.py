"""What becomes a message, and what does not, fact by fact."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from engine.app.bot_entry import BotEntry, BotState
from engine.app.messaging import announcer as announcing
from engine.app.messaging.announcer import Announcer
from engine.app.messaging.outbox import BotOutbox
from engine.app.redaction import Redaction
from engine.core.notice import Notice
from engine.messaging.envelope import decode
from engine.messaging.topics import kind_of
from engine.model.enums import OrderStatus
from tests.store.bots import INSTRUMENTS, START_US, Bot

ENTRY = BotEntry(
    name="maker",
    session_id="a-session",
    mode="live",
    state=BotState.STARTING,
    pid=1,
    pid_started=1,
    host="",
    user="",
    version="1",
    protocol=1,
    socket="",
    config_files=[],
    config_hash="",
    strategies=["mine"],
    instruments=[],
    started_us=START_US,
)


class Keys(BaseModel):
    """A configuration with a secret."""

    key: SecretStr = SecretStr("open-sesame")


class Teller(Bot):
    """A bot whose order log also gets messages."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.outbox = BotOutbox(self.log)
        self.outbox.on = True
        self.announcer = Announcer(self.outbox, ENTRY, 7, Redaction(Keys()))
        state: Any = SimpleNamespace(instruments=INSTRUMENTS, portfolio=self.portfolio, orders=self.tracker)
        self.announcer.follow(state)

    def book(self, changes: Any, cause: str) -> None:
        for change in (*changes, *self.tracker.take_changes()):
            self.portfolio.apply(change)
            self.log.note_change(change, self.now_us, cause)
            self.announcer.changed(change, self.now_us)

    def told(self) -> list[tuple[str, Any]]:
        """Kinds and payloads since the last call."""
        self.commit()
        rows = self.outbox.unsent(10_000)
        if rows:
            self.outbox.sent(rows[-1][0])
        return [(kind_of(topic), decode(topic, body.encode()).data) for _, topic, body in rows]


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Teller]:
    bot = Teller(tmp_path)
    yield bot
    bot.log.close()


def test_a_trade_that_is_taken_back(bot: Teller) -> None:
    order = bot.open_order()
    bot.fill(order, "0.5", trade_id="t1")
    bot.told()
    bot.correct(order, "t1", "0")
    (kind, trade), (_, position) = bot.told()
    assert (kind, trade.trade_id, trade.replaces, trade.amount) == ("fill.corrected", "t1", "t1", "0")
    assert (position.side, position.size, position.entry_price) == ("FLAT", "0.0", None)


def test_a_position(bot: Teller) -> None:
    bot.fill(bot.open_order(), "0.5", trade_id="t1")
    position = next(data for kind, data in bot.told() if kind == "position.changed")
    assert (position.side, position.size, position.entry_price) == ("LONG", "0.5", "50000")
    assert (position.fees, position.value_asset, position.simulated) == ("0.5", "USDT", False)


def test_a_status_is_told_once(bot: Teller) -> None:
    order = bot.open_order()
    bot.report(order, OrderStatus.OPEN)
    bot.announcer.order(order, bot.now_us)
    assert [kind for kind, _ in bot.told()] == ["order.open"]
    bot.report(order, OrderStatus.CANCELED)
    bot.announcer.order(order, bot.now_us, OrderStatus.CANCELED)
    assert [kind for kind, _ in bot.told()] == ["order.canceled"]


def test_orders_of_the_session_before_are_known(bot: Teller, tmp_path: Path) -> None:
    order = bot.open_order()
    bot.announcer.follow(SimpleNamespace(instruments=INSTRUMENTS, portfolio=bot.portfolio, orders=bot.tracker))  # type: ignore[arg-type]
    bot.told()
    bot.announcer.order(order, bot.now_us)
    assert bot.told() == []


def test_secrets_are_blotted_out(bot: Teller) -> None:
    bot.announcer.notices([Notice("R-KILL", "sim", "the key open-sesame", "", START_US)])
    ((_, alert),) = bot.told()
    assert alert.message == "the key ***"


def test_what_is_no_alarm(bot: Teller) -> None:
    bot.announcer.notices([Notice(code, "", "", "", START_US) for code in ("R-STOP", "R-PAUSE", "W-TICK", "E-STREAM")])
    assert bot.told() == []


def test_too_many_messages_wait(bot: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "WAITING_MAX", 3)
    bot.deposit(USDT="100000")
    for number in range(6):
        bot.deposit(USDT=str(number))
        bot.transfer("1", transfer_id=str(number))
        bot.announcer.balances(bot.step(1_000_000))
    assert [kind for kind, _ in bot.told()] == ["balance.changed"] * 3
    bot.transfer("1", transfer_id="last")
    bot.announcer.balances(bot.step(1_000_000))
    (kind, gap), (_, balances) = bot.told()
    assert (kind, gap.left_out) == ("gap.left_out", {"balance.changed": 3})
    assert Decimal(balances.balances[0].total) == 100007


def test_silence(bot: Teller) -> None:
    bot.outbox.on = False
    bot.deposit(USDT="100000")
    order = bot.open_order()
    bot.fill(order, "1", trade_id="t1")
    bot.announcer.order(order, bot.now_us)
    bot.announcer.balances(bot.now_us + 5_000_000)
    bot.announcer.notices([Notice("R-KILL", "", "", "", START_US)])
    bot.announcer.state(BotState.RUNNING, bot.now_us)
    assert bot.told() == []
    assert bot.outbox.waiting == 0
