"""Events of a futures account and answers about it, field by field."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from connectors.binance.perpetual.private import AccountChanged, AccountParser, read_event
from engine.model.account import Balance, Position
from engine.model.enums import InstrumentKind, Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, Event, OrderUpdate
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.order import liquidation_id

D = Decimal
MARKET = "p:BTC-USDT-PERP"
BTC = Instrument(
    MARKET, "p", "BTC-USDT-PERP", "BTC", "USDT", D("0.1"), D("0.001"), kind=InstrumentKind.PERPETUAL, settle="USDT"
)
PARSER = AccountParser("p", {"BTCUSDT": BTC})
AT = 1_568_879_465_650
ORDER: dict[str, Any] = {
    "s": "BTCUSDT", "c": "mine", "S": "SELL", "o": "LIMIT", "f": "GTX", "q": "0.5", "p": "60000.1", "ap": "0",
    "sp": "0", "x": "NEW", "X": "NEW", "i": 8886774, "l": "0", "z": "0", "L": "0", "T": AT, "t": 0, "b": "0", "a": "9",
    "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH", "cp": False, "rp": "0", "pP": False,
    "si": 0, "ss": 0, "V": "NONE", "pm": "NONE", "gtd": 0, "er": "0",
}  # fmt: skip
TRADE = {"x": "TRADE", "l": "0.2", "L": "60000.2", "z": "0.3", "ap": "60000.15", "t": 77, "n": "-0.012", "N": "USDT"}


def told(event: dict[str, Any]) -> list[Event]:
    return PARSER.events(read_event(json.dumps(event).encode()), 7)


def report(**fields: Any) -> list[Event]:
    return told({"e": "ORDER_TRADE_UPDATE", "E": AT, "T": AT, "o": ORDER | fields})


def test_a_new_order() -> None:
    assert report() == [
        OrderUpdate(
            MARKET, "mine", "8886774", OrderStatus.OPEN, D(0), "", AT * 1_000, 7, UpdateSource.STREAM, None, Side.SELL,
            D("60000.1"), D("0.5"), None,
        )
    ]  # fmt: skip


def test_a_trade_is_a_fill_with_its_profit_and_an_update() -> None:
    fill, update = report(X="PARTIALLY_FILLED", m=True, rp="-1.5", **TRADE)
    assert fill == Fill(
        "77", "mine", "8886774", MARKET, Side.SELL, D("60000.2"), D("0.2"), D("-0.012"), "USDT", Liquidity.MAKER,
        AT * 1_000, 7, UpdateSource.STREAM, D("-1.5"),
    )  # fmt: skip
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.filled, update.average_price) == (OrderStatus.OPEN, D("0.3"), D("60000.15"))


@pytest.mark.parametrize("name", ["autoclose-1568879465650", "adl_autoclose", "settlement_autoclose-5"])
def test_an_order_by_which_the_venue_closes_a_position_is_known_as_one(name: str) -> None:
    fill, update = report(**(TRADE | {"x": "CALCULATED", "X": "FILLED", "c": name}))
    assert isinstance(fill, Fill)
    assert (fill.client_order_id, fill.quantity) == (liquidation_id("p", "8886774"), D("0.2"))
    assert isinstance(update, OrderUpdate)
    assert (update.client_order_id, update.status) == (fill.client_order_id, OrderStatus.FILLED)


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"x": "CANCELED", "X": "CANCELED"}, OrderStatus.CANCELED, ""),
        ({"x": "EXPIRED", "X": "EXPIRED", "er": "2"}, OrderStatus.EXPIRED, "expired:2"),
        ({"x": "EXPIRED", "X": "EXPIRED_IN_MATCH"}, OrderStatus.EXPIRED, "expired:self_trade"),
        ({"x": "AMENDMENT", "X": "NEW"}, OrderStatus.OPEN, ""),
        ({"x": "CALCULATED", "X": "NEW"}, OrderStatus.OPEN, ""),
        ({"X": "NOVELTY"}, OrderStatus.UNKNOWN, "ambiguous:unknown_state NOVELTY"),
    ],
)
def test_how_an_order_goes_on(fields: dict[str, Any], status: OrderStatus, reason: str) -> None:
    (update,) = report(**fields)
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.reason) == (status, reason)


def change(reason: str, amount: str, **more: Any) -> dict[str, Any]:
    money = [{"a": "USDT", "wb": "100.5", "cw": "100.5", "bc": amount}]
    return {"e": "ACCOUNT_UPDATE", "E": AT, "T": AT, "a": {"m": reason, "B": money, **more}}


@pytest.mark.parametrize(
    ("reason", "amount", "posted_us"),
    [
        ("ORDER", "0", 0),
        ("ORDER", "1", 0),
        ("FUNDING_FEE", "-0.25", AT * 1_000),
        ("DEPOSIT", "10", AT * 1_000),
        ("MARGIN_TYPE_CHANGE", "0.00000000", 0),
        ("MARGIN_TYPE_CHANGE", "-0", 0),
    ],
)
def test_what_was_posted_without_a_trade(reason: str, amount: str, posted_us: int) -> None:
    event = read_event(json.dumps(change(reason, amount)).encode())
    assert isinstance(event, AccountChanged)
    assert event.posted_us == posted_us
    assert PARSER.events(event, 7) == []


def test_a_position_that_changed() -> None:
    row = {
        "s": "BTCUSDT",
        "pa": "-0.5",
        "ep": "60000.1",
        "cr": "-3.5",
        "up": "1",
        "mt": "cross",
        "iw": "0",
        "ps": "BOTH",
    }
    assert told(change("ORDER", "0", P=[row])) == [
        AccountSnapshot(
            "p", 7, 7, False, None, (Position(MARKET, D("-0.5"), D("60000.1"), D("-3.5")),)
        )
    ]  # fmt: skip


def test_an_account() -> None:
    """A market of ours that is not told has no position; free is what positions and orders do not tie up."""
    money = [{"asset": "USDT", "balance": "100.5", "availableBalance": "-3", "updateTime": AT}]
    row = {"symbol": "ETHUSDT", "positionSide": "BOTH", "positionAmt": "2", "entryPrice": "3000", "markPrice": "1"}
    row |= {"liquidationPrice": "2500.5", "positionInitialMargin": "600"}
    told = PARSER.account(json.dumps(money).encode(), json.dumps([row]).encode(), 3, 7, True)
    assert told == AccountSnapshot(
        "p",
        3,
        7,
        True,
        (Balance("p", "USDT", D("100.5"), D(-3), AT * 1_000, 7),),
        (Position(MARKET, D(0)), Position("p:ETHUSDT", D(2), D(3000), D(0), D(600), D("2500.5"))),
    )


def test_an_order_of_an_answer() -> None:
    row = {"symbol": "BTCUSDT", "orderId": 5, "clientOrderId": "mine", "status": "FILLED", "side": "BUY", "price": "2"}
    row |= {"origQty": "3", "executedQty": "3", "avgPrice": "1.9", "updateTime": AT}
    (update,) = PARSER.order(json.dumps(row).encode(), UpdateSource.ACK, 5, 7)
    assert update == OrderUpdate(
        MARKET, "mine", "5", OrderStatus.FILLED, D(3), "", AT * 1_000, 7, UpdateSource.ACK, 5, Side.BUY, D(2), D(3),
        D("1.9"),
    )  # fmt: skip


def test_damaged_frames_are_bad_messages_and_nothing_else() -> None:
    chance = Random("damaged")
    whole = [json.dumps({"e": "ORDER_TRADE_UPDATE", "E": AT, "T": AT, "o": ORDER | TRADE}).encode()]
    whole.append(json.dumps(change("FUNDING_FEE", "-0.25")).encode())
    bad = 0
    for _ in range(5_000):
        damaged = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        try:
            PARSER.events(read_event(bytes(damaged)), 7)
        except BadMessage:
            bad += 1
    assert 1_000 < bad < 5_000
