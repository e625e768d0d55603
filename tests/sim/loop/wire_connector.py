"""A connector as small as one can be: requests over aiohttp, one stream over websockets, answers and news as events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import aiohttp
import msgspec
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from connectors.base.http_guard import NotAnswered, sent_once
from connectors.simulated.desk import ACTIONS
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, UpdateSource
from engine.model.event import ClockSynced, ConnectorStatus, Event, OrderUpdate, RequestFailed
from engine.model.instrument import Instrument
from engine.model.request import FetchBalances, FetchOpenOrders, Reconnect, Request, ResyncBook, SubmitOrder, SyncClock
from tests.sim.loop.wire_venue import REST_URL, STREAM_URL, Envelope, Problem

TIMEOUT_S = 5
PING_S = 5  # a connection that does not answer a ping in this time is dead
RETRY_S = (0.5, 8.0)  # pause after a lost connection, doubling
_ACTIONS = {
    **ACTIONS,
    FetchOpenOrders: Action.OPEN_ORDERS,
    FetchBalances: Action.BALANCES,
    SyncClock: Action.CLOCK,
}
_STREAMS = (Channel.MARKET, Channel.USER)
_OUTCOME_WORDS = {Outcome.NOT_SENT: "not_sent", Outcome.REJECTED: "rejected", Outcome.AMBIGUOUS: "ambiguous"}
_events = msgspec.json.Decoder(list[Event]).decode
_problem = msgspec.json.Decoder(Problem).decode
_encode = msgspec.json.Encoder().encode


class WireConnector:
    """`engine.core.ports.LiveConnector`."""

    request_expiry_us = TIMEOUT_S * SECOND_US

    def __init__(self, venue: str, instruments: Sequence[Instrument]) -> None:
        self.venue = venue
        self.instruments = instruments
        self._events: Callable[[Sequence[Event]], None]
        self._now_us: Callable[[], int]
        self._tasks: asyncio.TaskGroup
        self._session: aiohttp.ClientSession
        self._stream: ClientConnection | None = None

    async def run(self, hear: Callable[[Sequence[Event]], None], now_us: Callable[[], int]) -> None:
        """Keep the stream up, until it is cancelled."""
        self._events, self._now_us = hear, now_us
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, middlewares=[sent_once]) as self._session,
            asyncio.TaskGroup() as self._tasks,
        ):
            await self._listen()

    def send(self, request: Request) -> None:
        if not isinstance(request, Reconnect):
            self._tasks.create_task(self._call(request))
        elif self._stream is not None:
            self._tasks.create_task(self._stream.close())

    def _hear(self, event: Event) -> None:
        self._events([event])

    # ---- requests

    async def _call(self, request: Request) -> None:
        started_us = self._now_us()
        body = _encode(Envelope(request, started_us, started_us + self.request_expiry_us))
        try:
            async with self._session.post(REST_URL, data=body) as response:
                answer = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self._fail(request, Outcome.NOT_SENT, type(error).__name__, str(error), started_us)
        except (NotAnswered, aiohttp.ClientError, TimeoutError) as error:
            self._fail(request, Outcome.AMBIGUOUS, type(error).__name__, str(error), started_us)
        else:
            if response.status == 200:
                self._tell(answer, started_us)
            else:
                problem = _problem(answer)
                self._fail(request, Outcome.REJECTED, problem.code, problem.text, started_us)

    def _tell(self, body: str | bytes, started_us: int = 0) -> None:
        receive_us = self._now_us()
        for event in _events(body):
            if isinstance(event, ClockSynced):
                half_us = (receive_us - started_us) // 2
                event = replace(event, offset_us=event.offset_us - half_us, error_us=half_us)
            self._hear(replace(event, receive_us=receive_us))

    def _fail(self, request: Request, outcome: Outcome, code: str, text: str, started_us: int) -> None:
        """What may be concluded, as an event. A book whose snapshot did not come is asked for again by the engine."""
        now_us = self._now_us()
        instrument_id, client_id = (getattr(request, name, "") for name in ("instrument_id", "client_order_id"))
        if isinstance(request, SubmitOrder):
            status = OrderStatus.UNKNOWN if outcome is Outcome.AMBIGUOUS else OrderStatus.REJECTED
            reason = f"{_OUTCOME_WORDS[outcome]}:{code}"
            terms = (request.side, request.price, request.quantity)
            self._hear(
                OrderUpdate(
                    instrument_id, client_id, "", status, None, reason, 0, now_us, UpdateSource.ACK, started_us, *terms
                )
            )
        elif not isinstance(request, ResyncBook):
            names = (instrument_id, client_id, getattr(request, "venue_order_id", ""))
            action = _ACTIONS[type(request)]
            self._hear(RequestFailed(*names, action, outcome, code, text, started_us, now_us, self.venue))

    # ---- the stream

    async def _listen(self) -> None:
        pause_s = RETRY_S[0]
        while True:
            try:
                async with connect(
                    STREAM_URL,
                    compression=None,
                    proxy=None,
                    open_timeout=TIMEOUT_S,
                    ping_interval=PING_S,
                    ping_timeout=PING_S,
                    close_timeout=1,
                ) as self._stream:
                    pause_s = RETRY_S[0]
                    self._report(Health.HEALTHY, "connected")
                    async for frame in self._stream:
                        self._tell(frame)
                    reason = "closed"
            except (OSError, TimeoutError, WebSocketException) as error:
                reason = f"{type(error).__name__}: {error}"
            self._stream = None
            self._report(Health.DOWN, reason)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_S[1])

    def _report(self, health: Health, reason: str) -> None:
        for channel in _STREAMS:
            self._hear(ConnectorStatus(self.venue, channel, health, reason, self._now_us()))
