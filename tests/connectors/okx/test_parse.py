"""Recorded market data of OKX becomes the right events; anything else is a BadMessage."""

import json
from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from connectors.base.decoding import FRAME_BYTES_MAX
from connectors.okx.book import BOOK_RULES, checksum
from connectors.okx.parse import CANDLES, MarketDataParser, venue_symbol
from connectors.okx.wire import read_frame
from engine.core.books import BookTracker, Verdict
from engine.model.enums import Side
from engine.model.errors import BadMessage
from engine.model.market import (
    BestQuote,
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Level,
    MarkPrice,
    PublicTrade,
)
from tests.connectors.okx.frames import RECORDED, captured, frame_with, payloads

D = Decimal
OKCOIN = ("USDC-USDT", "BTC-USD", "ETH-USD", "USDT-USD")
NAMES = (*OKCOIN, "BTC-USDT", "ETH-USDT", "BTC-USD-SWAP", "UNI-USD-SWAP", "BTC-USD-220527", "LTC-USD-190628")
SYMBOLS = {name: f"okx:{name}" for name in NAMES}
BTC, ETH = SYMBOLS["BTC-USDT"], SYMBOLS["ETH-USDT"]
DAY_US = 86_400_000_000


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple((D(price), D(quantity)) for price, quantity in pairs)


@pytest.fixture
def parser() -> MarketDataParser:
    return MarketDataParser(SYMBOLS)


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (
            '"funding-rate"',
            FundingRate("okx:BTC-USD-SWAP", D("0.0001875391284828"), 1700726400000_000, 1700724675402_000, 7),
        ),
        (
            '"candle1D"',
            Candle(
                ETH,
                DAY_US,
                1597026383085_000,
                1597026383085_000 + DAY_US,
                D("8533.02"),
                D("8553.74"),
                D("8527.17"),
                D("8548.26"),
                D(45247),
                False,
                7,
            ),
        ),
        ('"mark-price"', MarkPrice("okx:LTC-USD-190628", D("0.1"), 1597026383085_000, 7)),
        (
            '"channel":"books"',
            BookSnapshot(
                ETH,
                levels(("8476.97", "256"), ("8475.55", "101"), ("8475.54", "100")),
                levels(("8476.98", "415"), ("8477", "7"), ("8477.34", "85")),
                123456,
                1597026383085_000,
                7,
            ),
        ),
        (
            '"channel":"trades"',
            PublicTrade(BTC, "130639474", D("42219.9"), D("0.12060306"), Side.BUY, 1630048897897_000, 7),
        ),
    ],
)
def test_recorded_pushes(parser: MarketDataParser, text: str, event: object) -> None:
    assert parser.parse(frame_with(text), 7) == (event,)


def push(channel: str, *rows: object, symbol: str = "BTC-USDT", action: str = "") -> bytes:
    head = {"arg": {"channel": channel, "instId": symbol}, "data": rows}
    return json.dumps(head | ({"action": action} if action else {})).encode()


BOOK: dict[str, object] = {"asks": [["101", "2", "0", "1"]], "bids": [["99", "1", "0", "3"]], "ts": "1000", "seqId": 9}


def test_a_delta_names_the_one_before_it(parser: MarketDataParser) -> None:
    (delta,) = parser.parse(push("books", BOOK | {"prevSeqId": 4, "checksum": 0}, action="update"), 7)
    assert delta == BookDelta(BTC, levels(("99", "1")), levels(("101", "2")), 5, 9, 1_000_000, 7, 4, None)


def test_small_books(parser: MarketDataParser) -> None:
    """books5 sends whole books; bbo-tbt the best level, and nothing while a side is empty."""
    (book,) = parser.parse(push("books5", BOOK), 7)
    assert book == BookSnapshot(BTC, levels(("99", "1")), levels(("101", "2")), 9, 1_000_000, 7)
    (quote,) = parser.parse(push("bbo-tbt", BOOK), 7)
    assert quote == BestQuote(BTC, D(99), D(1), D(101), D(2), 9, 1_000_000, 7)
    assert parser.parse(push("bbo-tbt", BOOK | {"bids": []}), 7) == ()


def test_snapshot_over_rest(parser: MarketDataParser) -> None:
    body = dict(RECORDED)["/api/v5/market/books"]
    found = parser.parse_snapshot(body, BTC, 7)
    asks, bids = levels(("41006.8", "0.60038921")), levels(("41006.3", "0.30178218"))
    assert found == BookSnapshot(BTC, bids, asks, 0, 1629966436396_000, 7)
    with pytest.raises(BadMessage, match="51001: no"):
        parser.parse_snapshot(b'{"code":"51001","data":[],"msg":"no"}', BTC, 7)
    with pytest.raises(BadMessage, match="0 books"):
        parser.parse_snapshot(b'{"code":"0","data":[],"msg":""}', BTC, 7)


@pytest.mark.parametrize(("last", "closed"), [("0", False), ("1", True)])
def test_candles_say_whether_they_are_closed(parser: MarketDataParser, last: str, closed: bool) -> None:
    (candle,) = parser.parse(push("candle1m", ["60000", "1", "2", "0.5", "1.5", "10", "15", "15", last]), 7)
    assert isinstance(candle, Candle)
    assert (candle.closed, candle.close_us - candle.open_us) == (closed, 60_000_000)
    assert CANDLES["candle6Hutc"] == 6 * 3_600_000_000


TRADE: dict[str, object] = {"instId": "BTC-USDT", "tradeId": "5", "px": "10.5", "sz": "2", "side": "buy", "ts": "1"}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "utf-8|malformed|invalid"),
        (b'{"event":"subscribe","arg":{"channel":"trades"}}', "truncated"),
        (b"[" * 200_000, "recursion|Expected"),
        (b" " * (FRAME_BYTES_MAX + 1), "the limit is"),
        (b'{"event":"error","code":"60012","msg":"Invalid request"}', "not a push of a known channel: ''"),
        (push("tickers", {}), "not a push of a known channel: 'tickers'"),
        (push("trades", TRADE | {"instId": "XYZ-USDT"}), "unknown symbol 'XYZ-USDT'"),
        (push("trades", TRADE | {"px": "NaN"}), "'NaN' is not a plain number"),
        (push("trades", TRADE | {"px": "-1"}), "'-1' is not a plain number"),
        (push("trades", TRADE | {"side": "BUY"}), "'BUY' is not a side"),
        (push("trades", TRADE | {"ts": "٣"}), "is not a time in milliseconds"),
        (push("trades", TRADE | {"ts": "1" * 16}), "is not a time in milliseconds"),
        (push("trades", TRADE | {"sz": 1.5}), "Expected `str`, got `float`"),
        (push("trades", {"instId": "BTC-USDT"}), "missing required field `tradeId`"),
        (push("books", BOOK, action="delete"), "a book's action is 'delete'"),
        (push("books", BOOK | {"seqId": -2}, action="update"), "Expected `int` >= -1"),
        (push("books", BOOK | {"asks": [["1", "2"]]}, action="update"), "Expected `array` of length 4"),
        (push("books", BOOK, symbol="XYZ-USDT", action="update"), "unknown symbol"),
        (push("candle1m", ["1", "2"]), "a candle of 2 columns"),
        (push("candle1M", ["1", "2"]), "not a push of a known channel"),
    ],
)
def test_bad_frames(parser: MarketDataParser, bad: bytes, says: str) -> None:
    with pytest.raises(BadMessage, match=says):
        parser.parse(bad, 7)


@pytest.mark.parametrize(("symbol", "name"), [("BTC-USDT", "BTC-USDT"), ("BTC-USDT-PERP", "BTC-USDT-SWAP")])
def test_venue_symbol(symbol: str, name: str) -> None:
    assert venue_symbol(symbol) == name


def test_mutated_frames_give_events_or_bad_messages(parser: MarketDataParser) -> None:
    chance = Random("mutated frames of OKX")
    whole = [body for kind, body in RECORDED if kind == "push" and b'"orders"' not in body and b"account" not in body]
    bad = 0
    for _ in range(10_000):
        damaged = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        try:
            parser.parse(bytes(damaged), 7)
        except BadMessage:
            bad += 1
    assert 2_500 < bad < 10_000


# ---- books


def delta(last: int, previous: int) -> BookDelta:
    return BookDelta(BTC, levels(("99", "1")), (), last, last, 0, 0, previous)


@pytest.mark.parametrize(
    ("last", "previous", "sequence", "bridged", "verdict"),
    [
        (12, 10, 10, True, Verdict.NEXT),
        (10, 10, 10, True, Verdict.NEXT),  # a sign of life
        (3, 10, 10, True, Verdict.NEXT),  # after maintenance ids begin anew
        (10, 9, 10, True, Verdict.OLD),  # sent twice
        (12, 11, 10, True, Verdict.GAP),
        (4, 3, 10, True, Verdict.GAP),  # ids began anew, and the update that said so is lost
        (9, 8, 10, False, Verdict.OLD),  # kept from before the snapshot
        (12, 11, 10, False, Verdict.GAP),
    ],
)
def test_sequence(last: int, previous: int, sequence: int, bridged: bool, verdict: Verdict) -> None:
    assert BOOK_RULES.sequence(delta(last, previous), sequence, bridged) is verdict


@pytest.mark.parametrize("path", ["OKX/OKX.ws.1.0.gz", "OKCOIN/OKCOIN.ws.1.0.gz"])
def test_captured_books_are_proven_by_every_checksum(path: str, parser: MarketDataParser) -> None:
    """The captures are older than sequence ids. A lost update shows at the next checksum of its book."""
    tracker = BookTracker(SYMBOLS.values(), {"okx": BOOK_RULES})
    kinds: Counter[str] = Counter()
    for body in captured(path):
        frame = read_frame(body)
        if frame.event or frame.arg is None or frame.arg.channel not in parser.channels:
            kinds["other"] += 1
            continue
        for event in parser.push(frame, 7):
            kinds[type(event).__name__] += 1
            if isinstance(event, BookSnapshot | BookDelta):
                tracker.apply(event)
                view = tracker.book(event.instrument_id)
                assert not view.stale
                assert checksum(view) == json.loads(body)["data"][0]["checksum"]  # type: ignore[arg-type]
    expected = {
        "OKX/OKX.ws.1.0.gz": {"BookDelta": 287, "BookSnapshot": 3, "PublicTrade": 74, "other": 46},
        "OKCOIN/OKCOIN.ws.1.0.gz": {"BookDelta": 2, "BookSnapshot": 4, "PublicTrade": 4, "Candle": 12, "other": 48},
    }
    assert (tracker.gaps, kinds) == (0, expected[path])


@pytest.mark.parametrize("lost", range(0, 290, 10))
def test_a_lost_update_is_noticed(lost: int, parser: MarketDataParser) -> None:
    """At the next update of that book whose best 25 levels it would have changed, and never shown crossed."""
    tracker = BookTracker(SYMBOLS.values(), {"okx": BOOK_RULES})
    books = [body for body in captured("OKX/OKX.ws.1.0.gz") if b'"books"' in body and b'"data"' in body]
    for number, body in enumerate(books):
        (event,) = parser.parse(body, 7)
        assert isinstance(event, BookSnapshot | BookDelta)
        if number == lost:
            continue
        tracker.apply(event)
        view = tracker.book(event.instrument_id)
        if not view.stale and view.best_bid is not None and view.best_ask is not None:
            assert view.best_bid < view.best_ask
            assert checksum(view) == json.loads(body)["data"][0]["checksum"]  # type: ignore[arg-type]


def test_every_shared_payload_of_a_known_channel_is_read(parser: MarketDataParser) -> None:
    """Whatever names a channel that is handled becomes events; the one mock without any field does not."""
    read, mocks = Counter[str](), 0
    for kind, body in payloads():
        frame = read_frame(body) if kind == "push" else None
        if frame is None or frame.event or frame.arg is None or frame.arg.channel not in parser.channels:
            continue
        if body.endswith(b'"data": [{"instId": "BTC-USDT"}]}'):
            mocks += 1
            continue
        read[frame.arg.channel] += len(parser.push(frame, 7))
    assert mocks == 1
    assert read == {"trades": 3, "books": 1, "mark-price": 1, "funding-rate": 1, "candle1D": 1}
