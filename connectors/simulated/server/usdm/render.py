"""Orders, trades and positions as answers and events show them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.book_order import What
from connectors.simulated.margin import Margin
from connectors.simulated.server.usdm.board import FutureBoard
from connectors.simulated.server.values import Moment, money
from connectors.simulated.venue_order import Account, OrderState, Report, VenueOrder
from engine.core.position import value_of
from engine.model.enums import Liquidity, OrderStatus, OrderType, Side
from engine.model.event import Fill
from engine.model.money import ZERO, to_text
from engine.model.order import is_liquidation

EXECUTIONS = {
    What.ACCEPTED: "NEW",
    What.FILLED: "TRADE",
    What.CANCELED: "CANCELED",
    What.EXPIRED: "EXPIRED",
    What.AMENDED: "AMENDMENT",
}
STATUS = {OrderStatus.FILLED: "FILLED", OrderStatus.CANCELED: "CANCELED", OrderStatus.EXPIRED: "EXPIRED"}
CANCELLING = "amended_below_filled"  # the exchange calls it an expiry, the protocol a cancel
Row = dict[str, Any]


def client_id(order: VenueOrder) -> str:
    """What the protocol calls an order: those by which positions are liquidated have names of their own."""
    name = order.request.client_order_id
    return f"autoclose-{order.venue_order_id}" if is_liquidation(name) else name


def order_row(order: VenueOrder, symbol: str) -> Row:
    """An order as every answer shows it."""
    state, terms = order.state, _terms(order)
    return {
        "orderId": int(order.venue_order_id),
        "symbol": symbol,
        "status": _status(state),
        "clientOrderId": client_id(order),
        "price": money(state.price or ZERO),
        "avgPrice": average(state),
        "origQty": money(state.quantity),
        "executedQty": money(state.filled),
        "cumQty": money(state.filled),
        "cumQuote": money(state.cost),
        **terms,
        "time": Moment(order.history[0].at_us),
        "updateTime": Moment(state.at_us),
    }


def _terms(order: VenueOrder) -> Row:
    """What never changes, and what has only one value here."""
    request = order.request
    kind = "MARKET" if request.order_type is OrderType.MARKET else "LIMIT"
    return {
        "timeInForce": "GTX" if request.post_only else request.time_in_force.value,
        "type": kind,
        "origType": kind,
        "side": request.side.value,
        "positionSide": "BOTH",
        "reduceOnly": request.reduce_only,
        "closePosition": False,
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": Moment(request.expire_us),
    }


def order_event(report: Report, symbol: str, now_us: int) -> Row:
    """ORDER_TRADE_UPDATE."""
    order, state, fill = report.order, report.state, report.fill
    request, terms = order.request, _terms(order)
    forced = is_liquidation(request.client_order_id)
    row = {
        "s": symbol,
        "c": client_id(order),
        "S": request.side.value,
        "o": "LIQUIDATION" if forced else terms["type"],
        "f": terms["timeInForce"],
        "q": money(state.quantity),
        "p": money(state.price or ZERO),
        "ap": average(state),
        "sp": "0",
        "x": "CALCULATED" if forced and fill else "CANCELED" if state.reason == CANCELLING else EXECUTIONS[state.what],
        "X": _status(state),
        "i": int(order.venue_order_id),
        "l": money(fill.quantity if fill else ZERO),
        "z": money(state.filled),
        "L": money(fill.price if fill else ZERO),
        "T": Moment(state.at_us),
        "t": int(fill.trade_id) if fill else 0,
        "b": "0",
        "a": "0",
        "m": fill is not None and fill.liquidity is Liquidity.MAKER,
        "R": request.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": terms["type"],
        "ps": "BOTH",
        "cp": False,
        "rp": money(fill.realized or ZERO) if fill else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "NONE",
        "pm": "NONE",
        "gtd": terms["goodTillDate"],
    }
    if fill is not None:
        row |= {"N": fill.fee_asset, "n": money(fill.fee)}
    return {"e": "ORDER_TRADE_UPDATE", "E": Moment(now_us), "T": Moment(state.at_us), "o": row}


def lite_event(report: Report, fill: Fill, symbol: str, now_us: int) -> Row:
    """TRADE_LITE: a trade in short."""
    return {
        "e": "TRADE_LITE",
        "E": Moment(now_us),
        "T": Moment(report.state.at_us),
        "s": symbol,
        "q": money(report.state.quantity),
        "p": money(report.state.price or ZERO),
        "m": fill.liquidity is Liquidity.MAKER,
        "c": client_id(report.order),
        "S": fill.side.value,
        "L": money(fill.price),
        "l": money(fill.quantity),
        "t": int(fill.trade_id),
        "i": int(fill.venue_order_id),
    }


def trade_row(fill: Fill, symbol: str) -> Row:
    """A row of userTrades."""
    return {
        "symbol": symbol,
        "id": int(fill.trade_id),
        "orderId": int(fill.venue_order_id),
        "side": fill.side.value,
        "price": money(fill.price),
        "qty": money(fill.quantity),
        "realizedPnl": money(fill.realized or ZERO),
        "quoteQty": money(fill.price * fill.quantity),
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": Moment(fill.event_us),
        "positionSide": "BOTH",
        "buyer": fill.side is Side.BUY,
        "maker": fill.liquidity is Liquidity.MAKER,
    }


def position_row(margin: Margin, account: Account, board: FutureBoard, updated_us: int) -> Row:
    """A row of positionRisk, in all of its versions."""
    contract, number = board.future.contract, account.number
    held = margin.position(number, board.symbol.instrument.instrument_id)
    mark = contract.marks.mark or ZERO
    value = value_of(contract.instrument, held.quantity, mark)
    orders = contract.margin(number) - held.margin
    entry = money(held.average_price)
    return {
        "symbol": board.symbol.name,
        "positionSide": "BOTH",
        "positionAmt": money(held.quantity),
        "entryPrice": entry,
        "breakEvenPrice": entry,
        "markPrice": money(mark),
        "unRealizedProfit": money(contract.unrealised(number)),
        "liquidationPrice": money(held.liquidation_price or ZERO),
        "isolatedMargin": "0",
        "notional": money(value),
        "marginAsset": contract.settle,
        "isolatedWallet": "0",
        "initialMargin": money(contract.margin(number)),
        "maintMargin": money(contract.maintenance(number)),
        "positionInitialMargin": money(held.margin),
        "openOrderInitialMargin": money(orders),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "leverage": to_text(contract.leverage(number)),
        "maxNotionalValue": board.future.value_max(contract.leverage(number)),
        "marginType": "cross",
        "isAutoAddMargin": "false",
        "updateTime": Moment(updated_us),
    }


def position_event_row(margin: Margin, account: Account, board: FutureBoard) -> Row:
    """A position in ACCOUNT_UPDATE."""
    row = position_row(margin, account, board, 0)
    held = board.future.contract.position(account.number)
    return {
        "s": row["symbol"],
        "pa": row["positionAmt"],
        "ep": row["entryPrice"],
        "bep": row["breakEvenPrice"],
        "cr": money(held.realized),
        "up": row["unRealizedProfit"],
        "mt": "cross",
        "iw": "0",
        "ps": "BOTH",
    }


def average(state: OrderState) -> str:
    """The average price of an order's trades; 0 before the first."""
    return money(state.cost / state.filled) if state.filled else money(Decimal(0))


def _status(state: OrderState) -> str:
    if state.reason == CANCELLING:
        return "CANCELED"
    if state.reason == "self_trade":
        return "EXPIRED_IN_MATCH"
    return STATUS.get(state.status) or ("PARTIALLY_FILLED" if state.filled else "NEW")
