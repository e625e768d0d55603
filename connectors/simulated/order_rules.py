"""Which combinations of an order's fields make sense, before the instrument's own limits are looked at."""

from __future__ import annotations

from decimal import Decimal

from connectors.simulated.book_order import MILLION
from engine.model.enums import OrderType, TimeInForce
from engine.model.instrument import Instrument
from engine.model.money import is_multiple, to_text
from engine.model.request import SubmitOrder

ICEBERG_PARTS_MAX = 100
LIMIT, GTC = OrderType.LIMIT, TimeInForce.GTC
RESTING_FORCES = (TimeInForce.GTC, TimeInForce.GTD)
STOPS = (OrderType.STOP_LIMIT, OrderType.STOP_MARKET)
MARKETS = (OrderType.MARKET, OrderType.STOP_MARKET)


def order_problems(order: SubmitOrder, instrument: Instrument) -> list[str]:
    """Everything that is wrong with an order, one sentence each."""
    if order.order_type is LIMIT and order.time_in_force is GTC and not _is_special(order):
        return instrument.problems(order)
    return (
        _shape_problems(order)
        + _trigger_problems(order)
        + _iceberg_problems(order, instrument)
        + instrument.problems(order)
    )


def _is_special(order: SubmitOrder) -> bool:
    """Whether it has a field that not every resting limit order has."""
    return (
        order.display_quantity is not None
        or order.trailing_delta is not None
        or order.stop_price is not None
        or order.expire_us > 0
    )


def _shape_problems(order: SubmitOrder) -> list[str]:
    found = []
    rests = order.order_type not in MARKETS and order.time_in_force in RESTING_FORCES
    if order.order_type in MARKETS and order.price is not None:
        found.append(f"a {order.order_type} order has no price: leave it out")
    if order.post_only and not rests:
        found.append("post_only needs a limit order that may rest (GTC or GTD)")
    if order.display_quantity is not None and not rests:
        found.append("display_quantity needs a limit order that may rest (GTC or GTD)")
    if (order.expire_us > 0) != (order.time_in_force is TimeInForce.GTD):
        found.append("expire_us and time_in_force GTD belong together")
    return found


def _trigger_problems(order: SubmitOrder) -> list[str]:
    found = []
    delta = order.trailing_delta
    if order.order_type in STOPS and order.stop_price is None and delta is None:
        found.append(f"a {order.order_type} order needs a stop_price or a trailing_delta")
    if order.order_type not in STOPS and (order.stop_price is not None or delta is not None):
        found.append(f"a {order.order_type} order has neither stop_price nor trailing_delta")
    if delta is not None and not (0 < delta < 1 and is_multiple(delta, Decimal(1) / MILLION)):
        found.append(f"trailing_delta {to_text(delta)} is not a multiple of 0.000001 between 0 and 1")
    return found


def _iceberg_problems(order: SubmitOrder, instrument: Instrument) -> list[str]:
    display = order.display_quantity
    if display is None:
        return []
    if not 0 < display < order.quantity or not is_multiple(display, instrument.quantity_step):
        return [
            f"display_quantity {to_text(display)} is not a multiple of {to_text(instrument.quantity_step)} "
            f"between 0 and {to_text(order.quantity)}"
        ]
    if order.quantity > display * ICEBERG_PARTS_MAX:
        return [f"display_quantity {to_text(display)} makes more than {ICEBERG_PARTS_MAX} parts"]
    return []
