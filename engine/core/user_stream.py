"""Health of a venue's private stream, and the schedule of what is asked over REST because streams lose things.

A connection that is open again is not healthy yet: first everything it may have missed is fetched (the gap fill).
Events that arrive meanwhile are applied at once, since every rule of the tracker is independent of their order.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from engine.core.marks import mark
from engine.core.order_record import FAR
from engine.core.venue_sheet import SECOND_US, VenueSheet
from engine.model.enums import Action, Channel, Health, UpdateSource
from engine.model.event import AccountSnapshot, ClockSynced, ConnectorStatus, OrderUpdate, RequestFailed, TradesSynced
from engine.model.fill import Fill
from engine.model.request import FetchBalances, FetchOpenOrders, FetchTrades, Reconnect, Request, SyncClock

STREAM, ACK, REST = UpdateSource.STREAM, UpdateSource.ACK, UpdateSource.REST
EVERY_US = {
    Action.CLOCK: 600 * SECOND_US,
    Action.OPEN_ORDERS: 30 * SECOND_US,
    Action.TRADES: 30 * SECOND_US,
    Action.BALANCES: 60 * SECOND_US,
}
ANSWER_US = 10 * SECOND_US  # a request without an answer for this long is made again
RETRY_US = (SECOND_US // 2, 10 * SECOND_US)  # after a failure: first pause, doubling to the second
RECONNECT_US = (SECOND_US, 30 * SECOND_US)  # the same between two Reconnect requests
ECHO_US = 3 * SECOND_US  # an ack or a fetched fill without its stream event for this long is a miss
MISSES = 2  # in a row: the stream is mute
ECHOES_MAX = 1_000

Answer = AccountSnapshot | TradesSynced | ClockSynced | RequestFailed


class Job(Struct, gc=False):
    """One kind of question. `gap`: the gap fill waits for an answer to a request made since it began."""

    action: Action
    instrument_id: str = ""
    due_us: int = 0
    asked_us: int = FAR
    answered_us: int = 0
    started_us: int = 0  # of the last complete answer
    failures: int = 0
    gap: bool = False


def pause_us(bounds: tuple[int, int], failures: int) -> int:
    """The pause after that many failures in a row (≥ 1)."""
    return min(bounds[1], bounds[0] << min(failures - 1, 10))


class UserStream:
    """One venue. `cursors` are the tracker's trade cursors; the connector starts each fetch an overlap before them."""

    def __init__(self, venue: str, instruments: Sequence[str], cursors: Mapping[str, str], sheet: VenueSheet) -> None:
        self.venue = venue
        self.health = Health.DOWN
        self.lost_us = 0  # since when it is not healthy; 0 while it is, and before the first connection
        self._cursors = cursors
        self._acks_streamed = sheet.acks_streamed
        self._in_process = sheet.in_process
        trades = [Job(Action.TRADES, instrument_id) for instrument_id in instruments]
        self._jobs = [Job(Action.CLOCK), Job(Action.OPEN_ORDERS), *trades, Job(Action.BALANCES)]
        self._planned_us = 0  # the earliest of the jobs and of the next Reconnect
        self.connected_us = 0  # when the present connection was confirmed; 0 without one
        self._reconnect_us = FAR
        self._reconnects = 0
        self._expected: dict[tuple[str, str], int] = {}  # stream events to come, and until when
        self._told: dict[tuple[str, str], None] = {}  # the latest ones that came
        self._misses = 0

    @property
    def due_us(self) -> int:
        """When tick() has something to do next."""
        return min(self._planned_us, next(iter(self._expected.values()))) if self._expected else self._planned_us

    # ---- facts

    def apply_status(self, status: ConnectorStatus) -> None:
        """The connector's word on the private channel. HEALTHY means connected and subscribed: the gap fill begins."""
        if status.channel is not Channel.USER:
            return
        if status.health is Health.HEALTHY:
            self._begin_gap_fill(status.receive_us)
        else:
            mark("stream_stale" if status.health is Health.STALE else "stream_closed")
            self._lose(status.health, status.receive_us)

    def apply_order_event(self, event: OrderUpdate | Fill) -> None:
        """Compare REST with the stream (mute detection). To be called for every OrderUpdate and every new Fill."""
        if not self._acks_streamed:
            return
        kind = event.status if isinstance(event, OrderUpdate) else event.trade_id
        key = (event.venue_order_id, kind)
        if event.source is STREAM:
            self._misses = 0
            if self._expected.pop(key, None) is None:
                self._told[key] = None
                if len(self._told) > ECHOES_MAX:
                    del self._told[next(iter(self._told))]
        elif self._expects(event) and key not in self._told and len(self._expected) < ECHOES_MAX:
            self._expected[key] = event.receive_us + ECHO_US

    def _expects(self, event: OrderUpdate | Fill) -> bool:
        """Whether the stream should tell this too: it is up, and was when it happened."""
        up = 0 < self.connected_us <= event.event_us
        return up and event.venue_order_id != "" and event.source in (ACK, REST)

    def apply_answer(self, answer: Answer) -> None:
        """An answer to one of the questions; only a complete one counts, and only one of this venue."""
        if venue_of_answer(answer) != self.venue:
            return
        for job in self._jobs:
            if answers(answer, job):
                complete = not isinstance(answer, RequestFailed) and getattr(answer, "complete", True)
                self._answered(job, answer) if complete else self._failed(job, answer.receive_us)
        self._plan()
        self._end_gap_fill()

    def want(self, action: Action, now_us: int) -> None:
        """Ask at once: balances when funds or the ledger are in doubt, open orders when too many, the clock."""
        for job in self._jobs:
            if job.action is action:
                job.due_us = now_us
        self._plan()

    def fresh(self, actions: Sequence[Action], since_us: int) -> bool:
        """Whether all questions of these kinds that were asked after `since_us` have had a complete answer."""
        return all(job.started_us > since_us for job in self._jobs if job.action in actions)

    def refresh(self, actions: Sequence[Action], since_us: int, now_us: int) -> None:
        """Ask now what of these kinds has not been asked since `since_us`."""
        for job in self._jobs:
            if job.action in actions and (job.asked_us == FAR or job.asked_us <= since_us):
                job.due_us = min(job.due_us, now_us)
        self._plan()

    # ---- time

    def tick(self, now_us: int) -> list[Request]:
        """Questions that are due, in the order of the gap fill; Reconnect first."""
        for key in [key for key, until_us in self._expected.items() if until_us <= now_us]:
            del self._expected[key]
            self._misses += 1
        if self._misses >= MISSES and self.health is Health.HEALTHY:
            mark("mute_detected")
            self._lose(Health.STALE, now_us)
        requests: list[Request] = []
        if self._reconnect_us <= now_us:
            self._reconnects += 1
            self._reconnect_us = now_us + pause_us(RECONNECT_US, self._reconnects)
            requests.append(Reconnect(self.venue, Channel.USER))
        for job in self._jobs:
            if job.due_us <= now_us:
                job.asked_us = now_us
                job.due_us = now_us + ANSWER_US
                requests.append(self._question(job))
        self._plan()
        return requests

    # ---- inside

    def _begin_gap_fill(self, now_us: int) -> None:
        self.connected_us = now_us
        self._reconnect_us = FAR
        self.health = Health.STALE
        self.lost_us = self.lost_us or now_us
        self._forget_echoes()
        for job in self._jobs:
            fresh = job.action is Action.CLOCK and job.answered_us and now_us - job.answered_us < EVERY_US[Action.CLOCK]
            job.gap = not fresh
            if job.gap:
                job.asked_us = FAR
                job.due_us = now_us
        self._plan()

    def _plan(self) -> None:
        self._planned_us = min(self._reconnect_us, *(job.due_us for job in self._jobs))

    def _end_gap_fill(self) -> None:
        if self.connected_us and self.health is Health.STALE and not any(job.gap for job in self._jobs):
            mark("gap_filled")
            self.health = Health.HEALTHY
            self.lost_us = 0
            self._reconnects = 0

    def _lose(self, health: Health, now_us: int) -> None:
        self.health = health
        self.lost_us = self.lost_us or now_us
        self.connected_us = 0
        self._forget_echoes()
        if health is Health.STALE and self._reconnect_us == FAR:
            self._reconnect_us = now_us
            self._plan()

    def _forget_echoes(self) -> None:
        self._expected.clear()
        self._told.clear()
        self._misses = 0

    def _answered(self, job: Job, answer: Answer) -> None:
        job.answered_us = now_us = answer.receive_us
        job.started_us = now_us if isinstance(answer, ClockSynced) else answer.started_us
        job.failures = 0
        if job.asked_us < FAR:  # else it was not asked since the gap fill began
            job.gap = False
            job.due_us = FAR if self._in_process else now_us + EVERY_US[job.action]

    def _failed(self, job: Job, now_us: int) -> None:
        job.failures += 1
        job.due_us = now_us + pause_us(RETRY_US, job.failures)

    def _question(self, job: Job) -> Request:
        match job.action:
            case Action.CLOCK:
                return SyncClock(self.venue)
            case Action.OPEN_ORDERS:
                return FetchOpenOrders(self.venue)
            case Action.BALANCES:
                return FetchBalances(self.venue)
            case _:
                return FetchTrades(job.instrument_id, "", self._cursors.get(job.instrument_id, ""))


def venue_of_answer(answer: Answer) -> str:
    """The venue that answered."""
    if isinstance(answer, TradesSynced):
        return answer.instrument_id.partition(":")[0]
    if isinstance(answer, RequestFailed):
        return answer.venue or answer.instrument_id.partition(":")[0]
    return answer.venue


def answers(answer: Answer, job: Job) -> bool:
    """Whether the answer is one to this question, made since it was asked last."""
    if isinstance(answer, ClockSynced):
        return job.action is Action.CLOCK
    started_us = answer.started_us
    if job.asked_us < FAR and started_us < job.asked_us:
        return False
    match answer:
        case RequestFailed():
            instruments = ("", job.instrument_id)
            return answer.action is job.action and answer.instrument_id in instruments and not answer.venue_order_id
        case AccountSnapshot():
            part = {Action.OPEN_ORDERS: answer.open_orders, Action.BALANCES: answer.balances}.get(job.action)
            return part is not None
        case TradesSynced():
            named = (answer.instrument_id, answer.venue_order_id)
            return job.action is Action.TRADES and named == (job.instrument_id, "")
