"""Every operation of the futures protocol: what does it, what it weighs, and who may."""

from __future__ import annotations

from connectors.simulated.server import market
from connectors.simulated.server.calls import Operation
from connectors.simulated.server.credentials import Permission
from connectors.simulated.server.errors import NO_SUCH_PATH, ApiError
from connectors.simulated.server.usdm import account, orders, questions
from connectors.simulated.server.usdm.world import FutureWorld

TRADE, USER_DATA, USER_STREAM = Permission.TRADE, Permission.USER_DATA, Permission.USER_STREAM
PREFIX = "/fapi/"


def _get(path: str) -> tuple[str, str]:
    return "GET", path


OPERATIONS: tuple[Operation[FutureWorld], ...] = (
    Operation(market.ping, 1, rest=_get("v1/ping")),
    Operation(market.time, 1, rest=_get("v1/time")),
    Operation(questions.exchange_info, 1, rest=_get("v1/exchangeInfo")),
    Operation(market.depth, market.depth_weight, rest=_get("v1/depth")),
    Operation(market.trades, 5, rest=_get("v1/trades")),
    Operation(market.historical_trades, 20, rest=_get("v1/historicalTrades")),
    Operation(market.joined_trades, 20, rest=_get("v1/aggTrades")),
    Operation(market.klines, 5, rest=_get("v1/klines")),
    Operation(market.price_ticker, market.ticker_weight(1, 2), rest=_get("v1/ticker/price")),
    Operation(market.price_ticker, market.ticker_weight(1, 2), rest=_get("v2/ticker/price")),
    Operation(market.book_ticker, market.ticker_weight(2, 5), rest=_get("v1/ticker/bookTicker")),
    Operation(market.day_ticker, market.ticker_weight(1, 40), rest=_get("v1/ticker/24hr")),
    Operation(questions.premium_index, 1, rest=_get("v1/premiumIndex")),
    Operation(questions.funding_rates, 1, rest=_get("v1/fundingRate")),
    Operation(questions.funding_info, 0, rest=_get("v1/fundingInfo")),
    Operation(questions.open_interest, 1, rest=_get("v1/openInterest")),
    Operation(orders.place, 0, TRADE, ("POST", "v1/order")),
    Operation(orders.change, 0, TRADE, ("PUT", "v1/order")),
    Operation(orders.cancel, 1, TRADE, ("DELETE", "v1/order")),
    Operation(orders.cancel_all, 1, TRADE, ("DELETE", "v1/allOpenOrders")),
    Operation(orders.count_down, 10, TRADE, ("POST", "v1/countdownCancelAll")),
    Operation(orders.order, 1, USER_DATA, _get("v1/order")),
    Operation(orders.open_order, 1, USER_DATA, _get("v1/openOrder")),
    Operation(orders.open_orders, orders.open_orders_weight, USER_DATA, _get("v1/openOrders")),
    Operation(orders.all_orders, 5, USER_DATA, _get("v1/allOrders")),
    Operation(account.own_trades, 5, USER_DATA, _get("v1/userTrades")),
    Operation(account.income, 30, USER_DATA, _get("v1/income")),
    *(Operation(account.account, 5, USER_DATA, _get(f"{version}/account")) for version in ("v2", "v3")),
    *(Operation(account.balances, 5, USER_DATA, _get(f"{version}/balance")) for version in ("v2", "v3")),
    Operation(account.all_positions, 5, USER_DATA, _get("v2/positionRisk")),
    Operation(account.positions, 5, USER_DATA, _get("v3/positionRisk")),
    Operation(account.set_leverage, 1, TRADE, ("POST", "v1/leverage")),
    Operation(account.set_margin_type, 1, TRADE, ("POST", "v1/marginType")),
    Operation(account.sides, 30, USER_DATA, _get("v1/positionSide/dual")),
    Operation(account.set_sides, 1, TRADE, ("POST", "v1/positionSide/dual")),
    Operation(account.configuration, 5, USER_DATA, _get("v1/accountConfig")),
    Operation(account.symbol_configuration, 5, USER_DATA, _get("v1/symbolConfig")),
    Operation(account.brackets, 1, USER_DATA, _get("v1/leverageBracket")),
    Operation(account.fees, 20, USER_DATA, _get("v1/commissionRate")),
    Operation(account.order_limits, 1, USER_DATA, _get("v1/rateLimit/order")),
    Operation(account.multi_assets, 30, USER_DATA, _get("v1/multiAssetsMargin")),
    Operation(account.open_stream, 1, USER_STREAM, ("POST", "v1/listenKey"), is_signed=False),
    Operation(account.keep_stream, 1, USER_STREAM, ("PUT", "v1/listenKey"), is_signed=False),
    Operation(account.close_stream, 1, USER_STREAM, ("DELETE", "v1/listenKey"), is_signed=False),
    Operation(account.key_rights, 1, USER_DATA, _get("/sapi/v1/account/apiRestrictions")),
)
BY_PATH = {operation.rest: operation for operation in OPERATIONS}


def find(method: str, path: str) -> Operation[FutureWorld]:
    """What the protocol has under a path. Raises ApiError."""
    found = BY_PATH.get((method, path.rpartition(PREFIX)[2] if PREFIX in path else path))
    if found is None:
        raise ApiError(NO_SUCH_PATH)
    return found
