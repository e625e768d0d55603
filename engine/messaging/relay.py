"""From the outbox to whoever takes the messages: in order, at least once, never in the way of trading."""

import asyncio
from collections import Counter
from collections.abc import Callable

from engine.messaging.envelope import Message
from engine.messaging.ports import Outbox, Publisher
from engine.messaging.topics import kind_of

WINDOW = 100  # messages that may be on their way without a confirmation
RETRY_SECONDS, RETRY_SECONDS_MAX = 0.3, 10.0


class Relay:
    """Sends what waits in an outbox.

    After a failure it begins again with the first message that was not confirmed, so some may arrive twice. `lost` is
    called after each failure with the seconds since messages arrived last.
    """

    def __init__(self, publisher: Publisher, lost: Callable[[float, str], None]) -> None:
        self._publisher = publisher
        self._lost = lost
        self._wake = asyncio.Event()
        self._finishing = False
        self.sent: Counter[str] = Counter()  # by kind
        self.down_since: float | None = None  # by the clock of the loop

    def wake(self) -> None:
        """There are new messages."""
        self._wake.set()

    def finish(self) -> None:
        """There will be no more messages: `run` ends when the last one has arrived."""
        self._finishing = True
        self._wake.set()

    async def drain(self, outbox: Outbox) -> None:
        """Until everything that waits there has arrived."""
        pause = RETRY_SECONDS
        while rows := outbox.unsent(WINDOW):
            messages = [Message(outbox.log_id, seq, topic, body.encode()) for seq, topic, body in rows]
            count = await self._publisher.publish(messages)
            if count:
                outbox.sent(messages[count - 1].sequence)
                self.sent.update(kind_of(message.topic) for message in messages[:count])
                pause = RETRY_SECONDS
            if count == len(messages):
                self.down_since = None
                continue
            await self._fail()
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY_SECONDS_MAX)

    async def run(self, outbox: Outbox) -> None:
        """As `drain`, and whatever comes later, until cancelled or finished."""
        finishing = False
        while not finishing:
            self._wake.clear()
            finishing = self._finishing
            await self.drain(outbox)
            if not finishing:
                await self._wake.wait()

    async def close(self) -> None:
        """Hang up."""
        await self._publisher.close()

    async def _fail(self) -> None:
        await self._publisher.close()
        now = asyncio.get_running_loop().time()
        if self.down_since is None:
            self.down_since = now
        self._lost(now - self.down_since, self._publisher.error)
