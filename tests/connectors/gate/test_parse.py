"""Recorded market data of Gate becomes the right events; anything else is a BadMessage."""

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from connectors.gate.parse import MarketDataParser, channel_of, parse_instruments, recording_parser
from connectors.gate.parse_account import AccountParser
from engine.model.enums import Side
from engine.model.errors import BadMessage
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, PublicTrade
from tests.support import ROOT

D = Decimal
ETH = "gate:ETH-USDT"


def recorded() -> list[bytes]:
    """Every recorded frame of the repository's own fixture."""
    return (ROOT / "tests/data/gate/frames.txt").read_bytes().splitlines()


def of_channel(channel: str) -> bytes:
    (frame,) = (each for each in recorded() if channel_of(each) == channel and b'"update"' in each)
    return frame


@pytest.fixture
def parser() -> MarketDataParser:
    return recording_parser({"ETH-USDT": ETH})


@pytest.mark.parametrize(
    ("channel", "event"),
    [
        (
            "spot.order_book_update",
            BookDelta(
                ETH,
                ((D("19137.74"), D("0.0001")), (D("19088.37"), D(0))),
                ((D("19137.75"), D("0.6135")),),
                48776301,
                48776306,
                1606294781123_000,
                7,
            ),
        ),
        (
            "spot.book_ticker",
            BestQuote(ETH, D("19177.79"), D("0.0003341504"), D("19179.38"), D("0.09"), 48733182, 1606293275123_000, 7),
        ),
        (
            "spot.trades",
            PublicTrade(ETH, "309143071", D("0.4705"), D("16.47"), Side.SELL, 1606292218213_457, 7),
        ),
        (
            "spot.candlesticks",
            Candle(
                ETH,
                60_000_000,
                1606292580_000_000,
                1606292640_000_000,
                D("19128.1"),
                D("19128.1"),
                D("19128.1"),
                D("19128.1"),
                D("3.8283"),
                True,
                7,
            ),
        ),
    ],
)
def test_recorded_frames(parser: MarketDataParser, channel: str, event: object) -> None:
    assert parser.parse(of_channel(channel), 7) == (event,)


def test_a_side_without_orders_has_no_best_quote(parser: MarketDataParser) -> None:
    empty = of_channel("spot.book_ticker").replace(b'"19179.38"', b'""').replace(b'"0.09"', b'""')
    assert parser.parse(empty, 7) == ()


def test_a_side_without_changes_is_null(parser: MarketDataParser) -> None:
    delta = of_channel("spot.order_book_update").replace(b'[["19137.75","0.6135"]]', b"null")
    (event,) = parser.parse(delta, 7)
    assert isinstance(event, BookDelta)
    assert (len(event.bids), event.asks) == (2, ())


def test_an_old_candle_without_its_volume_in_base_is_left_out(parser: MarketDataParser) -> None:
    assert parser.parse(of_channel("spot.candlesticks").replace(b',"a":"3.8283"', b""), 7) == ()


def test_snapshot(parser: MarketDataParser) -> None:
    body = b'{"id":5,"current":1623898993123,"update":1623898993121,"asks":[["1.52","1.1"]],"bids":[["1.1","2"]]}'
    expected = BookSnapshot(ETH, ((D("1.1"), D(2)),), ((D("1.52"), D("1.1")),), 5, 1623898993121_000, 7)
    assert parser.parse_snapshot(body, ETH, 7) == expected


PAIR: dict[str, Any] = {
    "id": "ETH_USDT",
    "base": "ETH",
    "quote": "USDT",
    "fee": "0.2",
    "min_base_amount": "0.001",
    "min_quote_amount": "1.0",
    "max_base_amount": "10000",
    "max_quote_amount": "10000000",
    "amount_precision": 3,
    "precision": 6,
    "trade_status": "tradable",
    "sell_start": 1516378650,
}


def test_instruments() -> None:
    others = [{**PAIR, "id": "A_B"}, {**PAIR, "id": "SOME_PAIR", "trade_status": "untradable"}]
    (found,) = parse_instruments(json.dumps([PAIR, *others]).encode(), "gate", ["ETH-USDT", "SOME-PAIR"])
    assert (found.instrument_id, found.venue_symbol, found.base, found.quote) == (ETH, "ETH_USDT", "ETH", "USDT")
    assert (found.price_step, found.quantity_step, found.quantity_min) == (D("0.000001"), D("0.001"), D("0.001"))
    assert (found.quantity_max, found.notional_min, found.taker_rate) == (D(10000), D(1), D("0.002"))


def test_instruments_without_limits() -> None:
    bare = {name: PAIR[name] for name in ("id", "base", "quote", "amount_precision", "precision", "trade_status")}
    (found,) = parse_instruments(json.dumps([{**bare, "amount_precision": -1}]).encode(), "gate")
    assert (found.quantity_step, found.quantity_min) == (D(10), D(10))
    assert (found.quantity_max, found.notional_min) == (D(0), D(0))


@pytest.mark.parametrize(
    ("channel", "old", "new", "says"),
    [
        ("spot.trades", b"spot.trades", b"spot.unheard", "not a frame of a known channel"),
        ("spot.trades", b"ETH_USDT", b"BTC_USDT", "unknown symbol 'BTC_USDT'"),
        ("spot.trades", b'"sell"', b'"short"', "'short' is not a side"),
        ("spot.trades", b"0.4705", b"1e5", "'1e5000000' is not a plain number"),
        ("spot.trades", b"1606292218213.4578", b"yesterday", "'yesterday' is not a time"),
        ("spot.candlesticks", b"1m_", b"2m_", "unknown interval '2m'"),
        ("spot.order_book_update", b'"U":', b'"X":', "missing required field `U`"),
        ("spot.order_book_update", b"48776301", b"-1", "Expected `int` >= 0"),
    ],
)
def test_bad_frames(parser: MarketDataParser, channel: str, old: bytes, new: bytes, says: str) -> None:
    with pytest.raises(BadMessage, match=says):
        parser.parse(of_channel(channel).replace(old, new), 7)


def test_mutated_frames_give_events_or_bad_messages(parser: MarketDataParser) -> None:
    """Nothing but BadMessage comes out of damaged frames, public or private."""
    chance = Random("mutated frames")
    frames, account = recorded(), AccountParser("gate", {"ETH_USDT": ETH, "BTC_USDT": "gate:BTC-USDT"})
    bad = 0
    for _ in range(10_000):
        damaged = bytearray(chance.choice(frames))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        for read in (parser.parse, account.parse):
            try:
                read(bytes(damaged), 7)
            except BadMessage:
                bad += 1
    assert 10_000 < bad < 20_000
