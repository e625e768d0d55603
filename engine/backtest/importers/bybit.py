"""Bybit's public history of books (`…_ob500.data.zip`): messages of its v5 stream, one a line.

`u` counts the updates of a book without a hole; a snapshot with u = 1 says that Bybit began anew.
Source: Bybit API v5, "WebSocket Stream / Public / Orderbook"; public.bybit.com and its history of order books.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from msgspec import Meta, MsgspecError, Struct, field
from msgspec.json import Decoder

from engine.backtest.found import Cursor, Numbers, open_lines
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Channel, Health
from engine.model.event import ConnectorStatus, MarketEvent
from engine.model.market import BookDelta, BookSnapshot

Id = Annotated[int, Meta(ge=0, le=1 << 62)]


class _Book(Struct, gc=False):
    symbol: str = field(name="s")
    bids: list[tuple[str, str]] = field(name="b")
    asks: list[tuple[str, str]] = field(name="a")
    update: Id = field(name="u")


class _Message(Struct, gc=False):
    topic: str
    type: str
    ts: Annotated[int, Meta(ge=0, le=1 << 43)]  # ms
    data: _Book


_MESSAGE = Decoder(_Message)


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent | ConnectorStatus]:
    """The events of one file. Raises TickwrightError with file and row about a line that cannot be understood."""
    name, symbol = wanted.instrument_id, "".join(wanted.assets)
    numbers = Numbers(cursor)
    for line in open_lines(path, cursor):
        try:
            message = _MESSAGE.decode(line)
        except MsgspecError as error:
            raise cursor.problem(f"is no message of an order book: {error}; is it cut off here?") from error
        book, at_us = message.data, message.ts * 1_000
        if not message.topic.startswith("orderbook.") or book.symbol != symbol:
            raise cursor.problem(f"is about {message.topic[:60]}, not about the book of {symbol}")
        bids, asks = numbers.levels(book.bids), numbers.levels(book.asks)
        if message.type == "snapshot":
            if book.update == 1:
                yield from _anew(name, at_us)
            yield BookSnapshot(name, tuple(sorted(bids, reverse=True)), tuple(sorted(asks)), book.update, at_us, 0)
        elif message.type == "delta":
            yield BookDelta(name, bids, asks, book.update, book.update, at_us, 0)
        else:
            raise cursor.problem(f"is of type {message.type[:20]!r}, neither snapshot nor delta")


def _anew(name: str, at_us: int) -> Iterator[ConnectorStatus]:
    """What is known of the book so far ends here, although no update is missing."""
    venue = name.partition(":")[0]
    for health in (Health.DOWN, Health.HEALTHY):
        yield ConnectorStatus(venue, Channel.MARKET, health, "the venue began its ids anew", at_us, name)
