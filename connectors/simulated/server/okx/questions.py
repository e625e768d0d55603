"""What can be asked: about the market, and about an account's orders, trades and money."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.server.okx.board import BARS, trade_row
from connectors.simulated.server.okx.entries import Entry, fill_row, order_row
from connectors.simulated.server.okx.errors import BAD_VALUE, OkxError
from connectors.simulated.server.okx.values import Fields, money, stamp
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.venue_order import Account

ROWS_MAX = 100
CANDLES_MAX = 300
BOOK_MAX = 400
T = TypeVar("T")
Rows = list[Any]


# ---- the market


def time(world: OkxWorld, fields: Fields) -> Rows:
    return [{"ts": stamp(world.now_us)}]


def instruments(world: OkxWorld, fields: Fields) -> Rows:
    """Only spot is served."""
    if fields.need("instType") != "SPOT":
        return []
    symbol = fields.text("instId")
    boards = [world.board(symbol)] if symbol else world.boards.values()
    return [board.info() for board in boards]


def ticker(world: OkxWorld, fields: Fields) -> Rows:
    return [world.board(fields.need("instId")).ticker(world.now_us)]


def tickers(world: OkxWorld, fields: Fields) -> Rows:
    is_spot = fields.need("instType") == "SPOT"
    return [board.ticker(world.now_us) for board in world.boards.values()] if is_spot else []


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


def nothing(world: OkxWorld, fields: Fields) -> Rows:
    """A list that is always empty here."""
    return []


# ---- accounts


def balance(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    wanted = [each for each in fields.text("ccy").split(",") if each]
    held = [each for each in world.exchange.balances(account) if each.total or each.asset in wanted]
    return [world.balances(account, [each.asset for each in held if not wanted or each.asset in wanted])]


def config(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    """Spot mode; the key may read and trade."""
    texts = {"acctLv": "1", "posMode": "net_mode", "perm": "read_only,trade", "label": account.name, "level": "Lv1"}
    return [{"uid": str(account.number), "mainUid": str(account.number), "ip": "127.0.0.1", **texts}]


def fees(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    """Negative when they are paid. Those of the named instrument, else of the first one."""
    symbol = fields.text("instId")
    board = world.board(symbol) if symbol else next(iter(world.boards.values()))
    maker, taker = fee_rates(account, board.listing.instrument)
    rates = {"maker": money(-maker), "taker": money(-taker)}
    empty = dict.fromkeys(("makerU", "takerU", "makerUSDC", "takerUSDC", "delivery", "exercise"), "")
    return [{"instType": "SPOT", "level": "Lv1", "category": "1", "ts": stamp(world.now_us), **rates, **empty}]


def empty(world: OkxWorld, account: Account, fields: Fields) -> Rows:
    return []


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
    symbol, order_id = fields.text("instId"), fields.text("ordId")
    found = [
        each
        for each in world.entries.fills_of(account.number)
        if symbol in ("", each.entry.symbol) and order_id in ("", each.fill.venue_order_id)
    ]
    rows = _page(found, fields, lambda each: each.bill, lambda each: each.fill.event_us)
    return [fill_row(each) for each in rows]


def _orders(world: OkxWorld, account: Account, fields: Fields, wanted: Callable[[Entry], bool]) -> Rows:
    symbol, kinds, state = fields.text("instId"), fields.text("ordType"), fields.text("state")
    found = [
        each
        for each in world.entries.of_account(account.number)
        if symbol in ("", each.symbol) and (not kinds or each.kind in kinds.split(",")) and wanted(each)
    ]
    page = _page(found, fields, lambda each: int(each.order.venue_order_id), lambda each: each.order.state.at_us)
    rows = [order_row(each) for each in page]
    return [row for row in rows if state in ("", row["state"])]


def _page(found: Iterable[T], fields: Fields, number: Callable[[T], int], at_us: Callable[[T], int]) -> list[T]:
    """Newest first: at most 100, older than `after`, newer than `before`, from `begin` to `end` in ms."""
    after, before = fields.whole("after"), fields.whole("before")
    begin, end = fields.whole("begin"), fields.whole("end")
    limit = min(fields.whole("limit") or ROWS_MAX, ROWS_MAX)
    return [
        each
        for each in found
        if (after is None or number(each) < after)
        and (before is None or number(each) > before)
        and (begin is None or at_us(each) >= begin * 1_000)
        and (end is None or at_us(each) <= end * 1_000)
    ][:limit]
