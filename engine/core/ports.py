"""The seams: what the engine and its drivers need from the outside world, and nothing more."""

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.core.actions import Action, StopHow
from engine.core.state import State
from engine.model.event import Event, Tick
from engine.model.greeting import Greeting
from engine.model.instrument import Instrument
from engine.model.quote import Refused
from engine.model.request import Request

Record = Event | Tick | Request | Refused
Sink = Callable[[int, Record], None]  # (engine time, record); queues, never blocks, never raises


class Connector(Protocol):
    """A venue as a driver sees it."""

    venue: str
    request_expiry_us: int  # the venue ignores an order request this long after it was sent; 0 = it has no expiry

    def send(self, request: Request) -> None:
        """Hand over a request. Returns at once; the answer comes back as an event."""
        ...


class LiveConnector(Connector, Protocol):
    """A venue outside this process, which pushes its events by itself."""

    instruments: Sequence[Instrument]

    async def run(self, hear: Callable[[Sequence[Event]], None], now_us: Callable[[], int]) -> None:
        """Connect, and stay connected until cancelled. `hear` gets the facts in order; what it raises ends this."""
        ...


class RealConnector(LiveConnector, Protocol):
    """A venue on the network; before the bot starts it is asked what it trades, and `greeting` is what else it said."""

    greeting: Greeting


class VirtualVenue(Connector, Protocol):
    """A venue inside this process whose time the driver moves: simulated, replayed or paper."""

    now_us: int
    instruments: Sequence[Instrument]

    @property
    def next_us(self) -> int:
        """When the next event would become visible to us (a large number: nothing is planned)."""
        ...

    @property
    def finished(self) -> bool:
        """A recorded market has played its last event; a synthetic one never finishes."""
        ...

    def advance(self, now_us: int) -> Sequence[Event]:
        """Move to `now_us` (never backwards) and return what we have been told by then, in the order of receipt."""
        ...


class Controller(Protocol):
    """A strategy at work. Pure: the same state gives the same actions."""

    name: str

    def decide(self, state: State) -> Sequence[Action]:
        """Called once a tick on settled facts."""
        ...


class Executor(Protocol):
    """Turns one decision into orders and keeps them in order. Reads facts, decides only in `step`."""

    executor_id: str

    @property
    def done(self) -> bool:
        """It wants nothing more and has no open order: the engine may forget it."""
        ...

    def step(self, state: State) -> list[Request]:
        """Once a tick, in creation order: cancels first, then submits. Quantities come from fills."""
        ...

    def stop(self, how: StopHow) -> None:
        """Bring it to an end in this way; the requests come from the next steps."""
        ...

    def explain(self) -> str:
        """One line for the status: what it waits for."""
        ...
