"""Captures of OKX: pushes of its public sockets; answers to subscriptions and other channels are left out."""

from collections.abc import Sequence

from connectors.okx.book import BOOK_RULES
from connectors.okx.parse import MarketDataParser, venue_symbol
from connectors.okx.wire import read_frame
from engine.model.event import MarketEvent

CHANNELS = frozenset(("books", "bbo-tbt", "trades", "mark-price", "funding-rate"))


class RecordedFrames:
    """What a capture says of one market: our symbol (BTC-USDT, BTC-USDT-PERP) and instrument id.

    Books are those of the channel `books`; where OKX sent checksums they prove each of its updates.
    """

    book_rules = BOOK_RULES

    def __init__(self, symbol: str, instrument_id: str) -> None:
        self._symbol = venue_symbol(symbol)
        self._parser = MarketDataParser({self._symbol: instrument_id})

    def events(self, body: str, receive_us: int, url: str) -> Sequence[MarketEvent]:
        """Of one line. Raises BadMessage."""
        if url:
            return ()
        frame = read_frame(body.encode())
        if frame.event or frame.arg is None or frame.arg.channel not in CHANNELS or frame.arg.inst_id != self._symbol:
            return ()
        return self._parser.push(frame, receive_us)
