"""Questions about an account: its orders, trades, balances, fees and limits."""

from __future__ import annotations

from typing import Any

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.server.calls import Call
from connectors.simulated.server.credentials import Permission
from connectors.simulated.server.errors import BAD_OPTIONS, IDS_DIFFER, NO_SUCH_ORDER, ApiError
from connectors.simulated.server.market import ROWS_DEFAULT, ROWS_MAX, page
from connectors.simulated.server.orders import find_ticket, open_tickets
from connectors.simulated.server.params import Parameters
from connectors.simulated.server.render import own_trade, queried
from connectors.simulated.server.reports import balance_row
from connectors.simulated.server.values import Moment, money
from connectors.simulated.server.world import World
from engine.model.money import ZERO

BIPS = 10_000


def order(world: World, call: Call) -> Any:
    return queried(find_ticket(world, call, ApiError(NO_SUCH_ORDER), IDS_DIFFER))


def open_orders(world: World, call: Call) -> Any:
    """Of one symbol, or of all."""
    boards = [world.board(call.params)] if "symbol" in call.params else list(world.boards.values())
    return [queried(ticket) for board in boards for ticket in open_tickets(world, call.account, board)]


def open_orders_weight(params: Parameters) -> int:
    return 6 if "symbol" in params else 80


def all_orders(world: World, call: Call) -> Any:
    """From an order id on, or by time of creation."""
    board, params = world.board(call.params), call.params
    rows = world.tickets.rows(call.account.number, board.symbol.name)
    first = params.integer("orderId")
    if first is None:
        rows = page(rows, lambda ticket: ticket.created_us, params, ROWS_DEFAULT, ROWS_MAX)
    else:
        limit = params.limit(ROWS_DEFAULT, ROWS_MAX)
        rows = [ticket for ticket in rows if ticket.order_id >= first][:limit]
    return [queried(ticket) for ticket in rows]


def own_trades(world: World, call: Call) -> Any:
    """Of a symbol or of one order; from a trade id on, or by time."""
    board, params = world.board(call.params), call.params
    order_id, first = params.integer("orderId"), params.integer("fromId")
    if ("startTime" in params or "endTime" in params) and (order_id is not None or first is not None):
        raise ApiError(BAD_OPTIONS)
    instrument_id = board.symbol.instrument.instrument_id
    name = "" if order_id is None else str(order_id)
    fills = world.exchange.trades(call.account, instrument_id, name, max(first or 0, 1) - 1)
    if first is None:
        fills = page(fills, lambda fill: fill.event_us, params, ROWS_DEFAULT, ROWS_MAX)
    else:
        fills = fills[: params.limit(ROWS_DEFAULT, ROWS_MAX)]
    rows = world.tickets.rows(call.account.number, board.symbol.name)
    numbers = {ticket.order_id: ticket.list_number for ticket in rows}
    names = ((int(fill.venue_order_id), fill) for fill in fills)
    return [own_trade(order, numbers.get(order, -1), board.symbol.name, fill) for order, fill in names]


def own_trades_weight(params: Parameters) -> int:
    return 5 if "orderId" in params else 20


def amendments(world: World, call: Call) -> Any:
    """How an order's total was changed."""
    params = call.params
    params.need("orderId")
    ticket = find_ticket(world, call, ApiError(NO_SUCH_ORDER), IDS_DIFFER)
    first, limit = params.integer("fromExecutionId") or 0, params.limit(ROWS_DEFAULT, ROWS_MAX)
    return [
        {
            "symbol": ticket.placement.symbol.name,
            "orderId": ticket.order_id,
            "executionId": each.execution_id,
            "origClientOrderId": each.old_client_order_id,
            "newClientOrderId": each.new_client_order_id,
            "origQty": each.old_quantity,
            "newQty": each.new_quantity,
            "time": Moment(each.at_us),
        }
        for each in ticket.amends
        if each.execution_id >= first
    ][:limit]


def account(world: World, call: Call) -> Any:
    """Fees and balances. The fees are those of the first symbol; each symbol's own are in `commission`."""
    owner = call.account
    maker, taker = fee_rates(owner, next(iter(world.boards.values())).symbol.instrument)
    balances = [world.exchange.balance(owner, asset) for asset in world.assets]
    if call.params.flag("omitZeroBalances"):
        balances = [each for each in balances if each.total]
    updated_us = max(
        (rows[-1].order.state.at_us for name in world.boards if (rows := world.tickets.rows(owner.number, name))),
        default=0,
    )
    return {
        "makerCommission": int(maker * BIPS),
        "takerCommission": int(taker * BIPS),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": money(maker), "taker": money(taker), "buyer": money(ZERO), "seller": money(ZERO)},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": Moment(updated_us),
        "accountType": "SPOT",
        "balances": [balance_row(each, "asset", "free", "locked") for each in balances],
        "permissions": ["SPOT"],
        "uid": owner.number,
    }


def key_rights(world: World, call: Call) -> Any:
    """What the key may do. Of what is not traded here, nothing."""
    credential = call.credential
    assert credential is not None
    never = (
        *("enableInternalTransfer", "enableMargin", "enableFutures", "permitsUniversalTransfer"),
        *("enableVanillaOptions", "enableFixApiTrade", "enableFixReadOnly", "enablePortfolioMarginTrading"),
    )
    return {
        "ipRestrict": credential.bound,
        "createTime": Moment(0),
        "enableReading": Permission.USER_DATA in credential.permissions,
        "enableSpotAndMarginTrading": Permission.TRADE in credential.permissions,
        "enableWithdrawals": credential.withdraws,
        **dict.fromkeys(never, False),
    }


def filters(world: World, call: Call) -> Any:
    """Nothing but what every account has."""
    world.board(call.params)
    return {"exchangeFilters": [], "symbolFilters": [], "assetFilters": []}


def commission(world: World, call: Call) -> Any:
    board = world.board(call.params)
    maker, taker = fee_rates(call.account, board.symbol.instrument)
    none = dict.fromkeys(("maker", "taker", "buyer", "seller"), money(ZERO))
    return {
        "symbol": board.symbol.name,
        "standardCommission": none | {"maker": money(maker), "taker": money(taker)},
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": money(ZERO),
        },
    }


def order_limits(world: World, call: Call) -> Any:
    return world.order_count(call.account).rows(world.now_us)
