"""Tardis.dev CSV: incremental_book_L2, trades, quotes and book_ticker (docs.tardis.dev/downloadable-csv-files).

Times are µs. Rows of a book with the same local_timestamp are one message; `is_snapshot` begins a new book.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from engine.backtest.found import Cursor, Numbers, chosen, csv_rows, header_of, stamp_us
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Side
from engine.model.event import MarketEvent
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Level, PublicTrade

TIMES = ("timestamp", "local_timestamp")
BOOK = (*TIMES, "is_snapshot", "side", "price", "amount")
TRADES = (*TIMES, "id", "side", "price", "amount")
QUOTES = (*TIMES, "bid_price", "bid_amount", "ask_price", "ask_amount")


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one file; what it is shows in its header."""
    rows = csv_rows(path, cursor)
    names = next(rows, [])
    for needed, reader in ((BOOK, _book), (TRADES, _trades), (QUOTES, _quotes)):
        if all(name in names for name in needed):
            yield from reader(chosen(rows, header_of(names, needed, cursor), cursor), wanted, cursor)
            return
    raise cursor.problem(f"these are not the columns of incremental_book_L2, trades or quotes: {', '.join(names)}")


def _book(rows: Iterator[list[str]], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    began = False
    for (receive, snapshot), message in groupby(rows, itemgetter(1, 2)):
        sides: dict[str, list[Level]] = {"bid": [], "ask": []}
        event = ""
        for event, _, _, side, price, amount in message:  # noqa: B007 - the last one's time is the message's
            if side not in sides:
                raise cursor.problem(f"'{side[:40]}' is neither bid nor ask")
            sides[side].append((numbers[price], numbers[amount]))
        bids, asks = tuple(sides["bid"]), tuple(sides["ask"])
        event_us, receive_us = stamp_us(event, cursor), stamp_us(receive, cursor)
        if snapshot.lower() == "true":
            began = True
            yield BookSnapshot(wanted.instrument_id, *_ordered(bids, asks), 0, event_us, receive_us)
        elif began:
            yield BookDelta(wanted.instrument_id, bids, asks, 0, 0, event_us, receive_us)


def _ordered(bids: tuple[Level, ...], asks: tuple[Level, ...]) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    return tuple(sorted(bids, reverse=True)), tuple(sorted(asks))


def _trades(rows: Iterator[list[str]], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for event, receive, trade_id, side, price, amount in rows:
        if side not in ("buy", "sell"):
            raise cursor.problem(f"'{side[:40]}' is neither buy nor sell")
        aggressor = Side.BUY if side == "buy" else Side.SELL
        times = stamp_us(event, cursor), stamp_us(receive, cursor)
        yield PublicTrade(wanted.instrument_id, trade_id, numbers[price], numbers[amount], aggressor, *times)


def _quotes(rows: Iterator[list[str]], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for event, receive, *levels in rows:
        times = stamp_us(event, cursor), stamp_us(receive, cursor)
        bid, bid_size, ask, ask_size = (numbers[text] for text in levels)
        yield BestQuote(wanted.instrument_id, bid, bid_size, ask, ask_size, 0, *times)
