"""Orders that are changed in place or replaced in one step."""

from typing import Any

import pytest

from connectors.simulated.server.limits import Limits
from engine.model.enums import Side
from tests.connectors.simulated.server.test_orders import LIMIT
from tests.connectors.simulated.server.venues import serving


async def test_amends() -> None:
    async with serving() as site:
        placed = (await site.order("BUY", 2, 100, newClientOrderId="a")).body
        await site.order("BUY", 1, 100, "bob", newClientOrderId="behind")
        name = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
        path = "order/amend/keepPriority"
        for quantity, error in (
            ("3", (400, -2038, "Order amend (quantity increase) is not supported.")),
            ("2", (400, -2038, "The requested action would change no state; rejecting.")),
            ("0", (400, -1013, "Filter failure: LOT_SIZE")),
        ):
            assert (await site.signed("PUT", path, **name, newQty=quantity)).error == error
        answer = (await site.signed("PUT", path, **name, newQty="1", newClientOrderId="b")).body
        order = answer["amendedOrder"]
        assert (order["origClientOrderId"], order["clientOrderId"], order["qty"]) == ("a", "b", "1.00000000")
        assert (await site.signed("GET", "order", symbol="BTCUSDT", origClientOrderId="b")).body[
            "origQty"
        ] == "1.00000000"
        assert (await site.order("BUY", 1, 90, newClientOrderId="a")).status == 200  # the old id is free
        rows = (await site.signed("GET", "order/amendments", **name)).body
        assert [(row["executionId"], row["origQty"], row["newQty"]) for row in rows] == [
            (answer["executionId"], "2.00000000", "1.00000000")
        ]
        site.engine.take(Side.SELL, 1_000)  # the place in the queue was kept
        site.server.tick()
        assert (await site.signed("GET", "order", **name)).body["status"] == "FILLED"
        error = (await site.signed("PUT", path, **name, newQty="0.5")).error
        assert error == (400, -2038, "Unknown order sent.")
        error = (await site.signed("PUT", path, symbol="BTCUSDT", orderId=999, newQty="0.5")).error
        assert error == (400, -2038, "Unknown order sent.")


REPLACEMENTS: list[tuple[str, dict[str, Any], tuple[int, int], tuple[str, str]]] = [
    ("STOP_ON_FAILURE", {}, (200, 0), ("SUCCESS", "SUCCESS")),
    ("STOP_ON_FAILURE", {"cancelOrderId": 999}, (400, -2022), ("FAILURE", "NOT_ATTEMPTED")),
    ("STOP_ON_FAILURE", {"quantity": 2000}, (409, -2021), ("SUCCESS", "FAILURE")),
    ("ALLOW_FAILURE", {"cancelOrderId": 999}, (409, -2021), ("FAILURE", "SUCCESS")),
    ("ALLOW_FAILURE", {"cancelOrderId": 999, "quantity": 2000}, (400, -2022), ("FAILURE", "FAILURE")),
]


@pytest.mark.parametrize(("mode", "change", "outcome", "results"), REPLACEMENTS)
async def test_cancel_replace(
    mode: str, change: dict[str, Any], outcome: tuple[int, int], results: tuple[str, str]
) -> None:
    async with serving() as site:
        placed = (await site.order("BUY", 1, 90)).body
        asked = LIMIT | {"cancelReplaceMode": mode, "cancelOrderId": placed["orderId"]} | change
        answer = await site.signed("POST", "order/cancelReplace", **asked)
        assert (answer.status, answer.body.get("code", 0)) == outcome
        data = answer.body.get("data", answer.body)
        assert (data["cancelResult"], data["newOrderResult"]) == results
        assert (data["newOrderResponse"] is None) is (results[1] == "NOT_ATTEMPTED")
        prices = [row["price"] for row in (await site.signed("GET", "openOrders")).body]
        kept = {"FAILURE": ["90.00000000"], "SUCCESS": []}[results[0]]
        assert prices == kept + {"SUCCESS": ["95.00000000"]}.get(results[1], [])


async def test_cancel_replace_looks_at_filters_first() -> None:
    async with serving() as site:
        placed = (await site.order("BUY", 1, 90)).body
        asked = LIMIT | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"], "quantity": "0.05"}
        assert (await site.signed("POST", "order/cancelReplace", **asked)).error[:2] == (400, -1013)
        assert len((await site.signed("GET", "openOrders")).body) == 1


@pytest.mark.parametrize(
    ("mode", "outcome", "results"),
    [
        ("DO_NOTHING", (429, -1015), None),
        ("CANCEL_ONLY", (409, -2021), ("SUCCESS", "FAILURE")),
    ],
)
async def test_cancel_replace_beyond_the_order_limit(
    mode: str, outcome: tuple[int, int], results: tuple[str, str] | None
) -> None:
    async with serving(Limits(orders_10s=1)) as site:
        placed = (await site.order("BUY", 1, 90)).body
        asked = LIMIT | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"]}
        answer = await site.signed("POST", "order/cancelReplace", **asked, orderRateLimitExceededMode=mode)
        assert (answer.status, answer.body["code"]) == outcome
        if results is not None:
            data = answer.body["data"]
            assert (data["cancelResult"], data["newOrderResult"]) == results
            assert data["newOrderResponse"]["code"] == -1015
        assert len((await site.signed("GET", "openOrders")).body) == (results is None)


async def test_amends_end() -> None:
    """Ten at the most, and none while the market is halted."""
    async with serving() as site:
        name = {"symbol": "BTCUSDT", "orderId": (await site.order("BUY", 2, 90)).body["orderId"]}
        for number in range(10):
            assert (
                await site.signed("PUT", "order/amend/keepPriority", **name, newQty=f"1.{9 - number}")
            ).status == 200
        error = (await site.signed("PUT", "order/amend/keepPriority", **name, newQty="0.5")).error
        assert error == (400, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS")
        name = {"symbol": "BTCUSDT", "orderId": (await site.order("BUY", 2, 90)).body["orderId"]}
        site.world.exchange.halt("sim:BTC-USDT")
        error = (await site.signed("PUT", "order/amend/keepPriority", **name, newQty="1")).error
        assert error == (400, -2010, "Market is closed.")
