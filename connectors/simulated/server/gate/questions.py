"""Questions: markets, prices and trades of everybody; orders, trades, balances and fees of an account."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.server.gate.board import INTERVALS, Board
from connectors.simulated.server.gate.board import trade_row as public_trade_row
from connectors.simulated.server.gate.entries import order_row, trade_row
from connectors.simulated.server.gate.errors import BAD_VALUE, GateError
from connectors.simulated.server.gate.values import Fields, milliseconds, money, seconds
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.venue_order import Account

HUNDRED = Decimal(100)
TRADES_MAX, ORDERS_MAX, DEPTH_MAX, CANDLES_MAX = 1000, 100, 1000, 1000


# --- of everybody


def time(world: GateWorld, fields: Fields) -> Any:
    return {"server_time": milliseconds(world.now_us)}


def currencies(world: GateWorld, fields: Fields) -> Any:
    flags = dict.fromkeys(
        ("delisted", "withdraw_disabled", "withdraw_delayed", "deposit_disabled", "trade_disabled"), False
    )
    return [{"currency": asset, "name": asset, "chain": asset, "chains": []} | flags for asset in world.assets]


def currency_pairs(world: GateWorld, fields: Fields) -> Any:
    return [pair_row(board) for board in world.boards.values()]


def pair_row(board: Board) -> dict[str, Any]:
    instrument = board.listing.instrument
    halted = board.listing.engine.halted
    return {
        "id": board.name,
        "base": instrument.base,
        "base_name": instrument.base,
        "quote": instrument.quote,
        "quote_name": instrument.quote,
        "fee": money(instrument.taker_rate * HUNDRED),
        "min_base_amount": money(max(instrument.quantity_min, instrument.quantity_step)),
        "min_quote_amount": money(instrument.notional_min),
        "max_base_amount": money(instrument.quantity_max) if instrument.quantity_max else None,
        "amount_precision": -int(instrument.quantity_step.normalize().as_tuple().exponent),
        "precision": -int(instrument.price_step.normalize().as_tuple().exponent),
        "trade_status": "untradable" if halted else "tradable",
        "sell_start": 0,
        "buy_start": 0,
        "type": "normal",
    }


def tickers(world: GateWorld, fields: Fields) -> Any:
    name = fields.text("currency_pair")
    boards = [world.board(name)] if name else list(world.boards.values())
    return [board.ticker(world.now_us) for board in boards]


def order_book(world: GateWorld, fields: Fields) -> Any:
    board = world.board(fields.need("currency_pair"))
    with_id = fields.text("with_id").lower() == "true"
    return board.book(fields.limit(10, DEPTH_MAX), world.now_us, with_id=with_id)


def trades(world: GateWorld, fields: Fields) -> Any:
    """Newest first."""
    board = world.board(fields.need("currency_pair"))
    rows = [public_trade_row(trade, board.name) for trade in board.tape.trades[-fields.limit(100, TRADES_MAX) :]]
    return rows[::-1]


def candlesticks(world: GateWorld, fields: Fields) -> Any:
    board = world.board(fields.need("currency_pair"))
    interval = INTERVALS.get(fields.text("interval", "30m"))
    if interval is None:
        raise GateError(BAD_VALUE, "Invalid interval")
    start = fields.whole("from", 0)
    end_us = fields.whole("to", seconds(world.now_us)) * 1_000_000
    bars = board.tape.bars(interval, start * 1_000_000 or None, end_us, fields.limit(100, CANDLES_MAX))
    return [
        [
            str(seconds(bar.open_us)),
            *map(money, (bar.quote, bar.close, bar.high, bar.low, bar.open, bar.volume)),
            "true" if bar.close_us <= world.now_us else "false",
        ]
        for bar in bars
    ]


# --- of an account


def accounts(world: GateWorld, account: Account, fields: Fields) -> Any:
    asset = fields.text("currency")
    balances = [world.exchange.balance(account, each) for each in world.assets if asset in ("", each)]
    return [
        {
            "currency": each.asset,
            "available": money(each.free),
            "locked": money(world.exchange.ledger.locked(account.number, each.asset)),
            "update_id": milliseconds(world.now_us),
        }
        for each in balances
    ]


def orders(world: GateWorld, account: Account, fields: Fields) -> Any:
    """Of a market, open or finished, newest first; finished ones by the time of their end."""
    board = world.board(fields.need("currency_pair"))
    wanted = fields.need("status")
    if wanted not in ("open", "finished"):
        raise GateError(BAD_VALUE, "Invalid status")
    start_us = fields.whole("from", 0) * 1_000_000
    end_us = (fields.whole("to", seconds(world.now_us)) + 1) * 1_000_000
    found = [
        each
        for each in world.entries.of_account(account.number, board.name)
        if each.order.is_open is (wanted == "open")
        and (wanted == "open" or start_us <= each.order.state.at_us < end_us)
    ]
    return [order_row(each) for each in page_of(found, fields, ORDERS_MAX)]


def open_orders(world: GateWorld, account: Account, fields: Fields) -> Any:
    """Of all markets, by market. A page is a number of orders of each market."""
    pages = []
    for board in world.boards.values():
        found = [each for each in world.entries.of_account(account.number, board.name) if each.order.is_open]
        rows = [order_row(each) for each in page_of(found, fields, ORDERS_MAX)]
        if rows:
            pages.append({"currency_pair": board.name, "total": len(found), "orders": rows})
    return pages


def my_trades(world: GateWorld, account: Account, fields: Fields) -> Any:
    """Of a market or an order, newest first."""
    board = world.board(fields.need("currency_pair"))
    fills = world.exchange.trades(account, board.listing.instrument.instrument_id, fields.text("order_id"))
    start_us = fields.whole("from", 0) * 1_000_000
    end_us = (fields.whole("to", seconds(world.now_us)) + 1) * 1_000_000
    found = [fill for fill in reversed(fills) if start_us <= fill.event_us < end_us]
    return [trade_row(board.name, fill) for fill in page_of(found, fields, TRADES_MAX)]


def page_of(rows: list[Any], fields: Fields, highest: int) -> list[Any]:
    """`page` counts from 1."""
    limit = fields.limit(100, highest)
    first = (max(1, fields.whole("page", 1)) - 1) * limit
    return rows[first : first + limit]


def fee(world: GateWorld, account: Account, fields: Fields) -> Any:
    """Of the named market, else of the first one."""
    name = fields.text("currency_pair")
    board = world.board(name) if name else next(iter(world.boards.values()))
    maker, taker = fee_rates(account, board.listing.instrument)
    rates = {"taker_fee": money(taker), "maker_fee": money(maker), "gt_taker_fee": "0", "gt_maker_fee": "0"}
    for contract in list(world.contracts.values())[:1]:
        maker, taker = fee_rates(account, contract.listing.instrument)
        rates |= {"futures_taker_fee": money(taker), "futures_maker_fee": money(maker)}
    return {"user_id": account.number, "gt_discount": False, "point_type": "0"} | rates


def batch_fee(world: GateWorld, account: Account, fields: Fields) -> Any:
    names = [name for name in fields.need("currency_pairs").split(",") if name]
    return {name: fee(world, account, Fields({"currency_pair": name})) for name in names}


def countdown(world: GateWorld, account: Account, fields: Fields) -> Any:
    """The dead man's switch of a market, or of all: `timeout` seconds, 0 stops it."""
    name = fields.text("currency_pair")
    return arm(world, account, fields, [world.board(name)] if name else list(world.boards.values()))


def arm(world: GateWorld, account: Account, fields: Fields, boards: Iterable[Board]) -> Any:
    """Arm or stop the switch of these markets."""
    timeout = fields.whole("timeout", 0)
    if 0 < timeout < 5:
        raise GateError(BAD_VALUE, "timeout must be 0 or at least 5")
    for board in boards:
        world.exchange.arm_dead_man(account, board.listing.instrument.instrument_id, timeout * 1_000)
    fires_us = world.now_us + timeout * 1_000_000 if timeout else 0
    return {"triggerTime": str(milliseconds(fires_us))}


def account_detail(world: GateWorld, account: Account, fields: Fields) -> Any:
    return {"user_id": account.number, "tier": 0, "ip_whitelist": [], "currency_pairs": [], "key": {"mode": 1}}


def account_book(world: GateWorld, account: Account, fields: Fields) -> Any:
    """Only deposits and withdrawals would be here; there are none."""
    return []


def nothing(world: GateWorld, fields: Fields) -> Any:
    """Of margin markets there are none."""
    return []
