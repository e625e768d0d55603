"""Payloads that others recorded or took from the documentation: each one of a kind that is handled is understood."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.binance.listing import closed, read_info, read_instruments, read_limits, read_time
from connectors.binance.perpetual.postings import Income
from connectors.binance.perpetual.private import AccountParser, read_event
from connectors.binance.perpetual.settings import (
    read_fees,
    read_hedged,
    read_leverage,
    read_leverage_max,
    read_listen_key,
)
from connectors.binance.perpetual.sheet import LIMITS, ORDERS_1M, ORDERS_10S
from engine.model.account import Position
from engine.model.enums import InstrumentKind, OrderStatus, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, Event
from tests.support import shared

D = Decimal
ACCOUNT = AccountParser("p", {})
LOOKUP = UpdateSource.LOOKUP


def fixtures(group: str) -> dict[str, Any]:
    """What JKorf's library is tested with on USD-M: by name, answers or frames."""
    with gzip.open(shared("data/payloads/jkorf_binance.jsonl.gz")) as file:
        rows = list(map(json.loads, file))
    return {
        row["name"].removeprefix("UsdFutures/"): row.get("response", row.get("frames"))
        for row in rows
        if row["name"].startswith("UsdFutures/") and row["group"] == group
    }


def told(name: str) -> list[Event]:
    """What the event of that fixture says."""
    (frame,) = (each["json"]["data"] for each in fixtures("subscriptions")[name] if each["dir"] == "received_event")
    return ACCOUNT.events(read_event(json.dumps(frame).encode()), 7)


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("OrderUpdate", 1),
        ("AccountUpdate", 1),
        *((each, 0) for each in ("TradeUpdate", "MarginUpdate", "Leverage", "MultiAssetMode", "AlgoOrderUpdate")),
        *((each, 0) for each in ("ConditionalTrigger", "StrategyUpdate", "GridUpdate")),
    ],
)
def test_events_of_the_account(name: str, events: int) -> None:
    assert len(told(name)) == events


def test_positions_of_accounts_that_hold_both_sides_apart_are_not_ours_to_tell() -> None:
    (snapshot,) = told("AccountUpdate")
    assert isinstance(snapshot, AccountSnapshot)
    assert snapshot.positions == (Position("p:BTCUSDT", D(0), D(0), D(200), D(0)),)
    assert not snapshot.complete


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("Trading/PlaceOrder", OrderStatus.OPEN),
        ("Trading/GetOrder", OrderStatus.OPEN),
        ("Trading/EditOrder", OrderStatus.OPEN),
        ("Trading/CancelOrder", OrderStatus.CANCELED),
    ],
)
def test_orders(name: str, status: OrderStatus) -> None:
    body = json.dumps(fixtures("endpoints")[name]).encode()
    (update,) = ACCOUNT.order(body, LOOKUP, 1, 7)
    assert (update.status, update.filled, update.average_price) == (status, 0, None)  # type: ignore[union-attr]


READERS: dict[str, Callable[[bytes], object]] = {
    "Trading/GetOpenOrders": lambda body: len(ACCOUNT.orders(body, LOOKUP, 1, 7)) == 1,
    "Trading/GetUserTrades": lambda body: ACCOUNT.trades(body, 7)[0].realized == D("-0.91539999"),
    "Account/GetIncomeHistory": lambda body: [each.kind for each in Income("p", str).page(body, 7)[0]] == ["transfer"],
    "Account/GetSymbolConfiguration": lambda body: read_leverage(body, "BTCUSDT") == 21,
    "Account/GetBrackets": lambda body: read_leverage_max(body, "ETHUSDT") == 75,
    "Account/GetUserCommissionRate": lambda body: read_fees(body) == (D("0.0002"), D("0.0004")),
    "Account/GetAccountConfiguration": lambda body: read_hedged(body),
    "Account/StartUserStream": lambda body: read_listen_key(body).reveal().startswith("pqia91"),
    "ExchangeData/GetServerTime": lambda body: read_time(body) == 1499827319559000,
}


@pytest.mark.parametrize("name", READERS)
def test_answers(name: str) -> None:
    assert READERS[name](json.dumps(fixtures("endpoints")[name]).encode())


def test_money_and_positions() -> None:
    answers = fixtures("endpoints")
    bodies = [json.dumps(answers[each]).encode() for each in ("Account/GetBalances", "Trading/GetPositions")]
    snapshot = ACCOUNT.account(*bodies, 1, 7, True)
    (balance,) = snapshot.balances or ()
    assert (balance.asset, balance.total, balance.free) == ("USDT", D("122607.35137903"), D("23.72469206"))
    assert snapshot.positions == ()  # hedged ones


def recorded(path: str) -> list[dict[str, Any]]:
    """What GoCryptoTrader's authors got from fapi."""
    with gzip.open(shared("data/payloads/gct_binance_http_recorded.json.gz")) as file:
        routes = json.load(file)["routes"]
    return [each["data"] for each in routes[path]["GET"]]


def test_recorded_rules_of_all_markets() -> None:
    (answer,) = recorded("/fapi/v1/exchangeInfo")
    info = read_info(json.dumps(answer).encode())
    found = read_instruments(info, "p", [each.pair for each in info.symbols if each.contract_type == "PERPETUAL"])
    assert len(found) > 20
    btc = found["BTCUSDT"]
    assert (btc.instrument_id, btc.kind, btc.settle) == ("p:BTC-USDT-PERP", InstrumentKind.PERPETUAL, "USDT")
    assert btc.notional_min > 0
    assert btc.contract_size == 1
    assert all(each.price_step > 0 and each.quantity_step > 0 for each in found.values())
    assert all(each.symbol.endswith("-PERP") for each in found.values())
    assert closed(info).keys() < {each.symbol for each in info.symbols}
    assert {read_limits(info, LIMITS)[name].weight for name in (ORDERS_10S, ORDERS_1M)} == {300, 1_200}


def test_what_is_no_event_is_a_bad_message() -> None:
    for frame in (b"{}", b'{"e":"novelty"}', b'{"e":"ORDER_TRADE_UPDATE","o":{}}', b"[]", b"\xff"):
        with pytest.raises(BadMessage):
            read_event(frame)
