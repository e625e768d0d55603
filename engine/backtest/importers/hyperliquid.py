"""Captures of Hyperliquid: its channels l2Book, which tells the best levels of both sides anew each time, and trades.

Source: Hyperliquid API, "Websocket / Subscriptions".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from msgspec import Meta, MsgspecError, Raw, Struct
from msgspec.json import Decoder

from engine.backtest.found import Cursor, Numbers
from engine.backtest.importers.capture import frames
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Side
from engine.model.event import MarketEvent
from engine.model.market import BookSnapshot, PublicTrade

SIDES = {"B": Side.BUY, "A": Side.SELL}  # of whoever took
Milliseconds = Annotated[int, Meta(ge=0, le=1 << 43)]


class _Frame(Struct, gc=False):
    channel: str
    data: Raw = Raw(b"")


class _Level(Struct, gc=False):
    px: str
    sz: str


class _Book(Struct, gc=False):
    coin: str
    levels: tuple[list[_Level], list[_Level]]
    time: Milliseconds


class _Trade(Struct, gc=False):
    coin: str
    side: str
    px: str
    sz: str
    tid: int
    time: Milliseconds


_FRAME = Decoder(_Frame)
_BOOK = Decoder(_Book)
_TRADES = Decoder(list[_Trade])


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one market. Raises TickwrightError with file and row about a line that cannot be understood."""
    coin, numbers = wanted.assets[0], Numbers(cursor)
    for receive_us, body, _ in frames(path, cursor):
        try:
            frame = _FRAME.decode(body)
            if frame.channel == "l2Book":
                book = _BOOK.decode(frame.data)
                if book.coin == coin:
                    bids, asks = (numbers.levels((level.px, level.sz) for level in side) for side in book.levels)
                    yield BookSnapshot(wanted.instrument_id, bids, asks, 0, book.time * 1_000, receive_us)
            elif frame.channel == "trades":
                for trade in _TRADES.decode(frame.data):
                    if trade.coin == coin:
                        yield _trade(trade, numbers, wanted.instrument_id, receive_us, cursor)
        except MsgspecError as error:
            raise cursor.problem(f"is no frame of Hyperliquid's: {error}; is it cut off here?") from error


def _trade(trade: _Trade, numbers: Numbers, name: str, receive_us: int, cursor: Cursor) -> PublicTrade:
    if trade.side not in SIDES:
        raise cursor.problem(f"'{trade.side[:40]}' is neither B nor A")
    price, size = numbers[trade.px], numbers[trade.sz]
    return PublicTrade(name, str(trade.tid), price, size, SIDES[trade.side], trade.time * 1_000, receive_us)
