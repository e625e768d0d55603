"""OKX market data: frames of the public and business sockets → events. No I/O, no state but remembered numbers.

Pages: "WebSocket / Public Channel" and "Order Book Trading / Market Data". What OKX sends is untrusted: unknown fields
are ignored, and everything that is not as documented raises `BadMessage`. Quantities are in base units on spot, in
contracts on swaps.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from msgspec import Meta, Struct
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, Symbols, decode
from connectors.okx.wire import Envelope, Frame, read_frame, rows, stamp_us
from engine.model.enums import Side
from engine.model.errors import BadMessage
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, FundingRate, Level, MarkPrice, PublicTrade

NUMBERS_MAX = 32_768  # remembered texts of numbers per instrument
NO_PREVIOUS = -1
SIDES = {"buy": Side.BUY, "sell": Side.SELL}
SECOND_US = 1_000_000
_UNITS = {
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "H": 3_600 * SECOND_US,
    "D": 86_400 * SECOND_US,
    "W": 604_800 * SECOND_US,
}
CANDLES = {  # channel → µs; months have no length
    f"candle{interval}": int(interval.removesuffix("utc")[:-1]) * _UNITS[interval.removesuffix("utc")[-1]]
    for interval in (
        *("1s", "1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H", "6H", "12H", "1D", "2D", "3D", "5D", "1W"),
        *("6Hutc", "12Hutc", "1Dutc", "2Dutc", "3Dutc", "5Dutc", "1Wutc"),
    )
}

MarketData = BookSnapshot | BookDelta | PublicTrade | BestQuote | Candle | MarkPrice | FundingRate
Sequence = Annotated[int, Meta(ge=-1, le=1 << 62)]
Checksum = Annotated[int, Meta(ge=-(1 << 31), lt=1 << 31)]
RawLevel = tuple[str, str, str, str]  # price, quantity, "0", orders
_Row = TypeVar("_Row")


class _Book(Struct, gc=False, rename="camel"):
    asks: list[RawLevel]
    bids: list[RawLevel]
    ts: str
    seq_id: Sequence = 0  # recordings before 2023 have none
    prev_seq_id: Sequence = 0
    checksum: Checksum = 0  # always 0 since OKX gave it up


class _Trade(Struct, gc=False, rename="camel"):
    inst_id: str
    trade_id: str
    px: str
    sz: str
    side: str
    ts: str


class _Mark(Struct, gc=False, rename="camel"):
    inst_id: str
    mark_px: str
    ts: str


class _Funding(Struct, gc=False, rename="camel"):
    inst_id: str
    funding_rate: str
    funding_time: str
    ts: str = ""


_BOOKS = Decoder(list[_Book])
_TRADES = Decoder(list[_Trade])
_MARKS = Decoder(list[_Mark])
_FUNDINGS = Decoder(list[_Funding])
_CANDLES = Decoder(list[list[str]])
_BOOK_ANSWER = Decoder(Envelope[_Book])


class MarketDataParser:
    """Parses for one set of markets. `symbols` maps OKX's instrument ids to ours; all others are refused."""

    def __init__(self, symbols: Mapping[str, str]) -> None:
        self._symbols = Symbols(symbols)
        self._numbers = Numbers(NUMBERS_MAX * len(self._symbols))
        self._channels: dict[str, Callable[[Frame, str, int], tuple[MarketData, ...]]] = {
            "books": self._book,
            "books5": self._whole_book,
            "bbo-tbt": self._best_quote,
            "trades": self._trades,
            "mark-price": self._mark_prices,
            "funding-rate": self._funding_rates,
            **dict.fromkeys(CANDLES, self._candles),
        }

    @property
    def symbols(self) -> Mapping[str, str]:
        """OKX's instrument ids → ours."""
        return self._symbols

    @property
    def channels(self) -> list[str]:
        """The channels that are understood."""
        return list(self._channels)

    def parse(self, frame: bytes, receive_us: int) -> tuple[MarketData, ...]:
        """The events of one push. Raises BadMessage."""
        return self.push(read_frame(frame), receive_us)

    def push(self, frame: Frame, receive_us: int) -> tuple[MarketData, ...]:
        """The events of one push whose outside has been read. Raises BadMessage."""
        arg = frame.arg
        read = None if arg is None else self._channels.get(arg.channel)
        if arg is None or read is None:
            raise BadMessage(f"not a push of a known channel: {'' if arg is None else arg.channel[:40]!r}")
        return read(frame, arg.inst_id, receive_us)

    def parse_snapshot(self, body: bytes, instrument_id: str, receive_us: int) -> BookSnapshot:
        """The answer of REST `market/books`, which does not say what it is about. Raises BadMessage."""
        found: list[_Book] = rows(_BOOK_ANSWER, body)
        if len(found) != 1:
            raise BadMessage(f"{len(found)} books")
        return self._snapshot(found[0], instrument_id, receive_us)

    def _levels(self, raw: list[RawLevel]) -> tuple[Level, ...]:
        numbers = self._numbers
        return tuple([(numbers[price], numbers[quantity]) for price, quantity, _, _ in raw])

    def _snapshot(self, raw: _Book, instrument_id: str, receive_us: int) -> BookSnapshot:
        bids, asks = self._levels(raw.bids), self._levels(raw.asks)
        return BookSnapshot(instrument_id, bids, asks, raw.seq_id, stamp_us(raw.ts), receive_us)

    def _book(self, frame: Frame, symbol: str, receive_us: int) -> tuple[MarketData, ...]:
        """A snapshot, then deltas, each of which names the one before it; without levels it is a sign of life."""
        instrument_id = self._symbols[symbol]
        whole = frame.action == "snapshot"
        if not (whole or frame.action in ("update", "")):
            raise BadMessage(f"a book's action is {frame.action[:20]!r}")
        return tuple(
            self._snapshot(raw, instrument_id, receive_us)
            if whole or raw.prev_seq_id == NO_PREVIOUS
            else self._delta(raw, instrument_id, receive_us)
            for raw in decode(_BOOKS, frame.data)
        )

    def _delta(self, raw: _Book, instrument_id: str, receive_us: int) -> BookDelta:
        return BookDelta(
            instrument_id,
            self._levels(raw.bids),
            self._levels(raw.asks),
            raw.prev_seq_id + 1,
            raw.seq_id,
            stamp_us(raw.ts),
            receive_us,
            raw.prev_seq_id,
            raw.checksum or None,
        )

    def _whole_book(self, frame: Frame, symbol: str, receive_us: int) -> tuple[MarketData, ...]:
        instrument_id = self._symbols[symbol]
        return tuple(self._snapshot(raw, instrument_id, receive_us) for raw in decode(_BOOKS, frame.data))

    def _best_quote(self, frame: Frame, symbol: str, receive_us: int) -> tuple[MarketData, ...]:
        """Nothing when a side is empty."""
        instrument_id = self._symbols[symbol]
        found = [(raw, self._levels(raw.bids), self._levels(raw.asks)) for raw in decode(_BOOKS, frame.data)]
        return tuple(
            BestQuote(instrument_id, *bids[0], *asks[0], raw.seq_id, stamp_us(raw.ts), receive_us)
            for raw, bids, asks in found
            if bids and asks
        )

    def _trades(self, frame: Frame, symbol: str, receive_us: int) -> tuple[MarketData, ...]:
        """A row may join several fills of one taker at one price; its id is that of the last."""
        numbers = self._numbers
        return tuple(
            PublicTrade(
                self._symbols[raw.inst_id],
                raw.trade_id,
                numbers[raw.px],
                numbers[raw.sz],
                side_of(raw.side),
                stamp_us(raw.ts),
                receive_us,
            )
            for raw in decode(_TRADES, frame.data)
        )

    def _mark_prices(self, frame: Frame, symbol: str, receive_us: int) -> tuple[MarketData, ...]:
        return tuple(
            MarkPrice(self._symbols[raw.inst_id], self._numbers[raw.mark_px], stamp_us(raw.ts), receive_us)
            for raw in decode(_MARKS, frame.data)
        )

    def _funding_rates(self, frame: Frame, symbol: str, receive_us: int) -> tuple[MarketData, ...]:
        """`fundingRate` is what will be paid at `fundingTime`."""
        return tuple(
            FundingRate(
                self._symbols[raw.inst_id],
                self._numbers.signed(raw.funding_rate),
                stamp_us(raw.funding_time),
                stamp_us(raw.ts),
                receive_us,
            )
            for raw in decode(_FUNDINGS, frame.data)
        )

    def _candles(self, frame: Frame, symbol: str, receive_us: int) -> tuple[MarketData, ...]:
        """Rows: open time, open, high, low, close, volume in base units or contracts, …, and last "1" if closed."""
        assert frame.arg is not None
        instrument_id, interval_us, numbers = self._symbols[symbol], CANDLES[frame.arg.channel], self._numbers
        events: list[MarketData] = []
        for row in decode(_CANDLES, frame.data):
            if len(row) < 6:
                raise BadMessage(f"a candle of {len(row)} columns")
            open_us = stamp_us(row[0])
            first, high, low, last, volume = (numbers[text] for text in row[1:6])
            closed = len(row) > 8 and row[8] == "1"
            close_us = open_us + interval_us
            events.append(
                Candle(
                    instrument_id, interval_us, open_us, close_us, first, high, low, last, volume, closed, receive_us
                )
            )
        return tuple(events)


def side_of(word: str) -> Side:
    """Raises BadMessage."""
    side = SIDES.get(word)
    if side is None:
        raise BadMessage(f"{word[:20]!r} is not a side")
    return side


def venue_symbol(symbol: str) -> str:
    """OKX's name of BTC-USDT (the same) or BTC-USDT-PERP (BTC-USDT-SWAP)."""
    base = symbol.removesuffix("-PERP")
    return symbol if base == symbol else f"{base}-SWAP"
