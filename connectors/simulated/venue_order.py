"""What the venue keeps about orders and accounts, in money instead of ticks and lots."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from connectors.simulated.book_order import BookOrder, SelfTrade, What
from engine.model.enums import OrderStatus
from engine.model.event import Fill
from engine.model.request import SubmitOrder

OPEN = OrderStatus.OPEN


class ClientIds(StrEnum):
    """Among which of an account's orders on an instrument a client order id must be unique."""

    OPEN_ONLY = "open_only"
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Account:
    """A trader at the venue. Rates that are None are the instrument's."""

    number: int
    name: str
    self_trade: SelfTrade = SelfTrade.NONE
    maker_rate: Decimal | None = None
    taker_rate: Decimal | None = None


class OrderState(Struct, frozen=True, gc=False):
    """An order as it was from `at_us` on. `filled` and `cost` (Σ price·quantity) are cumulative."""

    at_us: int
    what: What
    status: OrderStatus
    filled: Decimal
    cost: Decimal
    price: Decimal | None
    quantity: Decimal
    reason: str = ""


class VenueOrder(Struct, eq=False):
    """An order with its whole history. `lock_price` is what its funds are locked at, None if nothing is locked."""

    request: SubmitOrder
    account: Account
    venue_order_id: str
    book: BookOrder
    history: list[OrderState]
    lock_price: Decimal | None = None

    @property
    def state(self) -> OrderState:
        return self.history[-1]

    @property
    def is_open(self) -> bool:
        return self.history[-1].status is OPEN

    @property
    def remaining(self) -> Decimal:
        return self.history[-1].quantity - self.history[-1].filled

    def at(self, at_us: int) -> OrderState | None:
        """What a replica that is behind would have said at `at_us`; None before the order existed."""
        index = bisect_right(self.history, at_us, key=lambda state: state.at_us)
        return self.history[index - 1] if index else None


class Report(Struct, frozen=True, eq=False):
    """News for an account's private stream; `fill` is set when `state.what` is FILLED."""

    order: VenueOrder
    state: OrderState
    fill: Fill | None = None
