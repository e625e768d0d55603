"""Public questions: time, symbols, books, trades, candles and tickers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from connectors.simulated.server.board import Board
from connectors.simulated.server.calls import Call
from connectors.simulated.server.errors import (
    BAD_DATA,
    BAD_INTERVAL,
    BAD_OPTIONS,
    LOOKUP_TOO_WIDE,
    ApiError,
)
from connectors.simulated.server.params import INTEGER, SYMBOL, Parameters
from connectors.simulated.server.reception import Reception
from connectors.simulated.server.tape import INTERVALS, Bar, TapeTrade
from connectors.simulated.server.values import DAY_US, THREE, Moment, money
from engine.model.enums import Side
from engine.model.money import ZERO

DEPTH_DEFAULT, DEPTH_MAX = 100, 5000
ROWS_DEFAULT, ROWS_MAX = 500, 1000
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (DEPTH_MAX, 250))
AVERAGE_MINUTES = 5

T = TypeVar("T")


def ping(world: Reception, call: Call) -> Any:
    return {}


def time(world: Reception, call: Call) -> Any:
    return {"serverTime": Moment(world.now_us)}


def exchange_info(world: Reception, call: Call) -> Any:
    boards, _ = select(world, call.params)
    return {
        "timezone": "UTC",
        "serverTime": Moment(world.now_us),
        "rateLimits": world.limits.rows(),
        "exchangeFilters": [],
        "symbols": [board.symbol.info() for board in boards],
    }


def depth(world: Reception, call: Call) -> Any:
    return world.board(call.params).depth(call.params.limit(DEPTH_DEFAULT, DEPTH_MAX))


def depth_weight(params: Parameters) -> int:
    limit = params.values.get("limit", "")
    rows = int(limit) if re.fullmatch(INTEGER, limit) else DEPTH_DEFAULT
    return next((weight for most, weight in DEPTH_WEIGHTS if rows <= most), DEPTH_WEIGHTS[-1][1])


def trades(world: Reception, call: Call) -> Any:
    limit = call.params.limit(ROWS_DEFAULT, ROWS_MAX)
    return [_trade_row(trade) for trade in world.board(call.params).tape.trades[-limit:]]


def historical_trades(world: Reception, call: Call) -> Any:
    rows = _numbered(world.board(call.params).tape.trades, call.params)
    return [_trade_row(trade) for trade in rows]


def joined_trades(world: Reception, call: Call) -> Any:
    params = call.params
    rows: Sequence[TapeTrade] = world.board(params).tape.joined
    if "startTime" in params or "endTime" in params:
        if "fromId" in params:
            raise ApiError(BAD_OPTIONS)
        rows = page(rows, lambda trade: trade.at_us, params, ROWS_DEFAULT, ROWS_MAX, span_us=None)
    else:
        rows = _numbered(rows, params)
    return [
        {
            "a": trade.first_number,
            "p": money(trade.price),
            "q": money(trade.quantity),
            "f": trade.first_number,
            "l": trade.number,
            "T": Moment(trade.at_us),
            "m": trade.aggressor is Side.SELL,
            "M": True,
        }
        for trade in rows
    ]


def klines(world: Reception, call: Call) -> Any:
    params = call.params
    board = world.board(params)
    interval = params.text("interval")
    if interval not in INTERVALS:
        raise ApiError(BAD_INTERVAL)
    start_us, end_us = params.time_us("startTime"), params.time_us("endTime")
    limit = params.limit(ROWS_DEFAULT, ROWS_MAX)
    until_us = world.now_us if end_us is None else min(end_us, world.now_us)
    return [
        [
            Moment(bar.open_us),
            money(bar.open),
            money(bar.high),
            money(bar.low),
            money(bar.close),
            money(bar.volume),
            Moment(bar.close_us - 1),
            money(bar.quote),
            bar.count,
            money(bar.taker_volume),
            money(bar.taker_quote),
            "0",
        ]
        for bar in board.tape.bars(interval, start_us, until_us, limit)
    ]


def average_price(world: Reception, call: Call) -> Any:
    board = world.board(call.params)
    closed_us = board.tape.trades[-1].at_us if board.tape.trades else 0
    price = board.tape.average_price(world.now_us, AVERAGE_MINUTES)
    return {"mins": AVERAGE_MINUTES, "price": money(price), "closeTime": Moment(closed_us)}


def price_ticker(world: Reception, call: Call) -> Any:
    boards, single = select(world, call.params)
    rows = [{"symbol": board.symbol.name, "price": money(board.tape.last_price)} for board in boards]
    return rows[0] if single else rows


def book_ticker(world: Reception, call: Call) -> Any:
    boards, single = select(world, call.params)
    rows = [board.ticker_row() for board in boards]
    return rows[0] if single else rows


def day_ticker(world: Reception, call: Call) -> Any:
    mini = call.params.choice("type", {"FULL": False, "MINI": True}) or False
    boards, single = select(world, call.params)
    rows = [_day_row(board, world.now_us, mini) for board in boards]
    return rows[0] if single else rows


def ticker_weight(one: int, several: int) -> Callable[[Parameters], int]:
    """The weight for a single symbol and for all others."""
    return lambda params: one if "symbol" in params else several


def nothing(world: Reception, call: Call) -> Any:
    """A list that is always empty here."""
    return []


def select(world: Reception, params: Parameters) -> tuple[list[Board], bool]:
    """The boards that `symbol`, `symbols` (a JSON array) or neither (all) name; whether it was `symbol`."""
    names = params.optional("symbols")
    if "symbol" in params:
        if names is not None:
            raise ApiError(BAD_OPTIONS)
        return [world.board_of(params.text("symbol", SYMBOL))], True
    if names is None:
        return list(world.boards.values()), False
    try:
        wanted = msgspec.json.decode(names, type=list[str])
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(BAD_DATA, "symbols") from None
    return [world.board_of(name) for name in wanted], False


def page(
    rows: Sequence[T],
    at_us: Callable[[T], int],
    params: Parameters,
    default: int,
    highest: int,
    span_us: int | None = DAY_US,
) -> list[T]:
    """Ascending rows between `startTime` and `endTime`: the newest, or with a start the oldest from there on."""
    start_us, end_us = params.time_us("startTime"), params.time_us("endTime")
    limit = params.limit(default, highest)
    if start_us is not None and end_us is not None and span_us is not None and end_us - start_us > span_us:
        raise ApiError(LOOKUP_TOO_WIDE, span_us // DAY_US * 24)
    if start_us is None and end_us is None:
        return list(rows[-limit:])
    found = [row for row in rows if (start_us or 0) <= at_us(row) and (end_us is None or at_us(row) <= end_us)]
    return found[-limit:] if start_us is None else found[:limit]


def _numbered(rows: Sequence[TapeTrade], params: Parameters) -> Sequence[TapeTrade]:
    """From the id `fromId` on, or the newest."""
    first, limit = params.integer("fromId"), params.limit(ROWS_DEFAULT, ROWS_MAX)
    if first is None:
        return rows[-limit:]
    return [row for row in rows if row.first_number >= first][:limit]


def _trade_row(trade: TapeTrade) -> dict[str, Any]:
    return {
        "id": trade.number,
        "price": money(trade.price),
        "qty": money(trade.quantity),
        "quoteQty": money(trade.price * trade.quantity),
        "time": Moment(trade.at_us),
        "isBuyerMaker": trade.aggressor is Side.SELL,
        "isBestMatch": True,
    }


def _day_row(board: Board, now_us: int, mini: bool) -> dict[str, Any]:
    """The last 24 hours; zeros before the first trade."""
    bar = board.day(now_us) or Bar(0, 0, ZERO, ZERO, ZERO, ZERO)
    change = bar.close - bar.open
    percent = change / bar.open * 100 if bar.open else ZERO
    average = bar.quote / bar.volume if bar.volume else bar.close
    last_quantity = board.tape.trades[-1].quantity if board.tape.trades else ZERO
    row = {
        "symbol": board.symbol.name,
        "priceChange": money(change),
        "priceChangePercent": f"{percent.quantize(THREE):f}",
        "weightedAvgPrice": money(average),
        "prevClosePrice": money(bar.open),
        "lastPrice": money(bar.close),
        "lastQty": money(last_quantity),
        **board.ticker_row(),
        "openPrice": money(bar.open),
        "highPrice": money(bar.high),
        "lowPrice": money(bar.low),
        "volume": money(bar.volume),
        "quoteVolume": money(bar.quote),
        "openTime": Moment(now_us - DAY_US),
        "closeTime": Moment(now_us),
        "firstId": bar.first_number,
        "lastId": bar.last_number,
        "count": bar.count,
    }
    return {name: value for name, value in row.items() if not mini or name not in FULL_ONLY}


FULL_ONLY = frozenset(
    (
        "priceChange",
        "priceChangePercent",
        "weightedAvgPrice",
        "prevClosePrice",
        "lastQty",
        "bidPrice",
        "bidQty",
        "askPrice",
        "askQty",
    )
)
