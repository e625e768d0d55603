"""The simulated exchange behind a network that loses, delays, doubles and lies. It outlives the bot that trades on it.

Time here is the venue's. A bot talks to it through a `FaultyConnector`, one a process; what a dead process has sent
still arrives. Every subject has its own chance, so that a change in one does not reshuffle the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from random import Random
from typing import Protocol

from connectors.simulated.agenda import Agenda
from connectors.simulated.book_order import What
from connectors.simulated.faults import HEALTHY, FaultRates, VenueHabits
from connectors.simulated.feed import Feed
from connectors.simulated.market import Market
from connectors.simulated.replica import ReplicaDesk
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from connectors.simulated.weather import Weather
from engine.core.venue_sheet import SECOND_US
from engine.model.event import Event
from engine.model.request import Request

LATENCY_US = exp(-3.2) * SECOND_US  # median one way, about 40 ms; the logarithm has a deviation of 0.5
SLOW_US = 3 * SECOND_US


class Listener(Protocol):
    """The process that is connected now."""

    def hear_private(self, events: Sequence[Event]) -> None: ...
    def hear_public(self, events: Sequence[Event]) -> None: ...
    def weather(self) -> None:
        """Once a second: connections may break."""
        ...


class Watcher(Protocol):
    """Judges what processes put on the wire."""

    def sent(self, request: Request, stamp_us: int) -> None:
        """A request leaves, signed with this time."""
        ...

    def connected(self) -> None:
        """The private stream is opened, or the attempt fails."""
        ...

    def limited(self, told_us: int, until_us: int, *, banned: bool) -> None:
        """The process is told to wait, with creates or, `banned`, with everything. Venue time."""
        ...


class FaultyVenue:
    """`counts` says how often each fault struck."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        account: Account,
        markets: Sequence[Market],
        *,
        rates: FaultRates,
        habits: VenueHabits,
        seed: int,
        start_us: int,
    ) -> None:
        self.exchange = exchange
        self.rates = rates
        self.habits = habits
        self.desk = ReplicaDesk(exchange, account, rates, habits, seed)
        self.feed = Feed(exchange)
        self.chance = Random(f"network:{seed}")
        self.counts: dict[str, int] = {}
        self.orders = 0  # that the venue accepted
        self.requests = 0
        self.listener: Listener | None = None
        self.watcher: Watcher | None = None
        self.weather = Weather(self, Random(f"weather:{seed}"))
        self._agenda = Agenda(exchange, markets, self._publish, start_us)
        self.after = self._agenda.after
        self.advance = self._agenda.advance
        self.after(SECOND_US, self._each_second)

    def count(self, fault: str) -> None:
        """A fault has struck."""
        self.counts[fault] = self.counts.get(fault, 0) + 1

    def latency_us(self) -> int:
        """One way, now and then slow (F9). At least 1."""
        delay = LATENCY_US * exp(self.chance.gauss(0.0, 0.5))
        if self.rates.slow and self.chance.random() < self.rates.slow:
            self.count("slow")
            delay += self.chance.random() * SLOW_US
        return int(delay) + 1

    def strikes(self, probability: float, fault: str) -> bool:
        """Whether a fault strikes this time."""
        if probability and self.chance.random() < probability:
            self.count(fault)
            return True
        return False

    def heal(self) -> None:
        """All faults end; what is under way still arrives."""
        self.rates = self.desk.rates = HEALTHY
        self.weather.heal()

    @property
    def now_us(self) -> int:
        return self._agenda.now_us

    @property
    def next_us(self) -> int:
        """When something happens next."""
        return self._agenda.next_us

    def _publish(self) -> None:
        reports = self.exchange.drain_reports()
        if reports:
            self.orders += sum(report.state.what is What.ACCEPTED for report in reports)
            self.desk.note(reports)
            self.weather.note(reports)
        public = self.feed.collect(0)
        private = self.desk.news(reports, 0) if reports or self.exchange.ledger.touched else ()
        if self.listener is not None:
            if private:
                self.listener.hear_private(private)
            if public:
                self.listener.hear_public(public)

    def _each_second(self) -> None:
        self.after(SECOND_US, self._each_second)
        self.weather.step()
        if self.listener is not None:
            self.listener.weather()
