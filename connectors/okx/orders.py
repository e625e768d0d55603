"""Our requests in OKX's words: spot with money of the account itself, swaps in net mode with the account as margin."""

from __future__ import annotations

from typing import Any

from connectors.base.outcomes import Failed
from connectors.okx.sheet import Product
from engine.model.enums import OrderType, Outcome, TimeInForce
from engine.model.money import to_text
from engine.model.request import AmendOrder, CancelOrder, LookupOrder, SubmitOrder

ORDER_TYPES = {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok", TimeInForce.GTD: "limit"}
SWITCH_SECONDS = (10, 120)  # what the dead man's switch takes


def placement(order: SubmitOrder, symbol: str, product: Product) -> dict[str, Any]:
    """The body of `trade/order`. Raises Failed about what cannot be said here.

    `tgtCcy`: a size is always in base units, although market buys are in quote by default. `banAmend`: OKX must not
    shrink an order that is too large. Both are spot's; a swap's size is in contracts. An order that is good till a date
    is cancelled by us.
    """
    kind = order.order_type
    if kind not in (OrderType.LIMIT, OrderType.MARKET):
        raise _refused(f"{kind} orders are not supported here")
    if order.display_quantity is not None or order.list_id:
        raise _refused("icebergs and lists are not supported here")
    if order.reduce_only and product.is_spot:
        raise _refused("spot orders cannot be reduce-only")
    body: dict[str, Any] = {
        "instId": symbol,
        "tdMode": product.td_mode,
        "clOrdId": order.client_order_id,
        "side": order.side.value.lower(),
        "sz": to_text(order.quantity),
    }
    if product.is_spot:
        body |= {"tgtCcy": "base_ccy", "banAmend": True}
    elif order.reduce_only:
        body["reduceOnly"] = True
    if kind is OrderType.MARKET:
        return body | {"ordType": "market"}
    if order.price is None:
        raise _refused("a limit order needs a price")
    return body | {
        "ordType": "post_only" if order.post_only else ORDER_TYPES[order.time_in_force],
        "px": to_text(order.price),
    }


def amendment(order: AmendOrder, symbol: str) -> dict[str, Any]:
    """The body of `trade/amend-order`. `newSz` is the total, what has traded included."""
    return named(order, symbol) | {"newSz": to_text(order.quantity), "newPx": to_text(order.price), "cxlOnFail": False}


def named(order: CancelOrder | AmendOrder | LookupOrder, symbol: str) -> dict[str, Any]:
    """An order by OKX's id where it is known: a client id may mean another order."""
    if order.venue_order_id:
        return {"instId": symbol, "ordId": order.venue_order_id}
    return {"instId": symbol, "clOrdId": order.client_order_id}


def switch_seconds(timeout_ms: int) -> int:
    """The dead man's switch takes whole seconds between bounds; 0 turns it off."""
    low, high = SWITCH_SECONDS
    return min(max(-(-timeout_ms // 1_000), low), high) if timeout_ms else 0


def _refused(text: str) -> Failed:
    return Failed(Outcome.REJECTED, "unsupported", text)
