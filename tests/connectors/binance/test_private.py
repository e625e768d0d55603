"""Account messages of Binance Spot: the documentation's own examples, recorded payloads, and garbage."""

import gzip
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.decoding import decode
from connectors.binance.private import AccountParser, OrderRow, read_frame, read_problem
from connectors.binance.sheet import STATUSES
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import Event, OrderUpdate, TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from tests.support import shared

RECEIVED = 7
STREAM, ACK = UpdateSource.STREAM, UpdateSource.ACK


def instrument(symbol: str, venue_symbol: str) -> Instrument:
    base, quote = symbol.split("-")
    return Instrument(f"b:{symbol}", "b", symbol, base, quote, Decimal("0.01"), Decimal("0.001"))


PARSER = AccountParser(
    "b", {name: instrument(ours, name) for name, ours in {"ETHBTC": "ETH-BTC", "BTCUSDT": "BTC-USDT"}.items()}
)

REPORT: dict[str, Any] = {
    "e": "executionReport", "E": 1499405658658, "s": "ETHBTC", "c": "mine", "S": "BUY", "o": "LIMIT", "f": "GTC",
    "q": "1.00000000", "p": "0.10264410", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "", "x": "NEW",
    "X": "NEW", "r": "NONE", "i": 4293153, "l": "0.00000000", "z": "0.00000000", "L": "0.00000000", "n": "0", "N": None,
    "T": 1499405658657, "t": -1, "v": 3, "I": 8641984, "w": True, "m": False, "M": False, "O": 1499405658657,
    "Z": "0.00000000", "Y": "0.00000000", "Q": "0.00000000", "W": 1499405658657, "V": "NONE",
}  # fmt: skip


def told(**event: Any) -> list[Event]:
    frame = read_frame(json.dumps({"subscriptionId": 0, "event": event}).encode())
    assert frame.event is not None
    return PARSER.events(frame.event, RECEIVED)


def report(**fields: Any) -> list[Event]:
    return told(**(REPORT | fields))


def test_a_new_order() -> None:
    (update,) = report()
    assert update == OrderUpdate(
        "b:ETH-BTC", "mine", "4293153", OrderStatus.OPEN, Decimal(0), "", 1499405658657000, RECEIVED, STREAM, None,
        Side.BUY, Decimal("0.10264410"), Decimal(1), None,
    )  # fmt: skip


def test_a_trade_is_a_fill_and_an_update() -> None:
    trade = {"l": "0.4", "L": "0.1", "n": "0.0004", "N": "ETH", "t": 77, "m": True, "z": "0.5", "Z": "0.06"}
    fill, update = report(x="TRADE", X="PARTIALLY_FILLED", **trade)
    assert fill == Fill(
        "77", "mine", "4293153", "b:ETH-BTC", Side.BUY, Decimal("0.1"), Decimal("0.4"), Decimal("0.0004"), "ETH",
        Liquidity.MAKER, 1499405658657000, RECEIVED,
    )  # fmt: skip
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.filled, update.average_price) == (
        OrderStatus.OPEN,
        Decimal("0.5"),
        Decimal("0.12"),
    )


@pytest.mark.parametrize(
    ("fields", "status", "client_id", "reason"),
    [
        ({"x": "CANCELED", "X": "CANCELED", "c": "the cancel", "C": "mine"}, OrderStatus.CANCELED, "mine", ""),
        ({"x": "REPLACED", "X": "NEW", "c": "mine", "C": "mine"}, OrderStatus.OPEN, "mine", ""),
        ({"x": "REJECTED", "X": "REJECTED", "r": "NO"}, OrderStatus.REJECTED, "mine", "rejected:NO"),
        ({"x": "EXPIRED", "X": "EXPIRED", "eR": 5}, OrderStatus.EXPIRED, "mine", "expired:5"),
        ({"x": "EXPIRED", "X": "EXPIRED", "eR": "IOC"}, OrderStatus.EXPIRED, "mine", "expired:IOC"),
        ({"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}, OrderStatus.EXPIRED, "mine", "expired:self_trade"),
        ({"X": "PENDING_NEW"}, OrderStatus.OPEN, "mine", ""),
        ({"X": "NOVELTY"}, OrderStatus.UNKNOWN, "mine", "ambiguous:unknown_state NOVELTY"),
    ],
)
def test_how_an_order_goes_on(fields: dict[str, Any], status: OrderStatus, client_id: str, reason: str) -> None:
    (update,) = report(**fields)
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.client_order_id, update.reason) == (status, client_id, reason)


def test_money() -> None:
    rows = [{"a": "ETH", "f": "10.5", "l": "1.5"}, {"a": "BTC", "f": "0", "l": "0"}]
    balances = told(e="outboundAccountPosition", E=2, u=3, B=rows)
    assert balances == [
        Balance("b", "ETH", Decimal(12), Decimal("10.5"), 3_000, RECEIVED),
        Balance("b", "BTC", Decimal(0), Decimal(0), 3_000, RECEIVED),
    ]
    (change,) = told(e="balanceUpdate", E=2, a="BTC", d="-100.5", T=3)
    assert isinstance(change, TransferSeen)
    assert (change.asset, change.amount, change.kind) == ("BTC", Decimal("-100.5"), "withdrawal")


def test_what_says_nothing_new() -> None:
    assert told(e="listStatus") == told(e="externalLockUpdate", a="NEO", d="1", T=1) == []
    assert told(e="eventStreamTerminated", E=1) == told(e="serverShutdown", E=1) == []


def test_markets_that_are_not_ours_keep_their_name() -> None:
    (update,) = report(s="DOGEUSDT")
    assert isinstance(update, OrderUpdate)
    assert update.instrument_id == "b:DOGEUSDT"


# ---- answers of REST

ROW: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": "mine", "transactTime": 1507725176595,
    "price": "0.00000000", "origQty": "10.00000000", "executedQty": "10.00000000",
    "cummulativeQuoteQty": "39996.00000000", "status": "FILLED", "timeInForce": "GTC", "type": "MARKET", "side": "SELL",
    "fills": [
        {"price": "4000.00000000", "qty": "6.0", "commission": "4.0", "commissionAsset": "USDT", "tradeId": 56},
        {"price": "3999.00000000", "qty": "4.0", "commission": "0.1", "commissionAsset": "BNB", "tradeId": 57},
    ],
}  # fmt: skip


def test_an_order_that_filled_at_once() -> None:
    update, *fills = PARSER.order(json.dumps(ROW).encode(), ACK, 5, RECEIVED)
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.filled, update.started_us) == (OrderStatus.FILLED, Decimal(10), 5)
    assert update.average_price == Decimal("3999.6")
    assert [
        (each.trade_id, each.fee_asset, each.liquidity, each.source) for each in fills if isinstance(each, Fill)
    ] == [
        ("56", "USDT", Liquidity.TAKER, UpdateSource.REST),
        ("57", "BNB", Liquidity.TAKER, UpdateSource.REST),
    ]


def test_a_cancelled_order_is_known_by_its_own_id() -> None:
    row = ROW | {"clientOrderId": "the cancel", "origClientOrderId": "mine", "status": "CANCELED", "fills": []}
    (update,) = PARSER.orders(json.dumps([row]).encode(), ACK, 5, RECEIVED)
    assert (update.client_order_id, update.status) == ("mine", OrderStatus.CANCELED)


def test_an_old_order_without_a_cost_has_no_average() -> None:
    row = ROW | {"cummulativeQuoteQty": "-1.00000000", "fills": []}
    (update,) = PARSER.orders(json.dumps([row]).encode(), ACK, 5, RECEIVED)
    assert update.average_price is None


def test_a_page_of_html_is_no_problem_of_the_api() -> None:
    assert read_problem(b"<html>") is None
    problem = read_problem(b'{"code":-2010,"msg":"no"}')
    assert problem is not None
    assert (problem.code, problem.msg) == (-2010, "no")


# ---- what others recorded


def examples() -> list[dict[str, Any]]:
    path = shared("data/payloads/binance_spot_docs_examples.jsonl.gz")
    return [json.loads(line) for line in gzip.open(path, "rt")]


def test_every_event_of_the_documentation_is_understood() -> None:
    rows = [row["json"] for row in examples() if row["src"] == "user-data-stream.md"]
    assert len(rows) >= 6
    for row in rows:
        assert read_frame(json.dumps(row).encode()).event is not None


def test_every_order_of_the_documentation_is_understood() -> None:
    """Answers about one order as REST and the WebSocket API show them, in full."""
    found = 0
    for example in examples():
        row = example["json"]
        row = row.get("result", row) if isinstance(row, dict) else row
        for each in row if isinstance(row, list) else [row]:
            if isinstance(each, dict) and {"executedQty", "origQty", "status"} <= each.keys():
                order = decode(_ORDER, json.dumps(each).encode())
                assert order.status in STATUSES
                PARSER.order(json.dumps(each).encode(), ACK, 0, 0)
                found += 1
    assert found >= 19


_ORDER = msgspec.json.Decoder(OrderRow)


def test_own_trades_of_the_documentation_are_understood() -> None:
    rows = [
        row["json"] for row in examples() if row["heading"] == "Account trade list (USER_DATA)" and "rest" in row["src"]
    ]
    (fill,) = PARSER.trades(json.dumps(rows[0]).encode(), RECEIVED)
    assert (fill.trade_id, fill.client_order_id, fill.venue_order_id) == ("28457", "", "100234")
    assert (fill.side, fill.fee, fill.fee_asset) == (Side.BUY, Decimal("10.1"), "BNB")


@given(st.data())
def test_garbage_is_a_bad_message_and_nothing_else(data: st.DataObject) -> None:
    """Bytes of good messages are changed, dropped and doubled."""
    text = data.draw(st.sampled_from([json.dumps({"event": REPORT}), json.dumps(ROW), '{"balances":[]}'])).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.binary(max_size=3)) + text[at + data.draw(st.integers(0, 3)) :] or b" "
    for read in (
        lambda: [PARSER.events(frame.event, 0) for frame in [read_frame(text)] if frame.event is not None],
        lambda: PARSER.order(text, ACK, 0, 0),
        lambda: PARSER.trades(text, 0),
        lambda: PARSER.account(text, 0, 0),
        lambda: PARSER.amendment(text, 0, 0),
    ):
        try:
            read()
        except BadMessage:
            continue
