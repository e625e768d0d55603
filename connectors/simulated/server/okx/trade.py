"""Placing, cancelling, amending and looking up orders. A refusal is a row with a code, not an error of the request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.simulated.book_order import BookOrder, What
from connectors.simulated.server.okx.board import Board
from connectors.simulated.server.okx.contracts import price_limits
from connectors.simulated.server.okx.entries import Entry, order_row
from connectors.simulated.server.okx.errors import (
    BAD_LOTS,
    BAD_VALUE,
    EXPIRED,
    MISSING,
    NO_SUCH_ORDER,
    NOTHING_TO_AMEND,
    NOTHING_TO_CANCEL,
    TOO_CHEAP,
    TOO_DEAR,
    TOO_LITTLE,
    TOO_MUCH,
    Kind,
    OkxError,
    refusal,
)
from connectors.simulated.server.okx.values import Fields, money, stamp
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.server.spending import affordable
from connectors.simulated.venue_order import Account, OrderState, VenueOrder
from engine.model.enums import OrderStatus, OrderType, Side, TimeInForce
from engine.model.errors import Rejected
from engine.model.instrument import Instrument
from engine.model.money import ZERO, is_multiple
from engine.model.request import AmendOrder, SubmitOrder

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
KINDS = {
    "limit": (OrderType.LIMIT, TimeInForce.GTC),
    "post_only": (OrderType.LIMIT, TimeInForce.GTC),
    "ioc": (OrderType.LIMIT, TimeInForce.IOC),
    "fok": (OrderType.LIMIT, TimeInForce.FOK),
    "market": (OrderType.MARKET, TimeInForce.GTC),
}
BATCH_MAX = 20
SWITCH_SECONDS = range(10, 121)
is_name = re.compile(r"[0-9A-Za-z]{1,32}").fullmatch
is_tag = re.compile(r"[0-9A-Za-z]{1,16}").fullmatch

Step = Callable[[OkxWorld, Account, Fields], Entry]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done with each order of a request, and the rate limit that it counts against."""

    step: Step
    domain: str


def receipt(world: OkxWorld, account: Account, fields: Fields, operation: Operation, expires_us: int | None) -> Any:
    """Carry out one order's request and say what became of it. Cancels do not expire."""
    row = {"ordId": "", "clOrdId": fields.text("clOrdId"), "tag": fields.text("tag"), "reqId": fields.text("reqId")}
    row |= {"ts": stamp(world.now_us), "sCode": "0", "sMsg": ""}
    try:
        if expires_us is not None and operation.step is not cancel and world.now_us > expires_us:
            raise OkxError(EXPIRED)
        world.charge(account, operation.domain, world.named(fields).name)
        entry = operation.step(world, account, fields)
    except OkxError as error:
        return row | {"sCode": error.kind.code, "sMsg": str(error)}
    finally:
        world.commit()
    return row | {"ordId": entry.order.venue_order_id, "clOrdId": entry.name}


def place(world: OkxWorld, account: Account, fields: Fields) -> Entry:
    board = world.named(fields)
    request, size, target = read_order(world, board, fields)
    instrument, contract = board.listing.instrument, board.contract
    try:
        order = world.exchange.submit(account, request)
    except Rejected as error:
        if error.code != "would_take":
            raise refusal(error) from error
        order = _born_dead(world, account, request)
    entry = Entry(
        order,
        board.name,
        fields.text("clOrdId"),
        fields.text("ordType"),
        target,
        size,
        fields.text("tag"),
        contract.settle if contract else instrument.base if request.side is Side.BUY else instrument.quote,
        lever=money(contract.leverage(account.number)) if contract else "",
    )
    world.entries.add(entry)
    if order.book.key == 0:
        for state in order.history:
            world.tell_order(entry, state, None)
    return entry


def read_order(world: OkxWorld, board: Board, fields: Fields) -> tuple[SubmitOrder, Decimal, str]:
    """What a client asks for, its size as it was sent, and the currency that the size is in."""
    side, kind = SIDES.get(fields.need("side")), fields.need("ordType")
    if side is None:
        raise OkxError(BAD_VALUE, "side")
    if kind not in KINDS:
        raise OkxError(BAD_VALUE, "ordType")
    if fields.need("tdMode") != ("cash" if board.contract is None else "cross"):
        raise OkxError(BAD_VALUE, "tdMode")
    if fields.text("posSide") not in ("", "net"):
        raise OkxError(BAD_VALUE, "posSide")
    name, tag = fields.text("clOrdId"), fields.text("tag")
    if (name and not is_name(name)) or (tag and not is_tag(tag)):
        raise OkxError(BAD_VALUE, "clOrdId or tag")
    order_type, force = KINDS[kind]
    is_market = order_type is OrderType.MARKET
    size, price, target = fields.decimal("sz"), fields.decimal("px"), ""
    if size is None or (price is None and not is_market):
        raise OkxError(MISSING, "sz or px")
    quantity = size
    if is_market:
        price = None
    if is_market and board.contract is None:
        target = fields.text("tgtCcy") or ("quote_ccy" if side is Side.BUY else "base_ccy")
        if target == "quote_ccy":
            quantity = affordable(board.listing, side, size)
    check_size(board.listing.instrument, quantity, price)
    check_price(board, side, price)
    request = SubmitOrder(
        name or world.new_name(),
        board.listing.instrument.instrument_id,
        side,
        order_type,
        quantity,
        price,
        force,
        post_only=kind == "post_only",
        reduce_only=board.contract is not None and fields.text("reduceOnly") == "true",
    )
    return request, size, target


def check_size(instrument: Instrument, quantity: Decimal, price: Decimal | None) -> None:
    """The market's own limits, each with its code."""
    if not is_multiple(quantity, instrument.quantity_step):
        raise OkxError(BAD_LOTS)
    if price is not None and (not price or not is_multiple(price, instrument.price_step)):
        raise OkxError(BAD_VALUE, "px")
    if quantity <= 0 or quantity < instrument.quantity_min:
        raise OkxError(TOO_LITTLE)
    if instrument.quantity_max and quantity > instrument.quantity_max:
        raise OkxError(TOO_MUCH)


def check_price(board: Board, side: Side, price: Decimal | None) -> None:
    """Orders for perpetuals must not be far worse than the mark, nor absurd."""
    if board.contract is None or price is None:
        return
    highest, lowest = price_limits(board.contract)
    if side is Side.BUY and price > highest:
        raise OkxError(TOO_DEAR, money(highest))
    if side is Side.SELL and price < lowest:
        raise OkxError(TOO_CHEAP, money(lowest))
    if price > highest * 10:
        raise OkxError(BAD_VALUE, "px")


def cancel(world: OkxWorld, account: Account, fields: Fields) -> Entry:
    return cancel_entry(world, find(world, account, fields, NOTHING_TO_CANCEL))


def cancel_entry(world: OkxWorld, entry: Entry) -> Entry:
    order = entry.order
    if not order.is_open:
        raise OkxError(NOTHING_TO_CANCEL)
    world.exchange.cancel(order.account, order.request.instrument_id, venue_order_id=order.venue_order_id)
    return entry


def amend(world: OkxWorld, account: Account, fields: Fields) -> Entry:
    """Another price, another total, or both."""
    entry = find(world, account, fields, NOTHING_TO_AMEND)
    order = entry.order
    if not order.is_open:
        raise OkxError(NOTHING_TO_AMEND)
    size, price = fields.decimal("newSz"), fields.decimal("newPx")
    if size is None and price is None:
        raise OkxError(MISSING, "newSz or newPx")
    new_size, new_price = size or order.state.quantity, price or order.state.price or ZERO
    board, request = world.board(entry.symbol), order.request
    check_size(board.listing.instrument, new_size, new_price)
    check_price(board, request.side, new_price)
    change = AmendOrder(request.client_order_id, request.instrument_id, order.venue_order_id, new_price, new_size)
    entry.request_id = fields.text("reqId")
    try:
        world.exchange.amend(account, change)
    except Rejected as error:
        raise refusal(error) from error
    return entry


def find(world: OkxWorld, account: Account, fields: Fields, unknown: Kind = NO_SUCH_ORDER) -> Entry:
    """The order that a request names; OKX's id goes before the client's."""
    board, order_id, name = world.named(fields), fields.text("ordId"), fields.text("clOrdId")
    if not (order_id or name):
        raise OkxError(MISSING, "ordId or clOrdId")
    entry = world.entries.find(account.number, board.name, order_id, name)
    if entry is None or entry.symbol != board.name:
        raise OkxError(unknown)
    return entry


def lookup(world: OkxWorld, account: Account, fields: Fields) -> list[Any]:
    """GET `trade/order`."""
    return [order_row(find(world, account, fields))]


def switch(world: OkxWorld, account: Account, fields: Fields) -> list[Any]:
    """POST `trade/cancel-all-after`: everything of the account is cancelled unless this is said again in time."""
    seconds = fields.whole("timeOut")
    if seconds is None or (seconds and seconds not in SWITCH_SECONDS):
        raise OkxError(BAD_VALUE, "timeOut")
    for board in world.boards.values():
        world.exchange.arm_dead_man(account, board.listing.instrument.instrument_id, seconds * 1_000)
    fires_us = world.now_us + seconds * 1_000_000 if seconds else 0
    return [{"triggerTime": stamp(fires_us), "tag": "", "ts": stamp(world.now_us)}]


def _born_dead(world: OkxWorld, account: Account, request: SubmitOrder) -> VenueOrder:
    """A post-only order that would trade is accepted and cancelled at once. It never was in a book: its key is 0."""
    accepted = OrderState(world.now_us, What.ACCEPTED, OrderStatus.OPEN, ZERO, ZERO, request.price, request.quantity)
    ended = OrderState(
        world.now_us, What.CANCELED, OrderStatus.CANCELED, ZERO, ZERO, request.price, request.quantity, "would_take"
    )
    book = BookOrder(request.side, 0, 0, account.number)
    return VenueOrder(request, account, world.exchange.new_order_id(), book, [accepted, ended])
