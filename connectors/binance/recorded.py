"""Captures of Binance, Spot, USD-M and COIN-M: frames of a combined stream, and the answers of REST `depth`.

A JSON that names `lastUpdateId` before anything else is such an answer; its URL says of which market, if it is there.
"""

import re
from collections.abc import Sequence

from connectors.binance.parse import MarketDataParser, venue_symbol
from engine.core.books import BookRules, chained, contiguous
from engine.model.errors import BadMessage
from engine.model.event import MarketEvent

SNAPSHOT_START = '{"lastUpdateId"'
_STREAM = re.compile(r'\s*\{\s*"stream"\s*:\s*"([^"@]{1,80})@([A-Za-z]+)[^"]*"')


class RecordedFrames:
    """What a capture says of one market: our symbol (BTC-USDT, BTC-USDT-PERP, BTC-USD-PERP) and instrument id."""

    def __init__(self, symbol: str, instrument_id: str) -> None:
        self.book_rules = BookRules(chained if symbol.endswith("-PERP") else contiguous)
        self._symbol = venue_symbol(symbol)
        self._instrument_id = instrument_id
        self._parser = MarketDataParser({self._symbol: instrument_id})
        self._channels = frozenset(self._parser.channels)  # other streams, such as candles, are left out

    def events(self, body: str, receive_us: int, url: str) -> Sequence[MarketEvent]:
        """Of one line. Raises BadMessage."""
        if body.startswith(SNAPSHOT_START):
            if url and f"symbol={self._symbol}&" not in f"{url}&":
                return ()
            return (self._parser.parse_snapshot(body.encode(), self._instrument_id, receive_us),)
        stream = _STREAM.match(body)
        if stream is None:
            raise BadMessage(f"is no frame of a combined stream: {body[:60]!r}")
        if stream[1].upper() != self._symbol or stream[2] not in self._channels:
            return ()
        return self._parser.parse(body.encode(), receive_us)
