"""What can be asked and set about an account: money, positions, leverage, fees, its bookings, its private stream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.server.calls import Call
from connectors.simulated.server.credentials import Permission
from connectors.simulated.server.errors import UNSUPPORTED, ApiError
from connectors.simulated.server.market import page
from connectors.simulated.server.usdm.errors import (
    BAD_LEVERAGE,
    NO_SUCH_KEY,
    SAME_MARGIN_TYPE,
    SAME_SIDES,
    TOO_LITTLE_LEVERAGE,
    refusal,
)
from connectors.simulated.server.usdm.render import Row, position_row, trade_row
from connectors.simulated.server.usdm.world import FutureWorld
from connectors.simulated.server.values import Moment, money
from connectors.simulated.venue_order import Account
from engine.model.errors import Rejected
from engine.model.money import ZERO

ROWS_DEFAULT, ROWS_MAX = 500, 1000
INCOME_DEFAULT = 100
WEEK_US = 7 * 86_400_000_000


def account(world: FutureWorld, call: Call) -> Any:
    """GET v2/account and v3/account."""
    assets = [_asset_row(world, call.account, asset) for asset in world.assets]
    positions = _positions(world, call.account, world.chosen(call.params))
    names = (
        *("initialMargin", "maintMargin", "walletBalance", "unrealizedProfit", "marginBalance"),
        *("positionInitialMargin", "openOrderInitialMargin", "crossWalletBalance", "crossUnPnl"),
    )
    totals = {f"total{name[0].upper()}{name[1:]}": _sum(assets, name) for name in names}
    free = {name: _sum(assets, name) for name in ("availableBalance", "maxWithdrawAmount")}
    flags = {"canTrade": True, "canDeposit": False, "canWithdraw": False, "feeTier": 0, "multiAssetsMargin": False}
    return totals | free | flags | {"updateTime": 0, "assets": assets, "positions": positions}


def balances(world: FutureWorld, call: Call) -> Any:
    """GET v2/balance and v3/balance."""
    rows = (_asset_row(world, call.account, asset) for asset in world.assets)
    return [
        {
            "accountAlias": "",
            "asset": row["asset"],
            "balance": row["walletBalance"],
            "crossWalletBalance": row["crossWalletBalance"],
            "crossUnPnl": row["crossUnPnl"],
            "availableBalance": row["availableBalance"],
            "maxWithdrawAmount": row["maxWithdrawAmount"],
            "marginAvailable": True,
            "updateTime": row["updateTime"],
        }
        for row in rows
    ]


def positions(world: FutureWorld, call: Call) -> Any:
    """GET v3/positionRisk: where there is a position or an order."""
    return _positions(world, call.account, world.chosen(call.params))


def all_positions(world: FutureWorld, call: Call) -> Any:
    """GET v2/positionRisk: on every symbol."""
    return [position_row(world.margin, call.account, each, world.now_us) for each in world.chosen(call.params)]


def set_leverage(world: FutureWorld, call: Call) -> Any:
    """POST leverage."""
    params = call.params
    board = world.future(params)
    params.need("leverage")
    leverage, contract = params.integer("leverage") or 0, board.future.contract
    if not 1 <= leverage <= contract.terms.tiers.tiers[0].leverage_max:
        raise ApiError(BAD_LEVERAGE, leverage)
    try:
        contract.set_leverage(call.account.number, Decimal(leverage))
    except Rejected as error:
        raise ApiError(TOO_LITTLE_LEVERAGE) if error.code == "insufficient_funds" else refusal(error) from error
    change = {"e": "ACCOUNT_CONFIG_UPDATE", "E": Moment(world.now_us), "T": Moment(world.now_us)}
    world.users.tell(call.account.number, change | {"ac": {"s": board.symbol.name, "l": leverage}})
    value_max = board.future.value_max(Decimal(leverage))
    return {"leverage": leverage, "maxNotionalValue": value_max, "symbol": board.symbol.name}


def set_margin_type(world: FutureWorld, call: Call) -> Any:
    """POST marginType: there is only the one that everybody has."""
    world.future(call.params)
    crossed = call.params.needed_choice("marginType", {"CROSSED": True, "ISOLATED": False})
    raise ApiError(SAME_MARGIN_TYPE if crossed else UNSUPPORTED)


def sides(world: FutureWorld, call: Call) -> Any:
    """GET positionSide/dual."""
    return {"dualSidePosition": False}


def set_sides(world: FutureWorld, call: Call) -> Any:
    """POST positionSide/dual: long and short are not held apart here."""
    call.params.need("dualSidePosition")
    raise ApiError(UNSUPPORTED if call.params.flag("dualSidePosition") else SAME_SIDES)


def configuration(world: FutureWorld, call: Call) -> Any:
    """GET accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": False,
        "canWithdraw": False,
        "dualSidePosition": False,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        "updateTime": 0,
    }


def symbol_configuration(world: FutureWorld, call: Call) -> Any:
    """GET symbolConfig."""
    rows = []
    for board in world.chosen(call.params):
        leverage = board.future.contract.leverage(call.account.number)
        rows.append(
            {
                "symbol": board.symbol.name,
                "marginType": "CROSSED",
                "isAutoAddMargin": False,
                "leverage": int(leverage),
                "maxNotionalValue": board.future.value_max(leverage),
            }
        )
    return rows


def brackets(world: FutureWorld, call: Call) -> Any:
    """GET leverageBracket."""
    return [board.future.brackets() for board in world.chosen(call.params)]


def fees(world: FutureWorld, call: Call) -> Any:
    """GET commissionRate."""
    board = world.future(call.params)
    maker, taker = fee_rates(call.account, board.symbol.instrument)
    return {"symbol": board.symbol.name, "makerCommissionRate": money(maker), "takerCommissionRate": money(taker)}


def order_limits(world: FutureWorld, call: Call) -> Any:
    """GET rateLimit/order."""
    return world.limits.order_rows()


def multi_assets(world: FutureWorld, call: Call) -> Any:
    """GET multiAssetsMargin."""
    return {"multiAssetsMargin": False}


def own_trades(world: FutureWorld, call: Call) -> Any:
    """GET userTrades: from an id on, of an order, or by time."""
    params = call.params
    board = world.future(params)
    order_id, first = params.integer("orderId"), params.integer("fromId")
    named = "" if order_id is None else str(order_id)
    fills = world.exchange.trades(call.account, board.symbol.instrument.instrument_id, named, (first or 1) - 1)
    if first is None:
        fills = page(fills, lambda fill: fill.event_us, params, ROWS_DEFAULT, ROWS_MAX, WEEK_US)
    else:
        fills = fills[: params.limit(ROWS_DEFAULT, ROWS_MAX)]
    return [trade_row(fill, board.symbol.name) for fill in fills]


def income(world: FutureWorld, call: Call) -> Any:
    """GET income: profits, commissions and funding, oldest first."""
    params, kind = call.params, call.params.optional("incomeType")
    rows: list[tuple[int, Row]] = []
    for board in world.chosen(params):
        instrument_id = board.symbol.instrument.instrument_id
        for fill in world.exchange.trades(call.account, instrument_id):
            for name, amount in (("REALIZED_PNL", fill.realized or ZERO), ("COMMISSION", -fill.fee)):
                if amount:
                    rows.append(_income(board.symbol.name, name, amount, fill.fee_asset, fill.event_us, fill.trade_id))
        for payment in world.margin.history:
            seen = payment.transfer
            if payment.account == call.account.number and seen.instrument_id == instrument_id:
                rows.append(_income(board.symbol.name, "FUNDING_FEE", seen.amount, seen.asset, seen.event_us, ""))
    rows = [row for row in rows if kind in (None, row[1]["incomeType"])]
    rows.sort(key=lambda row: row[0])
    return [row for _, row in page(rows, lambda row: row[0], params, INCOME_DEFAULT, ROWS_MAX, None)]


def open_stream(world: FutureWorld, call: Call) -> Any:
    """POST listenKey."""
    return {"listenKey": world.listen_keys.open(call.account.number, world.now_us)}


def keep_stream(world: FutureWorld, call: Call) -> Any:
    """PUT listenKey."""
    key = world.listen_keys.extend(call.account.number, world.now_us)
    if key is None:
        raise ApiError(NO_SUCH_KEY)
    return {"listenKey": key}


def close_stream(world: FutureWorld, call: Call) -> Any:
    """DELETE listenKey."""
    world.listen_keys.close(call.account.number)
    return {}


def key_rights(world: FutureWorld, call: Call) -> Any:
    """What the key may do, as the wallet's host tells it."""
    credential = call.credential
    assert credential is not None
    never = ("enableInternalTransfer", "enableMargin", "permitsUniversalTransfer", "enableVanillaOptions")
    return {
        "ipRestrict": credential.bound,
        "createTime": Moment(0),
        "enableReading": Permission.USER_DATA in credential.permissions,
        "enableSpotAndMarginTrading": False,
        "enableFutures": Permission.TRADE in credential.permissions,
        "enableWithdrawals": credential.withdraws,
        **dict.fromkeys(never, False),
    }


# --- the parts


def _asset_row(world: FutureWorld, owner: Account, asset: str) -> Row:
    """Money in one settle asset: the wallet, what is tied up in it, and what is left for new orders."""
    number, ledger, margin = owner.number, world.exchange.ledger, world.margin
    contracts = [board.future.contract for board in world.futures.values() if board.future.contract.settle == asset]
    wallet, profit = money(ledger.total(number, asset)), money(margin.profit(number, asset))
    tied = sum((contract.margin(number) for contract in contracts), ZERO)
    held = sum((margin.position(number, each.instrument.instrument_id).margin for each in contracts), ZERO)
    free = money(world.exchange.balance(owner, asset).free)
    return {
        "asset": asset,
        "walletBalance": wallet,
        "unrealizedProfit": profit,
        "marginBalance": money(margin.equity(number, asset)),
        "maintMargin": money(margin.maintenance(number, asset)),
        "initialMargin": money(tied),
        "positionInitialMargin": money(held),
        "openOrderInitialMargin": money(tied - held),
        "crossWalletBalance": wallet,
        "crossUnPnl": profit,
        "availableBalance": free,
        "maxWithdrawAmount": free,
        "marginAvailable": True,
        "updateTime": Moment(world.now_us),
    }


def _positions(world: FutureWorld, owner: Account, boards: list[Any]) -> list[Row]:
    shown = [
        each
        for each in boards
        if each.future.contract.margin(owner.number) or each.future.contract.holding(owner.number)
    ]
    return [position_row(world.margin, owner, each, world.now_us) for each in shown]


def _income(symbol: str, kind: str, amount: Decimal, asset: str, at_us: int, trade_id: str) -> tuple[int, Row]:
    row = {
        "symbol": symbol,
        "incomeType": kind,
        "income": money(amount),
        "asset": asset,
        "info": trade_id or kind,
        "time": Moment(at_us),
        "tranId": int(trade_id) if trade_id else at_us // 1000,
        "tradeId": trade_id,
    }
    return at_us, row


def _sum(rows: list[Row], name: str) -> str:
    return money(sum((Decimal(row[name]) for row in rows), ZERO))
