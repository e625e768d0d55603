"""The market data that one process hears of a `FaultyVenue`: books lose updates, and a cut line brings nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from connectors.simulated.faulty_venue import FaultyVenue
from engine.model.enums import Channel, Health
from engine.model.event import ConnectorStatus, Event
from engine.model.market import BookDelta

LATENCY_US = 40_000
SWAPPED_US = 300_000


class PublicStream:
    """Events come in order. `put` takes what is to be delivered at its time of receipt."""

    def __init__(self, world: FaultyVenue, skew_us: int, put: Callable[[Event], None]) -> None:
        self._world = world
        self._skew_us = skew_us
        self._put = put
        self._last_us = 0  # of receipt
        self._cut = False
        self._tell(Health.HEALTHY, "connected", world.now_us + skew_us)

    def weather(self) -> None:
        """F35: lost while nothing gets through, and begun anew with fresh books afterwards."""
        cut = self._world.weather.cut_off
        if cut is self._cut:
            return
        self._cut = cut
        receive_us = self._last_us = max(self._last_us, self._world.now_us + self._skew_us) + 1
        self._tell(*((Health.DOWN, "unreachable") if cut else (Health.HEALTHY, "connected")), receive_us)

    def _tell(self, health: Health, reason: str, receive_us: int) -> None:
        self._put(ConnectorStatus(self._world.exchange.venue, Channel.MARKET, health, reason, receive_us))
        if health is Health.HEALTHY:
            for event in self._world.feed.snapshots(receive_us):
                self._put(event)

    def resync(self, instrument_id: str, receive_us: int) -> Event:
        """A fresh book, which nothing older may follow."""
        feed = self._world.feed
        public = feed.collect(0)
        if public:
            self.hear(public)
        self._last_us = max(self._last_us, receive_us)
        return feed.snapshot(instrument_id, self._last_us)

    def hear(self, events: Sequence[Event]) -> None:
        """F27: updates of books are lost, doubled or swapped."""
        if self._cut:
            return
        world = self._world
        self._last_us = max(self._last_us, world.now_us + self._skew_us + LATENCY_US)
        rate = world.rates.book
        for event in events:
            if rate and type(event) is BookDelta and world.strikes(rate, "book"):
                what = world.chance.randrange(3)
                if what == 0:
                    continue
                later_us = self._last_us + (0 if what == 1 else SWAPPED_US)
                self._put(replace(event, receive_us=later_us))
                if what == 2:
                    continue
            self._put(replace(event, receive_us=self._last_us))
