"""Recorded frames of Binance become the right events; anything else is a BadMessage."""

import json
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import pytest

from connectors.base.decoding import FRAME_BYTES_MAX, Numbers
from connectors.binance.parse import MarketDataParser, venue_symbol
from engine.model.enums import Side
from engine.model.errors import BadMessage
from engine.model.market import (
    BestQuote,
    BookDelta,
    BookSnapshot,
    FundingRate,
    Level,
    MarkPrice,
    PublicTrade,
)
from tests.support import ROOT

D = Decimal
SPOT, USDM, COINM = "binance:BTC-USDT", "usdm:BTC-USDT-PERP", "coinm:BTC-USD-PERP"
SYMBOLS = {"spot": {"BTCUSDT": SPOT}, "usdm": {"BTCUSDT": USDM}, "coinm": {"BTCUSD_PERP": COINM}}


def recorded() -> Iterator[tuple[str, bytes]]:
    """(market, frame) of every recorded line."""
    for line in (ROOT / "tests/data/binance/frames.txt").read_bytes().splitlines():
        market, _, frame = line.split(b" ", 2)
        yield market.decode(), frame


def frames_with(market: str, text: str) -> list[bytes]:
    return [frame for name, frame in recorded() if name == market and text.encode() in frame]


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple((D(price), D(quantity)) for price, quantity in pairs)


@pytest.mark.parametrize(
    ("market", "text", "events"),
    [
        (
            "spot",
            "50093239203",
            (
                BookDelta(
                    SPOT,
                    levels(("55653.87000000", "0E-8")),
                    levels(
                        ("61838.04000000", "0.32332000"),
                        ("61844.30000000", "0.40163000"),
                        ("61862.50000000", "0.05019000"),
                        ("61862.51000000", "0E-8"),
                    ),
                    50093239203,
                    50093239207,
                    1723161255308_000,
                    7,
                ),
            ),
        ),
        (
            "spot",
            "bookTicker",
            (
                BestQuote(
                    SPOT, D("61837.63"), D("3.78826"), D("61837.64"), D("1.54698"), 50093239212, 0, 7
                ),  # no event time on spot
            ),
        ),
        (
            "spot",
            "3735683259",
            (PublicTrade(SPOT, "3735683259", D("61837.63"), D("0.02"), Side.SELL, 1723161255342_000, 7),),
        ),
        (
            "usdm",
            "2710246765629",
            (
                BookDelta(
                    USDM,
                    levels(("28018.90", "0.080"), ("28080.20", "3.080"), ("28117.00", "0.223")),
                    levels(("28220.20", "0.452"), ("28250.90", "1.431"), ("28281.50", "0.081")),
                    2710246765629,
                    2710246765882,
                    1680652700610_000,
                    7,
                    2710246765597,
                ),
            ),
        ),
        (
            "usdm",
            "bookTicker",
            (
                BestQuote(
                    USDM, D("28145.10"), D("3.868"), D("28145.20"), D("6.887"), 2710246762461, 1680652700435_000, 7
                ),
            ),
        ),
        (
            "usdm",
            "markPrice",
            (
                MarkPrice(USDM, D("28147.27373413"), 1680652701000_000, 7, D("28159.75642857")),
                FundingRate(USDM, D("0.00002754"), 1680652800000_000, 1680652701000_000, 7),
            ),
        ),
        (
            "coinm",
            "849714402",
            (PublicTrade(COINM, "849714402", D("61804.8"), D(4), Side.BUY, 1723161257679_000, 7),),
        ),
    ],
)
def test_recorded_frames(market: str, text: str, events: tuple[object, ...]) -> None:
    (frame,) = frames_with(market, text)
    assert MarketDataParser(SYMBOLS[market]).parse(frame, 7) == events


@pytest.mark.parametrize(
    ("market", "instrument_id", "sequence", "event_us", "best_bid", "best_ask"),
    [
        ("spot", SPOT, 50093239218, 0, ("61837.63", "3.78826"), ("61837.64", "1.54698")),
        ("usdm", USDM, 2710246765483, 1680652700590_000, ("28145.10", "3.818"), ("28145.20", "6.833")),
        ("coinm", COINM, 1007198635033, 1723161257835_000, ("61804.7", "35"), ("61804.8", "1645")),
    ],
)
def test_recorded_snapshots(
    market: str, instrument_id: str, sequence: int, event_us: int, best_bid: tuple[str, str], best_ask: tuple[str, str]
) -> None:
    (frame,) = frames_with(market, "lastUpdateId")
    found = MarketDataParser(SYMBOLS[market]).parse_snapshot(frame, instrument_id, 7)
    assert isinstance(found, BookSnapshot)
    assert (found.instrument_id, found.sequence) == (instrument_id, sequence)
    assert (found.event_us, found.receive_us, len(found.bids), len(found.asks)) == (event_us, 7, 3, 3)
    assert (found.bids[0], found.asks[0]) == (levels(best_bid)[0], levels(best_ask)[0])


def frame(stream: str, **data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


TRADE: dict[str, object] = {"s": "BTCUSDT", "t": 5, "p": "10.5", "q": "2", "T": 1_000, "m": False}
DEPTH: dict[str, object] = {"s": "BTCUSDT", "U": 1, "u": 2, "b": [["1", "2"]], "a": [], "E": 1_000}
MARK: dict[str, object] = {"s": "BTCUSDT", "p": "10.5", "E": 1_000}


@pytest.fixture
def parser() -> MarketDataParser:
    return MarketDataParser(SYMBOLS["spot"])


def test_aggregate_trade(parser: MarketDataParser) -> None:
    data = {"e": "aggTrade", "E": 2_000, "s": "BTCUSDT", "a": 9, "p": "1.5", "q": "2", "f": 1, "l": 3, "T": 1_000}
    found = parser.parse(frame("btcusdt@aggTrade", **data, m=True), 7)
    assert found == (PublicTrade(SPOT, "9", D("1.5"), D(2), Side.SELL, 1_000_000, 7),)


def test_trades_outside_the_book_are_left_out() -> None:
    (insurance,) = frames_with("usdm", "INSURANCE_FUND")
    assert MarketDataParser(SYMBOLS["usdm"]).parse(insurance, 7) == ()


@pytest.mark.parametrize(("rate", "value"), [("-0.0001", "-0.0001"), ("0.0001", "0.0001")])
def test_funding_rates_have_a_sign(parser: MarketDataParser, rate: str, value: str) -> None:
    mark, funding = parser.parse(frame("btcusdt@markPrice", **MARK, r=rate, T=2_000), 7)
    assert mark == MarkPrice(SPOT, D("10.5"), 1_000_000, 7)
    assert funding == FundingRate(SPOT, D(value), 2_000_000, 1_000_000, 7)


def test_delivery_contracts_pay_no_funding(parser: MarketDataParser) -> None:
    assert len(parser.parse(frame("btcusdt@markPrice@1s", **MARK, r="", T=0), 7)) == 1


def test_stamps_in_microseconds_are_recognised(parser: MarketDataParser) -> None:
    (trade,) = parser.parse(frame("btcusdt@trade", **{**TRADE, "T": 1_723_161_255_342_001}), 7)
    assert isinstance(trade, PublicTrade)
    assert trade.event_us == 1_723_161_255_342_001


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"", "not a frame of a known stream"),
        (b"\xff\xfe", "not a frame of a known stream"),
        (b'{"result":null,"id":1}', "not a frame of a known stream"),
        (frame("btcusdt@depth20", **DEPTH), "not a frame of a known stream"),
        (frame("btcusdt@kline_1m", **DEPTH), "missing required field `k`"),
        (frame("btcusdt@trade", **{**TRADE, "s": "ETHUSDT"}), "unknown symbol 'ETHUSDT'"),
        (frame("btcusdt@trade", **{**TRADE, "p": "NaN"}), "'NaN' is not a plain number"),
        (frame("btcusdt@trade", **{**TRADE, "p": "1e5"}), "'1e5' is not a plain number"),
        (frame("btcusdt@trade", **{**TRADE, "p": "1_0"}), "'1_0' is not a plain number"),
        (frame("btcusdt@trade", **{**TRADE, "p": "-1"}), "'-1' is not a plain number"),
        (frame("btcusdt@trade", **{**TRADE, "p": "1\n"}), "is not a plain number"),
        (frame("btcusdt@trade", **{**TRADE, "p": "٣"}), "is not a plain number"),
        (frame("btcusdt@trade", **{**TRADE, "q": ""}), "'' is not a plain number"),
        (frame("btcusdt@trade", **{**TRADE, "q": "1" * 31}), "at most 40 digits"),
        (frame("btcusdt@trade", **{**TRADE, "q": "0." + "1" * 40}), "at most 40 digits"),
        (frame("btcusdt@trade", **{**TRADE, "q": 1.5}), "Expected `str`, got `float`"),
        (frame("btcusdt@trade", **{**TRADE, "t": -1}), "Expected `int` >= 0"),
        (frame("btcusdt@trade", **{**TRADE, "T": 10**30}), "Expected `int` <="),
        (frame("btcusdt@depth", **{k: v for k, v in DEPTH.items() if k != "U"}), "missing required field `U`"),
        (frame("btcusdt@depth", **{**DEPTH, "b": [["1"]]}), "Expected `array` of length 2"),
        (frame("btcusdt@depth", **{**DEPTH, "b": [["1", "-2"]]}), "'-2' is not a plain number"),
        (frame("btcusdt@markPrice", **MARK, r="--1"), "'-1' is not a plain number"),
        (frame("btcusdt@trade", **TRADE)[:-1], "truncated"),
        (frame("btcusdt@trade", **TRADE).replace(b"10.5", b"\xff\xfe"), "utf-8"),
        (b'{"stream":"btcusdt@trade","x":' + b"[" * 200_000, "recursion"),
        (b'{"stream":"btcusdt@trade","data":' + b" " * FRAME_BYTES_MAX + b"}", "the limit is"),
    ],
)
def test_bad_frames(parser: MarketDataParser, bad: bytes, says: str) -> None:
    with pytest.raises(BadMessage, match=says):
        parser.parse(bad, 7)


def test_bad_snapshots(parser: MarketDataParser) -> None:
    with pytest.raises(BadMessage, match="missing required field `lastUpdateId`"):
        parser.parse_snapshot(b'{"code":-1121,"msg":"Invalid symbol."}', SPOT, 7)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("BTC-USDT", "BTCUSDT"), ("BTC-USDT-PERP", "BTCUSDT"), ("BTC-USD-PERP", "BTCUSD_PERP"), ("BTC-USD", "BTCUSD")],
)
def test_venue_symbol(symbol: str, name: str) -> None:
    assert venue_symbol(symbol) == name


def test_mutated_frames_give_events_or_bad_messages() -> None:
    """Nothing but BadMessage comes out of damaged frames."""
    chance = Random("mutated frames")
    whole = [(MarketDataParser(SYMBOLS[market]), frame) for market, frame in recorded()]
    bad = 0
    for _ in range(20_000):
        parser, original = chance.choice(whole)
        damaged = bytearray(original)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        try:
            parser.parse(bytes(damaged), 7)
        except BadMessage:
            bad += 1
    assert 5_000 < bad < 20_000


def test_numbers_are_remembered_up_to_a_limit() -> None:
    numbers = Numbers(2)
    assert numbers["1.0"] is numbers["1.0"]
    assert [numbers["2"], numbers["3"]] == [2, 3]
    assert set(numbers) == {"3"}
