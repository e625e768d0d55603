"""What both drivers do at a step: bring the venues' events to the engine, tick it, and hand over its requests."""

from collections.abc import Callable, Sequence
from operator import attrgetter

from engine.core.candles import Glide
from engine.core.engine import FAR, Engine
from engine.core.ports import Connector, VirtualVenue
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, UpdateSource
from engine.model.event import (
    AccountSnapshot,
    ConnectorStatus,
    Event,
    FillCorrected,
    OrderRecalled,
    OrderUpdate,
    RequestFailed,
    RequestSent,
)
from engine.model.fill import Fill
from engine.model.order import Order
from engine.model.request import AmendOrder, CancelOrder, RecallOrder, Request, SubmitOrder, venue_of

Commit = Callable[[Sequence[Request]], str]
"""Makes what the requests mean durable; returns why that failed, "" when it did not."""
Recall = Callable[[RecallOrder, str], Sequence[Order]]
"""All that the order log has of an order that an event on an instrument (id) named, oldest twin first."""
_ACTION = {SubmitOrder: Action.SUBMIT, CancelOrder: Action.CANCEL, AmendOrder: Action.AMEND}
_NAMING = frozenset((OrderUpdate, Fill, FillCorrected, RequestFailed))  # events that name one order
NOT_DURABLE = "order_log"
_receive_us = attrgetter("receive_us")


class Driver:
    """Joins one engine with its venues. `commit` makes intents durable before anything is sent; it is called after
    every tick, so that facts do not wait for a request. `recall` reads from the order log what left the memory.

    `venues` live in this process and are advanced by the driver; `connectors` push their events by themselves. `glide`
    is that of the only venue, where candles may be played without a tick each.
    """

    def __init__(
        self,
        engine: Engine,
        venues: Sequence[VirtualVenue],
        commit: Commit,
        connectors: Sequence[Connector] = (),
        recall: Recall | None = None,
        glide: Glide | None = None,
    ) -> None:
        self.engine = engine
        self.missed = 0
        self.behind_us_max = 0
        self._venues = venues
        self._connectors: dict[str, Connector] = {c.venue: c for c in (*venues, *connectors)}
        self._commit = commit
        self._recall = recall
        self._glide = glide
        self.glides = glide is not None and engine.candles.sole is not None
        self._log_failed = False

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
        for venue in self._venues:
            if not venue.finished:
                return False
        return bool(self._venues)

    def step(self, now_us: int, target_us: int) -> int:
        """Advance the venues and tick at `target_us`, or earlier if an event wakes the engine. Returns the time."""
        engine = self.engine
        reached_us = self.receive(target_us)
        crossed = reached_us // engine.grid_us - now_us // engine.grid_us
        if crossed > 1:
            self.missed += crossed - 1
            self.behind_us_max = max(self.behind_us_max, reached_us - self.next_grid_us(now_us))
        self.send(engine.tick(reached_us))
        return reached_us

    def glide(self, now_us: int, end_us: int) -> int:
        """Leave out the grid ticks of which nothing can come: closed candles are shown to the one strategy there is, up
        to one that it wants to act on. Returns the time to go on from; the tick that sees the last candle is next.
        """
        engine, series = self.engine, self.engine.candles.sole
        grid_us, free_us = engine.grid_us, min(end_us, engine.free_us)
        if series is None or self._glide is None or free_us <= now_us + grid_us:
            return now_us
        shown = self._glide((free_us - 1) // grid_us * grid_us, series)
        if shown is None:
            return now_us
        engine.skip_ticks()
        return -(-shown.seen_us // grid_us) * grid_us - 1

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
        """Commit, then hand over in order; each order request is followed by its RequestSent.

        Without a commit no order is created or changed, but cancels and questions still go out.
        """
        engine = self.engine
        now_us = engine.state.now_us
        for request in requests if self._durable(requests) else self._withhold(requests):
            connector = self._connectors[venue_of(request)]
            connector.send(request)
            action = _ACTION.get(type(request))
            if action is not None:
                expires_us = now_us + connector.request_expiry_us if connector.request_expiry_us else 0
                engine.apply(RequestSent(request.client_order_id, action, now_us, expires_us))  # type: ignore[union-attr]

    def _durable(self, requests: Sequence[Request]) -> bool:
        """Commit, and tell the engine when that begins to fail and when it works again."""
        failure = self._commit(requests)
        if failure or self._log_failed:
            self._log_failed = bool(failure)
            health = Health.DOWN if failure else Health.HEALTHY
            self.engine.apply(
                ConnectorStatus("", Channel.ORDER_LOG, health, failure or "written", self.engine.state.now_us)
            )
        return not failure

    def _withhold(self, requests: Sequence[Request]) -> list[Request]:
        """Answer what must not be sent as not sent; the rest."""
        now_us = self.engine.state.now_us
        rest: list[Request] = []
        for request in requests:
            names = (getattr(request, "instrument_id", ""), getattr(request, "client_order_id", ""))
            if isinstance(request, SubmitOrder):
                status, reason = OrderStatus.REJECTED, f"not_sent:{NOT_DURABLE}"
                self.engine.apply(OrderUpdate(*names, "", status, None, reason, 0, now_us, UpdateSource.ACK, now_us))
            elif isinstance(request, AmendOrder):
                ids = (*names, request.venue_order_id)
                why = (NOT_DURABLE, "the order log cannot be written")
                self.engine.apply(RequestFailed(*ids, Action.AMEND, Outcome.NOT_SENT, *why, now_us, now_us))
            else:
                rest.append(request)
        return rest

    def _apply(self, until_us: int) -> None:
        if len(self._venues) == 1:
            told = self._venues[0].advance(until_us)
        else:
            told = sorted((event for venue in self._venues for event in venue.advance(until_us)), key=_receive_us)
        self.hear(told)

    def hear(self, events: Sequence[Event]) -> None:
        """Apply facts, those of venues and those that connectors push."""
        apply, recall = self.engine.apply, self._recall
        for event in events:
            if recall is not None:
                kind = type(event)
                if kind in _NAMING:
                    self._remember(event, recall)  # type: ignore[arg-type]
                elif kind is AccountSnapshot:
                    for row in event.open_orders or ():  # type: ignore[union-attr]
                        self._remember(row, recall)
            apply(event)

    def _remember(self, event: OrderUpdate | Fill | FillCorrected | RequestFailed, recall: Recall) -> None:
        """Bring back the order that an event names, if it has left the memory."""
        wanted = self.engine.state.orders.wants_recall(event)
        if wanted is not None:
            for order in recall(wanted, event.instrument_id):
                names = (order.client_order_id, order.venue_order_id)
                self.engine.apply(OrderRecalled(order, *names, event.receive_us))
