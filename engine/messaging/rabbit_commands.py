"""Commands from RabbitMQ, for as long as a session runs. What is not obeyed goes to a queue of its own."""

import asyncio
from collections.abc import Callable

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue

from engine.messaging.commands import AGE_US_MAX, NOUN, Command, Delivery, Judge, Refused
from engine.messaging.link import Link
from engine.messaging.rabbit import ANSWER_SECONDS, UNREACHABLE, connect, hang_up, reason_of
from engine.messaging.relay import RETRY_SECONDS, RETRY_SECONDS_MAX

EXCHANGE = "tickwright.commands"
DEAD = "tickwright.dead"  # an exchange and its queue
DEAD_MAX = 10_000  # messages that are kept there, the newest


class RabbitCommands:
    """Takes the commands to one bot. `obey` must not block; `refused` and `lost` are told what happened."""

    def __init__(
        self,
        link: Link,
        judge: Judge,
        now_us: Callable[[], int],
        obey: Callable[[Command], None],
        refused: Callable[[str], None],
        lost: Callable[[float, str], None],
    ) -> None:
        self._link = link
        self._judge = judge
        self._now_us = now_us
        self._obey = obey
        self._refused = refused
        self._lost = lost
        self._pause = RETRY_SECONDS

    async def run(self) -> None:
        """Until cancelled; comes back by itself when the broker was away."""
        clock = asyncio.get_running_loop().time
        heard = clock()
        while True:
            connection: AbstractConnection | None = None
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = await connect(self._link)
                    queue = await self._declare(await connection.channel())
                self._pause = RETRY_SECONDS
                reason = await self._listen(queue)
                heard = clock()
            except UNREACHABLE as error:
                reason = reason_of(error)
            finally:
                await hang_up(connection)
            self._lost(clock() - heard, reason)
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, RETRY_SECONDS_MAX)

    async def _declare(self, channel: AbstractChannel) -> AbstractQueue:
        """Every command to this bot arrives, also one that is not allowed: somebody should hear of it."""
        await channel.set_qos(prefetch_count=1)
        dead = await channel.declare_exchange(DEAD, ExchangeType.FANOUT, durable=True)
        kept = await channel.declare_queue(DEAD, durable=True, arguments={"x-max-length": DEAD_MAX})
        await kept.bind(dead)
        exchange = await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(
            f"{EXCHANGE}.{self._link.bot}",
            durable=True,
            arguments={"x-message-ttl": AGE_US_MAX // 1000, "x-dead-letter-exchange": DEAD},
        )
        await queue.bind(exchange, f"{NOUN}.#.{self._link.bot}")
        return queue

    async def _listen(self, queue: AbstractQueue) -> str:
        async with queue.iterator() as messages:
            async for message in messages:
                await self._take(message)
        return "the connection was closed"

    async def _take(self, message: AbstractIncomingMessage) -> None:
        delivery = Delivery(message.routing_key or "", message.user_id or "", message.message_id or "", message.body)
        verdict = self._judge.judge(delivery, self._now_us())
        if isinstance(verdict, Refused):
            self._refused(verdict.reason)
            await message.reject(requeue=False)
            return
        if verdict is not None:
            self._obey(verdict)
        await message.ack()
