"""Against a real RabbitMQ: what arrives, who may do what, and that nothing is lost when it is killed."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from engine.app.messaging.outbox import BotOutbox
from engine.messaging import rabbit
from engine.messaging.commands import Command, Judge
from engine.messaging.envelope import Message
from engine.messaging.link import Link
from engine.messaging.rabbit import RabbitPublisher
from engine.messaging.rabbit_commands import DEAD, EXCHANGE, RabbitCommands
from engine.messaging.relay import Relay
from engine.store.order_log import OrderLog
from scripts.follow import Inbox, follow, line_of
from tests.messaging.broker import Broker, Line

pytestmark = pytest.mark.xdist_group("rabbitmq")
NOW_US = 1_700_000_000_000_000
CUTS = 18
KILLS = int(os.environ.get("TICKWRIGHT_BROKER_KILLS", "2"))
SECONDS = 120  # a bound for a machine that is busy; nothing waits this long


def link(url: str, exchange: str = "tickwright.events", queues: dict[str, Sequence[str]] | None = None) -> Link:
    return Link(url, exchange, queues or {}, "scout", "1.2")


def messages(count: int, topic: str = "fill.booked.maker") -> list[Message]:
    return [Message("a-log", number, topic, b'{"number":%d}' % number) for number in range(1, count + 1)]


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not met():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.01)


async def fetched(url: str, queue: str, count: int) -> list[AbstractIncomingMessage]:
    """The next messages of a queue."""
    async with asyncio.timeout(SECONDS), await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        found: list[AbstractIncomingMessage] = []
        while len(found) < count:
            message = await (await channel.get_queue(queue)).get(fail=False)
            if message is not None:
                await message.ack()
                found.append(message)
        return found


async def test_what_arrives(broker: Broker) -> None:
    publisher = RabbitPublisher(link(broker.url("tickwright"), queues={"accounting": ["fill.#"]}))
    assert await publisher.publish([*messages(2), *messages(1, "order.open.maker")]) == 3
    assert publisher.error == ""
    await publisher.close()
    first, second = await fetched(broker.url("accounting"), "accounting", 2)
    assert first.body == b'{"number":1}'
    assert (first.routing_key, first.type, first.app_id) == ("fill.booked.maker", "fill.booked", "tickwright/1.2")
    assert (first.content_type, first.delivery_mode) == ("application/json", aio_pika.DeliveryMode.PERSISTENT)
    assert first.headers == {"schema": 1, "bot": "scout", "log_id": "a-log", "sequence": 1}
    assert [first.message_id, second.message_id] == [message.message_id for message in messages(2)]
    assert first.timestamp is not None


async def test_no_broker() -> None:
    publisher = RabbitPublisher(link("amqp://tickwright:hunter2@127.0.0.1:1/"))
    assert await publisher.publish(messages(1)) == 0
    assert "Connect" in publisher.error
    assert "hunter2" not in publisher.error
    await publisher.close()


async def test_a_broker_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbit, "ANSWER_SECONDS", 0.05)
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: writers.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    publisher = RabbitPublisher(link(f"amqp://tickwright:secret@127.0.0.1:{port}/"))
    assert await publisher.publish(messages(1)) == 0
    assert publisher.error == "no answer within 0.05 s"
    for writer in writers:
        writer.transport.abort()
    server.close()


async def test_wrong_password(broker: Broker) -> None:
    publisher = RabbitPublisher(link(broker.url("tickwright", "hunter2")))
    assert await publisher.publish(messages(1)) == 0
    assert "ACCESS_REFUSED" in publisher.error
    assert "hunter2" not in publisher.error


async def test_rights(broker: Broker) -> None:
    owner = RabbitPublisher(link(broker.url("tickwright"), queues={"accounting": ["fill.#"]}))
    assert await owner.publish(messages(1)) == 1
    await owner.close()
    for user in ("operator", "accounting"):
        publisher = RabbitPublisher(link(broker.url(user)))
        assert await publisher.publish(messages(1)) == 0
        assert "ACCESS_REFUSED" in publisher.error
        await publisher.close()
    with pytest.raises(aio_pika.exceptions.AMQPError, match="ACCESS_REFUSED"):
        await fetched(broker.url("operator"), "accounting", 1)
    assert len(await fetched(broker.url("accounting"), "accounting", 1)) == 1


# ---- commands


class Bot:
    """The commands that one bot takes, and what it says about the others."""

    def __init__(self, url: str) -> None:
        self.commands: list[Command] = []
        self.refused: list[str] = []
        self.lost: list[str] = []
        judge = Judge("scout", ("pause", "resume"), ("operator",), NOW_US - 60_000_000)
        self._listening = RabbitCommands(
            link(url),
            judge,
            lambda: NOW_US,
            self.commands.append,
            self.refused.append,
            lambda seconds, reason: self.lost.append(reason),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bot"]:
        task = asyncio.create_task(self._listening.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def send(
    url: str, verb: str, message_id: str = "", user: str | None = "operator", body: bytes | None = None
) -> None:
    """A command to the bot, once its queue is there: until then it comes back, and is sent again."""
    text = json.dumps({"sent_us": NOW_US, "reason": "lunch"}).encode() if body is None else body
    async with asyncio.timeout(SECONDS), await aio_pika.connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        message = aio_pika.Message(text, message_id=message_id or verb, user_id=user)
        await exchange.publish(message, f"command.{verb}.scout")


async def test_commands(broker: Broker) -> None:
    operator, bot = broker.url("operator"), Bot(broker.url("tickwright"))
    async with bot.running():
        await ready(operator)
        await send(operator, "pause", "1")
        await send(operator, "pause", "1")
        await send(operator, "resume", "2")
        await send(operator, "stop")
        await send(operator, "pause", "3", user=None)
        await send(operator, "pause", "4", body=b"\xffnow!")
        await send(operator, "resume", "5")
        await until(lambda: len(bot.commands) == 3 and len(bot.refused) == 3)
    assert [command.verb for command in bot.commands] == ["resume", "pause", "resume"]
    assert bot.commands[1] == Command("pause", "operator", "lunch")
    assert [reason.partition(":")[0] for reason in bot.refused] == [
        "stop from operator is not in messaging.commands",
        "pause from nobody, who is not in messaging.command_users",
        "pause from operator cannot be read",
    ]
    dead: list[AbstractIncomingMessage] = []
    while len(dead) < 3:  # other tests leave theirs
        (message,) = await fetched(broker.url("tickwright"), DEAD, 1)
        dead += [message] if "scout" in str(message.routing_key) else []
    assert [message.routing_key for message in dead] == [f"command.{verb}.scout" for verb in ("stop", "pause", "pause")]


async def ready(operator: str) -> None:
    """Wait for the bot's queue: a command to a bot that is not there comes back."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await send(operator, "resume", "2")
            except aio_pika.exceptions.AMQPError:
                await asyncio.sleep(0.05)


async def test_who_may_command(broker: Broker) -> None:
    """The broker itself refuses a name that is not the user's, and verbs beyond the user's rights."""
    async with Bot(broker.url("tickwright")).running() as bot:
        await ready(broker.url("operator"))
        await until(lambda: len(bot.commands) == 1)
        with pytest.raises(aio_pika.exceptions.AMQPError, match="PRECONDITION_FAILED - user_id"):
            await send(broker.url("operator"), "pause", user="tickwright")
        with pytest.raises(aio_pika.exceptions.AMQPError, match="ACCESS_REFUSED"):
            await send(broker.url("operator"), "fly")
        with pytest.raises(aio_pika.exceptions.AMQPError, match="ACCESS_REFUSED"):
            await send(broker.url("accounting"), "pause", user="accounting")
    assert bot.refused == []
    assert len(bot.commands) == 1


async def test_commands_come_back_after_the_line_was_cut(broker: Broker) -> None:
    async with Line(broker.port) as line, Bot(broker.url("tickwright", port=line.port)).running() as bot:
        await ready(broker.url("operator"))
        await until(lambda: len(bot.commands) == 1)
        line.cut()
        await until(lambda: bool(bot.lost))
        await send(broker.url("operator"), "pause", "9")
        await until(lambda: len(bot.commands) == 2)
    assert bot.commands[-1].verb == "pause"


# ---- accidents


class Consumer:
    """A program that follows a durable queue and remembers what it has seen."""

    def __init__(self, path: Path) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._inbox = Inbox(path)

    async def follow(self, url: str, queue: str, count: int) -> None:
        def show(body: dict[str, Any]) -> bool:
            self.bodies.append(body)
            return len(self.bodies) == count

        await follow(url, "tickwright.events", [], queue, self._inbox, show)


class Producer:
    """A bot reduced to its order log and its relay; it can be killed and started again."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._link = link(url, queues={"accounting": ["fill.#"]})
        self.failures = 0
        self.written = 0
        self._start()

    def _start(self) -> None:
        self.log = OrderLog.open(self._folder)
        self.outbox = BotOutbox(self.log)
        self.relay = Relay(RabbitPublisher(self._link), self._lost)
        self._task = asyncio.create_task(self.relay.run(self.outbox))

    def _lost(self, seconds: float, reason: str) -> None:
        self.failures += 1

    def write(self, count: int) -> None:
        for _ in range(count):
            self.written += 1
            self.outbox.note("fill.booked.maker", json.dumps({"number": self.written}), NOW_US)
        self.log.commit(NOW_US)
        self.relay.wake()

    async def restart(self) -> None:
        """As after kill -9: what was confirmed since the last commit is forgotten."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.relay.close()
        self.log.close()
        self._start()

    async def end(self) -> None:
        self.relay.finish()
        await self._task
        await self.relay.close()
        self.log.commit(NOW_US)
        assert self.log.unsent(0, 1) == []
        self.log.close()


Accident = Callable[[Producer, Line], Awaitable[None]]


async def suffer(broker: Broker, folder: Path, accidents: Sequence[Accident], between: int = 60) -> Producer:
    """Write messages with an accident after each `between` of them; all must arrive once and in order."""
    total = between * (len(accidents) + 1)
    consumer = Consumer(folder / "inbox.sqlite")
    async with Line(broker.port) as line:
        producer = Producer(folder, broker.url("tickwright", port=line.port))
        producer.write(1)
        await until(lambda: producer.outbox.waiting == 0)
        following = asyncio.create_task(consumer.follow(broker.url("accounting"), "accounting", total))
        await until(lambda: bool(consumer.bodies))
        for accident in accidents:
            for _ in range(between // 10):
                producer.write(10)
                await asyncio.sleep(0.002)
            await accident(producer, line)
        producer.write(total - producer.written)
        async with asyncio.timeout(SECONDS):
            await following
        await producer.end()
    assert [body["number"] for body in consumer.bodies] == list(range(1, total + 1))
    return producer


async def test_the_line_is_cut_and_the_bot_killed(broker: Broker, tmp_path: Path) -> None:
    async def cut(producer: Producer, line: Line) -> None:
        line.cut()
        failures = producer.failures
        await until(lambda: producer.failures > failures or producer.outbox.waiting == 0)

    async def kill(producer: Producer, line: Line) -> None:
        await producer.restart()

    producer = await suffer(broker, tmp_path, ([cut] * (CUTS // 2) + [kill]) * 2)
    assert producer.failures >= CUTS // 2


async def test_the_broker_is_killed(broker: Broker, tmp_path: Path) -> None:
    async def kill(producer: Producer, line: Line) -> None:
        broker.kill()
        producer.write(10)
        await asyncio.to_thread(broker.start)

    producer = await suffer(broker, tmp_path, [kill] * KILLS)
    assert producer.failures >= KILLS


# ---- follow.py


def test_an_inbox_takes_a_message_once(tmp_path: Path) -> None:
    handled: list[int] = []
    inbox = Inbox(tmp_path / "inbox.sqlite")
    assert inbox.take("a", lambda: handled.append(1))
    assert not inbox.take("a", lambda: handled.append(2))
    with pytest.raises(ZeroDivisionError):
        inbox.take("b", lambda: handled.append(1 // 0))
    assert Inbox(tmp_path / "inbox.sqlite").take("b", lambda: handled.append(3))
    assert handled == [1, 3]


def test_bodies_for_people() -> None:
    body = {"topic": "gap.left_out.maker", "event_us": NOW_US, "data": {"left_out": {"balance.changed": 3}}}
    assert line_of(body) == (
        '2023-11-14 22:13:20.000 maker            gap left_out: {"left_out": {"balance.changed": 3}}'
    )
