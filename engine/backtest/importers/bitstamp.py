"""Bitstamp's feeds of live orders, trades and the best levels, one event a line: `<local ms> <event> <JSON>`.

The form is that of the recordings of ob-analytics. Events are order_created, order_changed, order_deleted, trade and
order_book, which tells the best levels of each side: it begins the book, and sets right what orders older than the
recording did unseen. The local time is the only one there is.

A trade does not name its orders. They are the two that lost what was traded, and the newer one took; the trade is
given the time of the first loss, because trades come before what they did to the book.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import Decoder

from engine.backtest.found import Cursor, Numbers, open_lines, stamp_us
from engine.backtest.importers.order_levels import ASKS, BIDS, Order, OrderLevels
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Side
from engine.model.event import MarketEvent
from engine.model.market import BookDelta, BookSnapshot, PublicTrade

DECIMALS = 8  # of an amount; the numbers of trades have been through a double
SIDES = {BIDS: Side.BUY, ASKS: Side.SELL}


class _OrderEvent(Struct, gc=False):
    id: int
    order_type: Annotated[int, Meta(ge=BIDS, le=ASKS)]
    price: str
    amount: str


class _Trade(Struct, gc=False):
    id: int
    price: float
    amount: float


class _Best(Struct, gc=False):
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


DECODERS: dict[str, Decoder[_OrderEvent | _Trade | _Best]] = {
    **dict.fromkeys(("order_created", "order_changed", "order_deleted"), Decoder(_OrderEvent)),
    "trade": Decoder(_Trade),
    "order_book": Decoder(_Best),
}


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one file. Raises TickwrightError with file and row about a line that cannot be understood."""
    levels, numbers, began, traded_us = OrderLevels(), Numbers(cursor), False, 0
    for line in open_lines(path, cursor):
        at_us, kind, event = _parsed(line, cursor)
        if isinstance(event, _Trade):
            trade = _trade(event, levels, numbers, wanted.instrument_id, at_us, traded_us)
            traded_us = trade.event_us
            yield trade
            continue
        if isinstance(event, _Best):
            levels.show(numbers.levels(event.bids), numbers.levels(event.asks))
        else:
            _apply(levels, kind, event.id, Order(event.order_type, numbers[event.price], numbers[event.amount]), at_us)
        levels.let_go()
        bids, asks = levels.changes(BIDS), levels.changes(ASKS)
        if began:
            if bids or asks:
                yield BookDelta(wanted.instrument_id, bids, asks, 0, 0, at_us, 0)
        elif isinstance(event, _Best):
            began = True
            yield BookSnapshot(wanted.instrument_id, levels.all(BIDS), levels.all(ASKS), 0, at_us, 0)


def _parsed(line: str, cursor: Cursor) -> tuple[int, str, _OrderEvent | _Trade | _Best]:
    stamp, _, rest = line.partition(" ")
    kind, _, body = rest.partition(" ")
    decoder = DECODERS.get(kind)
    if decoder is None:
        raise cursor.problem(f"is no event of Bitstamp's: {line[:60]!r}; is it cut off here?")
    try:
        return stamp_us(stamp, cursor), kind, decoder.decode(body)
    except MsgspecError as error:
        raise cursor.problem(f"is no {kind}: {error}; is it cut off here?") from error


def _apply(levels: OrderLevels, kind: str, order_id: int, order: Order, at_us: int) -> None:
    if kind == "order_created":
        levels.create(order_id, order)
    elif kind == "order_changed":
        levels.change(order_id, order, at_us)
    else:
        levels.delete(order_id, order, at_us)


def _trade(trade: _Trade, levels: OrderLevels, numbers: Numbers, name: str, at_us: int, before_us: int) -> PublicTrade:
    """Whoever took a trade of orders that are not known stood on the side of the nearer best price."""
    price, amount = numbers[repr(trade.price)], round(numbers[repr(trade.amount)], DECIMALS)
    side, first_us = levels.taker(amount) or (levels.nearer(price), at_us)
    return PublicTrade(name, str(trade.id), price, amount, SIDES[side], max(first_us, before_us), 0)
