"""A market as thin as it gets: four price steps a second; orders near the price fill by chance and in parts."""

from random import Random

from connectors.simulated.book_order import Place
from connectors.simulated.listing import Listing
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import Side

STEP_US = 250_000
REACH = 6  # ticks around the middle in which orders may fill
DEEP_LOTS = 1_000


class ThinMarket:
    """Moves by at most 2 ticks a step. Now and then a small level reaches into the spread, for arriving orders."""

    def __init__(self, instrument_id: str, middle: int, chance: Random, start_us: int) -> None:
        self.next_us = start_us
        self.middle = middle
        self.calm_us = 0  # nobody trades until then
        self._instrument_id = instrument_id
        self._chance = chance
        self._shown: list[tuple[Side, int]] = []

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        self.next_us = now_us + STEP_US
        chance = self._chance
        listing = exchange.listing(self._instrument_id)
        self.middle += int(chance.random() * 5) - 2
        for side, ticks in self._shown:
            listing.engine.set_level(side, ticks, 0)
        if listing.orders and now_us >= self.calm_us:
            self._fill(listing)
        self._show(listing)

    def _fill(self, listing: Listing) -> None:
        chance, middle = self._chance, self.middle
        for order in list(listing.orders.values()):
            book = order.book
            if abs(book.ticks - middle) > 40 or book.place is not Place.RESTING:
                continue
            reach = int(chance.random() * (2 * REACH + 1)) - REACH
            near = book.ticks >= middle + reach if book.side is Side.BUY else book.ticks <= middle + reach
            if near and chance.random() < 0.5:
                listing.engine.execute(book.key, 1 + int(chance.random() * book.leaves))

    def _show(self, listing: Listing) -> None:
        """Quotes around the middle, never through a trader's order."""
        engine = listing.engine
        bid, ask = self.middle - 2, self.middle + 2
        lots = DEEP_LOTS
        luck = self._chance.random()
        if luck < 0.1:
            bid, lots = bid + 4, 4
        elif luck < 0.2:
            ask, lots = ask - 4, 4
        own_bid, own_ask = engine.best(Side.BUY), engine.best(Side.SELL)
        bid = min(bid, own_ask - 1) if own_ask else bid
        ask = max(ask, own_bid + 1, bid + 1)
        self._shown = [(Side.BUY, bid), (Side.SELL, ask)]
        for side, ticks in self._shown:
            engine.set_level(side, ticks, lots)
