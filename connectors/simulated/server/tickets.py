"""What the protocol knows about an order beyond the exchange: its client ids, its type's name, its fills, its list."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.simulated.book_order import What
from connectors.simulated.server.placement import Placement
from connectors.simulated.venue_order import OrderState, VenueOrder
from engine.model.enums import OrderStatus
from engine.model.event import Fill

KEPT = 100_000
STATUS = {
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
    OrderStatus.REJECTED: "REJECTED",
}
EXPIRY_REASONS = {
    "ioc": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "fok": "UNFILLED_FOK_ORDER_EXPIRED",
    "no_liquidity": "INSUFFICIENT_LIQUIDITY",
    "amended_below_filled": "AMENDED_BELOW_EXECUTED_QUANTITY",
    "insufficient_funds": "INSUFFICIENT_BALANCE",
    "would_take": "WOULD_MATCH_IMMEDIATELY",
    "oco": "OCO_TRIGGER",
    "oto": "OTO_PHASE_ONE_EXPIRED",
}


@dataclass(eq=False, slots=True)
class OrderList:
    """Orders that depend on each other. OCO: one of two ends the other. OTO: the others wait until the first is filled;
    if they are two, one ends the other from then on.
    """

    number: int
    contingency: str
    symbol: str
    client_id: str
    created_us: int
    account: int
    tickets: list[Ticket] = field(default_factory=list)

    @property
    def waiting(self) -> list[Ticket]:
        """Those that wait still."""
        return [each for each in self.tickets if each.waits and each.order.is_open]

    @property
    def is_done(self) -> bool:
        return not any(each.order.is_open for each in self.tickets)


@dataclass(eq=False, slots=True)
class Ticket:
    """One order. `cancel_id` is the client id of the request that cancelled it, `amends` the changes of its total.

    `waits`: its list has not let it go to the exchange; `placed_us` is when such an order was asked for.
    """

    order: VenueOrder
    placement: Placement
    client_order_id: str
    fills: list[Fill] = field(default_factory=list)
    amends: list[Amend] = field(default_factory=list)
    cancel_id: str = ""
    order_list: OrderList | None = None
    waits: bool = False
    placed_us: int = 0

    @property
    def list_number(self) -> int:
        return -1 if self.order_list is None else self.order_list.number

    @property
    def order_id(self) -> int:
        return int(self.order.venue_order_id)

    @property
    def created_us(self) -> int:
        return self.placed_us or self.order.history[0].at_us

    def working_us(self, state: OrderState | None = None) -> int:
        """Since when it works (is in the book), in `state` or now; -1 while it waits."""
        if self.waits:
            return -1
        if not self.placement.kind.is_stop:
            return self.order.history[0].at_us
        until_us = (state or self.order.state).at_us
        for each in self.order.history:
            if each.what is What.TRIGGERED and each.at_us <= until_us:
                return each.at_us
        return -1


@dataclass(frozen=True, slots=True)
class Amend:
    """One accepted change of an order's total."""

    execution_id: int
    old_client_order_id: str
    new_client_order_id: str
    old_quantity: str
    new_quantity: str
    at_us: int


def has_lost(ticket: Ticket, state: OrderState) -> bool:
    """Whether it ended because the other order of its list traded or triggered."""
    return state.reason == "oco" and not ticket.cancel_id


def status_word(ticket: Ticket, state: OrderState) -> str:
    """The protocol's word for a state of an order."""
    if has_lost(ticket, state):
        return "EXPIRED"
    if state.status is OrderStatus.OPEN:
        return "PENDING_NEW" if ticket.waits else "PARTIALLY_FILLED" if state.filled else "NEW"
    if state.reason == "self_trade":
        return "EXPIRED_IN_MATCH"
    return STATUS[state.status]


class Tickets:
    """Orders of everybody by the venue's id and by the client's.

    Of one account and symbol `kept` are remembered; then the older half of those that have ended goes.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._by_id: dict[tuple[int, str, int], Ticket] = {}
        self._by_client: dict[tuple[int, str, str], list[Ticket]] = {}
        self._rows: dict[tuple[int, str], list[Ticket]] = {}

    def add(self, ticket: Ticket) -> None:
        number, symbol = _owner(ticket)
        self._by_id[number, symbol, ticket.order_id] = ticket
        self._by_client.setdefault((number, symbol, ticket.client_order_id), []).append(ticket)
        rows = self._rows.setdefault((number, symbol), [])
        rows.append(ticket)
        if len(rows) > self._kept:
            self._forget(rows)

    def rename(self, ticket: Ticket, client_order_id: str) -> None:
        """The order has another client id from now on."""
        self._drop_client(ticket)
        ticket.client_order_id = client_order_id
        self._by_client.setdefault((*_owner(ticket), client_order_id), []).append(ticket)

    def find(self, account: int, symbol: str, order_id: int | None, client_order_id: str) -> Ticket | None:
        """By the venue's id if given, else by the client's: then the open one, else the newest."""
        if order_id is not None:
            return self._by_id.get((account, symbol, order_id))
        twins = self._by_client.get((account, symbol, client_order_id), [])
        return next((each for each in twins if each.order.is_open), twins[-1] if twins else None)

    def of_order(self, order: VenueOrder, symbol: str) -> Ticket | None:
        """The ticket of an exchange's order, None if it was not placed through this protocol."""
        return self._by_id.get((order.account.number, symbol, int(order.venue_order_id)))

    def rows(self, account: int, symbol: str) -> list[Ticket]:
        """All of an account's orders on a symbol, oldest first."""
        return self._rows.get((account, symbol), [])

    def _forget(self, rows: list[Ticket]) -> None:
        old, rows[:] = rows[: self._kept // 2], rows[self._kept // 2 :]
        rows[:0] = [each for each in old if each.order.is_open]
        for each in old:
            if not each.order.is_open:
                del self._by_id[(*_owner(each), each.order_id)]
                self._drop_client(each)

    def _drop_client(self, ticket: Ticket) -> None:
        key = (*_owner(ticket), ticket.client_order_id)
        twins = self._by_client[key]
        twins.remove(ticket)
        if not twins:
            del self._by_client[key]


def _owner(ticket: Ticket) -> tuple[int, str]:
    return ticket.order.account.number, ticket.placement.symbol.name
