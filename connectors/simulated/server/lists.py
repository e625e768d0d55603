"""Lists of two orders of which one ends the other (OCO), a limit and a stop order around the price.

Either both are placed or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from connectors.simulated.server.calls import Call
from connectors.simulated.server.errors import (
    BAD_COMBINATION,
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
from connectors.simulated.server.orders import cancel_ticket, check_terms, submit
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
OWN_NAMES = {"ClientOrderId": "newClientOrderId"}
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
    limit, stop = (above, below) if above.side is Side.SELL else (below, above)
    if not (limit.kind.post_only and stop.kind.is_stop):
        raise ApiError(BAD_COMBINATION)
    _check_prices(world, limit, stop)
    world.order_count(call.account).check(world.now_us, 2)
    name = params.optional("listClientOrderId", CLIENT_ID) or world.new_client_id()
    if any(each.client_id == name and not each.is_done for each in _lists(world, call)):
        raise ApiError(REFUSED, REFUSALS["duplicate_client_order_id"])
    _check_names(world, call, limit, stop)
    order_list = OrderList(len(world.order_lists) + 1, limit.symbol.name, name, world.now_us, call.account.number)
    submit(world, call.account, stop, order_list)  # the exchange may refuse it; then there is nothing yet
    submit(world, call.account, limit, order_list)
    world.begin_list(order_list)
    world.users.tell(call.account.number, list_status(order_list, world.now_us))
    call.placed = True
    answer = params.choice("newOrderRespType", ANSWERS) or "RESULT"
    return listed(order_list) | {"orderReports": [placed(each, answer) for each in order_list.tickets]}


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
    return [listed(each) for each in _lists(world, call) if not each.is_done]


def all_lists(world: World, call: Call) -> Any:
    """GET allOrderList: from a number on, or by time."""
    rows, first = _lists(world, call), call.params.integer("fromId")
    if first is None:
        rows = page(rows, lambda each: each.created_us, call.params, ROWS_DEFAULT, ROWS_MAX)
    else:
        rows = [each for each in rows if each.number >= first][: call.params.limit(ROWS_DEFAULT, ROWS_MAX)]
    return [listed(each) for each in rows]


def _leg(params: Parameters, prefix: str) -> Parameters:
    """One order's parameters under their own names."""
    values: Mapping[str, str] = params.values
    shared = {name: values[name] for name in ("symbol", "side", "quantity")}
    own = {name: values[prefix + name] for name in NAMES if prefix + name in values}
    return Parameters(shared | {OWN_NAMES.get(name, name[0].lower() + name[1:]): text for name, text in own.items()})


def _check_prices(world: World, limit: Placement, stop: Placement) -> None:
    """The last price lies between the two, and the limit order would rest."""
    engine = limit.symbol.listing.engine
    last, (bid, ask) = limit.symbol.listing.price(engine.last_ticks), (engine.best(Side.BUY), engine.best(Side.SELL))
    prices = [limit.price, last if engine.last_ticks else None, stop.stop_price]
    ordered = [each for each in prices if each is not None]
    if limit.side is Side.BUY:
        ordered.reverse()
    if any(upper <= lower for upper, lower in pairwise(ordered)):
        raise ApiError(REFUSED, WRONG_SIDES)
    assert limit.price is not None
    ticks = limit.symbol.listing.ticks(limit.price)
    if (bid and ticks <= bid) if limit.side is Side.SELL else (ask and ticks >= ask):
        raise ApiError(REFUSED, REFUSALS["would_take"])


def _check_names(world: World, call: Call, *legs: Placement) -> None:
    """Client ids that are free, and differ."""
    names = [each.client_order_id for each in legs if each.client_order_id]
    twins = [world.tickets.find(call.account.number, legs[0].symbol.name, None, name) for name in names]
    if len(set(names)) < len(names) or any(twin is not None and twin.order.is_open for twin in twins):
        raise ApiError(REFUSED, REFUSALS["duplicate_client_order_id"])


def _lists(world: World, call: Call) -> list[OrderList]:
    return [each for each in world.order_lists.values() if each.account == call.account.number]


def _find(world: World, call: Call, client_name: str, unknown: ApiError) -> OrderList:
    """By the venue's number or the client's name."""
    number, name = call.params.integer("orderListId"), call.params.optional(client_name, CLIENT_ID)
    if number is None and name is None:
        raise ApiError(MISSING_BOTH, client_name, "orderListId")
    for each in reversed(_lists(world, call)):
        if each.number == number or (number is None and each.client_id == name):
            return each
    raise unknown
