"""Answers have the fields of the exchange's documentation, no others, and of the same JSON types.

The documentation's examples are read from the shared data folder.
"""

import gzip
import json
from typing import Any

from tests.connectors.simulated.server.venues import Site, serving
from tests.support import shared

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "95"}
BTCUSDT = {"symbol": "BTCUSDT"}
# heading, method, path, parameters, documented fields that mean nothing here
PUBLIC: list[tuple[str, str, dict[str, Any]]] = [
    ("Check server time", "time", {}),
    ("Order book", "depth", BTCUSDT),
    ("Recent trades list", "trades", BTCUSDT),
    ("Old trade lookup", "historicalTrades", BTCUSDT),
    ("Compressed/Aggregate trades list", "aggTrades", BTCUSDT),
    ("Kline/Candlestick data", "klines", BTCUSDT | {"interval": "1m"}),
    ("Current average price", "avgPrice", BTCUSDT),
    ("24hr ticker price change statistics", "ticker/24hr", BTCUSDT),
    ("Symbol price ticker", "ticker/price", BTCUSDT),
    ("Symbol order book ticker", "ticker/bookTicker", BTCUSDT),
]
NAMED = {"symbol": "BTCUSDT", "origClientOrderId": "doc"}
REPLACE = ORDER | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "doc"}
PRIVATE: list[tuple[str, str, str, dict[str, Any], set[str]]] = [
    ("New order (TRADE)", "POST", "order", ORDER, set()),
    ("Test new order (TRADE)", "POST", "order/test", ORDER | {"computeCommissionRates": "true"}, set()),
    ("Query order (USER_DATA)", "GET", "order", NAMED, set()),
    ("Current open orders (USER_DATA)", "GET", "openOrders", BTCUSDT, set()),
    ("All orders (USER_DATA)", "GET", "allOrders", BTCUSDT, set()),
    ("Account trade list (USER_DATA)", "GET", "myTrades", BTCUSDT, set()),
    ("Account information (USER_DATA)", "GET", "account", {}, {"tradeGroupId"}),
    ("Query Commission Rates (USER_DATA)", "GET", "account/commission", BTCUSDT, set()),
    ("Query Unfilled Order Count (USER_DATA)", "GET", "rateLimit/order", {}, set()),
    (
        "Order Amend Keep Priority (TRADE)",
        "PUT",
        "order/amend/keepPriority",
        NAMED | {"newQty": "1.5", "newClientOrderId": "doc"},
        {"listStatus"},
    ),
    ("Query Order Amendments (USER_DATA)", "GET", "order/amendments", NAMED | {"orderId": 4}, set()),
    (
        "Cancel an Existing Order and Send a New Order (TRADE)",
        "POST",
        "order/cancelReplace",
        REPLACE,
        {"code", "msg", "data"},
    ),
    ("Cancel order (TRADE)", "DELETE", "order", BTCUSDT | {"origClientOrderId": "last"}, set()),
]


def documented(heading: str, source: str = "rest-api.md") -> list[Any]:
    with gzip.open(shared("data/payloads/binance_spot_docs_examples.jsonl.gz"), "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [row["json"] for row in rows if row["heading"] == heading and row["src"] == source]


def first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value and not isinstance(value[0], list) else value


def kinds(value: Any) -> Any:
    return "number" if isinstance(value, int) and not isinstance(value, bool) else type(value).__name__


def compare(heading: str, examples: list[Any], ours: Any, missing: set[str]) -> None:
    """Our fields are documented in one of the examples, with its type; the richest example's fields are ours."""
    examples, ours = [first(example) for example in examples], first(ours)
    if not isinstance(ours, dict):
        richest = max(examples, key=len)
        assert [[kinds(cell) for cell in row] for row in ours] == [[kinds(cell) for cell in richest[0]]], heading
        return
    known: dict[str, set[str]] = {}
    for example in examples:
        for name, value in example.items():
            known.setdefault(name, set()).add(kinds(value))
    assert not ours.keys() - known.keys(), heading
    assert {name for name, value in ours.items() if kinds(value) not in known[name]} == set(), heading
    richest = max((example for example in examples if "code" not in example), key=len)
    assert not richest.keys() - ours.keys() - missing - OPTIONAL, heading


# Fields that are documented as conditional.
OPTIONAL = {"preventedMatchId", "preventedQuantity", "stopPrice", "strategyId", "strategyType", "icebergQty"}
OPTIONAL |= {"trailingDelta", "trailingTime", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice"}
OPTIONAL |= {"usedSor", "workingFloor", "expiryReason"}


async def prepare(site: Site) -> None:
    await site.order("BUY", "0.1")
    await site.signed("POST", "order", **ORDER | {"quantity": "2"}, newClientOrderId="doc")
    await site.signed("POST", "order", **ORDER, newClientOrderId="last")


async def test_public() -> None:
    async with serving() as site:
        for heading, path, params in PUBLIC:
            compare(heading, documented(heading), (await site.get(path, **params)).body, set())
        symbol = (await site.get("exchangeInfo", **BTCUSDT)).body
        (example,) = documented("Exchange information")
        compare("Exchange information", [example], symbol, {"sors"})
        compare("symbols", [example["symbols"][0]], symbol["symbols"][0], set())


async def test_private() -> None:
    async with serving() as site:
        await prepare(site)
        for heading, method, path, params, missing in PRIVATE:
            compare(heading, documented(heading), (await site.signed(method, path, **params)).body, missing)
