"""What a client asks for when it places an order: read from the parameters, with each type's rules as data."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connectors.simulated.server.errors import (
    BAD_COMBINATION,
    BAD_ORDER_TYPE,
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    MISSING,
    MISSING_BOTH,
    REFUSED,
    SELF_TRADE_MODE,
    UNSUPPORTED,
    ApiError,
)
from connectors.simulated.server.params import CLIENT_ID, Parameters
from connectors.simulated.server.symbols import Symbol
from engine.model.enums import OrderType, Side, TimeInForce
from engine.model.money import ZERO
from engine.model.request import SubmitOrder

SIDES = {side.value: side for side in (Side.BUY, Side.SELL)}
FORCES = {force.value: force for force in (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)}
ANSWERS = {word: word for word in ("ACK", "RESULT", "FULL")}
SELF_TRADE_MODES = {
    word: word for word in ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
}
UNSUPPORTED_TYPES = {
    "TAKE_PROFIT": "Take profit orders are not supported for this symbol.",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders are not supported for this symbol.",
}
STRATEGY_TYPE_MIN = 1_000_000
BIPS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Kind:
    """An order type: what it is to the exchange, which parameters it needs and which have no place in it."""

    order_type: OrderType
    need: tuple[str, ...]
    refuse: tuple[str, ...]
    answer: str = "ACK"
    post_only: bool = False
    is_stop: bool = False


KINDS = {
    "LIMIT": Kind(
        OrderType.LIMIT,
        ("timeInForce", "quantity", "price"),
        ("quoteOrderQty", "stopPrice", "trailingDelta"),
        "FULL",
    ),
    "LIMIT_MAKER": Kind(
        OrderType.LIMIT,
        ("quantity", "price"),
        ("timeInForce", "quoteOrderQty", "stopPrice", "trailingDelta"),
        post_only=True,
    ),
    "MARKET": Kind(
        OrderType.MARKET,
        (),
        ("timeInForce", "price", "stopPrice", "trailingDelta", "icebergQty"),
        "FULL",
    ),
    "STOP_LOSS": Kind(
        OrderType.STOP_MARKET,
        ("quantity",),
        ("timeInForce", "price", "quoteOrderQty", "icebergQty"),
        is_stop=True,
    ),
    "STOP_LOSS_LIMIT": Kind(
        OrderType.STOP_LIMIT,
        ("timeInForce", "quantity", "price"),
        ("quoteOrderQty",),
        is_stop=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """An order as it was asked for. `quantity` is None for a market order that names its amount of quote."""

    symbol: Symbol
    side: Side
    type_name: str
    kind: Kind
    time_in_force: TimeInForce
    quantity: Decimal | None
    quote_quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    trailing_delta: int | None
    iceberg: Decimal | None
    client_order_id: str
    answer: str
    strategy_id: int | None
    strategy_type: int | None

    def request(self, client_order_id: str, quantity: Decimal) -> SubmitOrder:
        """In the exchange's words."""
        return SubmitOrder(
            client_order_id,
            self.symbol.instrument.instrument_id,
            self.side,
            self.kind.order_type,
            quantity,
            self.price,
            self.time_in_force,
            self.kind.post_only,
            stop_price=self.stop_price,
            display_quantity=self.iceberg,
            trailing_delta=None if self.trailing_delta is None else self.trailing_delta * BIPS,
        )


def read_placement(params: Parameters, symbol: Symbol) -> Placement:
    """Everything that can be said about the parameters alone; the client id is "" if none was sent."""
    side = params.needed_choice("side", SIDES, BAD_SIDE)
    type_name = params.text("type")
    if type_name in UNSUPPORTED_TYPES:
        raise ApiError(REFUSED, UNSUPPORTED_TYPES[type_name])
    kind = params.needed_choice("type", KINDS, BAD_ORDER_TYPE)
    _check_names(params, kind)
    force = params.choice("timeInForce", FORCES, BAD_TIME_IN_FORCE) or TimeInForce.GTC
    quantity, quote_quantity = params.decimal("quantity"), params.decimal("quoteOrderQty")
    iceberg = params.decimal("icebergQty")
    if iceberg is not None and force is not TimeInForce.GTC:
        raise ApiError(BAD_COMBINATION)
    mode = params.choice("selfTradePreventionMode", SELF_TRADE_MODES)
    if mode not in (None, "NONE"):
        raise ApiError(SELF_TRADE_MODE)
    return Placement(
        symbol,
        side,
        type_name,
        kind,
        force,
        quantity,
        quote_quantity or ZERO,
        params.decimal("price"),
        params.decimal("stopPrice"),
        params.integer("trailingDelta"),
        iceberg,
        params.optional("newClientOrderId", CLIENT_ID) or "",
        params.choice("newOrderRespType", ANSWERS) or kind.answer,
        params.integer("strategyId"),
        params.integer("strategyType", STRATEGY_TYPE_MIN),
    )


def _check_names(params: Parameters, kind: Kind) -> None:
    """Which parameters are there and which must not be."""
    for name in ("pegPriceType", "pegOffsetType", "pegOffsetValue"):
        if name in params:
            raise ApiError(UNSUPPORTED)
    params.need(*kind.need)
    params.refuse(*kind.refuse)
    if kind.is_stop and "stopPrice" not in params and "trailingDelta" not in params:
        raise ApiError(MISSING_BOTH, "stopPrice", "trailingDelta")
    if kind.order_type is OrderType.MARKET:
        if "quantity" in params and "quoteOrderQty" in params:
            raise ApiError(BAD_COMBINATION)
        if "quantity" not in params and "quoteOrderQty" not in params:
            raise ApiError(MISSING, "quantity")
