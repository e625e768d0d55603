"""What can be asked: about the market, and about an account's orders, trades and money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.server.okx.board import BARS, trade_row
from connectors.simulated.server.okx.contracts import SPOT, SWAP, family, funding_row, inst_type, mark_row, tier_rows
from connectors.simulated.server.okx.entries import Entry, fill_row, order_row
from connectors.simulated.server.okx.errors import BAD_INSTRUMENT, BAD_VALUE, OkxError
from connectors.simulated.server.okx.values import ROWS_MAX, Fields, money, page, stamp
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.venue_order import Account

CANDLES_MAX = 300
BOOK_MAX = 400
Rows = list[Any]


# ---- the market


def time(world: OkxWorld, fields: Fields) -> Rows:
    return [{"ts": stamp(world.now_us)}]


def instruments(world: OkxWorld, fields: Fields) -> Rows:
    kind, symbol = fields.need("instType"), fields.text("instId")
    boards = [world.board(symbol)] if symbol else world.boards.values()
    return [board.info() for board in boards if board.kind == kind]


def ticker(world: OkxWorld, fields: Fields) -> Rows:
    return [world.board(fields.need("instId")).ticker(world.now_us)]


def tickers(world: OkxWorld, fields: Fields) -> Rows:
    kind = fields.need("instType")
    return [board.ticker(world.now_us) for board in world.boards.values() if board.kind == kind]


def book(world: OkxWorld, fields: Fields) -> Rows:
    depth = min(fields.whole("sz") or 1, BOOK_MAX)
    return [world.board(fields.need("instId")).book(depth, world.now_us)]


def trades(world: OkxWorld, fields: Fields) -> Rows:
    """Newest first."""
    board = world.board(fields.need("instId"))
    found = board.tape.joined[-min(fields.whole("limit") or ROWS_MAX, 500) :]
    return [trade_row(trade, board.name) for trade in reversed(found)]


def candles(world: OkxWorld, fields: Fields) -> Rows:
    """`after` and `before` are times: only candles before the one and after the other."""
    word = fields.text("bar") or "1m"
    if word not in BARS:
        raise OkxError(BAD_VALUE, "bar")
    after, before = fields.whole("after"), fields.whole("before")
    limit = min(fields.whole("limit") or ROWS_MAX, CANDLES_MAX)
    end_us = world.now_us if after is None else min(after * 1_000 - 1, world.now_us)
    start_us = None if before is None else before * 1_000 + 1
    return world.board(fields.need("instId")).candles(word, start_us, end_us, limit)


def marks(world: OkxWorld, fields: Fields) -> Rows:
    """Mark prices."""
    kind, symbol = fields.text("instType") or SWAP, fields.text("instId")
    return [
        mark_row(contract, board.name, world.now_us)
        for board, contract in world.contracts()
        if kind == SWAP and symbol in ("", board.name)
    ]


def funding(world: OkxWorld, fields: Fields) -> Rows:
    """The funding rate of one perpetual, or of each (`ANY`)."""
    symbol = fields.need("instId")
    return [
        funding_row(contract, board.name, world.now_us)
        for board, contract in world.contracts()
        if symbol in ("ANY", board.name)
    ]


def past_funding(world: OkxWorld, fields: Fields) -> Rows:
    """The rates that were paid, newest first. `after` and `before` are times."""
    board = world.board(fields.need("instId"))
    rows = [
        {"instType": SWAP, "instId": board.name, "method": "current_period", "formulaType": "noRate"}
        | {"fundingRate": money(each.rate), "realizedRate": money(each.rate), "fundingTime": stamp(each.due_us)}
        for each in reversed(board.contract.marks.paid if board.contract is not None else ())
    ]
    return page(rows, fields, lambda row: int(row["fundingTime"]), lambda row: int(row["fundingTime"]) * 1_000)


def tiers(world: OkxWorld, fields: Fields) -> Rows:
    """Margin tiers of the perpetuals of a family."""
    kind, names = fields.need("instType"), fields.text("instFamily") or fields.text("uly")
    return [
        row
        for _, contract in world.contracts()
        if kind == SWAP and family(contract.instrument) in names.split(",")
        for row in tier_rows(contract)
    ]


def nothing(world: OkxWorld, fields: Fields) -> Rows:
    """A list that is always empty here."""
    return []


# ---- accounts


def balance(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    wanted = [each for each in fields.text("ccy").split(",") if each]
    held = [each for each in world.exchange.balances(account) if each.total or each.asset in wanted]
    return [world.balances(account, [each.asset for each in held if not wanted or each.asset in wanted])]


def config(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    """Spot mode, or futures mode where perpetuals are listed; the key may read and trade."""
    texts = {
        "acctLv": "1" if world.exchange.margin is None else "2",
        "posMode": "net_mode",
        "perm": "read_only,trade",
        "label": account.name,
        "level": "Lv1",
    }
    return [{"uid": str(account.number), "mainUid": str(account.number), "ip": "127.0.0.1", **texts}]


def fees(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    """Negative when they are paid. Those of the named instrument, else of the first one."""
    symbol, kind = fields.text("instId"), fields.text("instType") or SPOT
    boards = [each for each in world.boards.values() if symbol in ("", each.name) and kind == each.kind]
    if not boards:
        raise OkxError(BAD_INSTRUMENT)
    board = boards[0]
    maker, taker = fee_rates(account, board.listing.instrument)
    rates = {"maker": money(-maker), "taker": money(-taker)}
    others = dict.fromkeys(("makerUSDC", "takerUSDC", "delivery", "exercise"), "")
    others |= {f"{name}U": "" if kind == SPOT else rate for name, rate in rates.items()}
    return [{"instType": kind, "level": "Lv1", "category": "1", "ts": stamp(world.now_us), **rates, **others}]


def currencies(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    """Assets that can neither come nor go."""
    instruments = [board.listing.instrument for board in world.boards.values()]
    names = dict.fromkeys(asset for each in instruments for asset in (each.base, each.quote))
    closed = {"canDep": False, "canWd": False, "canInternal": False, "mainNet": True}
    numbers = dict.fromkeys(("minFee", "maxFee", "minWd", "maxWd", "minDep", "wdTickSz", "fee"), "0")
    return [{"ccy": name, "name": name, "chain": f"{name}-{name}", **closed, **numbers} for name in names]


def pending(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    return _orders(world, account, fields, lambda entry: entry.order.is_open)


def history(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    """Orders that have ended."""
    return _orders(world, account, fields, lambda entry: not entry.order.is_open)


def fills(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    """Own trades; paged by bill."""
    symbol, order_id, kind = fields.text("instId"), fields.text("ordId"), fields.text("instType")
    found = [
        each
        for each in world.entries.fills_of(account.number)
        if symbol in ("", each.entry.symbol)
        and order_id in ("", each.fill.venue_order_id)
        and kind in ("", inst_type(each.entry.symbol))
    ]
    rows = page(found, fields, lambda each: each.bill, lambda each: each.fill.event_us)
    return [fill_row(each) for each in rows]


def _orders(world: OkxWorld, account: Account, fields: Fields, wanted: Callable[[Entry], bool]) -> Rows:
    symbol, kinds, state = fields.text("instId"), fields.text("ordType"), fields.text("state")
    market = fields.text("instType")
    found = [
        each
        for each in world.entries.of_account(account.number)
        if symbol in ("", each.symbol)
        and market in ("", "ANY", inst_type(each.symbol))
        and (not kinds or each.kind in kinds.split(","))
        and wanted(each)
    ]
    found = page(found, fields, lambda each: int(each.order.venue_order_id), lambda each: each.order.state.at_us)
    rows = [order_row(each) for each in found]
    return [row for row in rows if state in ("", row["state"])]
