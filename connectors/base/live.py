"""What every connector to a venue on the network does in the same way: requests become tasks, answers become events.

A connector derives from `LiveVenue` and says in `perform` what one request means to its venue. Everything else about
the manner of answering is here, once: a request is answered by its deadline, a timeout is AMBIGUOUS, and an answer that
comes later is still told, because it is a fact.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from connectors.base.http import Http
from connectors.base.outcomes import Failed, failed
from connectors.base.stream import ConnectGate, Conversation, Stream, StreamPlan
from engine.model.enums import Channel, Outcome
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, Event
from engine.model.greeting import Greeting
from engine.model.instrument import Instrument
from engine.model.request import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    LookupOrder,
    RecallOrder,
    Reconnect,
    Request,
    SubmitOrder,
)

ORDER_SECONDS, READ_SECONDS = 5.0, 10.0
LATE_SECONDS = 10.0  # for how long an answer is still waited for after its deadline
_OF_ORDERS = (SubmitOrder, CancelOrder, AmendOrder, CancelAll, LookupOrder)

NOTHING_TOLD = Greeting()

Hear = Callable[[Sequence[Event]], None]


def deadline_seconds(request: Request) -> float:
    """When a request has to be answered."""
    return ORDER_SECONDS if isinstance(request, _OF_ORDERS) else READ_SECONDS


@dataclass(frozen=True, slots=True)
class Home:
    """Where and as what a connector works. `seed` makes the jitter of reconnects and rotations."""

    venue: str
    instruments: Sequence[Instrument]
    request_expiry_us: int
    rest_url: str
    seed: int
    greeting: Greeting = NOTHING_TOLD


class LiveVenue(ABC):
    """Implements `engine.core.ports.RealConnector`."""

    def __init__(self, home: Home) -> None:
        self.venue = home.venue
        self.instruments = home.instruments
        self.request_expiry_us = home.request_expiry_us
        self.greeting = home.greeting
        self.http: Http  # open while `run` runs
        self.now_us: Callable[[], int] = lambda: 0
        self._home = home
        self._gate = ConnectGate()
        self._streams: dict[Channel, list[Stream]] = {}
        self._hear: Hear
        self._group: asyncio.TaskGroup | None = None
        self._early: list[Request] = []  # what was sent before `run` ran

    @abstractmethod
    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        """Ask the venue, once, and say what it answered. Raises Failed, or BadMessage for an answer without sense."""

    @abstractmethod
    async def serve(self) -> None:
        """Open the streams (`open_stream`) and do what else is to be done beside requests. Called once by `run`."""

    def send(self, request: Request) -> None:
        """Hand over a request; its answer comes through `hear`, never from inside this call."""
        assert not isinstance(request, RecallOrder), "RecallOrder is answered by the driver, never by a venue"
        if self._group is None:
            self._early.append(request)
        elif isinstance(request, Reconnect):
            for stream in self._streams.get(request.channel, ()):
                stream.reconnect("asked to reconnect")
        else:
            self._group.create_task(self._answer(request, self.now_us()))

    async def run(self, hear: Hear, now_us: Callable[[], int]) -> None:
        """Connect, and stay connected until cancelled."""
        self._hear, self.now_us = hear, now_us
        try:
            async with Http(self._home.rest_url, now_us) as self.http, asyncio.TaskGroup() as self._group:
                self._group.create_task(self.serve())
                early, self._early = self._early, []
                for request in early:
                    self.send(request)
        finally:
            self._group = None

    def hear(self, events: Sequence[Event]) -> None:
        """Tell the engine."""
        self._hear(events)

    def open_stream(
        self, channel: Channel, url: Callable[[], str | Awaitable[str]], converse: Callable[[], Conversation]
    ) -> None:
        """Keep a connection; `url` is asked anew for each one. `Reconnect` reaches all streams of its channel."""
        streams = self._streams.setdefault(channel, [])
        chance = Random(f"{self.venue}:{channel}:{len(streams)}:{self._home.seed}")
        plan = StreamPlan(self.venue, channel, url, converse, self._hear, self.now_us, chance, self._gate, streams)
        streams.append(Stream(plan))
        self.spawn(streams[-1].run())

    def hold_connects(self, seconds: float) -> None:
        """No new stream for so long; those that are open stay."""
        self._gate.hold(seconds)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Something that runs beside the requests and ends with `run`."""
        assert self._group is not None
        self._group.create_task(work)

    async def _answer(self, request: Request, started_us: int) -> None:
        """Exactly one word by the deadline; what is learnt later is told too, unless it says nothing."""
        overdue: list[bool] = []

        def give_up() -> None:
            overdue.append(True)
            failure = Failed(Outcome.AMBIGUOUS, "timeout")
            self.spawn(self._tell(failed(request, failure, started_us, self.now_us())))

        deadline = asyncio.get_running_loop().call_later(deadline_seconds(request), give_up)
        try:
            events = await self.perform(request, started_us)
        except Failed as failure:
            tells_nothing = overdue and failure.outcome is Outcome.AMBIGUOUS
            events = [] if tells_nothing else failed(request, failure, started_us, self.now_us())
        except BadMessage as error:
            now_us = self.now_us()
            seen = BadMessageSeen(self.venue, Channel.REST, str(error)[:200], "", now_us)
            events = [seen, *failed(request, Failed(Outcome.AMBIGUOUS, "bad_message"), started_us, now_us)]
        finally:
            deadline.cancel()
        if events:
            self._hear(events)

    async def _tell(self, events: Sequence[Event]) -> None:
        self._hear(events)
