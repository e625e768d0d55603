"""A market without participants: orders fill by chance when the fair price reaches them, market orders at an impact."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from connectors.simulated.book_order import Place
from connectors.simulated.listing import Listing
from engine.model.enums import Side
from engine.model.money import ONE, ceil_to, floor_to

if TYPE_CHECKING:
    from connectors.simulated.venue import SimulatedExchange


class BooklessMarket:
    """The `Market` of one instrument, one step every `interval_us`.

    A resting order that the fair price has reached fills completely, at its own price, with `execution_probability` a
    step. OUTSIDE shows `depth` base units on each side at fair·(1 ± `price_impact`), rounded away from the fair price,
    at least one tick apart and never beyond a trader's own resting order: that is where market orders fill.
    """

    def __init__(
        self,
        instrument_id: str,
        fair: Callable[[int], Decimal],
        *,
        interval_us: int,
        depth: Decimal,
        execution_probability: float,
        price_impact: Decimal,
        chance: Random,
        start_us: int = 0,
    ) -> None:
        self.next_us = start_us
        self._instrument_id = instrument_id
        self._fair = fair
        self._interval_us = interval_us
        self._depth = depth
        self._probability = execution_probability
        self._impact = price_impact
        self._chance = chance
        self._quotes = {Side.BUY: 0, Side.SELL: 0}

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        """Move the fair price: fill what it reaches, then quote around it."""
        self.next_us = now_us + self._interval_us
        listing = exchange.listing(self._instrument_id)
        fair = self._fair(now_us)
        for side, ticks in self._quotes.items():
            listing.engine.set_level(side, ticks, 0)
        for order in list(listing.orders.values()):
            book = order.book
            reached = listing.price(book.ticks) >= fair if book.side is Side.BUY else listing.price(book.ticks) <= fair
            if book.place is Place.RESTING and reached and self._chance.random() < self._probability:
                listing.engine.execute(book.key, book.leaves)
        self._quote(listing, fair)

    def _quote(self, listing: Listing, fair: Decimal) -> None:
        engine, step = listing.engine, listing.instrument.price_step
        bid = listing.ticks(floor_to(fair * (ONE - self._impact), step))
        ask = listing.ticks(ceil_to(fair * (ONE + self._impact), step))
        own_bid, own_ask = engine.best(Side.BUY), engine.best(Side.SELL)
        bid = min(bid, own_ask - 1) if own_ask else bid
        ask = max(ask, own_bid + 1, bid + 1)
        self._quotes = {Side.BUY: bid, Side.SELL: ask}
        for side, ticks in self._quotes.items():
            engine.set_level(side, ticks, listing.lots(self._depth / listing.instrument.contract_size))
