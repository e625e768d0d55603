"""One process's connection to a `FaultyVenue`: requests of uncertain fate, a private stream that breaks, a wrong clock.

Implements `engine.core.ports.VirtualVenue`. `now_us` and all times of receipt are the process's own clock, which is
`skew_us` ahead of the venue's. Its watchdog calls a private stream STALE that has been silent for WATCHDOG_US.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from connectors.simulated.faults import AHEAD_US, EXPIRY_US
from connectors.simulated.faulty_public import PublicStream
from connectors.simulated.faulty_venue import FaultyVenue
from connectors.simulated.market import NEVER_US
from connectors.simulated.unanswered import ambiguous, is_refusal, not_sent
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Channel, Health
from engine.model.event import BadMessageSeen, ClockSynced, ConnectorStatus, Event
from engine.model.instrument import Instrument
from engine.model.request import (
    FetchTrades,
    RecallOrder,
    Reconnect,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)

TIMEOUT_US = 5 * SECOND_US
WATCHDOG_US = 10 * SECOND_US
CONNECT_GAP_US = SECOND_US
CONNECT_BACKOFF_US = (SECOND_US // 2, 30 * SECOND_US)
CLOCK_RTT_US_MAX = SECOND_US  # a clock sample with a longer round trip is not used


class Stream(Struct, eq=False):
    """One private connection, in venue time. `last_us` keeps the order of delivery."""

    last_us: int = 0
    stalled_us: int = 0  # since when nothing comes
    stall_until_us: int = 0
    mute_until_us: int = 0


class _Call(Struct):
    """A request on its way. `coming`: deliveries that may still be answered in time."""

    request: Request
    sent_us: int
    stamp_us: int
    limit_us: int
    coming: int = 0
    refused: bool = False
    answered: bool = False


class FaultyConnector:
    """`stream` is the private connection, None while there is none. `connects` are the times of connection attempts."""

    def __init__(self, world: FaultyVenue, skew_us: int) -> None:
        self.world = world
        self.venue = world.exchange.venue
        self.request_expiry_us = world.habits.request_expiry_us
        self.instruments: Sequence[Instrument] = [each.instrument for each in world.exchange.listings.values()]
        self.skew_us = skew_us
        self.now_us = world.now_us + skew_us
        self.finished = False
        self.stream: Stream | None = None
        self.connects: list[int] = []
        self.wall_step_us = 0  # what the wall clock jumped by since the start: requests are stamped with it
        self.banned_us = 0  # no request before (own clock)
        self._retry_us = 0  # no submit before
        self._offset_us = 0  # venue's clock − our wall clock, as measured
        self._outbox: list[tuple[int, int, Event]] = []
        self._number = count().__next__
        self._failures = 0
        self._said_us = 0  # when the newest word about the private stream arrives
        self._connecting = False
        self._dead = False
        world.listener = self
        self._public = PublicStream(world, skew_us, self._put)
        self._connect(world.latency_us())

    # ---- as a venue of the driver

    @property
    def next_us(self) -> int:
        """When the next event can become visible at the earliest."""
        next_us = self.world.next_us + self.skew_us
        return min(next_us, self._outbox[0][0]) if self._outbox else next_us

    def advance(self, now_us: int) -> Sequence[Event]:
        """Move to `now_us` and return what this process has been told by then."""
        self.world.advance(now_us - self.skew_us)
        self.now_us = now_us
        outbox = self._outbox
        told: list[Event] = []
        while outbox and outbox[0][0] <= now_us:
            told.append(heappop(outbox)[2])
        return told

    def send(self, request: Request) -> None:
        """Hand over a request; what becomes of it is a matter of luck."""
        assert not isinstance(request, RecallOrder), "RecallOrder is answered by the driver, never by a venue"
        if isinstance(request, Reconnect):
            self._reconnect(request.channel)
        else:
            self._call(request)

    def die(self) -> None:
        """The process was killed: its connections vanish, what it has sent still arrives."""
        self._dead = True
        self.stream = None
        self._outbox.clear()
        self.world.listener = None

    def heal(self) -> None:
        """Stalls, mutes and bans end."""
        self.banned_us = self._retry_us = 0
        if self.stream is not None:
            self.stream.stall_until_us = self.stream.mute_until_us = 0

    # ---- requests

    def _call(self, request: Request) -> None:
        now_us = self.now_us
        self.world.requests += 1
        if now_us < self.banned_us:
            self._refuse(request, "banned", 1)
        elif now_us < self._retry_us and isinstance(request, SubmitOrder):
            self._refuse(request, "throttled", 1)
        else:
            self._leave(request)

    def _leave(self, request: Request) -> None:
        """F1, F4: the request is on its way, or was."""
        world, rates, now_us = self.world, self.world.rates, self.now_us
        stamp_us = now_us + self.wall_step_us + self._offset_us
        if world.watcher is not None:
            world.watcher.sent(request, stamp_us)
        if world.weather.cut_off or world.strikes(rates.lose_request, "lose_request"):
            self._doubt(request, "timeout", now_us + TIMEOUT_US)
        elif world.strikes(rates.conn_fail, "conn_fail"):
            self._refuse(request, "connect", world.latency_us())
        else:
            self._transmit(request, stamp_us)

    def _transmit(self, request: Request, stamp_us: int) -> None:
        """F5, F8: now, later, or twice."""
        world, rates, now_us = self.world, self.world.rates, self.now_us
        delay_us = world.latency_us()
        if world.strikes(rates.late, "late"):
            delay_us = int((3 + world.chance.random() * 30) * SECOND_US)
        call = _Call(request, now_us, stamp_us, now_us + TIMEOUT_US)
        delays = [delay_us]
        if world.strikes(rates.duplicate, "duplicate"):
            delays.append(delay_us + world.latency_us() * world.chance.choice((1, 30, 80)))
        for number, each_us in enumerate(delays):
            call.coming += each_us < TIMEOUT_US
            world.after(each_us, partial(self._arrive, call, first=number == 0))
        if not call.coming:
            self._give_up(call)

    def _arrive(self, call: _Call, *, first: bool) -> None:
        """The request is at the venue, or a copy of it.

        Whoever copied it did so because no answer came: what was refused is not copied.
        """
        world, rates = self.world, self.world.rates
        call.coming -= 1
        if call.refused:
            return
        request, sent_us = call.request, call.sent_us
        back_us = world.now_us + self.skew_us + world.latency_us()
        silent = isinstance(request, FetchTrades) and world.weather.no_trades_us > world.now_us
        if world.weather.closed or silent:
            world.count("closed")
            self._tell(call, back_us, ambiguous(request, "503", sent_us, back_us))
        elif first and world.strikes(rates.r429, "r429"):
            self._limit(back_us)
            call.refused = True
            self._tell(call, back_us, not_sent(request, "429", sent_us, back_us))
        elif first and world.strikes(rates.pre5xx, "pre5xx"):
            self._tell(call, back_us, ambiguous(request, "503", sent_us, back_us))
        else:
            events = self._execute(call, back_us)
            call.refused = is_refusal(events)
            if first and world.strikes(rates.lose_response, "lose_response"):
                back_us = call.limit_us
            elif first and world.strikes(rates.post5xx, "post5xx"):
                events = ambiguous(request, "504", sent_us, back_us)
            self._tell(call, back_us, events)

    def _execute(self, call: _Call, back_us: int) -> Sequence[Event]:
        world, request, sent_us = self.world, call.request, call.sent_us
        if isinstance(request, SyncClock):
            round_trip_us = back_us - sent_us
            if round_trip_us > CLOCK_RTT_US_MAX:
                return ambiguous(request, "slow", sent_us, back_us)
            middle_us = (sent_us + back_us) // 2 + self.wall_step_us
            return [ClockSynced(self.venue, world.now_us - middle_us, round_trip_us // 2, back_us)]
        if isinstance(request, ResyncBook):
            return [self._public.resync(request.instrument_id, back_us)]
        age_us = world.now_us - call.stamp_us
        if world.habits.expires and not -AHEAD_US < age_us <= EXPIRY_US:
            world.count("expired")
            return not_sent(request, "timestamp", sent_us, back_us)
        return world.desk.answer(request, sent_us, back_us)  # type: ignore[arg-type]

    def _limit(self, back_us: int) -> None:
        """F2, F21: no submit before Retry-After; a ban forbids everything."""
        world = self.world
        banned = world.strikes(world.rates.ban, "ban")
        if banned:
            self.banned_us = max(self.banned_us, back_us + int((60 + world.chance.random() * 60) * SECOND_US))
            text = "banned by the venue"
            self._put(ConnectorStatus(self.venue, Channel.REST, Health.DOWN, text, back_us))
            banned_us = self.banned_us
            self._put(ConnectorStatus(self.venue, Channel.REST, Health.HEALTHY, "ban over", banned_us))
        else:
            self._retry_us = max(self._retry_us, back_us + int(world.chance.random() * 3 * SECOND_US))
        if world.watcher is not None and not self._dead:
            until_us = self.banned_us if banned else self._retry_us
            world.watcher.limited(back_us - self.skew_us, until_us - self.skew_us, banned=banned)

    def _tell(self, call: _Call, back_us: int, events: Sequence[Event]) -> None:
        """The process hears of the first answer that comes in time."""
        if self._dead or call.answered:
            return
        if back_us < call.limit_us:
            call.answered = True
            for event in events:
                if isinstance(event, ClockSynced):
                    self._offset_us = event.offset_us
                self._put(event)
        elif call.coming <= 0:
            self._give_up(call)

    def _give_up(self, call: _Call) -> None:
        """No answer within TIMEOUT_US, which itself proves nothing."""
        if not call.answered:
            call.answered = True
            self._doubt(call.request, "timeout", call.limit_us)

    def _refuse(self, request: Request, cause: str, delay_us: int) -> None:
        for event in not_sent(request, cause, self.now_us, self.now_us + delay_us):
            self._put(event)

    def _doubt(self, request: Request, cause: str, receive_us: int) -> None:
        if not self._dead:
            for event in ambiguous(request, cause, receive_us - TIMEOUT_US, receive_us):
                self._put(event)

    # ---- streams

    def _connect(self, delay_us: int) -> None:
        """Open the private stream, at most once a second."""
        if self._connecting:
            return
        self._connecting = True
        last_us = self.connects[-1] if self.connects else -CONNECT_GAP_US
        at_us = max(self.world.now_us + delay_us, last_us + CONNECT_GAP_US)
        self.world.after(max(1, at_us - self.world.now_us), self._connected)

    def _connected(self) -> None:
        self._connecting = False
        if self._dead:
            return
        world = self.world
        self.connects.append(world.now_us)
        if world.watcher is not None:
            world.watcher.connected()
        unreachable = world.weather.cut_off or world.weather.closed
        if unreachable or world.strikes(world.rates.conn_fail, "conn_fail_stream"):
            self._failures += 1
            first_us, last_us = CONNECT_BACKOFF_US
            self._connect(min(last_us, first_us << min(self._failures, 10)))
            return
        self._failures = 0
        self.stream = Stream(world.now_us)
        self._say(Health.HEALTHY, "connected", world.latency_us())

    def _reconnect(self, channel: Channel) -> None:
        if channel is Channel.USER:
            self.stream = None
            self._connect(self.world.latency_us())

    def weather(self) -> None:
        """F13, F14, F15, F29, F35: the stream breaks, stands still, or says nothing."""
        world, stream = self.world, self.stream
        now_us, rates, chance = world.now_us, world.rates, world.chance
        self._public.weather()
        if stream is None:
            return
        if world.weather.closed or world.strikes(rates.disconnect_rate, "disconnect"):
            self._lose("closed by the venue")
            return
        if world.weather.cut_off and stream.stall_until_us < world.weather.partition_us:
            self._stall(stream, world.weather.partition_us)
        elif stream.stall_until_us < now_us and world.strikes(rates.stall_rate, "stall"):
            self._stall(stream, now_us + int(chance.random() * 60 * SECOND_US))
        if world.strikes(rates.key_expiry_rate, "key_expiry"):
            if chance.random() < 0.5:
                self._lose("listen key expired")
                return
            stream.mute_until_us = NEVER_US  # heartbeats flow on
        elif world.strikes(rates.mute_rate, "mute"):
            stream.mute_until_us = now_us + int(chance.random() * 30 * SECOND_US)

    def _lose(self, reason: str) -> None:
        self.stream = None
        self._say(Health.DOWN, reason, self.world.latency_us())
        self._connect(CONNECT_BACKOFF_US[0])

    def _say(self, health: Health, reason: str, delay_us: int) -> None:
        """A process learns of its own connections in their order."""
        self._said_us = max(self._said_us, self.world.now_us + self.skew_us + delay_us)
        self._put(ConnectorStatus(self.venue, Channel.USER, health, reason, self._said_us))

    def _stall(self, stream: Stream, until_us: int) -> None:
        if stream.stall_until_us <= self.world.now_us:
            stream.stalled_us = self.world.now_us
            self.world.after(WATCHDOG_US, lambda: self._watch(stream))
        stream.stall_until_us = until_us

    def _watch(self, stream: Stream) -> None:
        """The last frame of any kind is WATCHDOG_US old."""
        if self.stream is stream and stream.stall_until_us > self.world.now_us:
            self.world.count("watchdog")
            self._say(Health.STALE, "no frame for 10 s", 1)

    def hear_private(self, events: Sequence[Event]) -> None:
        """Events of the account: lost, doubled, overtaken."""
        stream, world = self.stream, self.world
        if stream is None:
            return
        now_us, rates, chance = world.now_us, world.rates, world.chance
        if now_us < stream.stall_until_us or now_us < stream.mute_until_us:
            return
        for event in events:
            if rates.stream_drop and world.strikes(rates.stream_drop, "stream_drop"):
                continue
            if rates.garbage and world.strikes(rates.garbage, "garbage"):
                at_us = now_us + self.skew_us + world.latency_us()
                self._put(BadMessageSeen(self.venue, Channel.USER, "truncated", "{", at_us))
                continue
            if rates.reorder and world.strikes(rates.reorder, "reorder"):
                at_us = now_us + int(chance.random() * 2 * SECOND_US) + 1
            else:
                at_us = stream.last_us = max(stream.last_us, now_us + world.latency_us())
            self._put(replace(event, receive_us=at_us + self.skew_us))
            if rates.stream_duplicate and world.strikes(rates.stream_duplicate, "stream_duplicate"):
                again_us = at_us + world.latency_us() + self.skew_us
                self._put(replace(event, receive_us=again_us))

    def hear_public(self, events: Sequence[Event]) -> None:
        """Market data in order."""
        self._public.hear(events)

    def _put(self, event: Event) -> None:
        heappush(self._outbox, (event.receive_us, self._number(), event))  # type: ignore[union-attr]
