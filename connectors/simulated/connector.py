"""The simulated venue as a connector: one clock, latencies both ways, and everything in order of receipt."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter

from connectors.simulated.desk import Desk, DeskRequest
from connectors.simulated.feed import Feed
from connectors.simulated.market import NEVER_US, Market
from connectors.simulated.summary import BalanceLine, compare_balances
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.model.enums import Channel, Health
from engine.model.event import ClockSynced, ConnectorStatus, Event
from engine.model.instrument import Instrument
from engine.model.request import RecallOrder, Reconnect, Request, ResyncBook, SyncClock

VenueRequest = DeskRequest | SyncClock | ResyncBook | Reconnect
STREAMS = (Channel.MARKET, Channel.USER)
_receive_us = attrgetter("receive_us")


class SimulatedConnector:
    """Implements `engine.core.ports.VirtualVenue` for one account of an exchange that it alone drives.

    A request sent at t reaches the venue at t + `entry_us`; answers and the private stream reach us `response_us` after
    the venue's event, market data `feed_us` after it. At the same microsecond the market acts before our requests do.
    """

    def __init__(
        self,
        exchange: SimulatedExchange,
        account: Account,
        markets: Sequence[Market],
        *,
        start_us: int,
        feed_us: int = 0,
        entry_us: int = 0,
        response_us: int = 0,
    ) -> None:
        self.venue = exchange.venue
        self.request_expiry_us = 0
        self.exchange = exchange
        self.instruments: Sequence[Instrument] = [listing.instrument for listing in exchange.listings.values()]
        self.now_us = start_us
        self.desk = Desk(exchange, account)
        self.feed = Feed(exchange)
        self.feed_us, self.entry_us, self.response_us = feed_us, entry_us, response_us
        self._markets = tuple(markets)
        self._arrivals: deque[tuple[int, int, VenueRequest]] = deque()  # (arrival, started, request)
        self._outbox: list[Event] = []  # in order of receipt
        self._cut = False
        exchange.advance(start_us)
        for channel in (*STREAMS, Channel.REST):
            self._put(ConnectorStatus(self.venue, channel, Health.HEALTHY, "connected", start_us))

    def send(self, request: Request) -> None:
        """Hand over a request at `now_us`."""
        assert not isinstance(request, RecallOrder), "RecallOrder is answered by the driver, never by a venue"
        self._arrivals.append((self.now_us + self.entry_us, self.now_us, request))

    @property
    def next_us(self) -> int:
        """When the next event can become visible at the earliest."""
        happens_us = self._next_venue_us() + min(self.feed_us, self.response_us)
        return min(happens_us, _receive_us(self._outbox[0])) if self._outbox else happens_us

    @property
    def finished(self) -> bool:
        """Every market has played its last step and we have heard of everything."""
        if self._outbox or self._arrivals:
            return False
        for market in self._markets:
            if market.next_us < NEVER_US:
                return False
        return self._next_venue_us() >= NEVER_US

    def advance(self, now_us: int) -> Sequence[Event]:
        """Move to `now_us` and return what we have been told by then, in order of receipt."""
        while True:
            venue_us = self._next_venue_us()
            if venue_us > now_us:
                break
            self._instant(venue_us)
        self.now_us = now_us
        told = self._outbox
        if told and _receive_us(told[-1]) > now_us:
            count = bisect_right(told, now_us, key=_receive_us)
            told, self._outbox = told[:count], told[count:]
        else:
            self._outbox = []
        return told

    def compare_balances(self, ours: Mapping[str, Decimal]) -> list[BalanceLine]:
        """The exchange's own books against ours; `ours` are totals by asset."""
        return compare_balances(self.exchange, self.desk.account, ours)

    def _next_venue_us(self) -> int:
        """When something happens at the venue next."""
        next_us = self.exchange.next_us
        if self._arrivals and self._arrivals[0][0] < next_us:
            next_us = self._arrivals[0][0]
        if self._cut:
            next_us = min(next_us, self.exchange.cut_until_us)
        for market in self._markets:
            market_us = market.next_us
            if market_us < next_us:
                next_us = market_us
        return next_us

    def _instant(self, venue_us: int) -> None:
        """Everything that happens at the venue at this microsecond."""
        exchange = self.exchange
        exchange.advance(venue_us)
        for market in self._markets:
            if market.next_us <= venue_us:
                market.step(venue_us, exchange)
                assert market.next_us > venue_us, f"a market of {self.venue} does not move on from {venue_us}"
                exchange.settle_all()
        while self._arrivals and self._arrivals[0][0] <= venue_us:
            _, started_us, request = self._arrivals.popleft()
            self._arrive(request, started_us)
        self._publish()

    def _arrive(self, request: VenueRequest, started_us: int) -> None:
        receive_us = self.exchange.now_us + self.response_us
        match request:
            case SyncClock():
                error_us = (receive_us - started_us) // 2
                self._put(ClockSynced(self.venue, 0, error_us, receive_us))
            case ResyncBook(instrument_id):
                self._publish()
                if not self._cut:
                    self._put(self.feed.snapshot(instrument_id, self.exchange.now_us + self.feed_us))
            case Reconnect(_, channel):
                self._publish()
                self._tell_health(channel)
            case _:
                self._put_all(self.desk.answer(request, started_us, receive_us))

    def _publish(self) -> None:
        """Send out what has happened; a cut stream loses it."""
        exchange = self.exchange
        now_us = exchange.now_us
        cut = exchange.cut_until_us > now_us
        public = self.feed.collect(now_us + self.feed_us)
        private = self.desk.news(exchange.drain_reports(), now_us + self.response_us)
        if cut != self._cut:
            self._cut = cut
            for channel in STREAMS:
                self._tell_health(channel)
        elif not cut:
            self._put_all(public)
        if not cut:
            self._put_all(private)

    def _tell_health(self, channel: Channel) -> None:
        """Report a channel; a market stream that is up starts with the books as they are."""
        receive_us = self.exchange.now_us + self.feed_us
        down = self._cut and channel in STREAMS
        health, reason = (Health.DOWN, "disconnected") if down else (Health.HEALTHY, "connected")
        self._put(ConnectorStatus(self.venue, channel, health, reason, receive_us))
        if channel is Channel.MARKET and not down:
            self._put_all(self.feed.snapshots(receive_us))

    def _put(self, event: Event) -> None:
        self._put_all([event])

    def _put_all(self, events: Sequence[Event]) -> None:
        """Add events with one time of receipt, behind all that is received by then."""
        outbox = self._outbox
        if not outbox or not events or _receive_us(outbox[-1]) <= _receive_us(events[0]):
            outbox += events
        else:
            for event in events:
                insort(outbox, event, key=_receive_us)
