"""The futures protocol request by request: orders and their errors, changes, money, positions, limits."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.simulated.server.usdm.world import FutureLimits
from connectors.simulated.server.values import HOUR_US, SECOND_US
from tests.connectors.simulated.server.usdm.venues import serving
from tests.connectors.simulated.server.venues import START_US, key_of

D = Decimal
BTC = {"symbol": "BTCUSDT"}


async def test_what_is_traded() -> None:
    async with serving() as site:
        info = await site.get("v1/exchangeInfo")
        (row,) = info["symbols"]
        assert (row["symbol"], row["contractType"], row["marginAsset"]) == ("BTCUSDT", "PERPETUAL", "USDT")
        assert (row["status"], row["pricePrecision"], row["quantityPrecision"]) == ("TRADING", 2, 3)
        rules = {each["filterType"]: each for each in row["filters"]}
        assert rules["PRICE_FILTER"]["tickSize"] == "0.01000000"
        assert rules["MIN_NOTIONAL"] == {"filterType": "MIN_NOTIONAL", "notional": "5.00000000"}
        limits = {(each["rateLimitType"], each["interval"]): each["limit"] for each in info["rateLimits"]}
        assert limits == {("REQUEST_WEIGHT", "MINUTE"): 2400, ("ORDERS", "SECOND"): 300, ("ORDERS", "MINUTE"): 1200}
        site.world.exchange.halt("sim:BTC-USDT-PERP")
        assert (await site.get("v1/exchangeInfo"))["symbols"][0]["status"] == "HALT"
        assert (await site.order("BUY", 1, 90)).error == (400, -4140, "Invalid symbol status for opening position.")


async def test_an_order_from_birth_to_death() -> None:
    async with serving() as site:
        placed = await site.order("BUY", "2", "98.50", newClientOrderId="mine.1")
        row = placed.body
        assert placed.headers["X-MBX-ORDER-COUNT-10S"] == placed.headers["X-MBX-ORDER-COUNT-1M"] == "1"
        assert (row["clientOrderId"], row["status"], row["timeInForce"]) == ("mine.1", "NEW", "GTC")
        assert (row["origQty"], row["executedQty"], row["avgPrice"]) == ("2.00000000", "0.00000000", "0.00000000")
        assert await site.tell("v1/order", **BTC, origClientOrderId="mine.1") == row
        assert await site.tell("v1/openOrders") == await site.tell("v1/openOrders", **BTC) == [row]
        changed = await site.signed("PUT", "v1/order", **BTC, orderId=row["orderId"], side="BUY", quantity=3, price=98)
        assert (changed.body["price"], changed.body["origQty"]) == ("98.00000000", "3.00000000")
        assert (await site.tell("v1/openOrder", **BTC, orderId=row["orderId"]))["origQty"] == "3.00000000"
        await site.order("SELL", 1, 98, by="bob")
        gone = (await site.signed("DELETE", "v1/order", **BTC, origClientOrderId="mine.1")).body
        assert (gone["status"], gone["executedQty"], gone["avgPrice"]) == ("CANCELED", "0.00000000", "0.00000000")
        assert (await site.signed("GET", "v1/openOrder", **BTC, orderId=row["orderId"])).error[1] == -2013
        assert await site.tell("v1/allOrders", **BTC) == [gone]
        assert await site.tell("v1/allOrders", **BTC, orderId=row["orderId"] + 1) == []


FORCES: list[tuple[dict[str, Any], Any]] = [
    ({"timeInForce": "IOC", "price": 101, "quantity": 20}, ("EXPIRED", "10.00000000")),
    ({"timeInForce": "FOK", "price": 101, "quantity": 20}, -5021),
    ({"timeInForce": "GTX", "price": 101}, -5022),
    ({"timeInForce": "GTX", "price": 100}, ("NEW", "0.00000000")),
    ({"timeInForce": "GTD", "price": 100, "goodTillDate": (START_US + HOUR_US) // 1000}, ("NEW", "0.00000000")),
    ({"timeInForce": "GTD", "price": 100, "goodTillDate": START_US // 1000}, -4015),
    ({"timeInForce": "GTD", "price": 100}, -1102),
    ({"type": "MARKET"}, ("FILLED", "1.00000000")),
    ({"type": "MARKET", "price": 100}, -1106),
    ({"type": "STOP_MARKET"}, -4120),
    ({"type": "LIMIT_MAKER"}, -1116),
    ({"price": "100.001"}, -4014),
    ({"price": "0"}, -4013),
    ({"price": "2000000"}, -4002),
    ({"quantity": "0.0005", "price": 100}, -4003),
    ({"quantity": "1.0005", "price": 100}, -1111),
    ({"quantity": "20000000", "price": 100}, -4005),
    ({"quantity": "0.04", "price": 100}, -4164),
    ({"quantity": "20000", "price": 100}, -2019),
    ({"quantity": "1100", "price": 100, "leverage": 100}, -2027),
    ({"price": 100, "positionSide": "LONG"}, -4061),
    ({"price": 100, "reduceOnly": "true"}, -2022),
    ({"price": 100, "side": "HOLD"}, -1117),
    ({"price": 100, "symbol": "ETHUSDT"}, -1121),
    ({"price": 100, "newClientOrderId": "a b"}, -1100),
]


@pytest.mark.parametrize(("params", "expected"), FORCES)
async def test_orders_and_refusals(params: dict[str, Any], expected: Any) -> None:
    params = dict(params)
    async with serving() as site:
        leverage = params.pop("leverage", None)
        if leverage:
            assert (await site.signed("POST", "v1/leverage", **BTC, leverage=leverage)).status == 200
        named = {**BTC, "side": "BUY", "quantity": 1, "type": "LIMIT", "newOrderRespType": "RESULT", **params}
        if named["type"] == "LIMIT":
            named = {"timeInForce": "GTC"} | named
        answer = await site.signed("POST", "v1/order", **named)
        if isinstance(expected, int):
            assert answer.error[1] == expected, answer.body
            assert await site.tell("v1/openOrders") == []
        else:
            assert (answer.body["status"], answer.body["executedQty"]) == expected
            assert answer.body["timeInForce"] == params.get("timeInForce", "GTC")


CHANGES: list[tuple[dict[str, Any], Any]] = [
    ({}, -5027),
    ({"price": "98.001"}, -4014),
    ({"orderId": 999}, -2013),
    ({"side": "SELL"}, -2013),
    ({"quantity": 1_000_000}, -2019),
    ({"price": 97}, "NEW"),
    ({"price": 101}, "FILLED"),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
async def test_changes(change: dict[str, Any], expected: Any) -> None:
    async with serving() as site:
        placed = (await site.order("BUY", 1, 98)).body
        same = {**BTC, "orderId": placed["orderId"], "side": "BUY", "quantity": 1, "price": 98}
        answer = await site.signed("PUT", "v1/order", **(same | change))
        if isinstance(expected, int):
            assert answer.error[1] == expected
            assert await site.tell("v1/openOrders") == [placed]
        else:
            assert answer.body["status"] == expected


async def test_changes_that_end_an_order() -> None:
    """No more than has traded, or a post-only order that would take."""
    async with serving() as site:
        placed = (await site.order("BUY", 2, 100)).body
        await site.order("SELL", 1, 100, by="bob")
        named = {**BTC, "orderId": placed["orderId"], "side": "BUY", "price": 100}
        assert (await site.signed("PUT", "v1/order", **named, quantity=1)).body["status"] == "CANCELED"
        maker = (await site.order("BUY", 2, 100, timeInForce="GTX")).body
        named |= {"orderId": maker["orderId"], "price": 101, "quantity": 2}
        assert (await site.signed("PUT", "v1/order", **named)).error[1] == -5022
        assert (await site.tell("v1/order", **BTC, orderId=maker["orderId"]))["status"] == "CANCELED"
        assert (await site.signed("PUT", "v1/order", **named)).error[1] == -2013


async def test_cancels() -> None:
    async with serving() as site:
        for price in (90, 91):
            await site.order("BUY", 1, price)
        assert (await site.order("BUY", 1, 90, newClientOrderId="twin")).status == 200
        assert (await site.order("BUY", 1, 90, newClientOrderId="twin")).error[1] == -4116
        done = await site.signed("DELETE", "v1/allOpenOrders", **BTC)
        assert done.body == {"code": 200, "msg": "The operation of cancel all open order is done."}
        assert await site.tell("v1/openOrders") == []
        assert (await site.signed("DELETE", "v1/order", **BTC, origClientOrderId="twin")).error[1] == -2011
        assert (await site.signed("DELETE", "v1/order", **BTC, orderId=999)).error[1] == -2011
        assert (await site.signed("DELETE", "v1/order", **BTC)).error[1] == -1102
        await site.order("BUY", 1, 90)
        armed = await site.signed("POST", "v1/countdownCancelAll", **BTC, countdownTime=5000)
        assert armed.body == {"symbol": "BTCUSDT", "countdownTime": "5000"}
        site.pass_time(6 * SECOND_US)
        assert await site.tell("v1/openOrders") == []


async def test_money_and_positions() -> None:
    async with serving() as site:
        await site.order("BUY", 10)
        await site.order("BUY", 10, 95)
        assert (await site.signed("POST", "v1/leverage", **BTC, leverage=5)).body["leverage"] == 5
        (money,) = await site.tell("v3/balance")
        fee = D("0.0005") * 10 * 101
        assert (D(money["balance"]), D(money["crossUnPnl"])) == (100_000 - fee, -10)
        tied = D(10 * 101 + 10 * 95) / 5 + D("0.0005") * 10 * 95
        assert D(money["availableBalance"]) == 100_000 - fee - 10 - tied
        whole = await site.tell("v3/account")
        assert D(whole["totalInitialMargin"]) == tied
        assert D(whole["assets"][0]["positionInitialMargin"]) == 202
        assert D(whole["totalMarginBalance"]) == 100_000 - fee - 10
        assert whole["positions"] == await site.tell("v3/positionRisk") == await site.tell("v2/positionRisk", **BTC)
        (row,) = whole["positions"]
        assert (row["positionAmt"], row["entryPrice"], row["markPrice"]) == (
            "10.00000000",
            "101.00000000",
            "100.00000000",
        )
        assert (row["leverage"], row["marginType"], row["positionSide"]) == ("5", "cross", "BOTH")
        assert await site.tell("v3/positionRisk", "bob") == []
        assert (await site.tell("v2/positionRisk", "bob"))[0]["positionAmt"] == "0.00000000"
        (trade,) = await site.tell("v1/userTrades", **BTC)
        assert (trade["qty"], trade["commission"], trade["maker"]) == ("10.00000000", "0.50500000", False)
        assert await site.tell("v1/userTrades", **BTC, fromId=trade["id"]) == [trade]
        assert await site.tell("v1/userTrades", **BTC, fromId=trade["id"] + 1) == []
        assert await site.tell("v1/userTrades", **BTC, orderId=trade["orderId"]) == [trade]
        await site.order("SELL", 4)
        kinds = [(each["incomeType"], each["income"]) for each in await site.tell("v1/income")]
        assert kinds == [
            ("COMMISSION", "-0.50500000"), ("REALIZED_PNL", "-8.00000000"), ("COMMISSION", "-0.19800000"),
        ]  # fmt: skip
        assert len(await site.tell("v1/income", incomeType="REALIZED_PNL", **BTC)) == 1


async def test_how_an_account_is_set_up() -> None:
    async with serving() as site:
        assert await site.tell("v1/positionSide/dual") == {"dualSidePosition": False}
        assert (await site.signed("POST", "v1/positionSide/dual", dualSidePosition="true")).error[1] == -1020
        assert (await site.signed("POST", "v1/positionSide/dual", dualSidePosition="false")).error[1] == -4059
        assert (await site.signed("POST", "v1/marginType", **BTC, marginType="CROSSED")).error[1] == -4046
        assert (await site.signed("POST", "v1/leverage", **BTC, leverage=126)).error[1] == -4028
        await site.order("BUY", 90_000 // 10, 100)
        assert (await site.signed("POST", "v1/leverage", **BTC, leverage=5)).error[1] == -2028
        assert (await site.signed("POST", "v1/leverage", **BTC, leverage=100)).error[1] == -2027
        (row,) = await site.tell("v1/symbolConfig", **BTC)
        assert (row["leverage"], row["marginType"]) == (10, "CROSSED")
        (row,) = await site.tell("v1/leverageBracket", **BTC)
        assert [each["initialLeverage"] for each in row["brackets"]] == [125, 50, 20, 10]
        rates = await site.tell("v1/commissionRate", **BTC)
        assert (rates["makerCommissionRate"], rates["takerCommissionRate"]) == ("0.00020000", "0.00050000")
        assert (await site.tell("v1/accountConfig"))["dualSidePosition"] is False
        assert await site.tell("v1/multiAssetsMargin") == {"multiAssetsMargin": False}
        assert [each["limit"] for each in await site.tell("v1/rateLimit/order")] == [300, 1200]
        assert (await site.tell("../sapi/v1/account/apiRestrictions"))["enableFutures"] is True


async def test_funding_is_paid_and_listed() -> None:
    async with serving() as site:
        await site.order("BUY", 10)
        before = D((await site.tell("v3/balance"))[0]["balance"])
        row = await site.get("v1/premiumIndex", **BTC)
        assert (row["markPrice"], row["lastFundingRate"]) == ("100.00000000", "0.00001250")
        assert await site.get("v1/premiumIndex") == [row]
        assert (await site.get("v1/fundingInfo"))[0]["fundingIntervalHours"] == 1
        assert (await site.get("v1/openInterest", **BTC))["openInterest"] == "10.00000000"
        due_ms = row["nextFundingTime"]
        site.pass_time(due_ms * 1000 - site.clock() + SECOND_US)
        (paid,) = await site.tell("v1/income", incomeType="FUNDING_FEE")
        assert (D(paid["income"]), paid["time"], paid["symbol"]) == (D("-0.0125"), due_ms, "BTCUSDT")
        assert D((await site.tell("v3/balance"))[0]["balance"]) == before + D(paid["income"])
        (rate,) = await site.get("v1/fundingRate", **BTC)
        assert (rate["fundingTime"], rate["fundingRate"], rate["markPrice"]) == (due_ms, "0.00001250", "100.00000000")


async def test_keys_and_limits() -> None:
    async with serving(FutureLimits(orders_10s=2, request_weight_1m=60)) as site:
        assert (await site.signed("GET", "v3/balance", signature="00")).error[1] in (-1022, -1101)
        assert (await site.ask("GET", "v3/balance")).error[1] == -2014
        assert (await site.ask("GET", "v9/nothing")).status == 404
        for price in (90, 91):
            assert (await site.order("BUY", 1, price)).status == 200
        refused = await site.order("BUY", 1, 92)
        assert (refused.status, refused.body["code"]) == (429, -1015)
        for _ in range(20):
            answer = await site.ask(
                "GET", "v1/klines", "symbol=BTCUSDT&interval=1m", headers={"X-MBX-APIKEY": key_of("bob")}
            )
        assert (answer.status, answer.body["code"]) == (429, -1003)
        assert int(answer.headers["Retry-After"]) > 0
