"""Placing, cancelling, amending and looking up orders."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from connectors.simulated.server.gate.board import Board
from connectors.simulated.server.gate.entries import Entry, fee_asset, order_row
from connectors.simulated.server.gate.errors import (
    BAD_PRECISION,
    BAD_TEXT,
    BAD_VALUE,
    MISSING,
    NO_SUCH_ORDER,
    ORDER_CANCELLED,
    ORDER_CLOSED,
    TOO_LITTLE,
    TOO_MUCH,
    GateError,
    refusal,
)
from connectors.simulated.server.gate.values import Fields
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.server.spending import affordable
from connectors.simulated.venue_order import Account
from engine.model.enums import OrderStatus, OrderType, Side, TimeInForce
from engine.model.errors import Rejected
from engine.model.instrument import Instrument
from engine.model.money import ZERO, is_multiple
from engine.model.request import AmendOrder, SubmitOrder

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
TYPES = {"limit": OrderType.LIMIT, "market": OrderType.MARKET}
FORCES = {
    "gtc": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "poc": TimeInForce.GTC,
}
MARKET_FORCES = ("ioc", "fok")
is_text = re.compile(r"t-[0-9A-Za-z_.-]{1,28}").fullmatch


def place(world: GateWorld, account: Account, fields: Fields) -> dict[str, Any]:
    """POST orders."""
    board = world.board(fields.need("currency_pair"))
    request, force, spending = read_order(world, board, fields)
    try:
        order = world.exchange.submit(account, request)
    except Rejected as error:
        raise refusal(error) from error
    instrument = board.listing.instrument
    entry = Entry(order, board.name, force, spending, fee_asset(request.side, instrument.base, instrument.quote))
    world.entries.add(entry)
    world.commit()
    return order_row(entry)


def read_order(world: GateWorld, board: Board, fields: Fields) -> tuple[SubmitOrder, str, Decimal | None]:
    """What a client asks for, the words of its time in force, and the quote to spend if that is what it named."""
    instrument = board.listing.instrument
    side, order_type = SIDES.get(fields.need("side")), TYPES.get(fields.text("type", "limit"))
    if side is None or order_type is None:
        raise GateError(BAD_VALUE, "Invalid side or type")
    if fields.text("account", "spot") != "spot":
        raise GateError(BAD_VALUE, "Only the spot account is served")
    is_market = order_type is OrderType.MARKET
    force = fields.text("time_in_force", "ioc" if is_market else "gtc")
    if force not in (MARKET_FORCES if is_market else FORCES):
        raise GateError(BAD_VALUE, "Invalid time_in_force")
    text = fields.text("text")
    if text and not is_text(text):
        raise GateError(BAD_TEXT)
    amount, price, display = fields.decimal("amount"), fields.decimal("price"), fields.decimal("iceberg")
    if amount is None or (price is None and not is_market):
        raise GateError(MISSING, "Missing required parameter: amount or price")
    spending = amount if is_market and side is Side.BUY else None
    if spending is not None:
        amount = affordable(board.listing, side, spending)
    check_size(instrument, amount, None if is_market else price)
    request = SubmitOrder(
        text or world.new_name(),
        instrument.instrument_id,
        side,
        order_type,
        amount,
        None if is_market else price,
        TimeInForce.GTC if is_market else FORCES[force],
        post_only=force == "poc",
        display_quantity=display or None,
    )
    return request, force, spending


def check_size(instrument: Instrument, amount: Decimal, price: Decimal | None) -> None:
    """The market's own limits, each with its label."""
    if not is_multiple(amount, instrument.quantity_step):
        raise GateError(BAD_PRECISION, "amount has too many decimals")
    if price is not None and not is_multiple(price, instrument.price_step):
        raise GateError(BAD_PRECISION, "price has too many decimals")
    if amount <= ZERO or instrument.too_small(amount, price or instrument.notional_min / amount):
        raise GateError(TOO_LITTLE)
    if instrument.quantity_max and amount > instrument.quantity_max:
        raise GateError(TOO_MUCH)


def find(world: GateWorld, account: Account, fields: Fields) -> Entry:
    """An order by the venue's id, or an open one by its text."""
    name = fields.need("order_id")
    board = world.board(fields.need("currency_pair"))
    instrument_id = board.listing.instrument.instrument_id
    is_id = name.isdecimal()
    order = world.exchange.lookup(account, instrument_id, "" if is_id else name, name if is_id else "")
    entry = world.entries.of(order.venue_order_id) if order else None
    if entry is None or not (is_id or entry.order.is_open):
        raise GateError(NO_SUCH_ORDER)
    return entry


def lookup(world: GateWorld, account: Account, fields: Fields) -> dict[str, Any]:
    """GET orders/{id}."""
    return order_row(find(world, account, fields))


def find_open(world: GateWorld, account: Account, fields: Fields) -> Entry:
    """An order that can still be changed."""
    entry = find(world, account, fields)
    if not entry.order.is_open:
        filled = entry.order.state.status is OrderStatus.FILLED
        raise GateError(ORDER_CLOSED if filled else ORDER_CANCELLED)
    return entry


def cancel(world: GateWorld, account: Account, fields: Fields) -> dict[str, Any]:
    """DELETE orders/{id}."""
    entry = find_open(world, account, fields)
    request = entry.order.request
    world.exchange.cancel(account, request.instrument_id, venue_order_id=entry.order.venue_order_id)
    world.commit()
    return order_row(entry)


def cancel_all(world: GateWorld, account: Account, fields: Fields) -> list[dict[str, Any]]:
    """DELETE orders: all of a market, or of one side of it."""
    board = world.board(fields.need("currency_pair"))
    side = fields.text("side")
    entries = [
        each
        for each in world.entries.of_account(account.number, board.name)
        if each.order.is_open and (not side or each.order.request.side is SIDES.get(side))
    ]
    for entry in entries:
        world.exchange.cancel(account, entry.order.request.instrument_id, venue_order_id=entry.order.venue_order_id)
    world.commit()
    return [order_row(each) | {"succeeded": True, "label": "", "message": ""} for each in entries]


def amend(world: GateWorld, account: Account, fields: Fields) -> dict[str, Any]:
    """PATCH orders/{id}: another price or another total."""
    entry = find_open(world, account, fields)
    order = entry.order
    amount, price = fields.decimal("amount"), fields.decimal("price")
    if amount is None and price is None:
        raise GateError(MISSING, "Missing required parameter: amount or price")
    new_amount, new_price = amount or order.state.quantity, price or order.state.price or ZERO
    check_size(world.board(entry.pair).listing.instrument, new_amount, new_price)
    request = order.request
    change = AmendOrder(request.client_order_id, request.instrument_id, order.venue_order_id, new_price, new_amount)
    try:
        world.exchange.amend(account, change)
    except Rejected as error:
        raise refusal(error) from error
    world.commit()
    return order_row(entry)
