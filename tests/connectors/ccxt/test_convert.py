"""ccxt's unified structures become facts; what is missing is not invented."""

import gzip
import json
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from connectors.ccxt.convert import OrderReader, balances, book, decimal, instrument, public_trade, unified_symbol
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from tests.support import shared

D = Decimal
BTC = "x:BTC-USDT"
ACK, REST = UpdateSource.ACK, UpdateSource.REST
ORDER: dict[str, Any] = {
    "id": "7",
    "clientOrderId": "ABC",
    "symbol": "BTC/USDT",
    "side": "buy",
    "status": "open",
    "amount": "2",
    "filled": "0.5",
    "price": "65000",
    "average": "64000",
    "timestamp": 1710488334074,
}
TRADE: dict[str, Any] = {
    "id": "9",
    "order": "7",
    "symbol": "BTC/USDT",
    "side": "sell",
    "amount": "0.1",
    "price": "10000",
    "takerOrMaker": "maker",
    "fee": {"cost": "0.2", "currency": "USDT"},
    "timestamp": 1710488334074,
}
MARKET: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "precision": {"price": "0.01", "amount": "0.0001"},
    "limits": {"amount": {"min": "0.001", "max": None}, "cost": {"min": "5"}, "price": {"min": None}},
    "maker": 0.001,
    "taker": 0.002,
}


@pytest.fixture
def reader() -> OrderReader:
    return OrderReader("binance", {"BTC/USDT": BTC})


@pytest.mark.parametrize(("value", "number"), [("1.50", "1.50"), (0.1, "0.1"), (3, "3"), ("-2", "-2"), (None, None)])
def test_numbers(value: object, number: str | None) -> None:
    assert decimal(value) == (None if number is None else D(number))


@pytest.mark.parametrize("value", ["", "abc", "nan", "Infinity", float("inf")])
def test_bad_numbers(value: object) -> None:
    with pytest.raises(BadMessage):
        decimal(value)


def test_an_instrument() -> None:
    found = instrument(MARKET, "x", ccxt.TICK_SIZE)
    assert (found.instrument_id, found.venue_symbol, found.symbol) == (BTC, "BTC/USDT", "BTC-USDT")
    assert (found.price_step, found.quantity_step) == (D("0.01"), D("0.0001"))
    assert (found.quantity_min, found.notional_min) == (D("0.001"), D(5))
    assert (found.quantity_max, found.maker_rate, found.taker_rate) == (D(0), D("0.001"), D("0.002"))
    digits = instrument(MARKET | {"precision": {"price": 2, "amount": 4}, "limits": None}, "x", ccxt.DECIMAL_PLACES)
    assert (digits.price_step, digits.quantity_step, digits.quantity_min) == (D("0.01"), D("0.0001"), D("0.0001"))


@pytest.mark.parametrize(("precision", "mode"), [({"price": "5"}, ccxt.TICK_SIZE), ({}, ccxt.SIGNIFICANT_DIGITS)])
def test_an_instrument_without_steps_is_refused(precision: dict[str, str], mode: int) -> None:
    with pytest.raises(BadMessage, match="BTC-USDT: the steps"):
        instrument(MARKET | {"precision": precision}, "x", mode)


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        ({}, OrderStatus.OPEN, ""),
        ({"status": None}, OrderStatus.OPEN, ""),
        ({"status": "canceling"}, OrderStatus.OPEN, ""),
        ({"status": "closed"}, OrderStatus.EXPIRED, "expired:closed"),
        ({"status": "closed", "filled": "2"}, OrderStatus.FILLED, ""),
        ({"status": "closed", "filled": None}, OrderStatus.FILLED, ""),
        ({"status": "canceled"}, OrderStatus.CANCELED, ""),
        ({"status": "expired"}, OrderStatus.EXPIRED, ""),
        ({"status": "fok"}, OrderStatus.EXPIRED, ""),
        ({"status": "rejected"}, OrderStatus.REJECTED, "rejected:rejected"),
        ({"status": "levitating"}, OrderStatus.UNKNOWN, "ambiguous:unknown_state:levitating"),
    ],
)
def test_states(reader: OrderReader, words: dict[str, Any], status: OrderStatus, reason: str) -> None:
    update = reader.order(ORDER | words, ACK, 3, 7)
    assert (update.status, update.reason) == (status, reason)


def test_an_order(reader: OrderReader) -> None:
    update = reader.order(ORDER, ACK, 3, 7)
    assert (update.instrument_id, update.client_order_id, update.venue_order_id) == (BTC, "ABC", "7")
    assert (update.filled, update.quantity, update.price, update.average_price) == (D("0.5"), D(2), D(65000), D(64000))
    assert (update.side, update.event_us, update.started_us) == (Side.BUY, 1710488334074_000, 3)
    bare = reader.order({"id": "7", "symbol": "BTC/USDT"}, ACK, 3, 7)
    assert (bare.status, bare.filled, bare.quantity, bare.side) == (OrderStatus.OPEN, None, None, None)


def test_client_ids_of_gate_lose_their_prefix() -> None:
    gate = OrderReader("gate", {"BTC/USDT": BTC})
    assert gate.order(ORDER | {"clientOrderId": "t-ABC"}, ACK, 3, 7).client_order_id == "ABC"


def test_other_markets_are_left_out(reader: OrderReader) -> None:
    other = ORDER | {"symbol": "A/B"}
    assert [each.venue_order_id for each in reader.orders([other, ORDER], REST, 3, 7)] == ["7"]
    assert reader.fills([TRADE | {"symbol": "A/B"}], REST, 7) == []
    with pytest.raises(BadMessage, match="without market or id"):
        reader.order(other, ACK, 3, 7)


def test_an_own_trade(reader: OrderReader) -> None:
    (fill,) = reader.fills([TRADE], REST, 7)
    assert (fill.trade_id, fill.venue_order_id, fill.client_order_id, fill.side) == ("9", "7", "", Side.SELL)
    assert (fill.price, fill.quantity, fill.fee, fill.fee_asset) == (D(10000), D("0.1"), D("0.2"), "USDT")
    assert (fill.liquidity, fill.event_us) == (Liquidity.MAKER, 1710488334074_000)


@pytest.mark.parametrize(
    "words", [{"id": None}, {"order": None}, {"side": None}, {"price": None}, {"fee": None}, {"fee": {"cost": "1"}}]
)
def test_trades_that_cannot_be_booked(reader: OrderReader, words: dict[str, Any]) -> None:
    with pytest.raises(BadMessage, match="an own trade without"):
        reader.fills([TRADE | words], REST, 7)


def test_books_and_public_trades() -> None:
    raw = {"bids": [[99.5, 1.25], [99.0, 0.0]], "asks": [["100.1", "2"]], "timestamp": None}
    snapshot = book(raw, BTC, 7)
    assert (snapshot.bids, snapshot.asks) == (((D("99.5"), D("1.25")),), ((D("100.1"), D(2)),))
    assert (snapshot.sequence, snapshot.event_us) == (7, 0)
    trade = public_trade({"id": "1", "price": 0.1, "amount": "3", "side": "buy", "timestamp": 5}, BTC, 7)
    assert (trade.price, trade.quantity, trade.aggressor, trade.event_us) == (D("0.1"), D(3), Side.BUY, 5_000)
    with pytest.raises(BadMessage, match="without price, amount or side"):
        public_trade({"price": 1, "amount": 1, "side": None}, BTC, 7)


def test_balances() -> None:
    raw = {"total": {"BTC": "2", "ETH": None, "X": "1"}, "free": {"BTC": "1.5"}}
    assert balances(raw, "x", 7) == (Balance("x", "BTC", D(2), D("1.5"), 0, 7), Balance("x", "X", D(1), D(1), 0, 7))
    assert unified_symbol("BTC-USDT") == "BTC/USDT"


def test_every_order_and_trade_that_ccxt_made_of_recorded_payloads_is_read_or_refused() -> None:
    """Of other exchanges: nothing but BadMessage comes out of what lacks something."""
    read = refused = 0
    for line in gzip.decompress(shared("data/ccxt/parsed_orders_trades.jsonl.gz").read_bytes()).splitlines():
        row = json.loads(line)
        unified, symbol = row["unified"], row["unified"].get("symbol")
        reader = OrderReader(row["exchange"], {symbol: BTC})
        try:
            if row["kind"] == "order":
                reader.order(unified, ACK, 3, 7)
            else:
                reader.fill(unified, REST, 7)
            read += 1
        except BadMessage:
            refused += 1
    assert (read, refused) == (154, 13)
