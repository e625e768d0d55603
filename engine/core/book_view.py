"""The order book as strategies read it, the same in every mode."""

from decimal import Decimal
from typing import Protocol

from engine.model.enums import Side
from engine.model.market import Level


class BookView(Protocol):
    """Prices in quote, quantities in base units (contracts). Undefined values of a one-sided book are None."""

    @property
    def event_us(self) -> int: ...
    @property
    def receive_us(self) -> int: ...
    @property
    def stale(self) -> str:
        """ "" or why the book must not be trusted."""
        ...

    @property
    def best_bid(self) -> Decimal | None: ...
    @property
    def best_ask(self) -> Decimal | None: ...
    @property
    def mid(self) -> Decimal | None: ...
    @property
    def spread(self) -> Decimal | None: ...
    @property
    def microprice(self) -> Decimal | None:
        """(bid·ask_size + ask·bid_size)/(bid_size + ask_size)."""
        ...

    def levels(self, side: Side, count: int) -> list[Level]:
        """At most `count` best levels; BUY bids descending, SELL asks ascending."""
        ...

    def quantity_at(self, side: Side, price: Decimal) -> Decimal: ...

    def vwap(self, side: Side, quantity: Decimal) -> Decimal | None:
        """Average price a taker of `side` would pay for `quantity`; None if the book holds less."""
        ...

    def imbalance(self, count: int) -> Decimal | None:
        """(bid quantity − ask quantity)/(sum) of the best `count` levels, in [−1, 1]."""
        ...
