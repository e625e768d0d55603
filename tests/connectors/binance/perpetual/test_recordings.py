"""Every recorded frame of USD-M is understood, and the books that follow from them are proven."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from connectors.binance.parse import MarketDataParser
from engine.core.books import BookRules, BookTracker, chained
from engine.model.enums import Side
from engine.model.errors import BadMessage
from engine.model.market import BestQuote, BookDelta, BookSnapshot
from tests.support import shared

CAPTURES = (
    ("binance_usdm_btcusdt_20230404", "binance_usdm_btcusdt_20230405"),
    ("binance_usdm_btcusdt_20240718", "binance_usdm_btcusdt_20240719"),
    ("binance_usdm_btcusdt_20240808",),
    ("binance_usdm_ethusdt_20240808",),
)
BTC, ETH = "p:BTC-USDT-PERP", "p:ETH-USDT-PERP"
_LINE = re.compile(rb"(?:(\S+://\S+) -> )?[0-9.]+:? (\{.*)")
_SYMBOL = re.compile(rb"symbol=([A-Z]+)&")
_CHANNEL = re.compile(rb'\{"stream":"[^"@]+@([A-Za-z]+)')


def lines(*paths: str) -> Iterator[tuple[bytes, bytes]]:
    """(address of a question or "", body) of every message."""
    for path in paths:
        with gzip.open(shared(f"data/{path}")) as file:
            for line in file:
                match = _LINE.match(line)
                if match is not None:
                    yield match[1] or b"", match[2]


@pytest.mark.parametrize("names", CAPTURES, ids=lambda names: names[0])
def test_captured_days(names: tuple[str, ...]) -> None:
    """No gap and no crossed book; where one event in a hundred is lost, the book is stale from the next one on."""
    parser = MarketDataParser({"BTCUSDT": BTC, "ETHUSDT": ETH})
    instrument_id = ETH if "ethusdt" in names[0] else BTC
    whole, torn = (BookTracker([instrument_id], {"p": BookRules(chained)}) for _ in range(2))
    chance, lost, agreed, compared = Random(names[0]), False, 0, 0
    newest: BestQuote | None = None
    for _, body in lines(*(f"l2/{name}.raw.gz" for name in names)):
        if body.startswith(b'{"lastUpdateId"'):
            snapshot = parser.parse_snapshot(body, instrument_id, 1)
            whole.apply(snapshot)
            torn.apply(snapshot)
            continue
        for event in parser.parse(body, 1):
            if isinstance(event, BestQuote):
                newest = event
            if not isinstance(event, BookDelta):
                continue
            whole.apply(event)
            book = whole.book(instrument_id)
            assert not book.crossed
            if not book.stale and newest is not None and newest.sequence <= event.sequence_last:
                compared += 1
                agreed += (book.best_bid, book.best_ask) == (newest.bid, newest.ask)
            if not torn.book(instrument_id).stale and chance.random() < 0.01:
                lost = True
                continue
            torn.apply(event)
            assert not lost or torn.book(instrument_id).stale
            if torn.book(instrument_id).stale and not book.stale:
                torn.apply(copied(whole, event))
                lost = False
    assert (whole.gaps, whole.book(instrument_id).stale) == (0, "")
    assert torn.gaps > 20
    assert agreed > 0.995 * compared > 6_000  # a quote may be on its way yet


def copied(books: BookTracker, event: BookDelta) -> BookSnapshot:
    """What a question for the book would bring now."""
    book = books.book(event.instrument_id)
    bids, asks = (tuple(book.levels(side, 5_000)) for side in (Side.BUY, Side.SELL))
    return BookSnapshot(event.instrument_id, bids, asks, event.sequence_last, event.event_us, 1)


def test_four_markets_of_2021() -> None:
    symbols = {f"{base}USDT": f"p:{base}-USDT-PERP" for base in ("SUSHI", "AKRO", "KEEP", "CTK")}
    parser = MarketDataParser(symbols)
    books = BookTracker(symbols.values(), {"p": BookRules(chained)})
    unknown: Counter[str] = Counter()
    snapshots = {}
    for address, body in lines("ws/BINANCE_FUTURES/BINANCE_FUTURES.http.0.0.gz"):
        symbol = _SYMBOL.search(address)
        assert symbol is not None
        name = symbols[symbol[1].decode()]
        snapshots[name] = parser.parse_snapshot(body, name, 1)
    for _, body in lines("ws/BINANCE_FUTURES/BINANCE_FUTURES.ws.1.0.gz"):
        try:
            events = parser.parse(body, 1)
        except BadMessage:
            channel = _CHANNEL.match(body)
            unknown[channel[1].decode() if channel else ""] += 1
            continue
        assert len(events) == 1 or b"@kline" in body  # those that form still are left out
        for event in events:
            if isinstance(event, BookDelta):
                books.apply(event)
    for snapshot in snapshots.values():
        books.apply(snapshot)
    assert not unknown
    assert books.gaps == 0
    assert [books.book(name).stale for name in symbols.values()] == [""] * 4
