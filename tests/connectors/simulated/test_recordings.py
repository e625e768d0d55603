"""Recorded days of Binance, parsed and tracked: no gap, never crossed, best prices as the bookTicker says."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

import pytest

from connectors.binance.parse import MarketDataParser
from connectors.simulated.capture import Capture, MarketData
from connectors.simulated.replay import recorded_sequence
from engine.core.books import BookRules, BookTracker
from engine.model.enums import Side
from engine.model.market import BestQuote, BookDelta, BookSnapshot
from tests.support import shared

SPOT = ("BTCUSDT", ["binance_spot_btcusdt_20240808", "binance_spot_btcusdt_20240809"])
FUTURES = [
    ("BTCUSDT", ["binance_usdm_btcusdt_20230404", "binance_usdm_btcusdt_20230405"]),
    ("BTCUSDT", ["binance_usdm_btcusdt_20240718", "binance_usdm_btcusdt_20240719"]),
    ("BTCUSDT", ["binance_usdm_btcusdt_20240808"]),
    ("ETHUSDT", ["binance_usdm_ethusdt_20240808"]),
    ("BTCUSD_PERP", ["binance_coinm_btcusd_perp_20240808", "binance_coinm_btcusd_perp_20240809"]),
]


def replayed(symbol: str, names: Sequence[str]) -> dict[str, int]:
    """Play the recordings; compare each depth event with the newest bookTicker of an id up to the event's.

    An event after the last ticker that was read is not compared: the recording may end before a newer one.
    """
    bad: list[str] = []
    paths = [shared(f"data/l2/{name}.raw.gz") for name in names]
    capture = Capture(paths, "x:A-B", MarketDataParser({symbol: "x:A-B"}), lambda *report: bad.append(str(report)))
    events: list[MarketData] = [event for _, found in capture for event in found]
    tickers = sorted((event for event in events if isinstance(event, BestQuote)), key=attrgetter("sequence"))
    ids = [ticker.sequence for ticker in tickers]
    tracker = BookTracker()
    book = tracker.follow("x:A-B", BookRules(recorded_sequence))
    seen = dict.fromkeys(("deltas", "compared", "equal", "stale"), 0)
    synced = False
    for event in events:
        if not isinstance(event, BookDelta | BookSnapshot):
            continue
        tracker.apply(event)
        synced = synced or not book.stale
        seen["deltas"] += isinstance(event, BookDelta)
        seen["stale"] += synced and bool(book.stale)
        at = bisect_right(ids, book.sequence)
        if book.stale or isinstance(event, BookSnapshot) or not 0 < at < len(ids):
            continue
        ticker = tickers[at - 1]
        shown = book.levels(Side.BUY, 1) + book.levels(Side.SELL, 1)
        seen["compared"] += 1
        seen["equal"] += shown == [(ticker.bid, ticker.bid_quantity), (ticker.ask, ticker.ask_quantity)]
    return {**seen, "gaps": tracker.gaps, "bad": len(bad)}


@pytest.mark.parametrize(("symbol", "names"), FUTURES)
def test_futures(symbol: str, names: list[str]) -> None:
    seen = replayed(symbol, names)
    assert (seen["gaps"], seen["bad"], seen["stale"]) == (0, 0, 0)
    assert seen["equal"] == seen["compared"] >= seen["deltas"] - 30 > 6_000


def test_spot() -> None:
    """Twice in fast moves a bookTicker skipped a state."""
    seen = replayed(*SPOT)
    assert (seen["gaps"], seen["bad"], seen["stale"]) == (0, 0, 0)
    assert seen["equal"] == seen["compared"] - 2
    assert seen["compared"] >= seen["deltas"] - 5 > 6_000
