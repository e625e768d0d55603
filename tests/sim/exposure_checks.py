"""I6: what the orders at the venue can do to the position stays within the limit, whatever the bot knows of them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from connectors.simulated.faulty_venue import FaultyVenue
from engine.model.enums import Side
from engine.model.money import ZERO


class ExposureChecks:
    """`limit` in base units, None: there is none. Positions are those of the orders that `own` names."""

    def __init__(self, world: FaultyVenue, limit: Decimal | None, own: Callable[[str], bool]) -> None:
        self._world = world
        self._limit = limit
        self._own = own
        self._position = ZERO
        self._counted = 0

    def executed(self, instrument_id: str) -> str:
        """After the venue has taken an order: what is wrong, or ""."""
        if self._limit is None:
            return ""
        world = self._world
        listing = world.exchange.listing(instrument_id)
        trades = listing.trades.get(world.desk.account.number, [])
        for fill in trades[self._counted :]:
            if self._own(fill.client_order_id):
                self._position += fill.quantity if fill.side is Side.BUY else -fill.quantity
        self._counted = len(trades)
        most = {Side.BUY: self._position, Side.SELL: -self._position}
        for order in listing.orders.values():
            if self._own(order.request.client_order_id):
                most[order.request.side] += order.remaining
        worst = max(most.values())
        return (
            f"position {self._position}, with all orders {worst} (limit {self._limit})" if worst > self._limit else ""
        )
