"""Binance market data, Spot, USD-M and COIN-M: frames of a combined stream and depth snapshots → events. No I/O.

What Binance sends is untrusted: sizes, numbers and ids are limited before anything is built from them, unknown fields
are ignored, and everything that is not as documented raises `BadMessage`. Pages: Spot "WebSocket Streams" and "Market
data endpoints", USD-M and COIN-M "Websocket Market Streams". Quantities are in base units, COIN-M's in contracts.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, Symbols, decode
from engine.model.enums import Side
from engine.model.errors import BadMessage
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, FundingRate, Level, MarkPrice, PublicTrade

NUMBERS_MAX = 32_768  # remembered texts of numbers per instrument, about 7 MB; 8,192 made busy futures 1.4 times slower
MINUTE_US = 60_000_000
INTERVALS_US = {
    "1s": 1_000_000,
    **{f"{count}m": count * MINUTE_US for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": count * 60 * MINUTE_US for count in (1, 2, 4, 6, 8, 12)},
    "1d": 1_440 * MINUTE_US,
}
MICROSECOND_STAMPS = 100_000_000_000_000  # a stamp from here on is in µs, below it in ms

CANDLES = b"kline"

MarketData = BookDelta | PublicTrade | BestQuote | MarkPrice | FundingRate | Candle
_stream = re.compile(rb'\s*\{\s*"stream"\s*:\s*"[^"@]{1,80}@([A-Za-z]+)[@"_]').match  # Binance names it first

Id = Annotated[int, Meta(ge=0, le=1 << 62)]
Stamp = Annotated[int, Meta(ge=0, le=1 << 52)]
RawLevel = tuple[str, str]
_Message = TypeVar("_Message")


class _Depth(Struct, gc=False):
    symbol: str = field(name="s")
    first: Id = field(name="U")
    last: Id = field(name="u")
    bids: list[RawLevel] = field(name="b")
    asks: list[RawLevel] = field(name="a")
    event: Stamp = field(name="E")
    previous: Id = field(name="pu", default=0)  # futures only


class _Snapshot(Struct, gc=False):
    last: Id = field(name="lastUpdateId")
    bids: list[RawLevel]
    asks: list[RawLevel]
    event: Stamp = field(name="E", default=0)  # futures only


class _Trade(Struct, gc=False):
    symbol: str = field(name="s")
    trade_id: Id = field(name="t")
    price: str = field(name="p")
    quantity: str = field(name="q")
    event: Stamp = field(name="T")
    buyer_is_maker: bool = field(name="m")
    kind: str = field(name="X", default="MARKET")  # futures only


class _AggregateTrade(Struct, gc=False):
    symbol: str = field(name="s")
    trade_id: Id = field(name="a")
    price: str = field(name="p")
    quantity: str = field(name="q")
    event: Stamp = field(name="T")
    buyer_is_maker: bool = field(name="m")


class _BookTicker(Struct, gc=False):
    symbol: str = field(name="s")
    sequence: Id = field(name="u")
    bid: str = field(name="b")
    bid_quantity: str = field(name="B")
    ask: str = field(name="a")
    ask_quantity: str = field(name="A")
    event: Stamp = field(name="E", default=0)  # futures only


class _MarkPrice(Struct, gc=False):
    symbol: str = field(name="s")
    mark: str = field(name="p")
    event: Stamp = field(name="E")
    index: str = field(name="i", default="")
    rate: str = field(name="r", default="")  # "" on delivery contracts, which pay no funding
    next_funding: Stamp = field(name="T", default=0)


class _Candle(Struct, gc=False):
    symbol: str = field(name="s")
    interval: str = field(name="i")
    start: Stamp = field(name="t")
    open: str = field(name="o")
    high: str = field(name="h")
    low: str = field(name="l")
    close: str = field(name="c")
    volume: str = field(name="v")
    closed: bool = field(name="x")


class _CandleEvent(Struct, gc=False):
    candle: _Candle = field(name="k")


_CandleRow = tuple[Stamp, str, str, str, str, str, Stamp, str, int, str, str, str]


class _Frame(Struct, Generic[_Message], gc=False):
    data: _Message


_DEPTH = Decoder(_Frame[_Depth])
_TRADE = Decoder(_Frame[_Trade])
_AGGREGATE_TRADE = Decoder(_Frame[_AggregateTrade])
_BOOK_TICKER = Decoder(_Frame[_BookTicker])
_MARK_PRICE = Decoder(_Frame[_MarkPrice])
_CANDLE = Decoder(_Frame[_CandleEvent])
_SNAPSHOT = Decoder(_Snapshot)
_CANDLES = Decoder(list[_CandleRow])


def venue_symbol(symbol: str) -> str:
    """Binance's name of BTC-USDT (BTCUSDT), BTC-USDT-PERP (BTCUSDT) or, COIN-M, BTC-USD-PERP (BTCUSD_PERP)."""
    base, _, rest = symbol.partition("-")
    quote, _, kind = rest.partition("-")
    return f"{base}{quote}_{kind}" if kind and quote == "USD" else f"{base}{quote}"


class MarketDataParser:
    """Parses for one set of markets. `symbols` maps Binance's symbols to instrument ids; all others are refused.

    Its only state is the memory of number texts: equal frames give equal events.
    """

    def __init__(self, symbols: Mapping[str, str]) -> None:
        self._symbols = Symbols(symbols)
        self._numbers = Numbers(NUMBERS_MAX * len(self._symbols))
        self._channels: dict[bytes, Callable[[bytes, int], tuple[MarketData, ...]]] = {
            b"depth": self._depth,
            b"trade": self._trade,
            b"aggTrade": self._aggregate_trade,
            b"bookTicker": self._book_ticker,
            b"markPrice": self._mark_price,
            CANDLES: self._candle,
        }

    @property
    def symbols(self) -> Mapping[str, str]:
        """Binance's symbols → instrument ids."""
        return self._symbols

    @property
    def channels(self) -> list[str]:
        """The kinds of streams that recordings are read from: candles are made of trades."""
        return [name.decode() for name in self._channels if name != CANDLES]

    def parse(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """The events of one frame of a combined stream, `{"stream": …, "data": …}`. Raises BadMessage."""
        stream = _stream(frame)
        read = self._channels.get(stream[1]) if stream else None
        if read is None:
            raise BadMessage(f"not a frame of a known stream: {frame[:80]!r}")
        return read(frame, receive_us)

    def parse_snapshot(self, body: bytes, instrument_id: str, receive_us: int) -> BookSnapshot:
        """The answer of REST `depth`, which does not say itself what it is about. Raises BadMessage."""
        raw = decode(_SNAPSHOT, body)
        bids, asks = self._levels(raw.bids), self._levels(raw.asks)
        return BookSnapshot(instrument_id, bids, asks, raw.last, microseconds(raw.event), receive_us)

    def parse_candles(
        self, body: bytes, instrument_id: str, interval_us: int, until_us: int, receive_us: int
    ) -> list[Candle]:
        """Those in the answer of REST `klines` that had closed by `until_us` (the venue's time). Raises BadMessage."""
        rows, numbers = decode(_CANDLES, body), self._numbers
        candles: list[Candle] = []
        for start, first, high, low, last, volume, *_ in rows:
            times = (open_us := microseconds(start), open_us + interval_us)
            prices = (numbers[first], numbers[high], numbers[low], numbers[last])
            if times[1] <= until_us:
                candles.append(Candle(instrument_id, interval_us, *times, *prices, numbers[volume], True, receive_us))
        return candles

    def _levels(self, raw: list[RawLevel]) -> tuple[Level, ...]:
        numbers = self._numbers
        return tuple([(numbers[price], numbers[quantity]) for price, quantity in raw])

    def _depth(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        raw = decode(_DEPTH, frame).data
        return (
            BookDelta(
                self._symbols[raw.symbol],
                self._levels(raw.bids),
                self._levels(raw.asks),
                raw.first,
                raw.last,
                microseconds(raw.event),
                receive_us,
                raw.previous,
            ),
        )

    def _trade(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """Trades outside the book (liquidation by the insurance fund, auto-deleveraging) are left out."""
        raw = decode(_TRADE, frame).data
        return (self._public_trade(raw, receive_us),) if raw.kind == "MARKET" else ()

    def _aggregate_trade(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        return (self._public_trade(decode(_AGGREGATE_TRADE, frame).data, receive_us),)

    def _public_trade(self, raw: _Trade | _AggregateTrade, receive_us: int) -> PublicTrade:
        return PublicTrade(
            self._symbols[raw.symbol],
            str(raw.trade_id),
            self._numbers[raw.price],
            self._numbers[raw.quantity],
            Side.SELL if raw.buyer_is_maker else Side.BUY,
            microseconds(raw.event),
            receive_us,
        )

    def _book_ticker(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        raw = decode(_BOOK_TICKER, frame).data
        numbers = self._numbers
        return (
            BestQuote(
                self._symbols[raw.symbol],
                numbers[raw.bid],
                numbers[raw.bid_quantity],
                numbers[raw.ask],
                numbers[raw.ask_quantity],
                raw.sequence,
                microseconds(raw.event),
                receive_us,
            ),
        )

    def _mark_price(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        raw = decode(_MARK_PRICE, frame).data
        numbers = self._numbers
        instrument_id, event_us = self._symbols[raw.symbol], microseconds(raw.event)
        index = numbers[raw.index] if raw.index else None
        mark = MarkPrice(instrument_id, numbers[raw.mark], event_us, receive_us, index)
        if not raw.rate:
            return (mark,)
        return mark, FundingRate(
            instrument_id, numbers.signed(raw.rate), microseconds(raw.next_funding), event_us, receive_us
        )

    def _candle(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """What forms still is left out."""
        raw, numbers = decode(_CANDLE, frame).data.candle, self._numbers
        if not raw.closed:
            return ()
        interval_us, open_us = INTERVALS_US.get(raw.interval), microseconds(raw.start)
        if interval_us is None:
            raise BadMessage(f"unknown interval {raw.interval[:20]!r}")
        prices = (numbers[raw.open], numbers[raw.high], numbers[raw.low], numbers[raw.close])
        times = (interval_us, open_us, open_us + interval_us)
        return (Candle(self._symbols[raw.symbol], *times, *prices, numbers[raw.volume], True, receive_us),)


def recording_parser(instruments: Mapping[str, str]) -> MarketDataParser:
    """A parser for a recording of these markets: our symbols (BTC-USDT) → instrument ids."""
    return MarketDataParser({venue_symbol(symbol): name for symbol, name in instruments.items()})


def microseconds(stamp: int) -> int:
    """Binance stamps are in ms unless µs were asked for; 0 when the message has none."""
    return stamp if stamp >= MICROSECOND_STAMPS else stamp * 1_000
