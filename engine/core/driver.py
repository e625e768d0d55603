"""What both drivers do at a step: bring the venues' events to the engine, tick it, and hand over its requests."""

from collections.abc import Callable, Sequence
from operator import attrgetter

from engine.core.engine import FAR, Engine
from engine.core.ports import Connector, VirtualVenue
from engine.model.enums import Action
from engine.model.event import RequestSent
from engine.model.request import AmendOrder, CancelOrder, Request, SubmitOrder, venue_of

Commit = Callable[[Sequence[Request]], None]
_ACTION = {SubmitOrder: Action.SUBMIT, CancelOrder: Action.CANCEL, AmendOrder: Action.AMEND}
_receive_us = attrgetter("receive_us")


class Driver:
    """Joins one engine with its venues. `commit` makes intents durable before anything is sent.

    `venues` live in this process and are advanced by the driver; `connectors` push their events by themselves.
    """

    def __init__(
        self, engine: Engine, venues: Sequence[VirtualVenue], commit: Commit, connectors: Sequence[Connector] = ()
    ) -> None:
        self.engine = engine
        self.missed = 0
        self.behind_us_max = 0
        self._venues = venues
        self._connectors: dict[str, Connector] = {c.venue: c for c in (*venues, *connectors)}
        self._commit = commit

    def next_grid_us(self, now_us: int) -> int:
        grid_us = self.engine.grid_us
        return (now_us // grid_us + 1) * grid_us

    @property
    def next_venue_us(self) -> int:
        """When a virtual venue has news for us; FAR when none has."""
        return min((venue.next_us for venue in self._venues), default=FAR)

    @property
    def exhausted(self) -> bool:
        """Every venue has played all it had and nothing of ours is open."""
        return bool(self._venues) and all(venue.finished for venue in self._venues)

    def step(self, now_us: int, target_us: int) -> int:
        """Advance the venues and tick at `target_us`, or earlier if an event wakes the engine. Returns the time."""
        engine = self.engine
        reached_us = self.receive(target_us)
        crossed = reached_us // engine.grid_us - now_us // engine.grid_us
        if crossed > 1:
            self.missed += crossed - 1
            self.behind_us_max = max(self.behind_us_max, reached_us - self.next_grid_us(now_us))
        requests = engine.tick(reached_us)
        if requests:
            self.send(requests)
        return reached_us

    def receive(self, target_us: int) -> int:
        """Apply what the venues have told by `target_us`; stops early when an event wakes the engine."""
        engine = self.engine
        if not engine.wakes:
            self._apply(target_us)
            return target_us
        while True:
            step_us = min(target_us, engine.wake_us, max(self.next_venue_us, engine.state.now_us))
            self._apply(step_us)
            if step_us >= target_us or engine.wake_us <= step_us:
                return step_us

    def send(self, requests: Sequence[Request]) -> None:
        """Commit, then hand over in order; each order request is followed by its RequestSent."""
        self._commit(requests)
        engine = self.engine
        now_us = engine.state.now_us
        for request in requests:
            connector = self._connectors[venue_of(request)]
            connector.send(request)
            action = _ACTION.get(type(request))
            if action is not None:
                expires_us = now_us + connector.request_expiry_us if connector.request_expiry_us else 0
                engine.apply(RequestSent(request.client_order_id, action, now_us, expires_us))  # type: ignore[union-attr]

    def _apply(self, until_us: int) -> None:
        apply = self.engine.apply
        if len(self._venues) == 1:
            for event in self._venues[0].advance(until_us):
                apply(event)
            return
        told = [event for venue in self._venues for event in venue.advance(until_us)]
        told.sort(key=_receive_us)
        for event in told:
            apply(event)
