"""Whole sessions with a real RabbitMQ: what they tell arrives, what they are told is done, no password is written."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from threading import Thread

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from rich.console import Console

from engine.app.config.load import load_bot
from engine.app.failure import Failure
from engine.app.launch import Run, run_bot
from engine.app.messaging import messenger
from engine.app.session import Ending, Session
from engine.app.status import status_of
from engine.app.status_view import render_status
from engine.core.clock import wall_us
from engine.messaging.envelope import decode
from engine.messaging.rabbit_commands import EXCHANGE
from engine.store.outbox import PastOutbox
from tests.app.bots import QUOTES, bot_of, write_config
from tests.messaging.broker import Broker

pytestmark = pytest.mark.xdist_group("rabbitmq")
SECTION = """
messaging:
  url: ${AMQP}
  queues: {accounting: ["#"]}
  commands: [pause, stop]
  command_users: [operator]
"""
PASSWORD = "hunter2-and-some-more"
NOBODY = f"amqp://tickwright:{PASSWORD}@127.0.0.1:1/"


@pytest.fixture
def queue(broker: Broker) -> Iterator[str]:
    """An empty queue of an accountant; the address to read it."""

    async def clear() -> None:
        async with await aio_pika.connect(broker.url("tickwright")) as connection:
            channel = await connection.channel()
            with suppress(AMQPError):
                await channel.queue_delete("accounting", if_unused=False, if_empty=False)

    asyncio.run(clear())
    yield broker.url("accounting")
    asyncio.run(clear())


def run_told(
    home: Path,
    url: str,
    speed: float | None = None,
    seconds: int = 60,
    ready: Callable[[Session], None] = lambda _: None,
) -> Session:
    path = write_config(home, rest=QUOTES + SECTION)
    duration_us = seconds * 1_000_000
    return run_bot(Run(load_bot([path], (), {"AMQP": url}), [path], home, speed, duration_us), ready)


def fetch(url: str) -> list[AbstractIncomingMessage]:
    """Everything that is in the queue."""

    async def take() -> list[AbstractIncomingMessage]:
        found = []
        async with await aio_pika.connect(url) as connection:
            queue = await (await connection.channel()).get_queue("accounting")
            while message := await queue.get(fail=False, no_ack=True):
                found.append(message)
        return found

    return asyncio.run(take())


def screen(session: Session) -> str:
    """The status for people."""
    console = Console(file=StringIO(), width=200)
    console.print(render_status(status_of(session)))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_everything_arrives(broker: Broker, queue: str, tmp_path: Path) -> None:
    session = run_told(tmp_path, broker.url("tickwright"))
    arrived = fetch(queue)
    assert [message.headers["sequence"] for message in arrived] == list(range(1, len(arrived) + 1))
    bodies = [decode(message.routing_key or "", message.body) for message in arrived]
    assert {body.data.session_id for body in bodies} == {session.entry.session_id}
    kinds = [body.topic.partition(".")[0] for body in bodies]
    assert {*kinds} >= {"order", "fill", "position", "balance", "session", "simulation"}
    assert kinds.count("fill") == session.tally.count > 0
    assert session.announcer.outbox.waiting == 0
    assert PastOutbox.open(bot_of(tmp_path).orders) is None


def test_what_an_ended_session_could_not_send(
    broker: Broker, queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "DOWN_SECONDS", 0.2)  # instead of a minute
    seen: list[str] = []

    def look(session: Session) -> None:
        session.show = lambda session: seen.append(screen(session))

    first = run_told(tmp_path, NOBODY, ready=look)
    assert first.ending is Ending.DONE
    assert first.announcer.outbox.waiting > 10
    assert "Messages 0 sent to the broker" in seen[-1]
    assert "Connect" in seen[-1]
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".yml"]
    assert any(b"messages have not arrived" in text for text in texts)
    assert any(re.search(rb"unreachable for \d s: .*Connect.* messages wait\n +fix: look at", text) for text in texts)
    assert not any(PASSWORD.encode() in text for text in texts)
    assert not any(PASSWORD in text for text in seen)
    second = run_told(tmp_path, broker.url("tickwright"))
    sessions = [decode(message.routing_key or "", message.body).data.session_id for message in fetch(queue)]
    assert sessions == sorted(sessions)
    assert sessions.count(first.entry.session_id) == first.announcer.outbox.waiting
    assert sessions.count(second.entry.session_id) > 10


def test_a_bot_is_stopped_over_the_broker(broker: Broker, queue: str, tmp_path: Path) -> None:
    async def stop() -> None:
        async with await aio_pika.connect(broker.url("operator")) as connection:
            while True:
                try:
                    channel = await connection.channel(on_return_raises=True)
                    exchange = await channel.get_exchange(EXCHANGE, ensure=False)
                    for verb in ("pause", "resume", "stop"):
                        body = json.dumps({"sent_us": wall_us(), "reason": "lunch"}).encode()
                        message = aio_pika.Message(body, message_id=verb, user_id="operator")
                        await exchange.publish(message, f"command.{verb}.maker")
                    return
                except AMQPError:
                    await asyncio.sleep(0.05)  # the bot has not made its queue yet

    operator = Thread(target=lambda: asyncio.run(stop()))
    session = run_told(tmp_path, broker.url("tickwright"), speed=1.0, ready=lambda _: operator.start())
    operator.join()
    assert (session.ending, session.reason) == (Ending.DONE, "stop by operator")
    log = bot_of(tmp_path).log.read_text()
    assert "pause by operator, over the broker: lunch" in log
    assert "resume from operator is not in messaging.commands" in log
    kinds = [message.type for message in fetch(queue)]
    assert "session.stopped" in kinds


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aio_pika", None)
    monkeypatch.delitem(sys.modules, "engine.messaging.rabbit", raising=False)
    with pytest.raises(Failure) as caught:
        run_told(tmp_path, NOBODY)
    assert (caught.value.code, caught.value.fix) == ("E-EXTRA", "pip install 'tickwright[messaging]'")
