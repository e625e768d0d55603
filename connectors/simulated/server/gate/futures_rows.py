"""The venue's memory of orders in perpetuals placed through this protocol, and how they and positions are told.

Sizes are signed: positive buys or is long. Channels tell prices as JSON numbers where REST tells them as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec import Struct

from connectors.simulated.server.gate.entries import UNNAMED, shown_text
from connectors.simulated.server.gate.futures_board import FuturesBoard
from connectors.simulated.server.gate.values import exact_seconds, milliseconds, money, number, seconds
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, OrderState, VenueOrder
from engine.core.position import value_of
from engine.model.enums import Liquidity, OrderStatus, Side
from engine.model.fill import Fill
from engine.model.money import ZERO
from engine.model.order import is_liquidation

ENDS = {
    "ioc": "ioc",
    "fok": "cancelled",
    "no_liquidity": "ioc",
    "self_trade": "stp",
    "nothing_to_reduce": "reduce_only",
}
EVENT_NUMBERS = (
    *("cross_leverage_limit", "entry_price", "history_pnl", "history_point", "last_close_pnl", "leverage"),
    *("leverage_max", "liq_price", "maintenance_rate", "margin", "realised_pnl", "realised_point", "risk_limit"),
)
Row = dict[str, Any]


@dataclass(eq=False, slots=True)
class FuturesEntry:
    """One order. `closes`: it was to close a position, whatever its size."""

    order: VenueOrder
    pair: str
    force: str
    closes: bool = False


class Booking(Struct, frozen=True, gc=False):
    """Money of an account that came or went: `kind` is pnl, fee or fund; `balance` is the sum after it."""

    number: int
    account: int
    kind: str
    change: Decimal
    balance: Decimal
    contract: str
    trade_id: str
    at_us: int


def order_row(entry: FuturesEntry, board: FuturesBoard, state: OrderState | None = None) -> Row:
    """An order as it is, or as it was."""
    order = entry.order
    state, request = state or order.state, order.request
    sign = 1 if request.side is Side.BUY else -1
    name = request.client_order_id
    is_open = state.status is OrderStatus.OPEN
    rules = board.listing.instrument
    row = {
        "id": int(order.venue_order_id),
        "user": order.account.number,
        "contract": entry.pair,
        "create_time": exact_seconds(order.history[0].at_us),
        "size": sign * int(state.quantity),
        "iceberg": 0,
        "left": sign * int(state.quantity - state.filled),
        "price": money(state.price or ZERO),
        "fill_price": money(round(state.cost / state.filled, 16)) if state.filled else "0",
        "mkfr": money(rules.maker_rate),
        "tkfr": money(rules.taker_rate),
        "tif": entry.force,
        "refu": 0,
        "refr": "0",
        "is_reduce_only": request.reduce_only,
        "is_close": entry.closes,
        "is_liq": is_liquidation(name),
        "text": _text(name),
        "status": "open" if is_open else "finished",
        "update_time": exact_seconds(state.at_us),
        "stp_id": 0,
        "stp_act": "-",
        "amend_text": "-",
    }
    return row if is_open else row | {"finish_time": exact_seconds(state.at_us), "finish_as": finish(entry, state)}


def finish(entry: FuturesEntry, state: OrderState) -> str:
    """Why an order ended."""
    if is_liquidation(entry.order.request.client_order_id):
        return "liquidated"
    return "filled" if state.status is OrderStatus.FILLED else ENDS.get(state.reason, "cancelled")


def order_event(entry: FuturesEntry, board: FuturesBoard, state: OrderState) -> Row:
    """News of an order on `futures.orders`."""
    row = order_row(entry, board, state)
    for name in ("price", "fill_price", "mkfr", "tkfr"):
        row[name] = number(row[name])
    created_us, ended = entry.order.history[0].at_us, state.status is not OrderStatus.OPEN
    row |= {"create_time": seconds(created_us), "create_time_ms": milliseconds(created_us), "refr": 0}
    row |= {"update_time": milliseconds(state.at_us), "update_id": len(entry.order.history)}
    row |= {"finish_time": seconds(state.at_us) if ended else 0, "finish_as": row.get("finish_as", "_new")}
    return row | {"finish_time_ms": milliseconds(state.at_us) if ended else 0, "user": str(row["user"])}


def trade_row(board: FuturesBoard, fill: Fill) -> Row:
    """An own trade as REST tells it."""
    size = int(fill.quantity) if fill.side is Side.BUY else -int(fill.quantity)
    name = fill.client_order_id
    return {
        "id": int(fill.trade_id),
        "create_time": exact_seconds(fill.event_us),
        "contract": board.name,
        "order_id": fill.venue_order_id,
        "size": size,
        "price": money(fill.price),
        "role": "maker" if fill.liquidity is Liquidity.MAKER else "taker",
        "text": _text(name),
        "fee": money(fill.fee),
        "point_fee": "0",
        "close_size": 0,
    }


def trade_event(board: FuturesBoard, fill: Fill) -> Row:
    """An own trade on `futures.usertrades`."""
    row = trade_row(board, fill)
    times = {"create_time": seconds(fill.event_us), "create_time_ms": milliseconds(fill.event_us)}
    return row | times | {"id": fill.trade_id, "fee": number(row["fee"]), "point_fee": 0}


def position_row(exchange: SimulatedExchange, board: FuturesBoard, account: Account, now_us: int, pnl: Row) -> Row:
    """A position as it is, also a flat one. `pnl` is what trading and holding it has brought."""
    margin, contract, number_ = exchange.margin, board.contract, account.number
    assert margin is not None
    instrument_id = board.listing.instrument.instrument_id
    held = margin.position(number_, instrument_id)
    mark, size = contract.marks.mark or ZERO, int(held.quantity)
    value = value_of(contract.instrument, abs(held.quantity), mark) if mark else ZERO
    tiers = contract.terms.tiers
    return {
        "user": number_,
        "contract": board.name,
        "size": size,
        "leverage": "0",
        "cross_leverage_limit": money(contract.leverage(number_)),
        "leverage_max": str(tiers.at(value).leverage_max),
        "maintenance_rate": money(tiers.at(value).rate),
        "risk_limit": money(tiers.tiers[-1].floor),
        "value": money(value),
        "margin": money(held.margin),
        "initial_margin": money(held.margin),
        "maintenance_margin": money(contract.maintenance(number_)),
        "entry_price": money(round(held.average_price, 16)),
        "liq_price": money(round(held.liquidation_price, 16)) if held.liquidation_price is not None else "0",
        "mark_price": money(mark),
        "unrealised_pnl": money(contract.unrealised(number_)),
        **pnl,
        "history_pnl": pnl["realised_pnl"],
        "last_close_pnl": "0",
        "realised_point": "0",
        "history_point": "0",
        "adl_ranking": 5,
        "pending_orders": len(exchange.open_orders(account, instrument_id)),
        "close_order": None,
        "mode": "single",
        "trade_max_size": "0",
        "open_time": 0,
        "update_time": seconds(now_us),
        "update_id": len(exchange.trades(account, instrument_id)),
    }


def position_event(row: Row, now_us: int) -> Row:
    """A position on `futures.positions`."""
    numbers = {name: number(row[name]) for name in EVENT_NUMBERS}
    times = {"time": seconds(now_us), "time_ms": milliseconds(now_us), "update_id": row["update_id"]}
    return {name: str(row[name]) for name in ("user", "contract", "mode")} | numbers | times | {"size": row["size"]}


def booking_row(booking: Booking) -> Row:
    """A row of `account_book`."""
    return {
        "id": str(booking.number),
        "time": exact_seconds(booking.at_us),
        "change": money(booking.change),
        "balance": money(booking.balance),
        "text": f"{booking.contract}:{booking.trade_id}",
        "type": booking.kind,
        "contract": booking.contract,
        "trade_id": booking.trade_id,
    }


def booking_event(booking: Booking, asset: str) -> Row:
    """A booking on `futures.balances`."""
    return {
        "balance": number(money(booking.balance)),
        "change": number(money(booking.change)),
        "text": f"{booking.contract}:{booking.trade_id}",
        "time": seconds(booking.at_us),
        "time_ms": milliseconds(booking.at_us),
        "type": booking.kind,
        "user": str(booking.account),
        "currency": asset.lower(),
    }


def _text(name: str) -> str:
    """What an order is called, and its trades with it."""
    if is_liquidation(name):
        return "liquidation"
    return "api" if shown_text(name) == UNNAMED else name
