"""Captures of Gate, spot and USDT perpetuals: frames of its WebSocket API v4, and the answers of REST `order_book`."""

from collections.abc import Sequence

from msgspec import Raw, Struct
from msgspec.json import Decoder

from connectors.base.decoding import decode
from connectors.gate import futures_market, parse
from engine.core.books import BookRules
from engine.model.event import MarketEvent

CHANNELS = ("order_book_update", "trades", "book_ticker")  # tickers of perpetuals do not say when funding is due


class _Frame(Struct, gc=False):
    channel: str = ""
    event: str = ""
    result: Raw = Raw(b"{}")


class _About(Struct, gc=False):
    """Of which market a result is: `s`, or in trades `currency_pair` (spot) or `contract`."""

    s: str = ""
    currency_pair: str = ""
    contract: str = ""


_FRAME = Decoder(_Frame)
_ABOUT = Decoder(_About | list[_About])


class RecordedFrames:
    """What a capture says of one market: our symbol (BTC-USDT, BTC-USDT-PERP) and instrument id."""

    book_rules = BookRules()

    def __init__(self, symbol: str, instrument_id: str) -> None:
        self._instrument_id = instrument_id
        self._parser: parse.MarketDataParser | futures_market.FuturesParser
        if symbol.endswith("-PERP"):
            self._symbol = futures_market.venue_symbol(symbol)
            self._parser = futures_market.FuturesParser({self._symbol: instrument_id}, {})
            section, self._book = "futures", f"/order_book?contract={self._symbol}&"
        else:
            self._symbol = parse.venue_symbol(symbol)
            self._parser = parse.MarketDataParser({self._symbol: instrument_id})
            section, self._book = "spot", f"/spot/order_book?currency_pair={self._symbol}&"
        self._channels = frozenset(f"{section}.{channel}" for channel in CHANNELS)

    def events(self, body: str, receive_us: int, url: str) -> Sequence[MarketEvent]:
        """Of one line. Raises BadMessage."""
        raw = body.encode()
        if url:
            is_ours = self._book in f"{url}&"
            return (self._parser.parse_snapshot(raw, self._instrument_id, receive_us),) if is_ours else ()
        frame = decode(_FRAME, raw)
        if frame.channel not in self._channels or frame.event != "update":
            return ()
        found = decode(_ABOUT, frame.result)
        abouts = found if isinstance(found, list) else [found]
        is_ours = all(self._symbol in (each.s, each.currency_pair, each.contract) for each in abouts)
        return self._parser.parse(raw, receive_us) if abouts and is_ours else ()
