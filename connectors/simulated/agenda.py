"""The course of time at a venue: markets that step, orders that expire, and what was planned, each at its moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count

from connectors.simulated.market import Market
from connectors.simulated.venue import SimulatedExchange

Action = Callable[[], None]


class Agenda:
    """Moves an exchange and its markets. `publish` is called after every moment at which something happened."""

    def __init__(self, exchange: SimulatedExchange, markets: Sequence[Market], publish: Action, start_us: int) -> None:
        self.now_us = start_us
        self._exchange = exchange
        self._markets = tuple(markets)
        self._publish = publish
        self._plan: list[tuple[int, int, Action]] = []
        self._number = count().__next__
        exchange.advance(start_us)

    def after(self, delay_us: int, action: Action) -> None:
        """Do something `delay_us` from now."""
        heappush(self._plan, (self.now_us + delay_us, self._number(), action))

    @property
    def next_us(self) -> int:
        """When something happens next."""
        next_us = self._exchange.next_us
        for market in self._markets:
            if market.next_us < next_us:
                next_us = market.next_us
        return self._plan[0][0] if self._plan and self._plan[0][0] < next_us else next_us

    def advance(self, until_us: int) -> None:
        """Let everything happen up to then."""
        plan, exchange = self._plan, self._exchange
        while (at_us := self.next_us) <= until_us:
            self.now_us = at_us = max(at_us, self.now_us)
            exchange.advance(at_us)
            for market in self._markets:
                if market.next_us <= at_us:
                    market.step(at_us, exchange)
                    exchange.settle_all()
            while plan and plan[0][0] <= at_us:
                heappop(plan)[2]()
            self._publish()
        self.now_us = max(until_us, self.now_us)
