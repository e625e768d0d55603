"""Gate spot market data: frames of the WebSocket API v4 and answers of REST → events. No I/O.

Pages: "Gate Spot WebSocket v4" and "Gate API v4", Spot. What is not as documented raises `BadMessage`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, Symbols, decode
from engine.model.enums import Side
from engine.model.errors import BadMessage
from engine.model.instrument import Instrument, instrument_id
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, Level, PublicTrade
from engine.model.money import ONE, ZERO

NUMBERS_MAX = 32_768  # remembered texts of numbers per instrument
INTERVALS_US = {
    name: seconds * 1_000_000
    for name, seconds in {
        "10s": 10,
        "1m": 60,
        "5m": 300,
        "15m": 900,
        "30m": 1_800,
        "1h": 3_600,
        "4h": 14_400,
        "8h": 28_800,
        "1d": 86_400,
        "7d": 604_800,
    }.items()
}
PERCENT = Decimal("0.01")
SIDES = {"buy": Side.BUY, "sell": Side.SELL}
TRADABLE = ("tradable", "buyable", "sellable")

MarketData = BookDelta | PublicTrade | BestQuote | Candle
_channel = re.compile(rb'"channel"\s*:\s*"([a-z_0-9.]{1,40})"').search
_stamp = re.compile(r"[0-9]{1,17}(\.[0-9]{1,6})?").fullmatch
_Message = TypeVar("_Message")

Id = Annotated[int, Meta(ge=0, le=1 << 62)]
Milliseconds = Annotated[int, Meta(ge=0, le=1 << 52)]
RawLevel = tuple[str, str]


class _Depth(Struct, gc=False):
    symbol: str = field(name="s")
    first: Id = field(name="U")
    last: Id = field(name="u")
    event: Milliseconds = field(name="t")
    bids: list[RawLevel] | None = field(name="b", default=None)  # null when that side did not change
    asks: list[RawLevel] | None = field(name="a", default=None)


class _Snapshot(Struct, gc=False):
    last: Id = field(name="id")
    bids: list[RawLevel]
    asks: list[RawLevel]
    update: Milliseconds = 0


class _Trade(Struct, gc=False):
    trade_id: Id | str = field(name="id")
    symbol: str = field(name="currency_pair")
    side: str
    price: str
    amount: str
    time_ms: str = field(name="create_time_ms")


class _BookTicker(Struct, gc=False):
    symbol: str = field(name="s")
    sequence: Id = field(name="u")
    event: Milliseconds = field(name="t")
    bid: str = field(name="b")
    bid_quantity: str = field(name="B")
    ask: str = field(name="a")
    ask_quantity: str = field(name="A")


class _Candle(Struct, gc=False):
    name: str = field(name="n")  # "1m_BTC_USDT"
    start: str = field(name="t")  # s
    open: str = field(name="o")
    high: str = field(name="h")
    low: str = field(name="l")
    close: str = field(name="c")
    volume: str = field(name="a", default="")  # in base; "v" is in quote
    closed: bool = field(name="w", default=False)


class _Pair(Struct, gc=False):
    name: str = field(name="id")
    base: str
    quote: str
    amount_precision: Annotated[int, Meta(ge=-20, le=20)]
    precision: Annotated[int, Meta(ge=-20, le=20)]
    trade_status: str
    fee: str = "0"  # percent
    min_base_amount: str = "0"
    min_quote_amount: str = "0"
    max_base_amount: str | None = None


class _Frame(Struct, Generic[_Message], gc=False):
    event: str
    result: _Message


_DEPTH = Decoder(_Frame[_Depth])
_TRADE = Decoder(_Frame[_Trade])
_BOOK_TICKER = Decoder(_Frame[_BookTicker])
_CANDLE = Decoder(_Frame[_Candle])
_SNAPSHOT = Decoder(_Snapshot)
_PAIRS = Decoder(list[_Pair])


def venue_symbol(symbol: str) -> str:
    """Gate's name of BTC-USDT (BTC_USDT)."""
    return symbol.replace("-", "_")


def channel_of(frame: bytes) -> str:
    """The channel that a frame names, "" if none."""
    found = _channel(frame)
    return found[1].decode() if found else ""


def microseconds(stamp: str | int) -> int:
    """Milliseconds, as Gate writes them ("1606292218213.4578"), in µs. Raises BadMessage."""
    text = str(stamp)
    if _stamp(text) is None:
        raise BadMessage(f"{text[:40]!r} is not a time in milliseconds")
    whole, _, fraction = text.partition(".")
    return int(whole) * 1_000 + int(fraction[:3].ljust(3, "0"))


def parse_instruments(body: bytes, venue: str, pairs: Iterable[str] = ()) -> list[Instrument]:
    """The answer of REST `spot/currency_pairs`: those that may be traded, of them `pairs` (BTC-USDT) if named."""
    wanted = {venue_symbol(pair) for pair in pairs}
    numbers = Numbers(NUMBERS_MAX)
    return [
        _instrument(raw, venue, numbers)
        for raw in decode(_PAIRS, body)
        if raw.trade_status in TRADABLE and (not wanted or raw.name in wanted)
    ]


def _instrument(raw: _Pair, venue: str, numbers: Numbers) -> Instrument:
    symbol = f"{raw.base}-{raw.quote}"
    step = ONE.scaleb(-raw.amount_precision)
    rate = numbers.signed(raw.fee) * PERCENT
    return Instrument(
        instrument_id=instrument_id(venue, symbol),
        venue=venue,
        symbol=symbol,
        base=raw.base,
        quote=raw.quote,
        price_step=ONE.scaleb(-raw.precision),
        quantity_step=step,
        quantity_min=max(numbers[raw.min_base_amount], step),
        quantity_max=numbers[raw.max_base_amount] if raw.max_base_amount else ZERO,
        notional_min=numbers[raw.min_quote_amount],
        venue_symbol=raw.name,
        maker_rate=rate,
        taker_rate=rate,
        fee_asset=raw.base,
    )


class MarketDataParser:
    """Parses for one set of markets. `symbols` maps Gate's symbols to instrument ids; all others are refused.

    Its only state is the memory of number texts: equal frames give equal events.
    """

    def __init__(self, symbols: Mapping[str, str]) -> None:
        self.symbols = Symbols(symbols)
        self._numbers = Numbers(NUMBERS_MAX * max(1, len(symbols)))
        self._channels: dict[str, Callable[[bytes, int], tuple[MarketData, ...]]] = {
            "spot.order_book_update": self._depth,
            "spot.trades": self._trade,
            "spot.book_ticker": self._book_ticker,
            "spot.candlesticks": self._candle,
        }

    @property
    def channels(self) -> list[str]:
        """The channels that are understood."""
        return list(self._channels)

    def parse(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """The events of one update frame of a known channel. Raises BadMessage."""
        read = self._channels.get(channel_of(frame))
        if read is None:
            raise BadMessage(f"not a frame of a known channel: {frame[:80]!r}")
        return read(frame, receive_us)

    def parse_snapshot(self, body: bytes, instrument_id: str, receive_us: int) -> BookSnapshot:
        """The answer of REST `spot/order_book` with ids, which does not say what it is about. Raises BadMessage."""
        raw = decode(_SNAPSHOT, body)
        bids, asks = self._levels(raw.bids), self._levels(raw.asks)
        return BookSnapshot(instrument_id, bids, asks, raw.last, raw.update * 1_000, receive_us)

    def _levels(self, raw: list[RawLevel] | None) -> tuple[Level, ...]:
        numbers = self._numbers
        return tuple([(numbers[price], numbers[quantity]) for price, quantity in raw or ()])

    def _depth(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        raw = decode(_DEPTH, frame).result
        return (
            BookDelta(
                self.symbols[raw.symbol],
                self._levels(raw.bids),
                self._levels(raw.asks),
                raw.first,
                raw.last,
                raw.event * 1_000,
                receive_us,
            ),
        )

    def _trade(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        raw, numbers = decode(_TRADE, frame).result, self._numbers
        return (
            PublicTrade(
                self.symbols[raw.symbol],
                str(raw.trade_id),
                numbers[raw.price],
                numbers[raw.amount],
                side_of(raw.side),
                microseconds(raw.time_ms),
                receive_us,
            ),
        )

    def _book_ticker(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """A side of the book that is empty has no price: then there is no best quote to tell."""
        raw, numbers = decode(_BOOK_TICKER, frame).result, self._numbers
        instrument_id = self.symbols[raw.symbol]
        if not raw.bid or not raw.ask:
            return ()
        return (
            BestQuote(
                instrument_id,
                numbers[raw.bid],
                numbers[raw.bid_quantity],
                numbers[raw.ask],
                numbers[raw.ask_quantity],
                raw.sequence,
                raw.event * 1_000,
                receive_us,
            ),
        )

    def _candle(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """A candle that does not say its volume in base (before 2022) is left out."""
        raw, numbers = decode(_CANDLE, frame).result, self._numbers
        interval, _, symbol = raw.name.partition("_")
        instrument_id = self.symbols[symbol]
        if interval not in INTERVALS_US:
            raise BadMessage(f"unknown interval {interval[:20]!r}")
        if not raw.volume:
            return ()
        open_us = microseconds(raw.start) * 1_000
        return (
            Candle(
                instrument_id,
                INTERVALS_US[interval],
                open_us,
                open_us + INTERVALS_US[interval],
                numbers[raw.open],
                numbers[raw.high],
                numbers[raw.low],
                numbers[raw.close],
                numbers[raw.volume],
                raw.closed,
                receive_us,
            ),
        )


def side_of(word: str) -> Side:
    """Raises BadMessage."""
    side = SIDES.get(word)
    if side is None:
        raise BadMessage(f"{word[:20]!r} is not a side")
    return side


def recording_parser(instruments: Mapping[str, str]) -> MarketDataParser:
    """A parser for a recording of these markets: our symbols (BTC-USDT) → instrument ids."""
    return MarketDataParser({venue_symbol(symbol): name for symbol, name in instruments.items()})
