"""Market data events. `event_us` is the venue's clock, `receive_us` ours: int microseconds since the epoch, UTC."""

from decimal import Decimal

from msgspec import Struct

from engine.model.enums import Side

Level = tuple[Decimal, Decimal]  # price, quantity; quantity 0 deletes the level


class BookSnapshot(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """The whole book as of `sequence`. Bids descend, asks ascend."""

    instrument_id: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int
    event_us: int
    receive_us: int


class BookDelta(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Changed levels with their new total quantities, covering updates `sequence_first` … `sequence_last`.

    `sequence_previous` is the last id of the message before, where the venue sends it (Binance futures `pu`), else 0.
    `checksum` is the venue's checksum of the book after this message, where offered.
    """

    instrument_id: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence_first: int
    sequence_last: int
    event_us: int
    receive_us: int
    sequence_previous: int = 0
    checksum: int | None = None


class PublicTrade(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A trade of the market; `aggressor` is the taker's side."""

    instrument_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    aggressor: Side
    event_us: int
    receive_us: int


class BestQuote(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Best bid and offer with sizes (BBO, bookTicker)."""

    instrument_id: str
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal
    sequence: int
    event_us: int
    receive_us: int


class Candle(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """OHLCV of [open_us, close_us). Only candles with `closed` may be used for decisions."""

    instrument_id: str
    interval_us: int
    open_us: int
    close_us: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool
    receive_us: int


class FundingRate(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """`rate` per interval as a fraction; positive: longs pay. `next_us` is the next payment."""

    instrument_id: str
    rate: Decimal
    next_us: int
    event_us: int
    receive_us: int


class MarkPrice(Struct, frozen=True, gc=False, tag=True, array_like=True):
    instrument_id: str
    price: Decimal
    event_us: int
    receive_us: int
    index: Decimal | None = None
