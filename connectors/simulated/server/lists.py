"""Lists of orders. OCO: a limit and a stop order around the price, of which one ends the other. OTO: an order that
waits until a first one is filled. OTOCO: two that wait, and are an OCO then. Either all of a list is placed or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from connectors.simulated.server.calls import Call
from connectors.simulated.server.errors import (
    BAD_COMBINATION,
    BAD_ORDER_TYPE,
    CANCEL_REFUSED,
    MISSING_BOTH,
    NO_SUCH_ORDER,
    REFUSALS,
    REFUSED,
    UNKNOWN_ORDER,
    WRONG_SIDES,
    ApiError,
)
from connectors.simulated.server.market import ROWS_DEFAULT, ROWS_MAX, page
from connectors.simulated.server.orders import cancel_ticket, check_terms, put_off, submit
from connectors.simulated.server.params import CLIENT_ID, Parameters
from connectors.simulated.server.placement import ANSWERS, Placement
from connectors.simulated.server.render import cancelled, listed, placed
from connectors.simulated.server.reports import list_status
from connectors.simulated.server.tickets import OrderList
from connectors.simulated.server.world import World
from engine.model.enums import Side

NAMES = (
    *("Type", "ClientOrderId", "Price", "StopPrice", "TrailingDelta", "TimeInForce", "IcebergQty"),
    *("StrategyId", "StrategyType"),
)
SHARED_NAMES = ("Side", "Quantity")
OWN_NAMES = {"ClientOrderId": "newClientOrderId"}
WORKING_TYPES = {word: word for word in ("LIMIT", "LIMIT_MAKER")}
OLD_LIMIT = {"price": "Price", "limitClientOrderId": "ClientOrderId", "limitIcebergQty": "IcebergQty"}
OLD_STOP = {
    "stopPrice": "StopPrice",
    "stopLimitPrice": "Price",
    "stopLimitTimeInForce": "TimeInForce",
    "stopClientOrderId": "ClientOrderId",
    "stopIcebergQty": "IcebergQty",
    "trailingDelta": "TrailingDelta",
}


def place(world: World, call: Call) -> Any:
    """POST orderList/oco."""
    params = call.params
    params.need("symbol", "side", "quantity", "aboveType", "belowType")
    above, below = (check_terms(world, call, _leg(params, prefix)) for prefix in ("above", "below"))
    limit, stop = _pair(above, below)
    _check_prices(world, limit, stop)
    order_list = _new_list(world, call, "OCO", limit, stop)
    submit(world, call.account, stop, order_list)  # the exchange may refuse it; then there is nothing yet
    submit(world, call.account, limit, order_list)
    return _begun(world, call, order_list)


def place_triggering(world: World, call: Call) -> Any:
    """POST orderList/oto."""
    params = call.params
    params.need("symbol", "workingSide", "workingQuantity", "workingPrice", "pendingType")
    params.need("pendingSide", "pendingQuantity")
    working = _working(world, call)
    return _place_behind(world, call, working, check_terms(world, call, _leg(params, "pending", "pending")))


def place_triggering_pair(world: World, call: Call) -> Any:
    """POST orderList/otoco."""
    params = call.params
    params.need("symbol", "workingSide", "workingQuantity", "workingPrice", "pendingSide", "pendingQuantity")
    params.need("pendingAboveType", "pendingBelowType")
    working = _working(world, call)
    pair = [check_terms(world, call, _leg(params, f"pending{prefix}", "pending")) for prefix in ("Above", "Below")]
    limit, stop = _pair(*pair)
    _check_sides(limit, limit.price, stop.stop_price)
    return _place_behind(world, call, working, *pair)


def place_old(world: World, call: Call) -> Any:
    """POST order/oco, the names of before."""
    values = call.params.values
    shared = ("symbol", "side", "quantity", "listClientOrderId", "newOrderRespType")
    params: dict[str, str] = {name: values[name] for name in shared if name in values}
    above = values.get("side") == Side.SELL.value
    limit, stop = ("above", "below") if above else ("below", "above")
    params |= {f"{limit}{new}": values[old] for old, new in OLD_LIMIT.items() if old in values}
    params |= {f"{stop}{new}": values[old] for old, new in OLD_STOP.items() if old in values}
    params |= {f"{limit}Type": "LIMIT_MAKER"}
    params |= {f"{stop}Type": "STOP_LOSS_LIMIT" if "stopLimitPrice" in values else "STOP_LOSS"}
    call.params = Parameters(params)
    return place(world, call)


def cancel(world: World, call: Call) -> Any:
    """DELETE orderList."""
    board = world.board(call.params)
    order_list = _find(world, call, "listClientOrderId", ApiError(CANCEL_REFUSED, UNKNOWN_ORDER))
    if order_list.is_done or order_list.symbol != board.symbol.name:
        raise ApiError(CANCEL_REFUSED, UNKNOWN_ORDER)
    one = next(each for each in order_list.tickets if each.order.is_open)
    cancel_ticket(world, one, None, call.params.optional("newClientOrderId", CLIENT_ID))
    return listed(order_list) | {"orderReports": [cancelled(each) for each in order_list.tickets]}


def query(world: World, call: Call) -> Any:
    """GET orderList."""
    return listed(_find(world, call, "origClientOrderId", ApiError(NO_SUCH_ORDER)))


def open_lists(world: World, call: Call) -> Any:
    """GET openOrderList."""
    return [listed(each) for each in world.lists.of(call.account) if not each.is_done]


def all_lists(world: World, call: Call) -> Any:
    """GET allOrderList: from a number on, or by time."""
    rows, first = world.lists.of(call.account), call.params.integer("fromId")
    if first is None:
        rows = page(rows, lambda each: each.created_us, call.params, ROWS_DEFAULT, ROWS_MAX)
    else:
        rows = [each for each in rows if each.number >= first][: call.params.limit(ROWS_DEFAULT, ROWS_MAX)]
    return [listed(each) for each in rows]


def _working(world: World, call: Call) -> Placement:
    """The order that the others wait for."""
    call.params.needed_choice("workingType", WORKING_TYPES, BAD_ORDER_TYPE)
    return check_terms(world, call, _leg(call.params, "working", "working"))


def _pair(above: Placement, below: Placement) -> tuple[Placement, Placement]:
    """Of two orders around the price the limit and the stop."""
    limit, stop = (above, below) if above.side is Side.SELL else (below, above)
    if not (limit.kind.post_only and stop.kind.is_stop):
        raise ApiError(BAD_COMBINATION)
    return limit, stop


def _place_behind(world: World, call: Call, working: Placement, *pending: Placement) -> Any:
    """One order now, the others when it is filled."""
    order_list = _new_list(world, call, "OTO", working, *pending)
    submit(world, call.account, working, order_list)
    for each in pending:
        put_off(world, call.account, each, order_list, len(pending) > 1)
    return _begun(world, call, order_list)


def _new_list(world: World, call: Call, contingency: str, *legs: Placement) -> OrderList:
    """A list for these orders, if limits and names allow it."""
    world.order_count(call.account).check(world.now_us, len(legs))
    name = call.params.optional("listClientOrderId", CLIENT_ID) or world.new_client_id()
    if any(each.client_id == name and not each.is_done for each in world.lists.of(call.account)):
        raise ApiError(REFUSED, REFUSALS["duplicate_client_order_id"])
    _check_names(world, call, *legs)
    return world.lists.new(contingency, legs[0].symbol.name, name, call.account)


def _begun(world: World, call: Call, order_list: OrderList) -> Any:
    """The answer, as it is before those orders follow that need not wait any more."""
    answer = call.params.choice("newOrderRespType", ANSWERS) or "RESULT"
    shown = listed(order_list) | {"orderReports": [placed(each, answer) for each in order_list.tickets]}
    world.users.tell(call.account.number, list_status(order_list, world.now_us, begins=True))
    world.lists.begin(order_list)
    world.commit()
    call.placed = True
    return shown


def _leg(params: Parameters, prefix: str, shared: str = "") -> Parameters:
    """One order's parameters under their own names: those that begin with `prefix`, side and quantity with `shared`."""
    values: Mapping[str, str] = params.values
    found = {"symbol": values["symbol"]}
    for start, names in ((shared, SHARED_NAMES), (prefix, NAMES)):
        for name in names:
            own = name[0].lower() + name[1:]
            text = values.get(start + name if start else own)
            if text is not None:
                found[OWN_NAMES.get(name, own)] = text
    return Parameters(found)


def _check_prices(world: World, limit: Placement, stop: Placement) -> None:
    """The last price lies between the two, and the limit order would rest."""
    engine = limit.symbol.listing.engine
    last, (bid, ask) = limit.symbol.listing.price(engine.last_ticks), (engine.best(Side.BUY), engine.best(Side.SELL))
    _check_sides(limit, limit.price, last if engine.last_ticks else None, stop.stop_price)
    assert limit.price is not None
    ticks = limit.symbol.listing.ticks(limit.price)
    if (bid and ticks <= bid) if limit.side is Side.SELL else (ask and ticks >= ask):
        raise ApiError(REFUSED, REFUSALS["would_take"])


def _check_sides(limit: Placement, *prices: Decimal | None) -> None:
    """Prices from the limit order's to the stop's fall, for a buyer they rise."""
    ordered = [each for each in prices if each is not None]
    if limit.side is Side.BUY:
        ordered.reverse()
    if any(upper <= lower for upper, lower in pairwise(ordered)):
        raise ApiError(REFUSED, WRONG_SIDES)


def _check_names(world: World, call: Call, *legs: Placement) -> None:
    """Client ids that are free, and differ."""
    names = [each.client_order_id for each in legs if each.client_order_id]
    twins = [world.tickets.find(call.account.number, legs[0].symbol.name, None, name) for name in names]
    if len(set(names)) < len(names) or any(twin is not None and twin.order.is_open for twin in twins):
        raise ApiError(REFUSED, REFUSALS["duplicate_client_order_id"])


def _find(world: World, call: Call, client_name: str, unknown: ApiError) -> OrderList:
    """By the venue's number or the client's name."""
    number, name = call.params.integer("orderListId"), call.params.optional(client_name, CLIENT_ID)
    if number is None and name is None:
        raise ApiError(MISSING_BOTH, client_name, "orderListId")
    for each in reversed(world.lists.of(call.account)):
        if each.number == number or (number is None and each.client_id == name):
            return each
    raise unknown
