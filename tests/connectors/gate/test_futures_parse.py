"""Everything of Gate's USDT perpetuals in the shared data folder: a recorded session replayed, payloads read."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from connectors.gate.futures_account import FuturesAccountParser, parse_account, parse_fees, parse_leverage
from connectors.gate.futures_market import SECOND_US, FuturesParser, open_markets, parse_contracts, stamp_us
from connectors.gate.parse import channel_of
from connectors.gate.sheet import FUTURES
from engine.core.books import BookTracker
from engine.model.enums import Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import OrderUpdate, TransferSeen
from engine.model.fill import Fill
from engine.model.market import BookDelta, FundingRate, MarkPrice
from tests.support import shared

D = Decimal
LINE = re.compile(rb"(?:https://[^ ?]+(?:\?contract=([A-Z0-9_]+)\S*)? -> )?([0-9.]+): ([\[{].*)")
PERP = "gate:BTC-USDT-PERP"
SYMBOLS = {"BTC_USDT": PERP, "BTC_USD": "gate:BTC-USD-PERP", "ETH_USDT": "gate:ETH-USDT-PERP"}
PRIVATE = [f"futures.{name}" for name in FUTURES.private]
PAYLOADS = ("jkorf_gate", "gct_ws", "hummingbot_test_literals")


def capture(name: str) -> Iterator[tuple[float, str, bytes]]:
    """(receive time, market of a snapshot or "", what was received) of every line of a capture."""
    path = shared(f"data/ws/GATEIO_FUTURES/GATEIO_FUTURES.{name}.gz")
    for line in gzip.decompress(path.read_bytes()).splitlines():
        if found := LINE.fullmatch(line):
            yield float(found[2]), (found[1] or b"").decode(), found[3]


def test_a_recorded_session_replays_without_an_unnoticed_gap() -> None:
    """In the order of receipt. Every book is proven after its snapshot."""
    lines = sorted([*capture("http.0.0"), *capture("ws.1.0")], key=lambda line: line[0])
    symbols = {market: f"gate:{market}" for _, market, _ in lines if market}
    parser = FuturesParser(symbols, {})
    books = BookTracker(symbols.values())
    kinds: Counter[str] = Counter()
    for time_s, market, body in lines:
        receive_us = int(time_s * 1e6)
        if market:
            books.apply(parser.parse_snapshot(body, symbols[market], receive_us))
            continue
        if b'"subscribe"' in body:
            continue
        kinds[channel_of(body)] += 1
        for event in parser.parse(body, receive_us):
            if isinstance(event, BookDelta):
                books.apply(event)
                book = books.book(event.instrument_id)
                kinds["proven" if not book.stale else "waiting"] += 1
    assert not [name for name in symbols.values() if books.book(name).stale]
    assert (books.gaps, books.ignored) == (0, 0)
    assert kinds.pop("proven") + kinds.pop("waiting") == 352
    assert kinds == {"futures.order_book_update": 352, "futures.book_ticker": 75, "futures.candlesticks": 1}


def test_every_recorded_contract_is_read() -> None:
    ((_, _, body),) = capture("0")
    contracts = parse_contracts(body)
    pairs = [row.name.replace("_", "-") + "-PERP" for row in contracts]
    found = {each.symbol: each for each in open_markets(contracts, "gate", pairs)}
    assert len(found) == len([row for row in contracts if not row.in_delisting]) > 200
    assert all(each.price_step > 0 and each.quantity_min >= 1 and each.contract_size > 0 for each in found.values())
    btc = found["BTC-USDT-PERP"]
    assert (btc.contract_size, btc.price_step, btc.quantity_step) == (D("0.0001"), D("0.1"), D(1))
    assert (btc.venue_symbol, btc.settle, btc.leverage_max) == ("BTC_USDT", "USDT", 100)
    assert open_markets(contracts, "gate", ["NO-USDT-PERP"]) == []


def payloads() -> Iterator[Any]:
    """Every JSON value in the collections that has to do with Gate's perpetuals."""
    for name in PAYLOADS:
        for line in gzip.decompress(shared(f"data/payloads/{name}.jsonl.gz").read_bytes()).splitlines():
            row = json.loads(line)
            if "gate" in row["src"].lower() and any(word in row["src"] for word in ("utures", "perp")):
                yield from (each["json"] for each in row.get("frames", ()) if "json" in each)
                yield {"path": row.get("path") or "", "method": row.get("method"), "body": row.get("response")}
                yield row.get("json")


def test_every_frame_of_a_handled_channel_is_read() -> None:
    """The others are refused; how many there are is known, so that a new one is noticed."""
    market, account = FuturesParser(SYMBOLS, {}), FuturesAccountParser("gate", SYMBOLS)
    kinds: Counter[str] = Counter()
    for payload in payloads():
        if not isinstance(payload, dict) or payload.get("event") != "update" or not payload.get("result"):
            continue
        frame = json.dumps(payload).encode()
        channel = channel_of(frame)
        reader = account if channel in PRIVATE else market if channel in market.channels else None
        if reader is None:
            with pytest.raises(BadMessage):
                market.parse(frame, 7)
            kinds[channel] += 1
            continue
        kinds.update(type(event).__name__ for event in reader.parse(frame, 7))
    assert kinds == {
        **dict.fromkeys(("BestQuote", "BookDelta", "MarkPrice", "PublicTrade", "OrderUpdate", "Fill"), 2),
        "AccountSnapshot": 4,
        "Candle": 3,
        **dict.fromkeys(("futures.obu", "futures.liquidates", "futures.position_closes", "futures.autoorders"), 2),
        **dict.fromkeys(("futures.auto_deleverages", "futures.reduce_risk_limits"), 2),
        "futures.balances": 3,
        "futures.contract_stats": 1,
    }


def test_answers_of_rest_are_read() -> None:
    account, market = FuturesAccountParser("gate", SYMBOLS), FuturesParser(SYMBOLS, {})
    read: Counter[str] = Counter()
    for payload in payloads():
        if not isinstance(payload, dict) or not payload.get("path") or not payload.get("body"):
            continue
        name = f"{payload['method']} {payload['path'].partition('/usdt/')[2]}"
        body = json.dumps(payload["body"]).encode()
        match name:
            case "GET orders" | "DELETE orders":
                read[name] += len(account.parse_orders(body, UpdateSource.REST, 1, 7)[0])
            case "GET orders/123" | "POST orders" | "PUT orders/123" | "DELETE orders/123":
                read[name] += account.parse_order(body, UpdateSource.ACK, 1, 7).quantity == 6024
            case "GET my_trades" | "GET my_trades_timerange":
                read[name] += len(account.parse_trades(body, "", 7))
            case "GET positions":
                read[name] += len([each for each in account.parse_positions(body) if each.quantity])
            case "GET accounts":
                read[name] += parse_account(body).user == 1666
            case "GET order_book":
                read[name] += len(market.parse_snapshot(body, PERP, 7).bids)
            case "GET contracts":
                read[name] += len(parse_contracts(body))
    lists = ("GET orders", "DELETE orders", "GET my_trades", "GET my_trades_timerange", "GET positions")
    one = ("GET orders/123", "POST orders", "PUT orders/123", "DELETE orders/123", "GET accounts", "GET contracts")
    assert read == {**dict.fromkeys((*lists, *one), 1), "GET order_book": 2}


def order(**terms: Any) -> bytes:
    row = {"id": 7, "contract": "BTC_USDT", "size": -5, "left": -5, "price": "3765", "status": "open", "text": "t-A1"}
    return json.dumps(row | {"create_time": 1546569968.123456} | terms).encode()


@pytest.mark.parametrize(
    ("terms", "status", "reason", "filled"),
    [
        ({}, OrderStatus.OPEN, "", 0),
        ({"left": -2, "finish_as": "_update"}, OrderStatus.OPEN, "", 3),
        ({"left": 0, "status": "finished", "finish_as": "filled"}, OrderStatus.FILLED, "", 5),
        ({"left": 0, "status": "finished", "finish_as": "ioc"}, OrderStatus.FILLED, "", 5),
        ({"left": -2, "status": "finished", "finish_as": "ioc"}, OrderStatus.EXPIRED, "expired:ioc", 3),
        ({"status": "finished", "finish_as": "stp"}, OrderStatus.EXPIRED, "expired:self_trade", 0),
        ({"status": "finished", "finish_as": "cancelled"}, OrderStatus.CANCELED, "", 0),
        ({"status": "finished", "finish_as": "reduce_out"}, OrderStatus.CANCELED, "reduce_out", 0),
        ({"status": "finished", "finish_as": "new"}, OrderStatus.UNKNOWN, "ambiguous:unknown_state:finished/new", 0),
        ({"status": "paused"}, OrderStatus.UNKNOWN, "ambiguous:unknown_state:paused/", 0),
    ],
)
def test_states_of_orders(terms: dict[str, Any], status: OrderStatus, reason: str, filled: int) -> None:
    parser = FuturesAccountParser("gate", SYMBOLS)
    update = parser.parse_order(order(**terms), UpdateSource.ACK, 1, 7)
    assert (update.status, update.reason, update.filled) == (status, reason, D(filled))
    assert (update.client_order_id, update.venue_order_id, update.side) == ("A1", "7", Side.SELL)
    assert (update.quantity, update.price, update.event_us) == (D(5), D(3765), 1_546_569_968_123_456)


def test_orders_of_the_venue_and_of_other_markets() -> None:
    parser = FuturesAccountParser("gate", SYMBOLS)
    for terms in ({"is_liq": True}, {"text": "liquidation"}, {"text": "auto_deleveraging"}):
        update = parser.parse_order(order(**terms), UpdateSource.STREAM, None, 7)  # type: ignore[arg-type]
        assert update.client_order_id == "liquidation:gate:7"
    with pytest.raises(BadMessage, match="unknown symbol 'XYZ_USDT'"):
        parser.parse_order(order(contract="XYZ_USDT"), UpdateSource.ACK, 1, 7)
    assert parser.parse_orders(b"[%b]" % order(contract="XYZ_USDT"), UpdateSource.ACK, 1, 7) == ([], 1)


def test_an_own_trade() -> None:
    row = {"id": 9, "contract": "BTC_USDT", "order_id": "7", "size": -3, "price": "100.5", "role": "maker"}
    row |= {"create_time": 1700000000.5, "text": "t-A1", "fee": "-0.01", "point_fee": "0"}
    (fill,) = FuturesAccountParser("gate", SYMBOLS).parse_trades(json.dumps([row]).encode(), "", 7)
    terms = (D("100.5"), D(3), D("-0.01"), "USDT", Liquidity.MAKER, 1_700_000_000_500_000, 7, UpdateSource.REST)
    assert fill == Fill("9", "A1", "7", PERP, Side.SELL, *terms)
    row |= {"trade_id": "12", "fee": "0", "point_fee": "0.2", "size": "3"}
    (fill,) = FuturesAccountParser("gate", SYMBOLS).parse_trades(json.dumps([row]).encode(), "", 7)
    assert (fill.trade_id, fill.fee, fill.fee_asset, fill.side) == ("12", D("0.2"), "POINT", Side.BUY)


def test_bookings() -> None:
    row = {"time": 1682294400.25, "change": "-0.5", "balance": "4.5", "type": "fund", "contract": "BTC_USDT"}
    parser = FuturesAccountParser("gate", SYMBOLS)
    (paid,) = parser.parse_bookings(json.dumps([row]).encode(), 7)
    at_us = 1_682_294_400_250_000
    assert paid == TransferSeen("gate", "USDT", D("-0.5"), "funding", "1682294400.25:4.5", at_us, 7, PERP)
    (moved,) = parser.parse_bookings(json.dumps([row | {"type": "dnw", "id": "5", "contract": ""}]).encode(), 7)
    assert (moved.kind, moved.transfer_id, moved.instrument_id) == ("transfer", "5", "")
    with pytest.raises(BadMessage, match="a booking of type 'pnl'"):
        parser.parse_bookings(json.dumps([row | {"type": "pnl"}]).encode(), 7)


@pytest.mark.parametrize(("event_s", "next_s"), [(50, 100), (99, 100), (100, 400), (401, 700)])
def test_when_funding_is_due_follows_from_the_contract(event_s: int, next_s: int) -> None:
    parser = FuturesParser(SYMBOLS, {"BTC_USDT": (100 * SECOND_US, 300 * SECOND_US)})
    row = {"contract": "BTC_USDT", "mark_price": "6", "index_price": "5", "funding_rate": "-0.0001"}
    frame = {"time_ms": event_s * 1_000, "channel": "futures.tickers", "event": "update", "result": [row]}
    mark, rate = parser.parse(json.dumps(frame).encode(), 7)
    assert mark == MarkPrice(PERP, D(6), event_s * SECOND_US, 7, D(5))
    assert rate == FundingRate(PERP, D("-0.0001"), next_s * SECOND_US, event_s * SECOND_US, 7)


def test_leverage_and_fees() -> None:
    row = {"contract": "BTC_USDT", "size": 0}
    for told, leverage in (({"leverage": "0", "cross_leverage_limit": "5"}, 5), ({"leverage": "7"}, 7), ({}, 1)):
        assert parse_leverage(json.dumps(row | told).encode()) == leverage
    fees = b'{"BTC_USDT": {"taker_fee": "0.00025", "maker_fee": "-0.00010"}}'
    assert parse_fees(fees, "BTC_USDT") == (D("-0.0001"), D("0.00025"))
    with pytest.raises(BadMessage, match="no fees of ETH_USDT"):
        parse_fees(fees, "ETH_USDT")


@pytest.mark.parametrize("number", ["1e60", '"NaN"', "0." + "1" * 50])
def test_numbers_that_are_none(number: str) -> None:
    body = order().replace(b'"3765"', number.encode())
    with pytest.raises(BadMessage, match="is not a plain number"):
        FuturesAccountParser("gate", SYMBOLS).parse_order(body, UpdateSource.ACK, 1, 7)


def test_times() -> None:
    assert stamp_us(D("1700000000.25")) == stamp_us(D(1_700_000_000_250)) == 1_700_000_000_250_000
    with pytest.raises(BadMessage, match="is not a time"):
        stamp_us(D(-1))


def test_mutated_messages_give_events_or_bad_messages() -> None:
    chance = Random("mutated messages of Gate's perpetuals")
    market, account = FuturesParser(SYMBOLS, {}), FuturesAccountParser("gate", SYMBOLS)
    frames = [
        json.dumps({"channel": "futures.orders", "event": "update", "result": [json.loads(order(price=1.5))]}).encode(),
        b'{"channel":"futures.order_book_update","event":"update","result":{"t":1,"s":"BTC_USDT","U":1,"u":2,'
        b'"b":[{"p":"5.1","s":2}],"a":[{"p":"6","s":"2.5"}]}}',
        b'{"channel":"futures.trades","event":"update","result":[{"size":"-5","id":1,"create_time_ms":1,"price":"9",'
        b'"contract":"BTC_USDT"}]}',
    ]
    bad = 0
    for _ in range(3_000):
        damaged = bytearray(chance.choice(frames))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        frame = bytes(damaged)
        try:
            (account if channel_of(frame) in PRIVATE else market).parse(frame, 7)
        except BadMessage:
            bad += 1
    assert 500 < bad < 3_000


def test_channels_that_are_not_private() -> None:
    with pytest.raises(BadMessage, match=r"'futures\.balances' is not a private channel"):
        FuturesAccountParser("gate", SYMBOLS).parse(b'{"channel":"futures.balances"}', 7)


def test_updates_have_no_start() -> None:
    frame = {"channel": "futures.orders", "event": "update", "result": [json.loads(order())]}
    (update,) = FuturesAccountParser("gate", SYMBOLS).parse(json.dumps(frame).encode(), 7)
    assert isinstance(update, OrderUpdate)
    assert (update.source, update.started_us) == (UpdateSource.STREAM, None)
