"""The venue's memory of orders placed through this protocol, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from connectors.simulated.book_order import What
from connectors.simulated.server.gate.board import SIDES
from connectors.simulated.server.gate.values import milliseconds, milliseconds_text, money, seconds
from connectors.simulated.venue_order import OrderState, VenueOrder
from engine.model.enums import Liquidity, OrderStatus, OrderType, Side
from engine.model.fill import Fill
from engine.model.money import ZERO

KEPT = 100_000
UNNAMED = "apiv4"  # the text of orders whose client gave none; the exchange knows them by a dash and a number
STATUS = {OrderStatus.OPEN: "open", OrderStatus.FILLED: "closed"}
ENDS = {
    "ioc": "ioc",
    "fok": "fok",
    "no_liquidity": "ioc",
    "would_take": "poc",
    "self_trade": "stp",
    "insufficient_funds": "trader_not_enough",
}


@dataclass(eq=False, slots=True)
class Entry:
    """One order. `spending` is the amount of quote of a market order to buy; `fee` the sum so far, in `fee_asset`."""

    order: VenueOrder
    pair: str
    force: str
    spending: Decimal | None
    fee_asset: str
    fee: Decimal = ZERO


class Placed(Protocol):
    """An order in a market."""

    @property
    def order(self) -> VenueOrder: ...
    @property
    def pair(self) -> str: ...


E = TypeVar("E", bound=Placed)


class Entries(Generic[E]):
    """Beyond `kept` orders the older half of those that have ended is forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._by_id: dict[str, E] = {}

    def add(self, entry: E) -> None:
        self._by_id[entry.order.venue_order_id] = entry
        if len(self._by_id) > self._kept:
            for order_id, old in list(self._by_id.items())[: self._kept // 2]:
                if not old.order.is_open:
                    del self._by_id[order_id]

    def of(self, order_id: str) -> E | None:
        return self._by_id.get(order_id)

    def of_account(self, number: int, pair: str = "") -> list[E]:
        """An account's orders, of one market or of all, newest first."""
        found = (each for each in reversed(self._by_id.values()) if each.order.account.number == number)
        return [each for each in found if not pair or each.pair == pair]


def order_row(entry: Entry, state: OrderState | None = None) -> dict[str, Any]:
    """An order as it is, or as it was."""
    order = entry.order
    state = state or order.state
    request, created_us = order.request, order.history[0].at_us
    amount, left = state.quantity, state.quantity - state.filled
    if entry.spending is not None:
        amount, left = entry.spending, entry.spending - state.cost
    status = STATUS.get(state.status, "cancelled")
    return {
        "id": order.venue_order_id,
        "text": shown_text(request.client_order_id),
        "amend_text": "-",
        "create_time": str(seconds(created_us)),
        "update_time": str(seconds(state.at_us)),
        "create_time_ms": milliseconds(created_us),
        "update_time_ms": milliseconds(state.at_us),
        "status": "closed" if finish(entry, state) == "ioc" and state.filled else status,
        "currency_pair": entry.pair,
        "type": "market" if request.order_type is OrderType.MARKET else "limit",
        "account": "spot",
        "side": SIDES[request.side],
        "amount": money(amount),
        "price": money(state.price or ZERO),
        "time_in_force": entry.force,
        "iceberg": money(request.display_quantity or ZERO),
        "left": money(left),
        "filled_amount": money(state.filled),
        "fill_price": money(state.cost),
        "filled_total": money(state.cost),
        "avg_deal_price": money(state.cost / state.filled if state.filled else ZERO),
        "fee": money(entry.fee),
        "fee_currency": entry.fee_asset,
        "point_fee": "0",
        "gt_fee": "0",
        "gt_discount": False,
        "rebated_fee": "0",
        "rebated_fee_currency": entry.fee_asset,
        "stp_act": "-",
        "finish_as": finish(entry, state),
    }


def finish(entry: Entry, state: OrderState) -> str:
    """Why the order ended; `open` while it has not."""
    if state.status is OrderStatus.OPEN:
        return "open"
    if state.status is OrderStatus.FILLED or (entry.spending is not None and state.filled == state.quantity):
        return "filled"
    return ENDS.get(state.reason, "cancelled")


def order_event(entry: Entry, state: OrderState) -> dict[str, Any]:
    """News of an order on `spot.orders`: no status there, but what happened."""
    row = order_row(entry, state)
    del row["status"], row["iceberg"]
    row["create_time_ms"], row["update_time_ms"] = str(row["create_time_ms"]), str(row["update_time_ms"])
    ended = state.status is not OrderStatus.OPEN
    happened = "finish" if ended else "put" if state.what is What.ACCEPTED else "update"
    return row | {"user": entry.order.account.number, "event": happened, "stp_id": 0, "biz_info": "-"}


def trade_row(pair: str, fill: Fill) -> dict[str, Any]:
    """An own trade as REST tells it."""
    return {
        "id": fill.trade_id,
        "create_time": str(seconds(fill.event_us)),
        "create_time_ms": milliseconds_text(fill.event_us),
        "currency_pair": pair,
        "order_id": fill.venue_order_id,
        "side": SIDES[fill.side],
        "role": "maker" if fill.liquidity is Liquidity.MAKER else "taker",
        "amount": money(fill.quantity),
        "price": money(fill.price),
        "fee": money(fill.fee),
        "fee_currency": fill.fee_asset,
        "point_fee": "0",
        "gt_fee": "0",
        "sequence_id": fill.trade_id,
        "text": shown_text(fill.client_order_id),
        "amend_text": "-",
    }


def trade_event(entry: Entry, fill: Fill) -> dict[str, Any]:
    """An own trade on `spot.usertrades`."""
    numbers = {"id": int(fill.trade_id), "create_time": seconds(fill.event_us)}
    return trade_row(entry.pair, fill) | numbers | {"user_id": entry.order.account.number}


def shown_text(client_order_id: str) -> str:
    """What clients see of an order's name."""
    return UNNAMED if client_order_id.startswith("-") else client_order_id


def fee_asset(side: Side, base: str, quote: str) -> str:
    """Fees are paid in what is received."""
    return base if side is Side.BUY else quote
