"""The life of orders over REST: placements of every type, refusals, cancels, amends, replacements, queries."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.simulated.server.tickets import Tickets
from engine.model.enums import Side
from tests.connectors.simulated.server.venues import Site, serving

NEED = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
SURPLUS = "Parameter '{}' sent when not required."
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "95"}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
STOP = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "95"}
GONE = None  # the parameter is left out
# What is changed in a good order, and what the venue says to it. None of these orders exists afterwards.
REFUSALS: list[tuple[dict[str, Any], dict[str, Any], tuple[int, int, str]]] = [
    (LIMIT, {"side": GONE}, (400, -1102, NEED.format("side"))),
    (LIMIT, {"side": "HOLD"}, (400, -1117, "Invalid side.")),
    (LIMIT, {"type": "LIMITED"}, (400, -1116, "Invalid orderType.")),
    (LIMIT, {"type": "TAKE_PROFIT"}, (400, -2010, "Take profit orders are not supported for this symbol.")),
    (LIMIT, {"timeInForce": GONE}, (400, -1102, NEED.format("timeInForce"))),
    (LIMIT, {"timeInForce": "DAY"}, (400, -1115, "Invalid timeInForce.")),
    (LIMIT, {"quantity": GONE}, (400, -1102, NEED.format("quantity"))),
    (LIMIT, {"price": ""}, (400, -1102, NEED.format("price"))),
    (LIMIT, {"price": "2e-05"}, (400, -1100, "Illegal characters found in parameter 'price'; legal range is")),
    (LIMIT, {"price": "-1"}, (400, -1100, "Illegal characters found in parameter 'price'; legal range is")),
    (LIMIT, {"price": "95.000000001"}, (400, -1111, "Parameter 'price' has too much precision.")),
    (LIMIT, {"stopPrice": "1"}, (400, -1106, SURPLUS.format("stopPrice"))),
    (LIMIT, {"newClientOrderId": "a b"}, (400, -1100, "Illegal characters found in parameter 'newClientOrderId'")),
    (LIMIT, {"newClientOrderId": "x" * 37}, (400, -1100, "Illegal characters found in parameter 'newClientOrderId'")),
    (LIMIT, {"newOrderRespType": "SHORT"}, (400, -1130, "Invalid data sent for parameter 'newOrderRespType'.")),
    (LIMIT, {"strategyType": "999999"}, (400, -1130, "Invalid data sent for parameter 'strategyType'.")),
    (LIMIT, {"pegPriceType": "PRIMARY_PEG"}, (400, -1020, "This operation is not supported.")),
    (LIMIT, {"selfTradePreventionMode": "EXPIRE_TAKER"}, (400, -1013, "This symbol does not allow the specified")),
    (LIMIT, {"timeInForce": "IOC", "icebergQty": "0.1"}, (400, -1014, "Unsupported order combination.")),
    (LIMIT, {"price": "95.001"}, (400, -1013, "Filter failure: PRICE_FILTER")),
    (LIMIT, {"price": "0"}, (400, -1013, "Filter failure: PRICE_FILTER")),
    (LIMIT, {"quantity": "0.0001"}, (400, -1013, "Filter failure: LOT_SIZE")),
    (LIMIT, {"quantity": "9000000.001"}, (400, -1013, "Filter failure: LOT_SIZE")),
    (LIMIT, {"quantity": "1.0005"}, (400, -1013, "Filter failure: LOT_SIZE")),
    (LIMIT, {"icebergQty": "0.009"}, (400, -1013, "Filter failure: ICEBERG_PARTS")),
    (LIMIT, {"icebergQty": "1"}, (400, -1013, "Filter failure: ICEBERG_PARTS")),
    (LIMIT, {"price": "19.99"}, (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
    (LIMIT, {"price": "500.01"}, (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
    (LIMIT, {"quantity": "0.05"}, (400, -1013, "Filter failure: NOTIONAL")),
    (LIMIT, {"quantity": "2000"}, (400, -2010, "Account has insufficient balance for requested action.")),
    (LIMIT, {"type": "LIMIT_MAKER"}, (400, -1106, SURPLUS.format("timeInForce"))),
    (
        LIMIT,
        {"type": "LIMIT_MAKER", "timeInForce": GONE, "price": "101"},
        (400, -2010, "Order would immediately match and take."),
    ),
    (MARKET, {"price": "95"}, (400, -1106, SURPLUS.format("price"))),
    (MARKET, {"quantity": GONE}, (400, -1102, NEED.format("quantity"))),
    (MARKET, {"quoteOrderQty": "10"}, (400, -1014, "Unsupported order combination.")),
    (MARKET, {"quantity": GONE, "quoteOrderQty": "4"}, (400, -1013, "Filter failure: NOTIONAL")),
    (MARKET, {"quantity": "0.04"}, (400, -1013, "Filter failure: NOTIONAL")),
    (MARKET, {"quantity": "9000001"}, (400, -1013, "Filter failure: LOT_SIZE")),
    (MARKET, {"symbol": "ETHUSDT", "quantity": GONE, "quoteOrderQty": "50"}, (400, -2010, "Order book liquidity is")),
    (STOP, {"stopPrice": GONE}, (400, -1102, "Param 'stopPrice' or 'trailingDelta' must be sent")),
    (STOP, {"price": "94"}, (400, -1106, SURPLUS.format("price"))),
    (STOP, {"stopPrice": "100"}, (400, -2010, "Order would trigger immediately.")),
    (STOP, {"trailingDelta": "9"}, (400, -1013, "Filter failure: TRAILING_DELTA")),
]


def changed(order: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (order | change).items() if value is not GONE}


async def test_refusals() -> None:
    async with serving() as site:
        before = (await site.signed("GET", "account")).body["balances"]
        for order, change, (status, code, text) in REFUSALS:
            error = (await site.signed("POST", "order", **changed(order, change))).error
            assert error[:2] == (status, code), (change, error)
            assert error[2].startswith(text), change
        assert (await site.signed("GET", "openOrders")).body == []
        assert (await site.signed("GET", "allOrders", symbol="BTCUSDT")).body == []
        assert (await site.signed("GET", "account")).body["balances"] == before


async def test_test_order() -> None:
    """It runs the same checks and places nothing."""
    async with serving() as site:
        assert (await site.signed("POST", "order/test", **LIMIT)).body == {}
        rates = (await site.signed("POST", "order/test", **LIMIT, computeCommissionRates="true")).body
        assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
        error = (await site.signed("POST", "order/test", **LIMIT | {"quantity": "0.05"})).error
        assert error == (400, -1013, "Filter failure: NOTIONAL")
        assert (await site.signed("GET", "openOrders")).body == []


async def test_life_of_a_limit_order() -> None:
    """Bob's order rests, Alice takes it in two parts; both sides see the same trades."""
    async with serving() as site:
        resting = (await site.order("SELL", "1", "100.5", "bob", newClientOrderId="rest")).body
        assert (resting["status"], resting["fills"]) == ("NEW", [])
        ack = (await site.order("BUY", "0.4", "100.5", newOrderRespType="ACK")).body
        assert sorted(ack) == ["clientOrderId", "orderId", "orderListId", "symbol", "transactTime"]
        query = {"symbol": "BTCUSDT", "origClientOrderId": "rest"}
        order = (await site.signed("GET", "order", "bob", **query)).body
        assert (order["status"], order["executedQty"], order["cummulativeQuoteQty"]) == (
            "PARTIALLY_FILLED",
            "0.40000000",
            "40.20000000",
        )
        result = (await site.order("BUY", "0.6", "102", newOrderRespType="RESULT")).body
        assert (result["status"], result["price"], "fills" in result) == ("FILLED", "102.00000000", False)
        assert (await site.signed("GET", "order", "bob", **query)).body["status"] == "FILLED"
        ours = (await site.signed("GET", "myTrades", symbol="BTCUSDT")).body
        theirs = (await site.signed("GET", "myTrades", "bob", symbol="BTCUSDT")).body
        assert [trade["id"] for trade in ours] == [trade["id"] for trade in theirs] == [2, 3]
        assert [(trade["isBuyer"], trade["isMaker"]) for trade in (ours[0], theirs[0])] == [
            (True, False),
            (False, True),
        ]
        assert (ours[0]["commission"], ours[0]["commissionAsset"]) == ("0.00040000", "BTC")
        assert (theirs[0]["commission"], theirs[0]["commissionAsset"]) == ("0.04020000", "USDT")
        assert (await site.signed("GET", "myTrades", symbol="BTCUSDT", orderId=ack["orderId"])).body == ours[:1]
        assert (await site.signed("GET", "myTrades", symbol="BTCUSDT", fromId=3)).body == ours[1:]
        assert (await balances(site)) == {"BTC": ("100.99900000", ZERO), "USDT": ("99899.50000000", ZERO)}


ZERO = "0.00000000"


async def balances(site: Site, by: str = "alice") -> dict[str, tuple[str, str]]:
    rows = (await site.signed("GET", "account", by, omitZeroBalances="true")).body["balances"]
    return {row["asset"]: (row["free"], row["locked"]) for row in rows}


# type and parameters, then status, executed quantity, quote and reason of an order that meets 1 BTC at 101
TAKERS = [
    (MARKET, {}, ("FILLED", "1.00000000", "101.00000000", None)),
    (MARKET, {"quantity": "3"}, ("EXPIRED", "1.00000000", "101.00000000", "INSUFFICIENT_LIQUIDITY")),
    (MARKET, {"quantity": GONE, "quoteOrderQty": "50"}, ("FILLED", "0.49500000", "49.99500000", None)),
    (LIMIT, {"price": "102", "timeInForce": "IOC"}, ("FILLED", "1.00000000", "101.00000000", None)),
    (
        LIMIT,
        {"price": "102", "timeInForce": "IOC", "quantity": "2"},
        ("EXPIRED", "1.00000000", "101.00000000", "UNFILLED_IOC_QUANTITY_EXPIRED"),
    ),
    (
        LIMIT,
        {"price": "102", "timeInForce": "FOK", "quantity": "2"},
        ("EXPIRED", ZERO, ZERO, "UNFILLED_FOK_ORDER_EXPIRED"),
    ),
    (LIMIT, {"price": "102", "quantity": "2"}, ("PARTIALLY_FILLED", "1.00000000", "101.00000000", None)),
]


@pytest.mark.parametrize(("order", "change", "expected"), TAKERS)
async def test_takers(order: dict[str, Any], change: dict[str, Any], expected: tuple[Any, ...]) -> None:
    async with serving() as site:
        placed = (await site.signed("POST", "order", **changed(order, change))).body
        found = (placed["status"], placed["executedQty"], placed["cummulativeQuoteQty"], placed.get("expiryReason"))
        assert found == expected
        assert sum(Decimal(fill["qty"]) for fill in placed["fills"]) == Decimal(placed["executedQty"])
        queried = (await site.signed("GET", "order", symbol="BTCUSDT", orderId=placed["orderId"])).body
        assert queried["status"] == expected[0]


async def test_selling_for_quote() -> None:
    """The proceeds stay at or under what was named."""
    async with serving() as site:
        placed = (
            await site.signed(
                "POST", "order", **changed(MARKET, {"side": "SELL", "quantity": GONE, "quoteOrderQty": "20"})
            )
        ).body
        assert (placed["executedQty"], placed["cummulativeQuoteQty"]) == ("0.20200000", "19.99800000")
        assert placed["origQuoteOrderQty"] == "20.00000000"


async def test_stops() -> None:
    async with serving() as site:
        placed = (await site.signed("POST", "order", **STOP, newOrderRespType="RESULT")).body
        assert (placed["status"], placed["workingTime"], placed["stopPrice"]) == ("NEW", -1, "95.00000000")
        stop_limit = STOP | {"type": "STOP_LOSS_LIMIT", "price": "94", "timeInForce": "GTC", "stopPrice": "94.5"}
        limit = (await site.signed("POST", "order", **stop_limit)).body
        waiting = (await site.signed("GET", "openOrders", symbol="BTCUSDT")).body
        assert [row["isWorking"] for row in waiting] == [False, False]
        site.clock.now_us += 1_000_000
        site.engine.add(Side.BUY, 9_500, 5_000)
        site.engine.take(Side.SELL, 2_000)  # 99.00, then 95.00: fires the first
        site.server.tick()
        fired = (await site.signed("GET", "order", symbol="BTCUSDT", orderId=placed["orderId"])).body
        assert (fired["status"], fired["isWorking"]) == ("FILLED", True)
        site.engine.add(Side.BUY, 9_400, 500)
        site.engine.take(Side.SELL, 3_200)
        site.server.tick()
        fired = (await site.signed("GET", "order", symbol="BTCUSDT", orderId=limit["orderId"])).body
        assert (fired["status"], fired["executedQty"], fired["isWorking"]) == ("PARTIALLY_FILLED", "0.30000000", True)
        assert fired["workingTime"] == site.clock() // 1000
        for _ in range(5):
            await site.signed("POST", "order", **STOP | {"stopPrice": "50"})
        error = (await site.signed("POST", "order", **STOP | {"stopPrice": "50"})).error
        assert error == (400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS")


async def test_optional_fields_come_back() -> None:
    async with serving() as site:
        extra = {"icebergQty": "0.5", "strategyId": "3", "strategyType": "1000000"}
        placed = (await site.signed("POST", "order", **LIMIT, **extra)).body
        assert (placed["icebergQty"], placed["strategyId"], placed["strategyType"]) == ("0.50000000", 3, 1_000_000)
        assert (await site.get("depth", symbol="BTCUSDT")).body["bids"][1] == ["95.00000000", "0.50000000"]
        trailing = changed(STOP, {"stopPrice": GONE, "trailingDelta": "100"})
        placed = (await site.signed("POST", "order", **trailing, newOrderRespType="FULL")).body
        assert placed["trailingDelta"] == 100


async def test_cancels() -> None:
    async with serving() as site:
        first = (await site.order("BUY", 1, 90, newClientOrderId="one")).body
        both = {"symbol": "BTCUSDT", "orderId": first["orderId"], "origClientOrderId": "two"}
        assert (await site.signed("DELETE", "order", **both)).error == (400, -2011, "Unknown order sent.")
        error = (await site.signed("GET", "order", **both)).error
        assert error == (400, -2039, "Client order ID is not correct for this order ID.")
        nothing = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        assert (await site.signed("DELETE", "order", symbol="BTCUSDT")).error == (400, -1102, nothing)
        named = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
        assert (await site.signed("DELETE", "order", "bob", **named)).error == (400, -2011, "Unknown order sent.")
        error = (await site.signed("DELETE", "order", **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")).error
        assert error == (400, -2011, "Order was not canceled due to cancel restrictions.")
        error = (await site.signed("DELETE", "order", **named, cancelRestrictions="MAYBE")).error
        assert error == (400, -1145, "Invalid cancelRestrictions")
        gone = (
            await site.signed("DELETE", "order", **named, newClientOrderId="stop", cancelRestrictions="ONLY_NEW")
        ).body
        assert (gone["origClientOrderId"], gone["clientOrderId"], gone["status"]) == ("one", "stop", "CANCELED")
        assert (await site.signed("DELETE", "order", **named)).error == (400, -2011, "Unknown order sent.")
        assert (await site.signed("GET", "order", **named)).body["status"] == "CANCELED"
        missing = {"symbol": "BTCUSDT", "orderId": 999}
        assert (await site.signed("GET", "order", **missing)).error == (400, -2013, "Order does not exist.")


async def test_cancel_all() -> None:
    async with serving() as site:
        error = (await site.signed("DELETE", "openOrders", symbol="BTCUSDT")).error
        assert error == (400, -2011, "Unknown order sent.")
        for price in (90, 91):
            await site.order("BUY", 1, price)
        await site.order("BUY", 1, 90, "bob")
        gone = (await site.signed("DELETE", "openOrders", symbol="BTCUSDT")).body
        assert [row["price"] for row in gone] == ["90.00000000", "91.00000000"]
        assert len({row["clientOrderId"] for row in gone}) == 1
        assert len((await site.signed("GET", "openOrders", "bob")).body) == 1


async def test_client_ids_are_free_again() -> None:
    """Unique among open orders; a lookup finds the open one, else the newest."""
    async with serving() as site:
        first = (await site.order("BUY", 1, 90, newClientOrderId="one")).body
        assert (await site.order("BUY", 1, 90, newClientOrderId="one")).error == (400, -2010, "Duplicate order sent.")
        await site.order("BUY", 1, 90, "bob", newClientOrderId="one")
        query = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
        await site.signed("DELETE", "order", **query)
        second = (await site.order("BUY", 1, 91, newClientOrderId="one")).body
        assert second["orderId"] > first["orderId"]
        assert (await site.signed("GET", "order", **query)).body["orderId"] == second["orderId"]
        rows = (await site.signed("GET", "allOrders", symbol="BTCUSDT")).body
        assert [row["orderId"] for row in rows] == [first["orderId"], second["orderId"]]
        rows = (await site.signed("GET", "allOrders", symbol="BTCUSDT", orderId=second["orderId"])).body
        assert [row["status"] for row in rows] == ["NEW"]


async def test_halted_market() -> None:
    async with serving() as site:
        placed = (await site.order("BUY", 1, 90)).body
        site.world.exchange.halt("sim:BTC-USDT")
        assert (await site.order("BUY", 1, 90)).error == (400, -2010, "Market is closed.")
        answer = await site.signed("DELETE", "order", symbol="BTCUSDT", orderId=placed["orderId"])
        assert answer.body["status"] == "CANCELED"


QUERIES = [
    ("account/commission", {"symbol": "BTCUSDT"}, "standardCommission"),
    ("myPreventedMatches", {"symbol": "BTCUSDT"}, None),
    ("myAllocations", {"symbol": "BTCUSDT"}, None),
]


async def test_other_questions() -> None:
    async with serving() as site:
        for path, params, name in QUERIES:
            body = (await site.signed("GET", path, **params)).body
            assert (name in body) if name else body == []
        for path in ("myTrades", "allOrders"):
            wide = {"symbol": "BTCUSDT", "startTime": 1, "endTime": 86_400_002}
            assert (await site.signed("GET", path, **wide)).error[:2] == (400, -1127)
        mixed = {"symbol": "BTCUSDT", "startTime": 1, "fromId": 1}
        assert (await site.signed("GET", "myTrades", **mixed)).error[:2] == (400, -1128)
        assert (await site.signed("POST", "userDataStream")).error == (
            410,
            -1016,
            "This service is no longer available.",
        )


async def test_money_is_conserved() -> None:
    """Whatever was traded, each asset's total over all accounts is what was paid in."""
    async with serving() as site:
        paid_in = {asset: site.world.exchange.ledger.sum(asset) for asset in ("BTC", "USDT")}
        for number in range(30):
            side, by = ("BUY", "alice") if number % 3 else ("SELL", "bob")
            await site.order(side, f"0.{number + 101}", f"{96 + number % 7}.37", by)
        assert {asset: site.world.exchange.ledger.sum(asset) for asset in paid_in} == paid_in


async def test_old_orders_are_forgotten_if_they_have_ended() -> None:
    async with serving() as site:
        site.world.tickets = Tickets(kept=4)
        for number in range(6):
            await site.order("BUY", "0.1", None if number % 2 else 90, newClientOrderId=f"n{number}")
        rows = (await site.signed("GET", "allOrders", symbol="BTCUSDT")).body
        assert [row["clientOrderId"] for row in rows] == ["n0", "n2", "n3", "n4", "n5"]
        gone = (await site.signed("GET", "order", symbol="BTCUSDT", origClientOrderId="n1")).error
        assert gone == (400, -2013, "Order does not exist.")
