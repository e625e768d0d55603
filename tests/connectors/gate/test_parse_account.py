"""What Gate says about an account becomes the right facts."""

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.gate.parse import channel_of
from connectors.gate.parse_account import AccountParser, parse_problem, parse_time, text_of
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import OrderUpdate
from engine.model.fill import Fill
from tests.support import ROOT

D = Decimal
BTC = "gate:BTC-USDT"
STREAM, ACK, REST = UpdateSource.STREAM, UpdateSource.ACK, UpdateSource.REST
ORDER: dict[str, Any] = {
    "id": "1852454420",
    "text": "t-ABC",
    "update_time": "1710488334",
    "update_time_ms": 1710488334074,
    "status": "open",
    "currency_pair": "BTC_USDT",
    "type": "limit",
    "side": "buy",
    "amount": "2",
    "price": "65000",
    "left": "1.5",
    "filled_amount": "0.5",
    "filled_total": "32000",
    "finish_as": "open",
}
TRADE: dict[str, Any] = {
    "id": 5736713,
    "order_id": "30784428",
    "currency_pair": "BTC_USDT",
    "create_time_ms": "1605176741123.456",
    "side": "sell",
    "amount": "1",
    "role": "maker",
    "price": "10000",
    "fee": "2",
    "fee_currency": "USDT",
    "text": "t-ABC",
}


@pytest.fixture
def parser() -> AccountParser:
    return AccountParser("gate", {"BTC_USDT": BTC})


def of_channel(channel: str) -> bytes:
    frames = (ROOT / "tests/data/gate/frames.txt").read_bytes().splitlines()
    (frame,) = (each for each in frames if channel_of(each) == channel and b'"update"' in each)
    return frame


@pytest.mark.parametrize(
    ("channel", "event"),
    [
        (
            "spot.orders",
            OrderUpdate(
                BTC,
                "testtext",
                "399123456",
                OrderStatus.OPEN,
                D(0),
                "",
                1694655225315_000,
                7,
                STREAM,
                None,
                Side.SELL,
                D("26253.3"),
                D("0.0001"),
            ),
        ),
        (
            "spot.usertrades",
            Fill(
                "5736713",
                "apiv4",
                "30784428",
                BTC,
                Side.SELL,
                D(10000),
                D(1),
                D("0.002"),
                "USDT",
                Liquidity.TAKER,
                1605176741123_456,
                7,
            ),
        ),
        ("spot.balances", Balance("gate", "USDT", D("222244.3827652"), D("222244.3827"), 1667556323730_000, 7)),
    ],
)
def test_recorded_frames(parser: AccountParser, channel: str, event: object) -> None:
    assert parser.parse(of_channel(channel), 7) == [event]


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        ({}, OrderStatus.OPEN, ""),
        ({"status": "", "event": "put"}, OrderStatus.OPEN, ""),
        ({"status": "", "event": "update"}, OrderStatus.OPEN, ""),
        ({"status": "", "event": "finish", "finish_as": "filled", "left": "0"}, OrderStatus.FILLED, ""),
        ({"status": "closed", "finish_as": "filled", "left": "0"}, OrderStatus.FILLED, ""),
        ({"status": "closed", "finish_as": "", "left": "0"}, OrderStatus.FILLED, ""),
        ({"status": "closed", "finish_as": "filled"}, OrderStatus.CANCELED, "filled"),
        ({"status": "cancelled", "finish_as": "cancelled"}, OrderStatus.CANCELED, ""),
        ({"status": "cancelled", "finish_as": ""}, OrderStatus.CANCELED, ""),
        ({"status": "cancelled", "finish_as": "liquidate_cancelled"}, OrderStatus.CANCELED, "liquidate_cancelled"),
        ({"status": "cancelled", "finish_as": "stp"}, OrderStatus.EXPIRED, "expired:self_trade"),
        ({"status": "closed", "finish_as": "ioc"}, OrderStatus.EXPIRED, "expired:ioc"),
        ({"status": "closed", "finish_as": "ioc", "left": "0"}, OrderStatus.FILLED, ""),
        ({"status": "cancelled", "finish_as": "poc"}, OrderStatus.EXPIRED, "expired:poc"),
        ({"status": "cancelled", "finish_as": "small"}, OrderStatus.EXPIRED, "expired:small"),
        (
            {"status": "closed", "finish_as": "news", "left": "0"},
            OrderStatus.UNKNOWN,
            "ambiguous:unknown_state:closed/news",
        ),
        ({"status": "news"}, OrderStatus.UNKNOWN, "ambiguous:unknown_state:news/open"),
    ],
)
def test_states(parser: AccountParser, words: dict[str, str], status: OrderStatus, reason: str) -> None:
    update = parser.parse_order(json.dumps(ORDER | words).encode(), ACK, 3, 7)
    assert (update.status, update.reason) == (status, reason)


def test_an_order(parser: AccountParser) -> None:
    update = parser.parse_order(json.dumps(ORDER).encode(), ACK, 3, 7)
    assert (update.client_order_id, update.venue_order_id, update.source, update.started_us) == (
        "ABC",
        "1852454420",
        ACK,
        3,
    )
    assert (update.side, update.price, update.quantity) == (Side.BUY, D(65000), D(2))
    assert (update.filled, update.average_price) == (D("0.5"), D(64000))
    assert (update.event_us, update.receive_us) == (1710488334074_000, 7)


def test_an_old_order_says_neither_filled_amount_nor_milliseconds(parser: AccountParser) -> None:
    old = {name: ORDER[name] for name in ORDER if name not in ("filled_amount", "update_time_ms", "finish_as")}
    update = parser.parse_order(json.dumps(old).encode(), ACK, 3, 7)
    assert (update.filled, update.event_us, update.status) == (D("0.5"), 1710488334_000_000, OrderStatus.OPEN)


def test_the_amount_of_a_market_buy_is_in_quote(parser: AccountParser) -> None:
    market = ORDER | {"type": "market", "price": "0"}
    update = parser.parse_order(json.dumps(market).encode(), ACK, 3, 7)
    assert (update.quantity, update.filled, update.price) == (None, D("0.5"), None)
    del market["filled_amount"]
    assert parser.parse_order(json.dumps(market).encode(), ACK, 3, 7).filled is None


def test_pages_leave_out_other_markets_but_count_them(parser: AccountParser) -> None:
    other = ORDER | {"currency_pair": "A_B"}
    found, rows = parser.parse_orders(json.dumps([ORDER, other]).encode(), UpdateSource.LOOKUP, 3, 7)
    assert ([each.venue_order_id for each in found], rows) == (["1852454420"], 2)
    pages = [
        {"currency_pair": "BTC_USDT", "total": 1, "orders": [ORDER]},
        {"currency_pair": "A_B", "total": 9, "orders": [other]},
    ]
    found, rows, total = parser.parse_open_orders(json.dumps(pages).encode(), 3, 7)
    assert ([each.source for each in found], rows, total) == ([UpdateSource.SNAPSHOT], 2, 10)
    with pytest.raises(BadMessage, match="unknown symbol 'A_B'"):
        parser.parse_order(json.dumps(other).encode(), ACK, 3, 7)


@pytest.mark.parametrize(
    ("words", "fee", "asset"),
    [
        ({}, "2", "USDT"),
        ({"fee": "-0.1"}, "-0.1", "USDT"),
        ({"fee_currency": ""}, "2", "USDT"),
        ({"fee_currency": "", "side": "buy"}, "2", "BTC"),
        ({"fee": "0", "gt_fee": "0.3"}, "0.3", "GT"),
        ({"fee": "0", "point_fee": "0.4"}, "0.4", "POINT"),
    ],
)
def test_fees(parser: AccountParser, words: dict[str, str], fee: str, asset: str) -> None:
    (fill,) = parser.parse_trades(json.dumps([TRADE | words]).encode(), BTC, 7)
    assert (fill.fee, fill.fee_asset, fill.source, fill.liquidity) == (D(fee), asset, REST, Liquidity.MAKER)


def test_trades_of_one_market_need_not_name_it(parser: AccountParser) -> None:
    bare = {name: TRADE[name] for name in TRADE if name != "currency_pair"}
    (fill,) = parser.parse_trades(json.dumps([bare]).encode(), BTC, 7)
    assert (fill.instrument_id, fill.client_order_id, fill.trade_id) == (BTC, "ABC", "5736713")
    assert parser.parse_trades(json.dumps([TRADE | {"currency_pair": "A_B"}]).encode(), BTC, 7) == []


def test_balances(parser: AccountParser) -> None:
    body = b'[{"currency":"USDT","available":"4.1","locked":"1.1","update_id":98}]'
    assert parser.parse_balances(body, 7) == (Balance("gate", "USDT", D("5.2"), D("4.1"), 0, 7),)


def test_the_clock() -> None:
    assert parse_time(b'{"server_time":1597026383085}') == 1597026383085_000


def test_problems() -> None:
    assert parse_problem(b'{"label":"INVALID_KEY","message":"no"}') == ("INVALID_KEY", "no")
    assert parse_problem(b'{"label":"SERVER_ERROR"}') == ("SERVER_ERROR", "")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (json.dumps({"channel": "spot.tickers", "result": []}), "'spot.tickers' is not a private channel"),
        ("{}", "is not a private channel"),
        (json.dumps({"channel": "spot.usertrades", "result": [TRADE | {"role": "spectator"}]}), "is not a role"),
        (json.dumps({"channel": "spot.usertrades", "result": [TRADE | {"side": "up"}]}), "is not a side"),
        (json.dumps({"channel": "spot.orders", "result": [ORDER | {"left": 1.5}]}), "Expected `str`, got `float`"),
    ],
)
def test_bad_frames(parser: AccountParser, bad: str, says: str) -> None:
    with pytest.raises(BadMessage, match=says):
        parser.parse(bad.encode(), 7)


def test_client_order_ids_on_the_wire() -> None:
    assert text_of("ABCD000001000001") == "t-ABCD000001000001"
