"""The lists of orders of everybody, and the orders that wait in them until a first one is filled."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from connectors.simulated.book_order import BookOrder, What
from connectors.simulated.server.placement import Placement
from connectors.simulated.server.tickets import OrderList, Ticket
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, OrderState, Report, VenueOrder
from engine.model.enums import OrderStatus
from engine.model.errors import Rejected
from engine.model.money import ZERO
from engine.model.request import SubmitOrder

PHASE_ONE, PARTNER = "oto", "oco"  # why an order ended with its list
STATUS = {
    What.CANCELED: OrderStatus.CANCELED,
    What.EXPIRED: OrderStatus.EXPIRED,
    What.REJECTED: OrderStatus.REJECTED,
}


class OrderLists:
    """Orders that wait are unknown to the exchange: they lock nothing, and what happens to them is told from here."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange
        self._lists: list[OrderList] = []
        self._open: list[OrderList] = []
        self._reports: list[Report] = []

    def new(self, contingency: str, symbol: str, client_id: str, account: Account) -> OrderList:
        """One that is not there before it has begun."""
        number, now_us = len(self._lists) + 1, self._exchange.now_us
        return OrderList(number, contingency, symbol, client_id, now_us, account.number)

    def begin(self, order_list: OrderList) -> None:
        """All of its orders are placed or wait."""
        self._lists.append(order_list)
        self._open.append(order_list)

    def of(self, account: Account) -> list[OrderList]:
        """All of an account's, oldest first."""
        return [each for each in self._lists if each.account == account.number]

    def waiting(self, account: Account, symbol: str) -> list[Ticket]:
        """Orders that the exchange does not have yet, oldest first."""
        mine = [each for each in self._open if each.account == account.number and each.symbol == symbol]
        return [ticket for each in mine for ticket in each.waiting]

    # --- orders that wait

    def put_off(
        self, order_list: OrderList, account: Account, placement: Placement, request: SubmitOrder, client_order_id: str
    ) -> Ticket:
        """An order that waits for the first of its list; `request` is what the exchange will be asked for."""
        now_us = self._exchange.now_us
        state = OrderState(now_us, What.ACCEPTED, OrderStatus.OPEN, ZERO, ZERO, request.price, request.quantity)
        order = VenueOrder(request, account, self._exchange.new_order_id(), BookOrder(request.side, 0, 0), [state])
        ticket = Ticket(order, placement, client_order_id, order_list=order_list, waits=True, placed_us=now_us)
        order_list.tickets.append(ticket)
        self._reports.append(Report(order, state))
        return ticket

    def amend(self, ticket: Ticket, quantity: Decimal) -> None:
        """Another total for an order that waits."""
        ticket.order.request = msgspec.structs.replace(ticket.order.request, quantity=quantity)
        self._note(ticket, What.AMENDED, OrderStatus.OPEN, quantity=quantity)

    def move_on(self) -> None:
        """Release what has waited for an order that is filled by now, and end what never will."""
        for order_list in [each for each in self._open if each.waiting and not each.tickets[0].order.is_open]:
            first, waiting = order_list.tickets[0], order_list.waiting
            if first.order.state.status is OrderStatus.FILLED:
                self._release(waiting)
            elif first.cancel_id:
                for each in waiting:
                    each.cancel_id = first.cancel_id
                    self._end(each, What.CANCELED)
            else:
                for each in waiting:
                    self._end(each, What.EXPIRED, PHASE_ONE)

    # --- what is to be told

    def drain_reports(self) -> list[Report]:
        """News about orders that waited since the last call."""
        reports, self._reports = self._reports, []
        return reports

    def drain_done(self) -> list[OrderList]:
        """Lists whose last order has ended since the last call."""
        done = [each for each in self._open if each.is_done]
        if done:
            self._open = [each for each in self._open if not each.is_done]
        return done

    # --- inside

    def _release(self, tickets: list[Ticket]) -> None:
        """All of them or none: what the exchange refuses ends the others."""
        for index, ticket in enumerate(tickets):
            order = ticket.order
            try:
                ticket.order = self._exchange.submit(order.account, order.request, int(order.venue_order_id))
            except Rejected as error:
                self._end(ticket, What.REJECTED, error.code)
                for placed in tickets[:index]:
                    listing = self._exchange.listing(order.request.instrument_id)
                    listing.engine.cancel(placed.order.book.key, PARTNER)
                    self._exchange.settle(listing)
                for other in tickets[index + 1 :]:
                    self._end(other, What.EXPIRED, PARTNER)
                return
            ticket.waits = False

    def _end(self, ticket: Ticket, what: What, reason: str = "") -> None:
        self._note(ticket, what, STATUS[what], reason=reason)

    def _note(self, ticket: Ticket, what: What, status: OrderStatus, **changes: object) -> None:
        order = ticket.order
        state = msgspec.structs.replace(order.state, at_us=self._exchange.now_us, what=what, status=status, **changes)
        order.history.append(state)
        self._reports.append(Report(order, state))
