"""A stream that stays: connected with back-off, watched for silence, replaced before its time is over without a gap.

What is said on a connection is a `Conversation`, one per connection: subscriptions, log-in, parsing. The stream begins
a new one for every connection, also for the successor that is ready before its predecessor is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from connectors.base.credentials import without_secrets
from connectors.base.outcomes import Failed
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Channel, Health
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, ConnectorStatus, Event

CONNECT_SECONDS = 5.0
CONFIRM_SECONDS = 10.0  # from the connection to the venue's confirmation of everything that was subscribed
PING_SECONDS = 5.0
SILENCE_US = 10 * SECOND_US  # without any frame or pong: the connection is dead
BACKOFF_SECONDS = (0.5, 30.0)  # doubling, with full jitter
CONNECT_GAP_SECONDS = 1.0  # between two connections of one venue at least
TOO_MANY = (418, 429)  # statuses of a venue that wants to be left alone
HOLD_SECONDS = 60  # then, if it does not say for how long
AGE_SECONDS = (22 * 3600.0, 23.5 * 3600.0)  # venues close connections after 24 hours
CLOSE_SECONDS = 1.0
BUSY_SECONDS = 0.05  # between looks whether a connection that was replaced is still needed
FRAME_BYTES_MAX = 8 << 20
EXCERPT = 200


class Link(Protocol):
    """A connection as its conversation sees it."""

    def send(self, text: str) -> None:
        """Send a frame, at once; what is sent after the end of the connection is lost."""
        ...

    def confirm(self) -> None:
        """Everything that was asked for is confirmed: from now on nothing is missed here."""
        ...

    def retire(self, reason: str) -> None:
        """The venue announced the end of this connection: replace it, and keep it until the successor is confirmed."""
        ...

    def fail(self, reason: str) -> None:
        """This connection is of no use: hang up."""
        ...

    def at_end(self, hear: Callable[[], None], busy: Callable[[], bool]) -> None:
        """Call `hear` when the connection has ended, whatever the reason: nothing is heard here any more.

        While it is `busy` it stays for some seconds after it was replaced.
        """
        ...


class Conversation(Protocol):
    """One connection's talk, from its first frame to its last. A heartbeat in words of the venue goes in `beat`."""

    def begin(self, link: Link) -> None:
        """The connection is open: say hello. Without anything to confirm, confirm at once."""
        ...

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        """What a frame means. Raises BadMessage, which is counted and ends nothing."""
        ...

    def beat(self) -> str:
        """The text to send every five seconds where the venue wants one; "" for the protocol's own ping."""
        ...


class ConnectGate:
    """Keeps connections to one venue a second apart, and all of them away while it is `held`. One for each venue."""

    def __init__(self) -> None:
        self._next_s = 0.0

    async def passed(self) -> None:
        """Wait for our turn."""
        loop = asyncio.get_running_loop()
        while (at_s := self._next_s) > loop.time():  # noqa: ASYNC110 (it may be held meanwhile)
            await asyncio.sleep(max(0.001, at_s - loop.time()))
        self._next_s = loop.time() + CONNECT_GAP_SECONDS

    def hold(self, seconds: float) -> None:
        """The venue wants no connection for so long."""
        self._next_s = max(self._next_s, asyncio.get_running_loop().time() + seconds)


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What a stream needs to know. `chance` spreads retries and rotations; `now_us` is our clock.

    `url` is asked for each connection, and may have to ask the venue first: it raises Failed or BadMessage. `peers` are
    the streams of the same channel, which is HEALTHY when all of them are.
    """

    venue: str
    channel: Channel
    url: Callable[[], str | Awaitable[str]]
    converse: Callable[[], Conversation]
    hear: Callable[[Sequence[Event]], None]
    now_us: Callable[[], int]
    chance: Random
    gate: ConnectGate
    peers: Sequence[Stream] = ()


class Stream:
    """One channel of a venue. `run` tells HEALTHY when a connection is confirmed, and DOWN when it is lost."""

    def __init__(self, plan: StreamPlan) -> None:
        self._plan = plan
        self._active: _Connection | None = None  # the confirmed one
        self._signals: asyncio.Queue[_Connection] = asyncio.Queue()  # those that ended, or want a successor
        self._failures = 0

    @property
    def connected(self) -> bool:
        """Whether there is a confirmed connection."""
        return self._active is not None

    async def run(self) -> None:
        """Until cancelled. What `hear` raises ends this."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._pause()
                connection = _Connection(self._plan, self._confirmed, self._signals.put_nowait)
                group.create_task(connection.run())
                await self._watch(connection)

    def reconnect(self, reason: str) -> None:
        """Hang up and connect again: what the stream says is not believed any more."""
        if self._active is not None:
            self._active.fail(reason)

    async def _watch(self, newest: _Connection) -> None:
        """Until another connection is needed: the newest one ended, or asks for its successor."""
        while True:
            which = await self._signals.get()
            if which.ended:
                self._lost(which)
            if which is newest:
                return

    def _lost(self, which: _Connection) -> None:
        """A predecessor that did not live until its successor was confirmed has left a gap."""
        if which is self._active:
            self._active = None
        if not which.confirmed:
            self._failures += 1
        if self._active is None or (which.confirmed and not which.overlapped):
            self._tell(Health.DOWN, which.reason)
            if self._active is not None:
                self._tell(Health.HEALTHY, "connected")

    def _confirmed(self, connection: _Connection) -> None:
        """The connection replaces its predecessor, if there is one: no gap, so no word about it."""
        before, self._active = self._active, connection
        self._failures = 0
        if before is None:
            self._tell(Health.HEALTHY, "connected")
        else:
            before.leave()

    async def _pause(self) -> None:
        if self._failures:
            first, last = BACKOFF_SECONDS
            await asyncio.sleep(self._plan.chance.random() * min(last, first * 2 ** min(self._failures, 10)))
        await self._plan.gate.passed()

    def _tell(self, health: Health, reason: str) -> None:
        plan = self._plan
        if health is Health.HEALTHY and not all(each.connected for each in plan.peers):
            return
        plan.hear([ConnectorStatus(plan.venue, plan.channel, health, reason, plan.now_us())])


class _Connection:
    """One connection, from its opening to its end; `reason` says why it ended."""

    def __init__(
        self, plan: StreamPlan, on_confirmed: Callable[[_Connection], None], signal: Callable[[_Connection], None]
    ) -> None:
        self.confirmed = False
        self.ended = False
        self.overlapped = False  # it was alive after its successor was confirmed
        self.reason = ""
        self._plan = plan
        self._on_confirmed = on_confirmed
        self._signal = signal
        self._conversation = plan.converse()
        self._socket: ClientConnection | None = None
        self._heard_us = 0
        self._helpers: list[asyncio.Task[None]] = []
        self._mourners: list[Callable[[], None]] = []
        self._busy: list[Callable[[], bool]] = []

    def leave(self) -> None:
        """Make room for the successor, after a last sign of life: it proves that nothing was missed here until now."""
        self._helpers.append(asyncio.create_task(self._leave()))

    # ---- Link

    def send(self, text: str) -> None:
        socket = self._socket
        if socket is not None and socket.protocol.state is State.OPEN:
            socket.protocol.send_text(text.encode())
            socket.transport.write(b"".join(socket.protocol.data_to_send()))

    def confirm(self) -> None:
        if not self.confirmed:
            self.confirmed = True
            self._on_confirmed(self)

    def retire(self, reason: str) -> None:
        """Ask for a successor, once."""
        if not self.reason:
            self.reason = reason
            self._signal(self)

    def fail(self, reason: str) -> None:
        self.reason = without_secrets(reason)
        if self._socket is not None:
            self._socket.transport.abort()

    def at_end(self, hear: Callable[[], None], busy: Callable[[], bool]) -> None:
        self._mourners.append(hear)
        self._busy.append(busy)

    # ---- its life

    async def run(self) -> None:
        """To its end, which is signalled."""
        try:
            await self._live()
        finally:
            self.ended = True
            self._signal(self)

    async def _live(self) -> None:
        plan = self._plan
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                url = plan.url()
                self._socket = await connect(
                    url if isinstance(url, str) else await url,
                    compression=None,
                    proxy=None,
                    open_timeout=None,
                    ping_interval=None,
                    close_timeout=CLOSE_SECONDS,
                    max_size=FRAME_BYTES_MAX,
                    max_queue=None,
                )
        except InvalidStatus as error:
            self.reason = f"cannot connect: status {error.response.status_code}"
            if error.response.status_code in TOO_MANY:
                told = error.response.headers.get("Retry-After", "")
                plan.gate.hold(int(told) if told.isdecimal() else HOLD_SECONDS)
            return
        except Failed as failure:
            self.reason = f"cannot connect: {failure.code}"
            return
        except (OSError, TimeoutError, WebSocketException, EOFError, BadMessage) as error:
            self.reason = f"cannot connect: {type(error).__name__}"
            return
        self._heard_us = plan.now_us()
        self._helpers += [asyncio.create_task(each) for each in (self._beat(), self._grow_old())]
        try:
            self._conversation.begin(self)
            await self._read(self._socket)
        finally:
            for helper in self._helpers:
                helper.cancel()
            self._socket.transport.abort()
            for hear in self._mourners:
                hear()
            self.reason = self.reason or f"closed by the venue ({self._socket.close_code})"

    async def _read(self, socket: ClientConnection) -> None:
        plan, take = self._plan, self._conversation.take
        with suppress(ConnectionClosed):
            while True:
                frame = await socket.recv(decode=False)
                self._heard_us = receive_us = plan.now_us()
                try:
                    events = take(frame, receive_us)
                except BadMessage as error:
                    excerpt = frame[:EXCERPT].decode(errors="replace")
                    events = [BadMessageSeen(plan.venue, plan.channel, str(error)[:EXCERPT], excerpt, receive_us)]
                if events:
                    plan.hear(events)

    async def _beat(self) -> None:
        """Ask every five seconds whether anybody is there; hang up when nothing at all was heard for ten."""
        assert self._socket is not None
        started_us = self._plan.now_us()
        with suppress(ConnectionClosed):
            while True:
                now_us = self._plan.now_us()
                if now_us - self._heard_us >= SILENCE_US:
                    self.fail("silent")
                    return
                if not self.confirmed and now_us - started_us >= CONFIRM_SECONDS * SECOND_US:
                    self.fail("subscriptions were not confirmed")
                    return
                if text := self._conversation.beat():
                    self.send(text)
                else:
                    pong = await self._socket.ping()
                    pong.add_done_callback(self._hear_pong)  # type: ignore[attr-defined]
                await asyncio.sleep(PING_SECONDS)

    def _hear_pong(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._heard_us = self._plan.now_us()

    async def _grow_old(self) -> None:
        await asyncio.sleep(self._plan.chance.uniform(*AGE_SECONDS))
        self.retire("its time was over")

    async def _leave(self) -> None:
        assert self._socket is not None
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(PING_SECONDS):
                await (await self._socket.ping())
            self.overlapped = True
            async with asyncio.timeout(PING_SECONDS):
                while any(busy() for busy in self._busy):  # noqa: ASYNC110 (once a day, for a moment)
                    await asyncio.sleep(BUSY_SECONDS)
        self.fail("replaced" if self.overlapped else "silent")
