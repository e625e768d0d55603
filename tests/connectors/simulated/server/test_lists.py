"""Lists of two orders at the served exchange: both or none are placed, and the first that trades ends the other."""

from decimal import Decimal
from typing import Any

import pytest

from tests.connectors.simulated.server.venues import Answer, Site, serving

SELL = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "110",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "95",
    "belowPrice": "94",
    "belowTimeInForce": "GTC",
    "listClientOrderId": "mine",
}
BUY = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "1",
    "aboveType": "STOP_LOSS",
    "aboveStopPrice": "105",
    "belowType": "LIMIT_MAKER",
    "belowPrice": "90",
}


async def place(site: Site, path: str = "orderList/oco", **params: Any) -> Answer:
    return await site.signed("POST", path, **params)


async def locked(site: Site) -> dict[str, str]:
    rows = (await site.signed("GET", "account")).body["balances"]
    return {row["asset"]: row["locked"] for row in rows if Decimal(row["locked"])}


async def test_placed_together_with_one_lock() -> None:
    async with serving() as site:
        answer = (await place(site, **SELL)).body
        assert (answer["orderListId"], answer["contingencyType"], answer["listOrderStatus"]) == (1, "OCO", "EXECUTING")
        assert answer["listClientOrderId"] == "mine"
        reports = {row["type"]: row for row in answer["orderReports"]}
        assert {row["status"] for row in reports.values()} == {"NEW"}
        assert {row["orderListId"] for row in reports.values()} == {1}
        assert reports["STOP_LOSS_LIMIT"]["stopPrice"] == "95.00000000"
        assert [row["orderId"] for row in answer["orders"]] == [row["orderId"] for row in answer["orderReports"]]
        assert await locked(site) == {"BTC": "1.00000000"}
        counts = (await site.signed("GET", "rateLimit/order")).body
        assert [row["count"] for row in counts] == [2, 2]
        found = (await site.signed("GET", "orderList", orderListId=1)).body
        assert found == (await site.signed("GET", "orderList", origClientOrderId="mine")).body
        assert (await site.signed("GET", "openOrderList")).body == [found]
        assert (await place(site, **BUY)).status == 200
        assert (await locked(site))["USDT"] == "105.00000000"
        assert [row["orderListId"] for row in (await site.signed("GET", "allOrderList")).body] == [1, 2]
        assert [row["orderListId"] for row in (await site.signed("GET", "allOrderList", fromId=2)).body] == [2]
        assert (await site.signed("GET", "openOrderList", by="bob")).body == []


async def events(socket: Any, count: int) -> list[tuple[Any, ...]]:
    """The next private events: what, and what matters of it."""
    found: list[tuple[Any, ...]] = []
    while len(found) < count:
        event = (await socket.next())["event"]
        if event["e"] == "listStatus":
            found.append(("list", event["L"]))
        elif event["e"] == "executionReport":
            found.append((event["o"], event["x"], event["X"], event["g"], event.get("eR", "")))
    return found


@pytest.mark.parametrize(("winner", "loser"), [("LIMIT_MAKER", "STOP_LOSS_LIMIT"), ("STOP_LOSS_LIMIT", "LIMIT_MAKER")])
async def test_the_first_ends_the_other(winner: str, loser: str) -> None:
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        await socket.call("userDataStream.subscribe.signature", by="alice")
        orders = {row["type"]: row["orderId"] for row in (await place(site, **SELL)).body["orderReports"]}
        assert sorted((await events(socket, 3))[:2]) == [
            ("LIMIT_MAKER", "NEW", "NEW", 1, ""),
            ("STOP_LOSS_LIMIT", "NEW", "NEW", 1, ""),
        ]
        bids = (("BUY", "3", "110"),) if winner == "LIMIT_MAKER" else (("BUY", "1", "95"), ("SELL", "2", "95"))
        for order in bids:  # through the book to that price
            assert (await site.order(*order, by="bob")).status == 200
        told = await events(socket, 3 if winner == "LIMIT_MAKER" else 2)
        assert (loser, "EXPIRED", "EXPIRED", 1, "OCO_TRIGGER") in told
        row = (await site.signed("GET", "order", symbol="BTCUSDT", orderId=orders[loser])).body
        assert (row["status"], row["expiryReason"]) == ("EXPIRED", "OCO_TRIGGER")
        if winner == "LIMIT_MAKER":
            assert told[-1] == ("list", "ALL_DONE")
            assert (await site.signed("GET", "orderList", orderListId=1)).body["listOrderStatus"] == "ALL_DONE"
            trade = (await site.signed("GET", "myTrades", symbol="BTCUSDT")).body[-1]
            assert (trade["orderId"], trade["orderListId"]) == (orders[winner], 1)
            assert await locked(site) == {}


@pytest.mark.parametrize("how", ["list", "one", "all"])
async def test_cancelled_together(how: str) -> None:
    async with serving() as site:
        orders = [row["orderId"] for row in (await place(site, **SELL)).body["orders"]]
        if how == "list":
            answer = (await site.signed("DELETE", "orderList", symbol="BTCUSDT", orderListId=1)).body
            assert (answer["listStatusType"], answer["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
            assert [row["status"] for row in answer["orderReports"]] == ["CANCELED", "CANCELED"]
        elif how == "one":
            await site.signed("DELETE", "order", symbol="BTCUSDT", orderId=orders[1])
        else:
            await site.signed("DELETE", "openOrders", symbol="BTCUSDT")
        rows = (await site.signed("GET", "allOrders", symbol="BTCUSDT")).body
        assert [row["status"] for row in rows] == ["CANCELED", "CANCELED"]
        assert await locked(site) == {}
        gone = (await site.signed("DELETE", "orderList", symbol="BTCUSDT", orderListId=1)).error
        assert gone == (400, -2011, "Unknown order sent.")


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"abovePrice": "99.5"}, -2010, "The relationship of the prices for the orders is not correct."),
    ({"belowStopPrice": "100.5"}, -2010, "The relationship of the prices for the orders is not correct."),
    ({"quantity": "1000"}, -2010, "Account has insufficient balance for requested action."),
    ({"abovePrice": "110.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"aboveType": "STOP_LOSS_LIMIT"}, -1102, None),
    ({"belowType": "LIMIT_MAKER", "belowTimeInForce": None, "belowStopPrice": None}, -1014, None),
    ({"aboveClientOrderId": "a", "belowClientOrderId": "a"}, -2010, "Duplicate order sent."),
    ({"listClientOrderId": "taken"}, -2010, "Duplicate order sent."),
    ({"aboveType": None}, -1102, None),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "text"), REFUSED)
async def test_none_is_placed(change: dict[str, Any], code: int, text: str | None) -> None:
    async with serving() as site:
        if change.get("listClientOrderId"):
            await place(site, **BUY | {"listClientOrderId": "taken"})
        before = (await site.signed("GET", "openOrders")).body
        params = {name: value for name, value in (SELL | change).items() if value is not None}
        answer = await place(site, **params)
        assert answer.error[:2] == (400, code)
        assert text is None or answer.error[2] == text
        assert (await site.signed("GET", "openOrders")).body == before


async def test_a_limit_order_that_would_take_is_none() -> None:
    async with serving() as site:
        await site.order("BUY", "1", "100.5", by="bob")
        answer = await place(site, **SELL | {"abovePrice": "100.2"})
        assert answer.error == (400, -2010, "Order would immediately match and take.")
        assert (await site.signed("GET", "openOrders")).body == []


async def test_lists_that_are_not_there() -> None:
    async with serving() as site:
        assert (await site.signed("GET", "orderList", orderListId=9)).error[1] == -2013
        assert (await site.signed("GET", "orderList")).error[1] == -1102


async def test_the_old_names() -> None:
    async with serving() as site:
        old = {"symbol": "BTCUSDT", "quantity": "1", "price": "110", "stopPrice": "95"}
        answer = (await place(site, "order/oco", **old, side="SELL", limitClientOrderId="high")).body
        assert {row["type"] for row in answer["orderReports"]} == {"LIMIT_MAKER", "STOP_LOSS"}
        assert "high" in {row["clientOrderId"] for row in answer["orders"]}
        stop = {"stopPrice": "105", "stopLimitPrice": "106", "stopLimitTimeInForce": "GTC"}
        answer = (await place(site, "order/oco", **old | {"price": "90"} | stop, side="BUY")).body
        assert {row["type"] for row in answer["orderReports"]} == {"LIMIT_MAKER", "STOP_LOSS_LIMIT"}


async def test_what_has_lost_stays_so_when_the_rest_of_the_winner_is_cancelled() -> None:
    async with serving() as site:
        orders = {row["type"]: row["orderId"] for row in (await place(site, **SELL)).body["orderReports"]}
        assert (await site.order("BUY", "1.5", "110", by="bob")).status == 200  # 1 from the market and half of ours
        await site.signed("DELETE", "order", symbol="BTCUSDT", orderId=orders["LIMIT_MAKER"])
        rows = (await site.signed("GET", "allOrders", symbol="BTCUSDT")).body
        assert {row["type"]: row["status"] for row in rows} == {"LIMIT_MAKER": "CANCELED", "STOP_LOSS_LIMIT": "EXPIRED"}
