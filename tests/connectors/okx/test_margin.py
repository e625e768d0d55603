"""OKX's words about accounts that trade swaps: positions, bills, leverage, and orders in contracts."""

import json
from decimal import Decimal

import pytest

from connectors.okx.margin import MarginParser, read_leverage
from connectors.okx.orders import placement
from connectors.okx.private import AccountParser
from connectors.okx.sheet import SPOT, SWAP
from connectors.okx.wire import read_frame
from engine.model.account import Position
from engine.model.enums import OrderType, Side
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, TransferSeen
from engine.model.fill import Fill
from engine.model.request import SubmitOrder
from tests.connectors.okx.frames import payloads

D = Decimal
PERP, SYMBOL = "okx:BTC-USDT-PERP", "BTC-USDT-SWAP"
SYMBOLS = {SYMBOL: PERP}


def answer(*rows: dict[str, str]) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


@pytest.mark.parametrize(
    ("row", "position"),
    [
        ({"pos": "-3", "posSide": "net", "avgPx": "10", "realizedPnl": "-0.5", "liqPx": "20"}, D(-3)),
        ({"pos": "3", "posSide": "short"}, D(-3)),
        ({"pos": "3", "posSide": "long", "margin": "7"}, D(3)),
        ({"pos": "3", "posSide": "net", "margin": "", "imr": "9"}, D(3)),
        ({"pos": "0", "posSide": "net", "avgPx": "", "liqPx": ""}, D(0)),
    ],
)
def test_positions(row: dict[str, str], position: D) -> None:
    parser = MarginParser("okx", SYMBOLS)
    (found,) = parser.positions(answer(row | {"instId": SYMBOL}, row | {"instId": "X"}))
    margin, average = D(row.get("margin") or row.get("imr") or "0"), D(row.get("avgPx") or "0")
    liquidation = D(row["liqPx"]) if row.get("liqPx") else None
    realized = D(row.get("realizedPnl", "0"))
    assert found == Position(PERP, position, average, realized, margin, liquidation)
    push = json.dumps({"arg": {"channel": "positions", "instType": "SWAP"}, "data": [row | {"instId": SYMBOL}]})
    (told,) = parser.push(read_frame(push.encode()), 7)
    assert told == AccountSnapshot("okx", 7, 7, complete=False, positions=(found,))


def test_instruments_without_a_position_are_flat() -> None:
    parser = MarginParser("okx", SYMBOLS | {"ETH-USDT-SWAP": "okx:ETH-USDT-PERP"})
    found = parser.positions(answer({"instId": SYMBOL, "pos": "2", "posSide": "net"}))
    assert {each.instrument_id: each.quantity for each in found} == {PERP: D(2), "okx:ETH-USDT-PERP": D(0)}


def test_funding_and_transfers() -> None:
    parser = MarginParser("okx", SYMBOLS)
    row = {"billId": "9", "ccy": "USDT", "balChg": "-0.25", "type": "8", "ts": "1700000000000"}
    funding, transfer, strange = parser.bill_rows(
        answer(row | {"instId": SYMBOL}, row | {"type": "1", "balChg": "100"}, row | {"type": "2"})
    )
    at_us = 1_700_000_000_000_000
    assert parser.posting(funding, 7) == TransferSeen("okx", "USDT", D("-0.25"), "funding", "9", at_us, 7, PERP)
    assert parser.posting(transfer, 7) == TransferSeen("okx", "USDT", D(100), "transfer", "9", at_us, 7)
    with pytest.raises(BadMessage, match="bill '9' is of type '2'"):
        parser.posting(strange, 7)


def test_leverage() -> None:
    assert read_leverage(answer({"instId": SYMBOL, "mgnMode": "cross", "lever": "3"})) == {SYMBOL: D(3)}


def test_the_profit_of_a_fill_and_the_free_part_of_a_margin_account() -> None:
    """Spot realizes nothing, and what is free there is what is left of the coin."""
    row = {"instId": SYMBOL, "ordId": "1", "tradeId": "2", "billId": "3", "side": "sell", "fillPx": "5", "fillSz": "4"}
    fills = answer(row | {"fee": "-0.1", "feeCcy": "USDT", "ts": "1", "fillPnl": "-1.5", "execType": "T"})
    balances = answer({"details": [{"ccy": "USDT", "cashBal": "9", "availBal": "8", "availEq": "7"}]})  # type: ignore[dict-item]
    for is_spot, realized, free in ((True, None, D(8)), (False, D("-1.5"), D(7))):
        parser = AccountParser("okx", SYMBOLS, is_spot=is_spot)
        fill = parser.fill(parser.fill_rows(fills)[0], 7)
        assert isinstance(fill, Fill)
        assert (fill.realized, fill.quantity) == (realized, D(4))
        (balance,) = parser.balances(balances, 7)
        assert (balance.total, balance.free) == (D(9), free)


def test_an_order_in_contracts() -> None:
    order = SubmitOrder("A1", PERP, Side.SELL, OrderType.LIMIT, D(3), D("60000.1"), post_only=True, reduce_only=True)
    assert placement(order, SYMBOL, SWAP) == {
        "instId": SYMBOL,
        "tdMode": "cross",
        "clOrdId": "A1",
        "side": "sell",
        "sz": "3",
        "reduceOnly": True,
        "ordType": "post_only",
        "px": "60000.1",
    }
    market = SubmitOrder("A1", "okx:BTC-USDT", Side.BUY, OrderType.MARKET, D(3))
    assert placement(market, "BTC-USDT", SPOT)["tgtCcy"] == "base_ccy"


def test_every_shared_payload_about_margin_is_read() -> None:
    """Of other projects' tests."""
    names = ("ETH-USD-210430", "BTC-USDT-200626", "BTC-USDT", SYMBOL)
    parser = MarginParser("okx", {name: f"okx:{name}" for name in names})
    read: list[str] = []
    for kind, body in payloads():
        match kind.rpartition("/api/v5/")[2]:
            case "push":
                frame = read_frame(body)
                if frame.event == "" and frame.arg is not None and frame.arg.channel == "positions":
                    read += ["push" for told in parser.push(frame, 7) for _ in told.positions or ()]
            case "account/positions":
                read += ["held" for each in parser.positions(body) if each.quantity]
            case "account/bills" | "account/bills-archive" if kind.startswith("GET"):
                read += ["bill" for _ in parser.bill_rows(body)]
            case "account/leverage-info":
                read += ["leverage" for _ in read_leverage(body)]
    assert {name: read.count(name) for name in read} == {"push": 1, "held": 1, "bill": 2, "leverage": 1}
