"""Every operation: what does it, what it weighs, who may, and how REST and the WebSocket API name it."""

from __future__ import annotations

from typing import Any

from connectors.simulated.server import history, lists, market, orders, replacing
from connectors.simulated.server.calls import Call, Operation
from connectors.simulated.server.credentials import Permission
from connectors.simulated.server.errors import RETIRED, ApiError
from connectors.simulated.server.world import World

TRADE, USER_DATA = Permission.TRADE, Permission.USER_DATA


def _retired(world: World, call: Call) -> Any:
    raise ApiError(RETIRED)


def _get(path: str) -> tuple[str, str]:
    return "GET", path


OPERATIONS: tuple[Operation[World], ...] = (
    Operation(market.ping, 1, rest=_get("ping"), socket="ping"),
    Operation(market.time, 1, rest=_get("time"), socket="time"),
    Operation(market.exchange_info, 20, rest=_get("exchangeInfo"), socket="exchangeInfo"),
    Operation(market.depth, market.depth_weight, rest=_get("depth"), socket="depth"),
    Operation(market.trades, 25, rest=_get("trades"), socket="trades.recent"),
    Operation(market.historical_trades, 25, rest=_get("historicalTrades"), socket="trades.historical"),
    Operation(market.joined_trades, 4, rest=_get("aggTrades"), socket="trades.aggregate"),
    Operation(market.klines, 2, rest=_get("klines"), socket="klines"),
    Operation(market.klines, 2, rest=_get("uiKlines"), socket="uiKlines"),
    Operation(market.average_price, 2, rest=_get("avgPrice"), socket="avgPrice"),
    Operation(market.price_ticker, market.ticker_weight(2, 4), rest=_get("ticker/price"), socket="ticker.price"),
    Operation(market.book_ticker, market.ticker_weight(2, 4), rest=_get("ticker/bookTicker"), socket="ticker.book"),
    Operation(market.day_ticker, market.ticker_weight(2, 80), rest=_get("ticker/24hr"), socket="ticker.24hr"),
    Operation(orders.place, 0, TRADE, ("POST", "order"), "order.place", failure_weight=1),
    Operation(orders.test_place, 1, TRADE, ("POST", "order/test"), "order.test"),
    Operation(orders.cancel, 0, TRADE, ("DELETE", "order"), "order.cancel", failure_weight=1),
    Operation(orders.cancel_all, 0, TRADE, ("DELETE", "openOrders"), "openOrders.cancelAll", failure_weight=1),
    Operation(
        replacing.cancel_replace, 0, TRADE, ("POST", "order/cancelReplace"), "order.cancelReplace", failure_weight=1
    ),
    Operation(orders.amend, 4, TRADE, ("PUT", "order/amend/keepPriority"), "order.amend.keepPriority"),
    Operation(lists.place, 1, TRADE, ("POST", "orderList/oco"), "orderList.place.oco"),
    Operation(lists.place_old, 1, TRADE, ("POST", "order/oco"), "orderList.place"),
    Operation(lists.place_triggering, 1, TRADE, ("POST", "orderList/oto"), "orderList.place.oto"),
    Operation(lists.place_triggering_pair, 1, TRADE, ("POST", "orderList/otoco"), "orderList.place.otoco"),
    Operation(lists.cancel, 1, TRADE, ("DELETE", "orderList"), "orderList.cancel"),
    Operation(lists.query, 4, USER_DATA, _get("orderList"), "orderList.status"),
    Operation(lists.open_lists, 6, USER_DATA, _get("openOrderList"), "openOrderLists.status"),
    Operation(lists.all_lists, 20, USER_DATA, _get("allOrderList"), "allOrderLists"),
    Operation(history.order, 4, USER_DATA, _get("order"), "order.status"),
    Operation(history.amendments, 4, USER_DATA, _get("order/amendments"), "order.amendments"),
    Operation(history.open_orders, history.open_orders_weight, USER_DATA, _get("openOrders"), "openOrders.status"),
    Operation(history.all_orders, 20, USER_DATA, _get("allOrders"), "allOrders"),
    Operation(history.own_trades, history.own_trades_weight, USER_DATA, _get("myTrades"), "myTrades"),
    Operation(history.account, 20, USER_DATA, _get("account"), "account.status"),
    Operation(history.commission, 20, USER_DATA, _get("account/commission"), "account.commission"),
    Operation(history.order_limits, 40, USER_DATA, _get("rateLimit/order"), "account.rateLimits.orders"),
    Operation(history.key_rights, 1, USER_DATA, _get("/sapi/v1/account/apiRestrictions")),
    Operation(market.nothing, 20, USER_DATA, _get("myPreventedMatches"), "myPreventedMatches"),
    Operation(market.nothing, 20, USER_DATA, _get("myAllocations"), "myAllocations"),
    Operation(history.filters, 40, USER_DATA, _get("myFilters"), "myFilters"),
    *(Operation(_retired, 2, rest=(method, "userDataStream")) for method in ("POST", "PUT", "DELETE")),
)
BY_PATH = {operation.rest: operation for operation in OPERATIONS if operation.rest is not None}
BY_METHOD = {operation.socket: operation for operation in OPERATIONS if operation.socket}
