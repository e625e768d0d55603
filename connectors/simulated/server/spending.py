"""Market orders that name an amount of quote instead of a quantity."""

from __future__ import annotations

from decimal import Decimal

from connectors.simulated.listing import Listing
from engine.model.enums import Side


def affordable(listing: Listing, side: Side, amount: Decimal) -> Decimal:
    """How much an order for `amount` of quote trades now: whole lots, never for more than was named."""
    left, lots, step = amount, 0, listing.instrument.quantity_step
    for price, quantity in listing.levels(side.opposite):
        fitting = min(listing.lots(quantity), int(left // (price * step)))
        lots += fitting
        left -= price * step * fitting
        if fitting < listing.lots(quantity):
            break
    return listing.quantity(lots)
