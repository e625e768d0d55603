"""The filters of a symbol, one function each; what it returns False for is refused with the filter's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from connectors.simulated.server.errors import FILTER, ApiError
from connectors.simulated.server.placement import Placement
from connectors.simulated.server.symbols import Filter
from engine.model.enums import OrderType, Side
from engine.model.money import is_multiple


@dataclass(frozen=True, slots=True)
class Situation:
    """What filters look at beside the order: the average price (0 if none) and the account's open orders."""

    placement: Placement
    average_price: Decimal
    open_orders: int
    open_stops: int


def check_filters(situation: Situation) -> None:
    """In the order of exchangeInfo; the first that fails is told."""
    for each in situation.placement.symbol.filters:
        check = CHECKS.get(each.kind)
        if check is not None and not check(each, situation):
            raise ApiError(FILTER, each.kind)


def _price(each: Filter, situation: Situation) -> bool:
    prices = (situation.placement.price, situation.placement.stop_price)
    low, high, tick = (each.number(name) for name in ("minPrice", "maxPrice", "tickSize"))
    return all(low <= price <= high and is_multiple(price, tick) for price in prices if price is not None)


def fits_lots(each: Filter, quantity: Decimal) -> bool:
    """Minimum, maximum and step of a quantity; a step of 0 is none."""
    low, high, step = (each.number(name) for name in ("minQty", "maxQty", "stepSize"))
    return low <= quantity <= high and (not step or is_multiple(quantity, step))


def _lots(each: Filter, situation: Situation) -> bool:
    quantities = (situation.placement.quantity, situation.placement.iceberg)
    return all(fits_lots(each, quantity) for quantity in quantities if quantity is not None)


def _market_lots(each: Filter, situation: Situation) -> bool:
    placement = situation.placement
    is_market = placement.kind.order_type is OrderType.MARKET and placement.quantity is not None
    return not is_market or fits_lots(each, placement.quantity or Decimal(0))


def _iceberg(each: Filter, situation: Situation) -> bool:
    placement = situation.placement
    if not placement.iceberg or placement.quantity is None:
        return True
    return placement.iceberg < placement.quantity <= placement.iceberg * each.number("limit")


def _trailing(each: Filter, situation: Situation) -> bool:
    placement = situation.placement
    if placement.trailing_delta is None:
        return True
    where = "Above" if placement.side is Side.BUY else "Below"
    low, high = each.number(f"minTrailing{where}Delta"), each.number(f"maxTrailing{where}Delta")
    return low <= placement.trailing_delta <= high


def _percent_price(each: Filter, situation: Situation) -> bool:
    placement, average = situation.placement, situation.average_price
    if placement.price is None or not average:
        return True
    side = "bid" if placement.side is Side.BUY else "ask"
    low, high = each.number(f"{side}MultiplierDown"), each.number(f"{side}MultiplierUp")
    return average * low <= placement.price <= average * high


def _notional(each: Filter, situation: Situation) -> bool:
    placement = situation.placement
    price = placement.price or placement.stop_price or situation.average_price
    value = placement.quote_quantity or price * (placement.quantity or Decimal(0))
    if placement.kind.order_type is OrderType.MARKET and not value:
        return True
    return value >= each.number("minNotional") and (placement.price is None or value <= each.number("maxNotional"))


def _orders(each: Filter, situation: Situation) -> bool:
    return situation.open_orders < each.number("maxNumOrders")


def _algo_orders(each: Filter, situation: Situation) -> bool:
    return not situation.placement.kind.is_stop or situation.open_stops < each.number("maxNumAlgoOrders")


CHECKS: dict[str, Callable[[Filter, Situation], bool]] = {
    "PRICE_FILTER": _price,
    "LOT_SIZE": _lots,
    "ICEBERG_PARTS": _iceberg,
    "MARKET_LOT_SIZE": _market_lots,
    "TRAILING_DELTA": _trailing,
    "PERCENT_PRICE_BY_SIDE": _percent_price,
    "NOTIONAL": _notional,
    "MAX_NUM_ORDERS": _orders,
    "MAX_NUM_ALGO_ORDERS": _algo_orders,
}
"""Filters that are not here are looked at where they belong: amends count themselves."""
