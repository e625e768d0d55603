"""Placing, cancelling, replacing and amending orders."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.server.board import Board
from connectors.simulated.server.calls import Call
from connectors.simulated.server.errors import (
    AMEND_REFUSED,
    BAD_COMBINATION,
    BAD_RESTRICTION,
    CANCEL_REFUSED,
    FILTER,
    MISSING_BOTH,
    NOT_ENOUGH_LIQUIDITY,
    REFUSALS,
    REFUSED,
    RESTRICTED,
    UNKNOWN_ORDER,
    ApiError,
    ErrorKind,
)
from connectors.simulated.server.filters import Situation, check_filters, fits_lots
from connectors.simulated.server.params import CLIENT_ID, Parameters
from connectors.simulated.server.placement import Placement, read_placement
from connectors.simulated.server.render import amended, cancelled, listed, placed
from connectors.simulated.server.reports import list_status
from connectors.simulated.server.spending import affordable
from connectors.simulated.server.tickets import Amend, OrderList, Ticket, status_word
from connectors.simulated.server.values import Moment, money
from connectors.simulated.server.world import World
from connectors.simulated.venue_order import Account
from engine.model.errors import Rejected
from engine.model.money import ZERO
from engine.model.request import AmendOrder

RESTRICTIONS = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
AVERAGE_MINUTES = 5


def place(world: World, call: Call) -> Any:
    """POST order."""
    placement = check_placement(world, call)
    world.order_count(call.account).check(world.now_us, 1)
    ticket = submit(world, call.account, placement)
    call.placed = True
    return placed(ticket, placement.answer)


def test_place(world: World, call: Call) -> Any:
    """All checks of a placement, but no order. With `computeCommissionRates` it tells what fees it would pay."""
    placement = check_placement(world, call)
    if not call.params.flag("computeCommissionRates"):
        return {}
    maker, taker = fee_rates(call.account, placement.symbol.instrument)
    none = {"maker": money(ZERO), "taker": money(ZERO)}
    return {
        "standardCommissionForOrder": {"maker": money(maker), "taker": money(taker)},
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "",
            "discount": money(ZERO),
        },
    }


def check_placement(world: World, call: Call) -> Placement:
    """Read a placement and look at parameters and filters."""
    return check_terms(world, call, call.params)


def check_terms(world: World, call: Call, params: Parameters) -> Placement:
    """The same of these parameters."""
    board = world.board(params)
    placement = read_placement(params, board.symbol)
    tickets = open_tickets(world, call.account, board)
    average = board.tape.average_price(world.now_us, AVERAGE_MINUTES)
    stops = sum(ticket.placement.kind.is_stop for ticket in tickets)
    check_filters(Situation(placement, average, len(tickets), stops))
    return placement


def submit(world: World, account: Account, placement: Placement, order_list: OrderList | None = None) -> Ticket:
    """Hand an order to the exchange; it is counted even if the exchange refuses it."""
    world.order_count(account).add(world.now_us, 1)
    client_order_id = placement.client_order_id or world.new_client_id()
    twin = world.tickets.find(account.number, placement.symbol.name, None, client_order_id)
    if twin is not None and twin.order.is_open:
        raise ApiError(REFUSED, REFUSALS["duplicate_client_order_id"])
    quantity = placement.quantity
    if quantity is None:
        quantity = quantity_for(placement)
    try:
        request = placement.request(world.new_name(), quantity)
        if order_list is not None and order_list.contingency == "OCO":
            request = msgspec.structs.replace(request, list_id=str(order_list.number))
        order = world.exchange.submit(account, request)
    except Rejected as error:
        raise refusal(error) from error
    ticket = Ticket(order, replace(placement, quantity=quantity), client_order_id, order_list=order_list)
    if order_list is not None:
        order_list.tickets.append(ticket)
    world.tickets.add(ticket)
    world.commit()
    return ticket


def put_off(world: World, account: Account, placement: Placement, order_list: OrderList, is_pair: bool) -> None:
    """An order that waits for the first of its list; of a pair, one ends the other."""
    assert placement.quantity is not None, "the list's rules need it"
    world.order_count(account).add(world.now_us, 1)
    client_order_id = placement.client_order_id or world.new_client_id()
    request = placement.request(world.new_name(), placement.quantity)
    if is_pair:
        request = msgspec.structs.replace(request, list_id=str(order_list.number))
    world.tickets.add(world.lists.put_off(order_list, account, placement, request, client_order_id))


def quantity_for(placement: Placement) -> Decimal:
    """How much a market order of so much quote trades: whole lots, never for more than was named."""
    amount = affordable(placement.symbol.listing, placement.side, placement.quote_quantity)
    lot_size = next(each for each in placement.symbol.filters if each.kind == "LOT_SIZE")
    if amount < lot_size.number("minQty"):
        raise ApiError(REFUSED, NOT_ENOUGH_LIQUIDITY)
    return amount


def refusal(error: Rejected) -> ApiError:
    """The exchange's no in the words of this protocol."""
    text = REFUSALS.get(error.code)
    return ApiError(BAD_COMBINATION) if text is None else ApiError(REFUSED, text)


def cancel(world: World, call: Call) -> Any:
    """DELETE order."""
    ticket = find_ticket(world, call, ApiError(CANCEL_REFUSED, UNKNOWN_ORDER))
    restriction = call.params.choice("cancelRestrictions", RESTRICTIONS, BAD_RESTRICTION)
    cancel_ticket(world, ticket, restriction, call.params.optional("newClientOrderId", CLIENT_ID))
    return cancelled(ticket)


def cancel_all(world: World, call: Call) -> Any:
    """DELETE openOrders: all of a symbol."""
    tickets = open_tickets(world, call.account, world.board(call.params))
    if not tickets:
        raise ApiError(CANCEL_REFUSED, UNKNOWN_ORDER)
    cancel_id = world.new_client_id()
    for ticket in tickets:
        if ticket.order.is_open:  # it may have gone with the rest of its list
            cancel_ticket(world, ticket, None, cancel_id)
    return [cancelled(ticket) for ticket in tickets]


def cancel_ticket(world: World, ticket: Ticket, restriction: str | None, cancel_id: str | None) -> None:
    """Cancel one order. `restriction` is the status that it must have."""
    if not ticket.order.is_open:
        raise ApiError(CANCEL_REFUSED, UNKNOWN_ORDER)
    if restriction not in (None, status_word(ticket, ticket.order.state)):
        raise ApiError(CANCEL_REFUSED, RESTRICTED)
    cancel_id = cancel_id or world.new_client_id()
    together = [ticket] if ticket.order_list is None else ticket.order_list.tickets  # the whole list goes
    open_ones = [each for each in together if each.order.is_open]
    for each in open_ones:
        each.cancel_id = cancel_id
    for order in [each.order for each in open_ones if not each.waits]:
        if order.is_open:  # the exchange ends both of a pair
            world.exchange.cancel(order.account, order.request.instrument_id, venue_order_id=order.venue_order_id)
    world.commit()


def amend(world: World, call: Call) -> Any:
    """PUT order/amend/keepPriority: less of an order, in its place in the queue."""
    params = call.params
    ticket = find_ticket(world, call, ApiError(AMEND_REFUSED, UNKNOWN_ORDER), AMEND_REFUSED)
    params.need("newQty")
    quantity = params.decimal("newQty") or ZERO
    old, symbol = ticket.order.state, ticket.placement.symbol
    filters = {each.kind: each for each in symbol.filters}
    if not ticket.order.is_open:
        raise ApiError(AMEND_REFUSED, UNKNOWN_ORDER)
    if not fits_lots(filters["LOT_SIZE"], quantity):
        raise ApiError(FILTER, "LOT_SIZE")
    if quantity > old.quantity:
        raise ApiError(AMEND_REFUSED, "Order amend (quantity increase) is not supported.")
    if quantity == old.quantity:
        raise ApiError(AMEND_REFUSED, "The requested action would change no state; rejecting.")
    if len(ticket.amends) >= filters["MAX_NUM_ORDER_AMENDS"].number("maxNumOrderAmends"):
        raise ApiError(AMEND_REFUSED, "Filter failure: MAX_NUM_ORDER_AMENDS")
    request = ticket.order.request
    change = AmendOrder(
        request.client_order_id, request.instrument_id, ticket.order.venue_order_id, old.price or ZERO, quantity
    )
    try:
        if ticket.waits:
            world.lists.amend(ticket, quantity)
        else:
            world.exchange.amend(call.account, change)
    except Rejected as error:
        raise refusal(error) from error
    client_order_id = params.optional("newClientOrderId", CLIENT_ID) or world.new_client_id()
    execution_id = world.executions[symbol.name] + 1
    old_id, new_id = ticket.client_order_id, client_order_id
    ticket.amends.append(Amend(execution_id, old_id, new_id, money(old.quantity), money(quantity), world.now_us))
    world.tickets.rename(ticket, client_order_id)
    world.commit()
    answer = {"transactTime": Moment(world.now_us), "executionId": execution_id, "amendedOrder": amended(ticket)}
    if ticket.order_list is None:
        return answer
    world.users.tell(call.account.number, list_status(ticket.order_list, world.now_us))
    status = listed(ticket.order_list)
    del status["listStatusType"], status["transactionTime"]
    return answer | {"listStatus": status}


def find_ticket(
    world: World,
    call: Call,
    unknown: ApiError,
    mismatch: ErrorKind = CANCEL_REFUSED,
    id_name: str = "orderId",
    client_name: str = "origClientOrderId",
) -> Ticket:
    """The order that a request names by the venue's id, the client's, or both, which must fit."""
    board = world.board(call.params)
    order_id, client_order_id = call.params.integer(id_name), call.params.optional(client_name, CLIENT_ID)
    if order_id is None and client_order_id is None:
        raise ApiError(MISSING_BOTH, client_name, id_name)
    ticket = world.tickets.find(call.account.number, board.symbol.name, order_id, client_order_id or "")
    if ticket is None:
        raise unknown
    if client_order_id is not None and ticket.client_order_id != client_order_id:
        raise ApiError(mismatch, UNKNOWN_ORDER)
    return ticket


def open_tickets(world: World, account: Account, board: Board) -> list[Ticket]:
    """An account's open orders on a symbol, oldest first."""
    orders = world.exchange.open_orders(account, board.symbol.instrument.instrument_id)
    found = [world.tickets.of_order(order, board.symbol.name) for order in orders]
    found += world.lists.waiting(account, board.symbol.name)
    return sorted((ticket for ticket in found if ticket is not None), key=lambda ticket: ticket.order_id)
