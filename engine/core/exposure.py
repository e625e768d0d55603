"""What our orders on an instrument can do to the position."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from engine.core.amend import largest_quantity
from engine.model.enums import Phase, Side
from engine.model.money import ZERO
from engine.model.order import Order


class Exposure(Struct, frozen=True):
    """Base units. `position` is signed: booked and provisional fills, and those that are known to be missing.

    `open_buy` and `open_sell` are what may still trade, amends at the larger size; `unknown` counts the active orders
    whose quantity nobody knows: nothing new may be sent while there are any.
    """

    position: Decimal
    open_buy: Decimal
    open_sell: Decimal
    unknown: int

    @property
    def worst(self) -> Decimal:
        """max(|position + open buys|, |position − open sells|)."""
        return max(abs(self.position + self.open_buy), abs(self.position - self.open_sell))


def exposure_of(booked: Decimal, orders: Iterable[Order]) -> Exposure:
    """Exposure of a booked position (with provisional fills) and the active orders of one instrument."""
    opens = {Side.BUY: ZERO, Side.SELL: ZERO}
    unknown = 0
    for order in orders:
        missing = order.venue_filled - order.filled - order.provisional_filled
        booked += missing if order.side is Side.BUY else -missing
        quantity = largest_quantity(order)
        if quantity is None:
            unknown += 1
        elif order.phase is not Phase.CLOSED:
            opens[order.side] += max(ZERO, quantity - order.venue_filled)
    return Exposure(booked, opens[Side.BUY], opens[Side.SELL], unknown)
