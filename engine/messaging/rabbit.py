"""RabbitMQ: what publisher and command channel share, and the publisher. Needs aio-pika (the extra `messaging`)."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from pamqp.common import FieldTable
from yarl import URL

from engine.messaging.envelope import Message
from engine.messaging.link import Link
from engine.messaging.payloads import SCHEMA
from engine.messaging.topics import kind_of

ANSWER_SECONDS = 5.0  # a broker that takes longer counts as down; it blocks publishers when it has no memory left
HEARTBEAT_SECONDS = 10
TURN = 10  # messages are begun at once, then the rest of the program gets a turn
UNREACHABLE = (*CONNECTION_EXCEPTIONS, TimeoutError)
logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # every failure is told by whoever met it


class RabbitPublisher:
    """Publishes with confirmations. It connects when it has something to send, and again after `close`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None
        self.error = ""

    async def publish(self, messages: Sequence[Message]) -> int:
        """See `Publisher`. A message for which no queue is bound is confirmed, and gone."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                exchange = self._exchange or await self._open()
        except UNREACHABLE as error:
            self.error = reason_of(error)
            return 0
        tasks: list[asyncio.Task[None]] = []
        try:
            for number, message in enumerate(messages):
                if number % TURN == 0:
                    await asyncio.sleep(0)
                tasks.append(asyncio.create_task(self._send(exchange, message)))
            await asyncio.wait(tasks, timeout=ANSWER_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            errors = await asyncio.gather(*tasks, return_exceptions=True)
        count = next((number for number, error in enumerate(errors) if error is not None), len(messages))
        self.error = "" if count == len(messages) else reason_of(errors[count])
        return count

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection, self._exchange = self._connection, None, None
        await hang_up(connection)

    async def _open(self) -> AbstractExchange:
        self._connection = await connect(self._link)
        channel = await self._connection.channel(publisher_confirms=True)
        self._exchange = await declare(channel, self._link)
        return self._exchange

    async def _send(self, exchange: AbstractExchange, message: Message) -> None:
        await exchange.publish(self._wrap(message), message.topic, mandatory=False)

    def _wrap(self, message: Message) -> AbstractMessage:
        link = self._link
        return aio_pika.Message(
            message.body,
            headers={
                "schema": SCHEMA,
                "bot": link.bot,
                "log_id": message.log_id,
                "sequence": message.sequence,
            },
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=message.message_id,
            timestamp=datetime.now(UTC),
            type=kind_of(message.topic),
            app_id=f"tickwright/{link.version}",
        )


async def connect(link: Link) -> AbstractConnection:
    """One connection, which stays closed when it is lost. Raises one of UNREACHABLE."""
    address = URL(link.url)
    if "heartbeat" not in address.query:
        address = address.update_query(heartbeat=HEARTBEAT_SECONDS)
    properties: FieldTable = {"connection_name": link.bot, "product": f"tickwright/{link.version}"}
    return await aio_pika.connect(address, timeout=ANSWER_SECONDS, client_properties=properties)


async def declare(channel: AbstractChannel, link: Link) -> AbstractExchange:
    """The exchange, and the queues of consumers that are not there yet."""
    exchange = await channel.declare_exchange(link.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
    for name, patterns in link.queues.items():
        queue = await channel.declare_queue(name, durable=True)
        for pattern in patterns:
            await queue.bind(exchange, pattern)
    return exchange


async def hang_up(connection: AbstractConnection | None) -> None:
    """Close it if it can be closed in time; a broker that does not answer is left alone."""
    if connection is not None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.close()
        except UNREACHABLE:
            return  # it is gone already


def reason_of(error: BaseException | None) -> str:
    """What is wrong, in a few words."""
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return f"no answer within {ANSWER_SECONDS:g} s"
    return f"{type(error).__name__}: {error}"
