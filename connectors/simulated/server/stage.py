"""Time on a served venue, whatever protocol it speaks: what is due happens, then everybody is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from connectors.simulated.market import NEVER_US, Market
from connectors.simulated.server.faults import Wire
from connectors.simulated.server.hub import Hub
from connectors.simulated.server.values import FAST_US, SLOW_US
from connectors.simulated.venue import SimulatedExchange


class PublicFace(Protocol):
    """What one market shows in public."""

    def publish(self, now_us: int) -> None:
        """Take over what has happened at the exchange, and tell the streams that have no interval."""
        ...

    def flush(self, now_us: int, interval_us: int) -> None:
        """Tell the streams of an interval."""
        ...


class Stage(ABC):
    """`exchange` is driven by this object alone. `now_us` is the venue's clock, `wire` the network before it.

    Private news wait for `deliver`, until the answer to the request that caused them has been written. `faces` are the
    markets' public sides.
    """

    def __init__(self, exchange: SimulatedExchange, markets: Sequence[Market], now_us: Callable[[], int]) -> None:
        self.exchange = exchange
        self._markets = tuple(markets)
        self._clock = now_us
        self.wire = Wire(now_us)
        self.hub = Hub()
        self.faces: list[PublicFace] = []
        self._flushed = dict.fromkeys((FAST_US, SLOW_US), 0)
        self._unnamed = 0

    @abstractmethod
    def commit(self) -> None:
        """Tell what the last command did."""

    @abstractmethod
    def deliver(self) -> None:
        """Send the private news that wait."""

    def flush(self) -> None:
        """Tell the streams whose interval has come round, and deliver private news."""
        now_us = self.now_us
        for interval_us, flushed in self._flushed.items():
            if now_us // interval_us != flushed:
                self._flushed[interval_us] = now_us // interval_us
                for face in self.faces:
                    face.flush(now_us, interval_us)
        self.deliver()

    def publish(self) -> None:
        """Tell the public what has happened."""
        for face in self.faces:
            face.publish(self.now_us)

    def new_name(self) -> str:
        """What the exchange knows an order by whose client named it not, or may rename it."""
        self._unnamed += 1
        return f"-{self._unnamed}"

    @property
    def now_us(self) -> int:
        return self.exchange.now_us

    @property
    def is_cut(self) -> bool:
        """Whether the market has cut the streams; requests are still served."""
        return self.exchange.cut_until_us > self.now_us

    def advance(self) -> None:
        """Let everything happen that is due by the clock."""
        now_us = max(self._clock(), self.exchange.now_us)
        while (due_us := self._due_us()) <= now_us:
            self.exchange.advance(due_us)
            for market in self._markets:
                if market.next_us <= due_us:
                    market.step(due_us, self.exchange)
                    self.exchange.settle_all()
            self.commit()
        self.exchange.advance(now_us)
        self.commit()

    def _due_us(self) -> int:
        """When something happens next by itself."""
        return min([self.exchange.next_us, *(market.next_us for market in self._markets)], default=NEVER_US)
