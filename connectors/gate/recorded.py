"""Captures of Gate spot: frames of its WebSocket API v4, and the answers of REST `spot/order_book`."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.decoding import decode
from connectors.gate.parse import MarketDataParser, venue_symbol
from engine.core.books import BookRules
from engine.model.event import MarketEvent

CHANNELS = frozenset(("spot.order_book_update", "spot.trades", "spot.book_ticker"))


class _About(Struct, gc=False):
    """Of which market a result is: `s`, or `currency_pair` of trades."""

    s: str = ""
    currency_pair: str = ""


class _Frame(Struct, gc=False):
    channel: str = ""
    event: str = ""
    result: _About | list[object] | None = None  # a list answers to something else


_FRAME = Decoder(_Frame)


class RecordedFrames:
    """What a capture says of one market: our symbol (BTC-USDT) and instrument id."""

    book_rules = BookRules()

    def __init__(self, symbol: str, instrument_id: str) -> None:
        self._symbol = venue_symbol(symbol)
        self._instrument_id = instrument_id
        self._parser = MarketDataParser({self._symbol: instrument_id})

    def events(self, body: str, receive_us: int, url: str) -> Sequence[MarketEvent]:
        """Of one line. Raises BadMessage."""
        if url:
            if f"/spot/order_book?currency_pair={self._symbol}&" not in f"{url}&":
                return ()
            return (self._parser.parse_snapshot(body.encode(), self._instrument_id, receive_us),)
        raw = body.encode()
        frame = decode(_FRAME, raw)
        about = frame.result
        if frame.channel not in CHANNELS or frame.event != "update" or not isinstance(about, _About):
            return ()
        return self._parser.parse(raw, receive_us) if self._symbol in (about.s, about.currency_pair) else ()
