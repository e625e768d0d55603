"""The price that quotes are placed around."""

from decimal import Decimal

from engine.core.book_view import BookView
from engine.model.market import PublicTrade

HALF = Decimal("0.5")


def reference_price(
    price_type: str, book: BookView, last_trade: PublicTrade | None, last_own_trade: Decimal | None
) -> Decimal | None:
    """The price of `price_type`, or the mid where that is undefined; None when both are.

    The mid of a crossed or one-sided book is undefined, and so is everything of a book that cannot be trusted.
    `inventory_cost` bounds the sells only: its reference is the mid.
    """
    if book.stale:
        return None
    bid, ask = book.best_bid, book.best_ask
    if price_type != "mid":
        price = None
        if price_type == "best_bid":
            price = bid
        elif price_type == "best_ask":
            price = ask
        elif price_type == "last" and last_trade is not None:
            price = last_trade.price
        elif price_type == "last_own_trade":
            price = last_own_trade
        elif price_type == "microprice":
            price = book.microprice
        if price is not None:
            return price
    return None if bid is None or ask is None or bid >= ask else (bid + ask) * HALF
