"""The simulated exchange of another process as a connector: a Unix socket that is opened again whenever it breaks.

Facts are handed to `hear` in the order in which they came. A request is answered, or declared ambiguous after
DEADLINE_SECONDS or with the end of its connection; without a connection it is not sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

from msgspec.structs import replace

from connectors.simulated.asking import account_of
from connectors.simulated.link import (
    CHUNK,
    PROTOCOL,
    Answer,
    Ask,
    Frames,
    FromVenue,
    Hello,
    Ping,
    Streamed,
    Welcome,
    frame,
    read_from_venue,
)
from connectors.simulated.served import EXPIRY_US
from connectors.simulated.unanswered import ambiguous, not_sent
from engine.core.venue_sheet import LookupScope, VenueSheet
from engine.model.enums import Channel, Health
from engine.model.errors import BadMessage, TickwrightError
from engine.model.event import (
    AccountSnapshot,
    ClockSynced,
    ConnectorStatus,
    Event,
    OrderUpdate,
    RequestFailed,
    TradesSynced,
)
from engine.model.instrument import Instrument
from engine.model.request import RecallOrder, Reconnect, Request, SyncClock

PING_SECONDS = 5.0  # of silence, after which we ask whether the venue is there; once more, and it is not
DEADLINE_SECONDS = 5.0
CONNECT_SECONDS = 5.0
CONNECT_GAP_SECONDS = 1.0  # between two attempts at least
BACKOFF_SECONDS = (0.5, 30.0)  # after failures: doubling, with full jitter
STREAMS = (Channel.MARKET, Channel.USER)

Hear = Callable[[Sequence[Event]], None]


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """`account` is the name under which the venue knows us; `trading_pairs` empty: all that the venue trades."""

    name: str
    socket: Path
    trading_pairs: Sequence[str]
    account: str
    seed: int


def venue_sheet() -> VenueSheet:
    """What the simulated exchange promises: requests expire, and an answer is never older than its request."""
    return VenueSheet(
        request_expiry_us=EXPIRY_US,
        read_lag_us=0,
        clock_error_us=100_000,
        lookup_scope=LookupScope.ALL,
        client_id_in_trades=True,
        cancel_by_client_id=True,
        amend_in_place=True,
        acks_streamed=True,
        dedicated=True,
        dead_man=True,
    )


def build_connector(settings: RemoteSettings) -> RemoteConnector:
    """Ask the venue what it trades. Raises TickwrightError when it does not answer or is another one."""
    welcome = account_of(settings.socket, settings.account)
    if welcome.venue != settings.name:
        fix = f"call the section exchanges.{welcome.venue}, or start the venue with --name {settings.name}"
        raise TickwrightError(
            f"the venue at {settings.socket} is called {welcome.venue}, not {settings.name}\n  fix: {fix}"
        )
    traded = {each.symbol: each for each in welcome.instruments}
    missing = [pair for pair in settings.trading_pairs if pair not in traded]
    if missing:
        fix = f"use {', '.join(traded)}"
        raise TickwrightError(f"{settings.name} does not trade {', '.join(missing)}\n  fix: {fix}")
    return RemoteConnector(settings, [traded[pair] for pair in settings.trading_pairs or traded])


class RemoteConnector:
    """Implements `engine.core.ports.LiveConnector`."""

    def __init__(self, settings: RemoteSettings, instruments: Sequence[Instrument]) -> None:
        self.venue = settings.name
        self.request_expiry_us = EXPIRY_US
        self.instruments = instruments
        self._settings = settings
        self._chance = Random(f"reconnect:{settings.name}:{settings.seed}")
        self._heard: asyncio.Queue[Sequence[Event]] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[int, tuple[Request, int, asyncio.TimerHandle]] = {}  # request, when, its deadline
        self._number = count(1).__next__
        self._offset_us = 0  # the venue's clock − ours
        self._now_us: Callable[[], int] = lambda: 0

    def send(self, request: Request) -> None:
        """Hand over a request while `run` runs."""
        assert not isinstance(request, RecallOrder), "RecallOrder is answered by the driver, never by a venue"
        if isinstance(request, Reconnect):
            self._hang_up()
            return
        now_us = self._now_us()
        if self._writer is None:
            self._heard.put_nowait(not_sent(request, "disconnected", now_us, now_us))
            return
        number = self._number()
        deadline = asyncio.get_running_loop().call_later(DEADLINE_SECONDS, self._give_up, number, "timeout")
        self._asked[number] = (request, now_us, deadline)
        self._writer.write(frame(Ask(number, now_us + self._offset_us, request)))

    async def run(self, hear: Hear, now_us: Callable[[], int]) -> None:
        """Stay connected until cancelled; `hear` gets the facts, and may raise."""
        self._now_us = now_us
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stay_connected())
            while True:
                hear(await self._heard.get())

    # ---- the connection

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            begun = loop.time()
            try:
                await self._connection()
                failures = 0
            except (OSError, BadMessage) as error:
                failures += 1
                self._tell(Health.DOWN, f"cannot connect: {error}")
            first, last = BACKOFF_SECONDS
            pause = self._chance.random() * min(last, first * 2 ** min(failures, 10))
            await asyncio.sleep(max(pause, begun + CONNECT_GAP_SECONDS - loop.time()))

    async def _connection(self) -> None:
        """One connection, from its beginning to its end. OSError or BadMessage: there was none."""
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(self._settings.socket)
        frames = Frames()
        try:
            writer.write(frame(Hello(PROTOCOL, self._settings.account, streams=True)))
            async with asyncio.timeout(CONNECT_SECONDS):
                welcomed = [read_from_venue(body) for body in frames.feed(await reader.read(CHUNK))]
            if not welcomed or not isinstance(welcomed[0], Welcome):
                raise BadMessage("the venue did not say Welcome")
            self._writer = writer
            self._tell(Health.HEALTHY, "connected")
            for message in welcomed[1:]:
                self._take(message)
            reason = await self._listen(reader, frames)
            self._tell(Health.STALE if reason == "silent" else Health.DOWN, reason)
        finally:
            self._writer = None
            writer.transport.abort()
            for number in list(self._asked):
                self._give_up(number, "disconnected")

    async def _listen(self, reader: asyncio.StreamReader, frames: Frames) -> str:
        """Until the connection ends; why."""
        silent = False
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    chunk = await reader.read(CHUNK)
                for body in frames.feed(chunk):
                    self._take(read_from_venue(body))
            except TimeoutError:
                if silent or self._writer is None:
                    return "silent"
                silent = True
                self._writer.write(frame(Ping()))
                continue
            except (ConnectionError, BadMessage) as error:
                return str(error)
            silent = False
            if not chunk:
                return "the connection was closed"

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    # ---- what is heard

    def _take(self, message: FromVenue) -> None:
        now_us = self._now_us()
        if isinstance(message, Streamed):
            self._heard.put_nowait([stamped(event, None, now_us) for event in message.events])
        elif isinstance(message, Answer) and message.number in self._asked:
            request, started_us, deadline = self._asked.pop(message.number)
            deadline.cancel()
            if isinstance(request, SyncClock):
                self._offset_us = message.at_us - (started_us + now_us) // 2
                error_us = (now_us - started_us) // 2
                self._heard.put_nowait([ClockSynced(self.venue, self._offset_us, error_us, now_us)])
            else:
                self._heard.put_nowait([stamped(event, started_us, now_us) for event in message.events])

    def _give_up(self, number: int, cause: str) -> None:
        request, started_us, deadline = self._asked.pop(number)
        deadline.cancel()
        self._heard.put_nowait(ambiguous(request, cause, started_us, self._now_us()))

    def _tell(self, health: Health, reason: str) -> None:
        now_us = self._now_us()
        self._heard.put_nowait([ConnectorStatus(self.venue, channel, health, reason, now_us) for channel in STREAMS])


def stamped(event: Event, started_us: int | None, receive_us: int) -> Event:
    """A fact with our own times: of its receipt, and of the request that it answers."""
    times = {"receive_us": receive_us}
    if started_us is not None and isinstance(event, OrderUpdate | RequestFailed | TradesSynced | AccountSnapshot):
        times["started_us"] = started_us
    if isinstance(event, AccountSnapshot):
        balances = event.balances and tuple(replace(each, receive_us=receive_us) for each in event.balances)
        orders = event.open_orders and tuple(replace(each, **times) for each in event.open_orders)
        return replace(event, **times, balances=balances, open_orders=orders)
    return replace(event, **times)
