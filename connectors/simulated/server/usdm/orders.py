"""Placing, changing, cancelling and asking for orders on perpetuals. The exchange knows them by their clients' ids."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.server.calls import Call
from connectors.simulated.server.errors import (
    BAD_ORDER_TYPE,
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    CANCEL_REFUSED,
    MISSING_BOTH,
    NO_SUCH_ORDER,
    UNKNOWN_ORDER,
    ApiError,
)
from connectors.simulated.server.market import page
from connectors.simulated.server.params import Parameters
from connectors.simulated.server.placement import SIDES
from connectors.simulated.server.symbols import Filter
from connectors.simulated.server.usdm.board import FutureBoard
from connectors.simulated.server.usdm.errors import (
    ALGO_ONLY,
    BAD_EXPIRY,
    NO_CHANGE,
    NOT_FILLED_AT_ONCE,
    OFF_TICK,
    PRICE_TOO_LARGE,
    PRICE_TOO_SMALL,
    QUANTITY_TOO_LARGE,
    QUANTITY_TOO_SMALL,
    TOO_LITTLE_VALUE,
    TOO_MANY_DIGITS,
    WRONG_POSITION_SIDE,
    refusal,
)
from connectors.simulated.server.usdm.render import order_row
from connectors.simulated.server.usdm.world import FutureWorld
from connectors.simulated.server.values import SECOND_US
from connectors.simulated.venue_order import VenueOrder
from engine.model.enums import OrderType, TimeInForce
from engine.model.errors import Rejected
from engine.model.money import ZERO, is_multiple, to_text
from engine.model.request import AmendOrder, SubmitOrder

FORCES = {each.value: each for each in (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD)}
POST_ONLY = "GTX"
CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
GOOD_FOR_US = 600 * SECOND_US  # an order may not expire sooner
CLIENT_ID_FORM = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"


def place(world: FutureWorld, call: Call) -> Any:
    """POST order."""
    params = call.params
    board = world.future(params)
    request = _read(world, params, board)
    count = world.order_count(call.account)
    count.check(world.now_us, 1)
    count.add(world.now_us, 1)
    try:
        order = world.exchange.submit(call.account, request)
    except Rejected as error:
        raise refusal(error) from error
    if order.state.reason == "fok":
        raise ApiError(NOT_FILLED_AT_ONCE)
    call.placed = True
    return order_row(order, board.symbol.name)


def change(world: FutureWorld, call: Call) -> Any:
    """PUT order: another price and total. What is not more than has traded ends the order."""
    params = call.params
    order, board = _find(world, call, ApiError(NO_SUCH_ORDER))
    params.need("side", "quantity", "price")
    side = params.needed_choice("side", SIDES, BAD_SIDE)
    price, quantity = params.decimal("price") or ZERO, params.decimal("quantity") or ZERO
    _check_price(board, price)
    _check_quantity(board, quantity, OrderType.LIMIT)
    state, request = order.state, order.request
    if side is not request.side or not order.is_open or request.order_type is not OrderType.LIMIT:
        raise ApiError(NO_SUCH_ORDER)
    if (price, quantity) == (state.price, state.quantity):
        raise ApiError(NO_CHANGE)
    count = world.order_count(call.account)
    count.check(world.now_us, 1)
    count.add(world.now_us, 1)
    amend = AmendOrder(request.client_order_id, request.instrument_id, order.venue_order_id, price, quantity)
    try:
        world.exchange.amend(call.account, amend)
    except Rejected as error:
        if error.code == "would_take":
            world.exchange.cancel(call.account, request.instrument_id, venue_order_id=order.venue_order_id)
        raise refusal(error) from error
    call.placed = True
    return order_row(order, board.symbol.name)


def cancel(world: FutureWorld, call: Call) -> Any:
    """DELETE order."""
    order, board = _find(world, call, ApiError(CANCEL_REFUSED, UNKNOWN_ORDER))
    if not order.is_open:
        raise ApiError(CANCEL_REFUSED, UNKNOWN_ORDER)
    world.exchange.cancel(call.account, order.request.instrument_id, venue_order_id=order.venue_order_id)
    return order_row(order, board.symbol.name)


def cancel_all(world: FutureWorld, call: Call) -> Any:
    """DELETE allOpenOrders."""
    world.exchange.cancel_all(call.account, _instrument(world.future(call.params)))
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def count_down(world: FutureWorld, call: Call) -> Any:
    """POST countdownCancelAll: the dead man's switch of a symbol."""
    params = call.params
    board = world.future(params)
    params.need("countdownTime")
    wait_ms = params.integer("countdownTime") or 0
    world.exchange.arm_dead_man(call.account, _instrument(board), wait_ms)
    return {"symbol": board.symbol.name, "countdownTime": str(wait_ms)}


def order(world: FutureWorld, call: Call) -> Any:
    """GET order."""
    found, board = _find(world, call, ApiError(NO_SUCH_ORDER))
    return order_row(found, board.symbol.name)


def open_order(world: FutureWorld, call: Call) -> Any:
    """GET openOrder."""
    found, board = _find(world, call, ApiError(NO_SUCH_ORDER))
    if not found.is_open:
        raise ApiError(NO_SUCH_ORDER)
    return order_row(found, board.symbol.name)


def open_orders(world: FutureWorld, call: Call) -> Any:
    """GET openOrders: of one symbol or of all."""
    return [
        order_row(each, board.symbol.name)
        for board in world.chosen(call.params)
        for each in world.exchange.open_orders(call.account, _instrument(board))
    ]


def open_orders_weight(params: Parameters) -> int:
    return 1 if "symbol" in params else 40


def all_orders(world: FutureWorld, call: Call) -> Any:
    """GET allOrders: from an id on, or by time."""
    params = call.params
    board = world.future(params)
    orders = world.exchange.orders(call.account, _instrument(board))
    first = params.integer("orderId")
    if first is None:
        orders = page(orders, lambda each: each.history[0].at_us, params, 500, 1000)
    else:
        orders = [each for each in orders if int(each.venue_order_id) >= first][: params.limit(500, 1000)]
    return [order_row(each, board.symbol.name) for each in orders]


# --- the parts


def _read(world: FutureWorld, params: Parameters, board: FutureBoard) -> SubmitOrder:
    """What the parameters ask for, within the rules of the symbol."""
    side = params.needed_choice("side", SIDES, BAD_SIDE)
    if params.optional("positionSide") not in (None, "BOTH"):
        raise ApiError(WRONG_POSITION_SIDE)
    if params.text("type") in CONDITIONAL:
        raise ApiError(ALGO_ONLY)
    kind = params.needed_choice("type", {"LIMIT": OrderType.LIMIT, "MARKET": OrderType.MARKET}, BAD_ORDER_TYPE)
    post_only, force, price = False, TimeInForce.GTC, None
    if kind is OrderType.LIMIT:
        params.need("timeInForce", "quantity", "price")
        post_only = params.values["timeInForce"] == POST_ONLY
        force = force if post_only else params.needed_choice("timeInForce", FORCES, BAD_TIME_IN_FORCE)
        price = params.decimal("price") or ZERO
        _check_price(board, price)
    else:
        params.need("quantity")
        params.refuse("timeInForce", "price")
    quantity, reduce_only = params.decimal("quantity") or ZERO, params.flag("reduceOnly")
    _check_quantity(board, quantity, kind)
    _check_value(board, quantity * (price or board.future.contract.marks.mark or ZERO), reduce_only)
    return SubmitOrder(
        params.optional("newClientOrderId", CLIENT_ID_FORM) or world.new_client_id(),
        _instrument(board),
        side,
        kind,
        quantity,
        price,
        force,
        post_only,
        reduce_only,
        expire_us=_expiry_us(world, params) if force is TimeInForce.GTD else 0,
    )


def _expiry_us(world: FutureWorld, params: Parameters) -> int:
    params.need("goodTillDate")
    until_us = params.time_us("goodTillDate") or 0
    if until_us <= world.now_us + GOOD_FOR_US:
        raise ApiError(BAD_EXPIRY)
    return until_us // SECOND_US * SECOND_US


def _check_price(board: FutureBoard, price: Decimal) -> None:
    rule = _filter(board, "PRICE_FILTER")
    if price < rule.number("minPrice"):
        raise ApiError(PRICE_TOO_SMALL)
    if price > rule.number("maxPrice"):
        raise ApiError(PRICE_TOO_LARGE)
    if not is_multiple(price, rule.number("tickSize")):
        raise ApiError(OFF_TICK)


def _check_quantity(board: FutureBoard, quantity: Decimal, kind: OrderType) -> None:
    rule = _filter(board, "MARKET_LOT_SIZE" if kind is OrderType.MARKET else "LOT_SIZE")
    if quantity < rule.number("minQty"):
        raise ApiError(QUANTITY_TOO_SMALL)
    if quantity > rule.number("maxQty"):
        raise ApiError(QUANTITY_TOO_LARGE)
    if not is_multiple(quantity, rule.number("stepSize")):
        raise ApiError(TOO_MANY_DIGITS)


def _check_value(board: FutureBoard, value: Decimal, reduce_only: bool) -> None:
    least = _filter(board, "MIN_NOTIONAL").number("notional")
    if value < least and not reduce_only:
        raise ApiError(TOO_LITTLE_VALUE, to_text(least))


def _filter(board: FutureBoard, kind: str) -> Filter:
    return next(each for each in board.symbol.filters if each.kind == kind)


def _instrument(board: FutureBoard) -> str:
    return board.symbol.instrument.instrument_id


def _find(world: FutureWorld, call: Call, unknown: ApiError) -> tuple[VenueOrder, FutureBoard]:
    """The order that a request names: by the venue's id, else by the client's."""
    params = call.params
    board = world.future(params)
    order_id, name = params.integer("orderId"), params.optional("origClientOrderId", CLIENT_ID_FORM)
    if order_id is None and name is None:
        raise ApiError(MISSING_BOTH, "origClientOrderId", "orderId")
    found = world.exchange.lookup(
        call.account, _instrument(board), name or "", "" if order_id is None else str(order_id)
    )
    if found is None:
        raise unknown
    return found, board
