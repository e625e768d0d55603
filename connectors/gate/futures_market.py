"""Gate's USDT perpetuals, market data: frames of the WebSocket API v4 and answers of REST → events. No I/O.

Pages: "Gate Futures WebSocket v4" and "Gate API v4", Futures. Quantities are contracts; sizes are written as numbers or
as texts. What is not as documented raises `BadMessage`.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, Symbols, decode
from connectors.gate.parse import INTERVALS_US, NUMBERS_MAX, Id, Milliseconds, channel_of
from engine.model.enums import InstrumentKind, Side
from engine.model.errors import BadMessage
from engine.model.instrument import Instrument, instrument_id
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, FundingRate, Level, MarkPrice, PublicTrade
from engine.model.money import ONE

SETTLE = "USDT"
SECOND_US = 1_000_000
DIGITS_MAX = 40  # of a number that is not a text
TRADING = ("", "trading")

MarketData = BookDelta | PublicTrade | BestQuote | Candle | MarkPrice | FundingRate
_Message = TypeVar("_Message")


class _Level(Struct, gc=False):
    price: str = field(name="p")
    size: int | str = field(name="s")


class _Depth(Struct, gc=False):
    symbol: str = field(name="s")
    first: Id = field(name="U")
    last: Id = field(name="u")
    event: Milliseconds = field(name="t")
    bids: list[_Level] = field(name="b", default_factory=list)
    asks: list[_Level] = field(name="a", default_factory=list)


class _Snapshot(Struct, gc=False):
    last: Id = field(name="id")
    bids: list[_Level]
    asks: list[_Level]
    update: Decimal = Decimal(0)  # s


class _Trade(Struct, gc=False):
    """`size` is negative when a seller took. Internal ones are between the venue and those whom it closes out."""

    trade_id: Id | str = field(name="id")
    symbol: str = field(name="contract")
    size: int | str
    price: str
    time_ms: Milliseconds = field(name="create_time_ms")
    is_internal: bool = False


class _BookTicker(Struct, gc=False):
    symbol: str = field(name="s")
    sequence: int | str = field(name="u")
    event: Milliseconds = field(name="t")
    bid: str = field(name="b")
    bid_size: int | str = field(name="B")
    ask: str = field(name="a")
    ask_size: int | str = field(name="A")


class _Ticker(Struct, gc=False):
    symbol: str = field(name="contract")
    mark_price: str
    funding_rate: str
    index_price: str = ""


class _Candle(Struct, gc=False):
    name: str = field(name="n")  # "1m_BTC_USDT"
    start: Milliseconds = field(name="t")  # s
    volume: int | str = field(name="v")
    open: str = field(name="o")
    high: str = field(name="h")
    low: str = field(name="l")
    close: str = field(name="c")
    closed: bool = field(name="w", default=False)


class _Frame(Struct, Generic[_Message], gc=False):
    result: _Message
    time_ms: Milliseconds = 0


class Contract(Struct, gc=False):
    """A row of `contracts`. Funding is due at `funding_next_apply` and every `funding_interval` after it, in s."""

    name: str
    quanto_multiplier: str
    order_price_round: str
    order_size_min: int | str
    order_size_max: int | str
    leverage_max: str
    maintenance_rate: str
    funding_next_apply: Decimal
    funding_interval: Annotated[int, Meta(ge=1)]
    maker_fee_rate: str = "0"
    taker_fee_rate: str = "0"
    in_delisting: bool = False
    status: str = ""
    type: str = "direct"


_DEPTH, _TRADES = Decoder(_Frame[_Depth]), Decoder(_Frame[list[_Trade]])
_BOOK_TICKER, _TICKERS = Decoder(_Frame[_BookTicker]), Decoder(_Frame[list[_Ticker]])
_CANDLES, _SNAPSHOT = Decoder(_Frame[list[_Candle]]), Decoder(_Snapshot)
_CONTRACTS = Decoder(list[Contract])


def venue_symbol(symbol: str) -> str:
    """Gate's name of BTC-USDT-PERP (BTC_USDT)."""
    return symbol.removesuffix("-PERP").replace("-", "_")


def exact(value: Decimal) -> Decimal:
    """A number as JSON has it, exactly. Raises BadMessage about one that is none, or has too many digits."""
    if not value.is_finite() or abs(value.adjusted()) > DIGITS_MAX or len(value.as_tuple().digits) > DIGITS_MAX:
        raise BadMessage(f"{str(value)[:50]!r} is not a plain number of at most {DIGITS_MAX} digits")
    return value


def stamp_us(value: Decimal) -> int:
    """Seconds, or milliseconds where they cannot be seconds, in µs. Raises BadMessage."""
    if not 0 <= exact(value) < 1 << 52:
        raise BadMessage(f"{str(value)[:50]!r} is not a time")
    return int(value * (1_000 if value >= 1 << 37 else SECOND_US))


def parse_contracts(body: bytes) -> list[Contract]:
    """The answer of REST `contracts`, of which those that are settled in quote. Raises BadMessage."""
    return [row for row in decode(_CONTRACTS, body) if row.type == "direct"]


def open_markets(contracts: Iterable[Contract], venue: str, pairs: Iterable[str]) -> list[Instrument]:
    """Those of our symbols (BTC-USDT-PERP) that are traded now. Raises BadMessage."""
    listed = {row.name: row for row in contracts if row.status in TRADING and not row.in_delisting}
    rows = ((pair, listed.get(venue_symbol(pair))) for pair in pairs)
    return [_instrument(row, venue, pair) for pair, row in rows if row is not None]


def _instrument(row: Contract, venue: str, symbol: str) -> Instrument:
    numbers = Numbers(NUMBERS_MAX)
    least, base = numbers[str(row.order_size_min)], row.name.partition("_")[0]
    return Instrument(
        instrument_id=instrument_id(venue, symbol),
        venue=venue,
        symbol=symbol,
        base=base,
        quote=SETTLE,
        price_step=numbers[row.order_price_round],
        quantity_step=least if least % ONE else ONE,
        quantity_min=least,
        quantity_max=numbers[str(row.order_size_max)],
        kind=InstrumentKind.PERPETUAL,
        venue_symbol=row.name,
        settle=SETTLE,
        contract_size=numbers[row.quanto_multiplier],
        maker_rate=numbers.signed(row.maker_fee_rate),
        taker_rate=numbers.signed(row.taker_fee_rate),
        leverage_max=int(numbers[row.leverage_max]),
    )


class FuturesParser:
    """Parses for one set of markets. `symbols` maps Gate's symbols to instrument ids; all others are refused.

    `funding` tells of each symbol when it was due once, and how often it is, in µs; rates of others are not told.
    """

    def __init__(self, symbols: Mapping[str, str], funding: Mapping[str, tuple[int, int]]) -> None:
        self.symbols = Symbols(symbols)
        self._funding = dict(funding)
        self._numbers = Numbers(NUMBERS_MAX * max(1, len(symbols)))
        self._channels: dict[str, Callable[[bytes, int], tuple[MarketData, ...]]] = {
            "futures.order_book_update": self._depth,
            "futures.trades": self._trades,
            "futures.book_ticker": self._book_ticker,
            "futures.tickers": self._tickers,
            "futures.candlesticks": self._candles,
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
        """The answer of REST `order_book` with ids, which does not say what it is about. Raises BadMessage."""
        raw = decode(_SNAPSHOT, body)
        bids, asks = self._levels(raw.bids), self._levels(raw.asks)
        return BookSnapshot(instrument_id, bids, asks, raw.last, stamp_us(raw.update), receive_us)

    def _levels(self, raw: list[_Level]) -> tuple[Level, ...]:
        numbers = self._numbers
        return tuple([(numbers[each.price], numbers[str(each.size)]) for each in raw])

    def _depth(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        raw = decode(_DEPTH, frame).result
        name, bids, asks = self.symbols[raw.symbol], self._levels(raw.bids), self._levels(raw.asks)
        return (BookDelta(name, bids, asks, raw.first, raw.last, raw.event * 1_000, receive_us),)

    def _trades(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        numbers = self._numbers
        found = []
        for raw in decode(_TRADES, frame).result:
            name, size = self.symbols[raw.symbol], numbers.signed(str(raw.size))
            side = Side.BUY if size > 0 else Side.SELL
            if not raw.is_internal:
                terms = (numbers[raw.price], abs(size), side, raw.time_ms * 1_000, receive_us)
                found.append(PublicTrade(name, str(raw.trade_id), *terms))
        return tuple(found)

    def _book_ticker(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """A side of the book that is empty has no price: then there is no best quote to tell."""
        raw, numbers = decode(_BOOK_TICKER, frame).result, self._numbers
        name = self.symbols[raw.symbol]
        if not raw.bid or not raw.ask:
            return ()
        bid, ask = (numbers[raw.bid], numbers[str(raw.bid_size)]), (numbers[raw.ask], numbers[str(raw.ask_size)])
        return (BestQuote(name, *bid, *ask, int(numbers[str(raw.sequence)]), raw.event * 1_000, receive_us),)

    def _tickers(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """`funding_rate` is what will be paid next. They do not say when: that follows from the contract."""
        told, numbers = decode(_TICKERS, frame), self._numbers
        event_us, found = told.time_ms * 1_000, list[MarketData]()
        for raw in told.result:
            name, index = self.symbols[raw.symbol], numbers[raw.index_price] if raw.index_price else None
            found.append(MarkPrice(name, numbers[raw.mark_price], event_us, receive_us, index))
            if raw.symbol in self._funding:
                due_us, interval_us = self._funding[raw.symbol]
                next_us = due_us + max(0, -(-(event_us + 1 - due_us) // interval_us)) * interval_us
                found.append(FundingRate(name, numbers.signed(raw.funding_rate), next_us, event_us, receive_us))
        return tuple(found)

    def _candles(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        numbers, found = self._numbers, list[MarketData]()
        for raw in decode(_CANDLES, frame).result:
            interval, _, symbol = raw.name.partition("_")
            interval_us, name = INTERVALS_US.get(interval), self.symbols[symbol]
            if interval_us is None:
                raise BadMessage(f"unknown interval {interval[:20]!r}")
            open_us, volume = raw.start * SECOND_US, numbers[str(raw.volume)]
            prices = (numbers[raw.open], numbers[raw.high], numbers[raw.low], numbers[raw.close])
            times = (interval_us, open_us, open_us + interval_us)
            found.append(Candle(name, *times, *prices, volume, raw.closed, receive_us))
        return tuple(found)
