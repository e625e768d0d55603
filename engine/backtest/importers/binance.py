"""Binance's public files (data.binance.vision): trades, aggTrades, klines, bookTicker, fundingRate, T_DEPTH.

CSV or zip. Columns by the README of github.com/binance/binance-public-data; both with and without a header they exist,
spot times since 2025 are in µs. Streams written as CSV under their own field names (`rx,E,T,t,p,q,m`) are read as well.
bookDepth holds totals at percentages of the price, not levels: it is refused.
"""

from collections.abc import Callable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from engine.backtest.found import Cursor, Numbers, chosen, csv_rows, header_of, stamp_us
from engine.backtest.importers.candles import candles_of
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Side
from engine.model.event import MarketEvent
from engine.model.market import BestQuote, BookDelta, BookSnapshot, FundingRate, Level, MarkPrice, PublicTrade

HEADLESS = {
    "trades": ["id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"],
    "aggTrades": [
        *("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker"),
        "is_best_match",
    ],
    "klines": ["open_time", "open", "high", "low", "close", "volume", "close_time"],
}
KLINE_COLUMNS = 12

Rows = Iterator[list[str]]
Read = Callable[[Rows, Wanted, Cursor], Iterator[MarketEvent]]


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one file; what it is shows in its header, or else in its name and number of columns."""
    rows = csv_rows(path, cursor)
    first = next(rows, None)
    if first is None:
        return
    names = first
    if first[0][:1].isdigit():
        names = _names(path, first, cursor)
        rows = chain([first], rows)
    for needed, reader in READERS.items():
        if all(name in names for name in needed):
            yield from reader(chosen(rows, header_of(names, needed, cursor), cursor), wanted, cursor)
            return
    if "percentage" in names:
        raise cursor.problem("bookDepth files hold totals at percentages of the price, no levels: they make no book")
    raise cursor.problem(f"these are not the columns of a known file: {', '.join(names)}")


def _names(path: Path, first: list[str], cursor: Cursor) -> list[str]:
    for kind, names in HEADLESS.items():
        if f"-{kind}-" in path.name or (kind == "klines" and len(first) == KLINE_COLUMNS):
            return names
    raise cursor.problem("there is no header, and the name of the file has no -trades-, -aggTrades- or -klines-")


def _trades(rows: Rows, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for trade_id, price, quantity, time, maker in rows:
        side = _aggressor(maker, cursor)
        at_us = stamp_us(time, cursor)
        yield PublicTrade(wanted.instrument_id, trade_id, numbers[price], numbers[quantity], side, at_us, 0)


def _streamed_trades(rows: Rows, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for receive, trade_id, price, quantity, time, maker in rows:
        side = _aggressor(maker, cursor)
        at_us, receive_us = stamp_us(time, cursor), stamp_us(receive, cursor)
        yield PublicTrade(wanted.instrument_id, trade_id, numbers[price], numbers[quantity], side, at_us, receive_us)


def _best_quotes(rows: Rows, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for update, bid, bid_size, ask, ask_size, time in rows:
        bid_level, ask_level = (numbers[bid], numbers[bid_size]), (numbers[ask], numbers[ask_size])
        sequence = int(numbers[update])
        yield BestQuote(wanted.instrument_id, *bid_level, *ask_level, sequence, stamp_us(time, cursor), 0)


def _depth(rows: Rows, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """T_DEPTH: `snap` rows are a whole book, `set` rows new quantities; the rows of a message are together."""
    numbers = Numbers(cursor)
    for (time, first, last, kind, previous), message in groupby(rows, itemgetter(0, 1, 2, 3, 4)):
        sides: dict[str, list[Level]] = {"b": [], "a": []}
        for *_, side, price, quantity in message:
            if side not in sides:
                raise cursor.problem(f"'{side[:40]}' is neither b nor a")
            sides[side].append((numbers[price], numbers[quantity]))
        bids, asks, at_us = tuple(sides["b"]), tuple(sides["a"]), stamp_us(time, cursor)
        ids = [int(numbers[text]) for text in (first, last, previous)]
        if kind == "snap":
            ordered = tuple(sorted(bids, reverse=True)), tuple(sorted(asks))
            yield BookSnapshot(wanted.instrument_id, *ordered, ids[1], at_us, 0)
        elif kind == "set":
            yield BookDelta(wanted.instrument_id, bids, asks, ids[0], ids[1], at_us, 0, ids[2])
        else:
            raise cursor.problem(f"'{kind[:40]}' is neither snap nor set")


def _funding(rows: Rows, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for time, rate in rows:
        at_us = stamp_us(time, cursor)
        yield FundingRate(wanted.instrument_id, numbers[rate], at_us, at_us, 0)


def _streamed_marks(rows: Rows, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for receive, event, price, rate, due in rows:
        at_us, receive_us = stamp_us(event, cursor), stamp_us(receive, cursor)
        yield MarkPrice(wanted.instrument_id, numbers[price], at_us, receive_us)
        if rate:
            yield FundingRate(wanted.instrument_id, numbers[rate], stamp_us(due, cursor), at_us, receive_us)


def _aggressor(buyer_is_maker: str, cursor: Cursor) -> Side:
    if buyer_is_maker.lower() not in ("true", "false"):
        raise cursor.problem(f"'{buyer_is_maker[:40]}' does not say whether the buyer was the maker")
    return Side.SELL if buyer_is_maker.lower() == "true" else Side.BUY


READERS: dict[tuple[str, ...], Read] = {
    ("id", "price", "qty", "time", "is_buyer_maker"): _trades,
    ("agg_trade_id", "price", "quantity", "transact_time", "is_buyer_maker"): _trades,
    ("rx", "t", "p", "q", "T", "m"): _streamed_trades,
    ("open_time", "open", "high", "low", "close", "volume"): candles_of,
    ("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "event_time"): _best_quotes,
    ("calc_time", "last_funding_rate"): _funding,
    ("timestamp", "first_update_id", "last_update_id", "update_type", "pu", "side", "price", "qty"): _depth,
    ("rx_us", "E", "p", "r", "T"): _streamed_marks,
}
