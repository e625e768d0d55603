"""Placing, cancelling, amending and looking up orders in perpetuals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.server.gate.errors import (
    BAD_TEXT,
    BAD_VALUE,
    MISSING,
    NO_SUCH_ORDER,
    ORDER_FINISHED,
    POSITION_EMPTY,
    SIZE_TOO_LARGE,
    SIZE_TOO_SMALL,
    TOO_DEVIATED,
    GateError,
    futures_refusal,
)
from connectors.simulated.server.gate.futures_board import FuturesBoard
from connectors.simulated.server.gate.futures_rows import FuturesEntry, order_row
from connectors.simulated.server.gate.orders import FORCES, is_text
from connectors.simulated.server.gate.values import Fields
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.venue_order import Account
from engine.model.enums import OrderType, Side, TimeInForce
from engine.model.errors import Rejected
from engine.model.money import ZERO, is_multiple
from engine.model.request import AmendOrder, SubmitOrder

Row = dict[str, Any]


def place(world: GateWorld, account: Account, fields: Fields) -> Row:
    """POST orders."""
    board = world.contract(fields.need("contract"))
    request, force, closes = read_order(world, account, board, fields)
    try:
        order = world.exchange.submit(account, request)
    except Rejected as error:
        raise futures_refusal(error) from error
    entry = FuturesEntry(order, board.name, force, closes)
    world.futures_entries.add(entry)
    world.commit()
    return order_row(entry, board)


def read_order(
    world: GateWorld, account: Account, board: FuturesBoard, fields: Fields
) -> tuple[SubmitOrder, str, bool]:
    """What a client asks for, the words of its time in force, and whether it is to close the position."""
    instrument = board.listing.instrument
    size, price, text = fields.signed("size"), fields.decimal("price") or ZERO, fields.text("text")
    force, closes = fields.text("tif", "gtc"), fields.flag("close")
    if force not in FORCES:
        raise GateError(BAD_VALUE, "Invalid tif")
    if text and not is_text(text):
        raise GateError(BAD_TEXT)
    if size is None:
        raise GateError(MISSING, "Missing required parameter: size")
    if closes:
        if size:
            raise GateError(BAD_VALUE, "size must be 0 to close a position")
        size = -int(board.contract.holding(account.number))
        if not size:
            raise GateError(POSITION_EMPTY)
    if not price and force not in ("ioc", "fok"):
        raise GateError(BAD_VALUE, "a market order needs tif ioc or fok")
    check_size(board, Decimal(abs(size)), price)
    request = SubmitOrder(
        text or world.new_name(),
        instrument.instrument_id,
        Side.BUY if size > 0 else Side.SELL,
        OrderType.LIMIT if price else OrderType.MARKET,
        Decimal(abs(size)),
        price or None,
        FORCES[force] if price else TimeInForce.GTC,
        post_only=force == "poc",
        reduce_only=closes or fields.flag("reduce_only"),
    )
    return request, force, closes


def check_size(board: FuturesBoard, size: Decimal, price: Decimal) -> None:
    """The market's own limits, each with its label. The price of a market order is 0."""
    instrument = board.listing.instrument
    if not is_multiple(price, instrument.price_step):
        raise GateError(BAD_VALUE, "invalid argument: price is not on the grid")
    if size <= 0 or size < instrument.quantity_min:
        raise GateError(SIZE_TOO_SMALL)
    if instrument.quantity_max and size > instrument.quantity_max:
        raise GateError(SIZE_TOO_LARGE)
    if price and board.is_too_far(price):
        raise GateError(TOO_DEVIATED)


def find(world: GateWorld, account: Account, fields: Fields) -> FuturesEntry:
    """An order by the venue's id, or an open one by its text."""
    name = fields.need("order_id")
    if not name.isdecimal():
        named = (each for each in world.exchange.open_orders(account) if each.request.client_order_id == name)
        name = next((each.venue_order_id for each in named), "")
    entry = world.futures_entries.of(name)
    if entry is None or entry.order.account is not account:
        raise GateError(NO_SUCH_ORDER)
    return entry


def find_open(world: GateWorld, account: Account, fields: Fields) -> FuturesEntry:
    entry = find(world, account, fields)
    if not entry.order.is_open:
        raise GateError(ORDER_FINISHED)
    return entry


def lookup(world: GateWorld, account: Account, fields: Fields) -> Row:
    """GET orders/{id}."""
    entry = find(world, account, fields)
    return order_row(entry, world.contract(entry.pair))


def cancel(world: GateWorld, account: Account, fields: Fields) -> Row:
    """DELETE orders/{id}."""
    entry = find_open(world, account, fields)
    request = entry.order.request
    world.exchange.cancel(account, request.instrument_id, venue_order_id=entry.order.venue_order_id)
    world.commit()
    return order_row(entry, world.contract(entry.pair))


def cancel_all(world: GateWorld, account: Account, fields: Fields) -> list[Row]:
    """DELETE orders: all of a contract, or of one side of it (`bid`, `ask`)."""
    board, side = world.contract(fields.need("contract")), fields.text("side")
    wanted = {"": None, "bid": Side.BUY, "ask": Side.SELL}
    if side not in wanted:
        raise GateError(BAD_VALUE, "Invalid side")
    entries = [
        each
        for each in world.futures_entries.of_account(account.number, board.name)
        if each.order.is_open and wanted[side] in (None, each.order.request.side)
    ]
    for entry in entries:
        world.exchange.cancel(account, entry.order.request.instrument_id, venue_order_id=entry.order.venue_order_id)
    world.commit()
    return [order_row(each, board) for each in entries]


def amend(world: GateWorld, account: Account, fields: Fields) -> Row:
    """PUT orders/{id}: another price or another total, whose sign is the order's."""
    entry = find_open(world, account, fields)
    order, board = entry.order, world.contract(entry.pair)
    size, price = fields.signed("size"), fields.decimal("price")
    if size is None and price is None:
        raise GateError(MISSING, "Missing required parameter: size or price")
    request = order.request
    if size and (size > 0) is not (request.side is Side.BUY):
        raise GateError(BAD_VALUE, "size must keep its sign")
    new_size, new_price = Decimal(abs(size)) if size else order.state.quantity, price or order.state.price or ZERO
    check_size(board, new_size, new_price)
    change = AmendOrder(request.client_order_id, request.instrument_id, order.venue_order_id, new_price, new_size)
    try:
        world.exchange.amend(account, change)
    except Rejected as error:
        raise futures_refusal(error) from error
    world.commit()
    return order_row(entry, board)
