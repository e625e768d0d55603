"""Coinbase's channels level2 and matches: a raw capture, or CSV with a column a field and lists in Python's notation.

A snapshot has no time of its own: it is given that of the first change or match after it. The channel counts no
updates, so that one which is missing shows only in a crossed book. Source: Coinbase Exchange, "WebSocket Channels".
"""

from collections.abc import Iterator
from pathlib import Path

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder, encode

from engine.backtest.found import Cursor, Numbers, csv_rows
from engine.backtest.importers.candles import time_us
from engine.backtest.importers.capture import frames
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Side
from engine.model.event import MarketEvent
from engine.model.market import BookDelta, BookSnapshot, Level, PublicTrade

LISTS = ("bids", "asks", "changes")
SIDES = {"buy": Side.BUY, "sell": Side.SELL}


class _Message(Struct, gc=False):
    type: str
    product_id: str = ""
    bids: list[tuple[str, str]] = []
    asks: list[tuple[str, str]] = []
    changes: list[tuple[str, str, str]] = []
    time: str = ""
    trade_id: int = 0
    side: str = ""
    size: str = ""
    price: str = ""


_MESSAGE = Decoder(_Message)


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one market. Raises TickwrightError with file and row about a line that cannot be understood."""
    product, numbers = "-".join(wanted.assets), Numbers(cursor)
    waiting: tuple[_Message, int] | None = None
    for message, receive_us in _rows(path, cursor) if ".csv" in path.suffixes else _frames(path, cursor):
        if message.type == "snapshot" and message.product_id == product:
            waiting = message, receive_us
        if message.type not in ("l2update", "match") or message.product_id != product:
            continue  # last_match was before the snapshot
        at_us = time_us(message.time, cursor)
        if waiting is not None:
            yield _snapshot(waiting[0], numbers, wanted.instrument_id, at_us, waiting[1])
            waiting = None
        if message.type == "l2update":
            sides: dict[Side, list[Level]] = {Side.BUY: [], Side.SELL: []}
            for side, price, size in message.changes:
                sides[_side(side, cursor)].append((numbers[price], numbers[size]))
            bids, asks = (tuple(sides[side]) for side in (Side.BUY, Side.SELL))
            yield BookDelta(wanted.instrument_id, bids, asks, 0, 0, at_us, receive_us)
        else:  # `side` is that of the order that rested
            level, aggressor = (numbers[message.price], numbers[message.size]), _side(message.side, cursor).opposite
            yield PublicTrade(wanted.instrument_id, str(message.trade_id), *level, aggressor, at_us, receive_us)


def _snapshot(message: _Message, numbers: Numbers, name: str, at_us: int, receive_us: int) -> BookSnapshot:
    bids, asks = numbers.levels(message.bids), numbers.levels(message.asks)
    return BookSnapshot(name, tuple(sorted(bids, reverse=True)), tuple(sorted(asks)), 0, at_us, receive_us)


def _frames(path: Path, cursor: Cursor) -> Iterator[tuple[_Message, int]]:
    for receive_us, body, url in frames(path, cursor):
        if not url:
            yield _decoded(body, cursor), receive_us


def _rows(path: Path, cursor: Cursor) -> Iterator[tuple[_Message, int]]:
    """The fields of a row that are there, as the message that they were."""
    rows = csv_rows(path, cursor)
    names = next(rows, [])
    if not {"type", "product_id", "time", *LISTS} <= set(names):
        raise cursor.problem(f"these are not the fields of Coinbase's messages: {', '.join(names)[:200]}")
    for row in rows:
        if len(row) != len(names):
            raise cursor.problem(f"has {len(row)} columns instead of {len(names)}; is the file cut off here?")
        fields = {name: text for name, text in zip(names, row, strict=True) if text}
        parts = [f'"{name}":{_json(name, text)}' for name, text in fields.items() if name in _Message.__struct_fields__]
        yield _decoded("{" + ",".join(parts) + "}", cursor), 0


def _json(name: str, text: str) -> str:
    if name in LISTS:
        return text.replace("'", '"')
    if name == "trade_id":
        return text.removesuffix(".0")
    return encode(text).decode()


def _decoded(body: str, cursor: Cursor) -> _Message:
    try:
        return _MESSAGE.decode(body)
    except MsgspecError as error:
        raise cursor.problem(f"is no message of Coinbase's: {error}; is it cut off here?") from error


def _side(text: str, cursor: Cursor) -> Side:
    side = SIDES.get(text)
    if side is None:
        raise cursor.problem(f"'{text[:40]}' is neither buy nor sell")
    return side
