"""Orders that wait in a list until a first one is filled (OTO, OTOCO), at the served exchange."""

from typing import Any

import pytest

from tests.connectors.simulated.server.test_lists import locked
from tests.connectors.simulated.server.venues import Answer, Site, serving

WORKING = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingTimeInForce": "GTC",
    "workingSide": "BUY",
    "workingPrice": "99",
    "workingQuantity": "1",
    "pendingSide": "SELL",
    "pendingQuantity": "1",
}
ONE = WORKING | {"pendingType": "LIMIT", "pendingPrice": "105", "pendingTimeInForce": "GTC"}
PAIR = WORKING | {
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "105",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "95",
}
TAKES = {"workingPrice": "101"}  # the market sells there
PATHS = ((ONE, "oto"), (PAIR, "otoco"))


async def place(site: Site, terms: dict[str, str]) -> Answer:
    path = "orderList/otoco" if "pendingAboveType" in terms else "orderList/oto"
    return await site.signed("POST", path, **terms)


async def statuses(site: Site) -> list[tuple[str, str]]:
    rows = (await site.signed("GET", "allOrders", symbol="BTCUSDT")).body
    return [(row["type"], row["status"]) for row in rows]


async def told(socket: Any, last: str) -> list[tuple[Any, ...]]:
    """Private events about orders and lists up to a list's state `last`."""
    found: list[tuple[Any, ...]] = []
    while not found or found[-1] != ("list", last):
        event = (await socket.next())["event"]
        if event["e"] == "listStatus":
            assert event["c"] == "OTO"
            found.append(("list", event["l"]))
        elif event["e"] == "executionReport":
            found.append((event["o"], event["x"], event["X"], event.get("eR", event["r"])))
    return found


async def test_it_waits_and_locks_nothing() -> None:
    async with serving() as site:
        answer = (await place(site, ONE | {"listClientOrderId": "mine", "pendingClientOrderId": "later"})).body
        assert (answer["contingencyType"], answer["listStatusType"], answer["listOrderStatus"]) == (
            "OTO",
            "EXEC_STARTED",
            "EXECUTING",
        )
        working, pending = answer["orderReports"]
        assert (working["status"], pending["status"]) == ("NEW", "PENDING_NEW")
        assert (pending["clientOrderId"], pending["price"], pending["workingTime"]) == ("later", "105.00000000", -1)
        assert working["orderId"] < pending["orderId"]
        assert await locked(site) == {"USDT": "99.00000000"}
        assert [row["count"] for row in (await site.signed("GET", "rateLimit/order")).body] == [2, 2]
        found = (await site.signed("GET", "order", symbol="BTCUSDT", origClientOrderId="later")).body
        assert (found["status"], found["isWorking"], found["orderListId"]) == ("PENDING_NEW", False, 1)
        open_orders = (await site.signed("GET", "openOrders", symbol="BTCUSDT")).body
        assert [row["status"] for row in open_orders] == ["NEW", "PENDING_NEW"]
        assert (await site.order("BUY", "1", "98", newClientOrderId="later")).error[1] == -2010


@pytest.mark.parametrize("terms", [ONE, PAIR])
async def test_when_the_first_is_filled_the_rest_follows(terms: dict[str, str]) -> None:
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        await socket.call("userDataStream.subscribe.signature", by="alice")
        reports = (await place(site, terms)).body["orderReports"]
        site.clock.now_us += 1_000_000
        await site.order("SELL", "1.5", "99", by="bob")  # the market's bid is before ours
        half = (await site.signed("GET", "order", symbol="BTCUSDT", orderId=reports[1]["orderId"])).body
        assert half["status"] == "PENDING_NEW"
        site.clock.now_us += 1_000_000
        await site.order("SELL", "0.5", "99", by="bob")
        rows = [(await site.signed("GET", "order", symbol="BTCUSDT", orderId=row["orderId"])).body for row in reports]
        assert [row["status"] for row in rows] == ["FILLED", *("NEW" for _ in reports[1:])]
        assert [row["time"] for row in rows] == [site.clock() // 1000 - 2_000] * len(rows)
        assert rows[1]["workingTime"] == site.clock() // 1000
        assert await locked(site) == {"BTC": "1.00000000"}
        await site.order("BUY", "2", "105", by="bob")  # through the market's ask
        events = await told(socket, "ALL_DONE")
        begun = [("LIMIT", "NEW", "NEW", "NONE"), *((row["type"], "NEW", "PENDING_NEW", "NONE") for row in reports[1:])]
        assert set(events[: len(begun) + 1]) == {*begun, ("list", "EXEC_STARTED")}
        for row in reports[1:]:
            assert (row["type"], "NEW", "NEW", "NONE") in events
        assert (terms is PAIR) == (("STOP_LOSS", "EXPIRED", "EXPIRED", "OCO_TRIGGER") in events)
        trade = (await site.signed("GET", "myTrades", symbol="BTCUSDT")).body[-1]
        assert (trade["orderId"], trade["orderListId"]) in [(row["orderId"], 1) for row in reports[1:]]


@pytest.mark.parametrize("terms", [ONE, PAIR])
async def test_a_first_order_that_takes_is_answered_before_the_rest_follows(terms: dict[str, str]) -> None:
    async with serving() as site:
        reports = (await place(site, terms | TAKES)).body["orderReports"]
        assert [row["status"] for row in reports] == ["FILLED", *("PENDING_NEW" for _ in reports[1:])]
        assert {status for _, status in (await statuses(site))[1:]} == {"NEW"}


@pytest.mark.parametrize("terms", [ONE, PAIR])
async def test_a_first_order_that_ends_ends_all(terms: dict[str, str]) -> None:
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        await socket.call("userDataStream.subscribe.signature", by="alice")
        await place(site, terms | {"workingTimeInForce": "FOK", "workingQuantity": "2", "workingPrice": "101"})
        assert {status for _, status in await statuses(site)} == {"EXPIRED"}
        ended = [each for each in await told(socket, "ALL_DONE") if each[-1] == "OTO_PHASE_ONE_EXPIRED"]
        assert len(ended) == len((await statuses(site))[1:])
        row = (await site.signed("GET", "allOrders", symbol="BTCUSDT")).body[1]
        assert (row["expiryReason"], row["isWorking"]) == ("OTO_PHASE_ONE_EXPIRED", False)


@pytest.mark.parametrize("terms", [ONE, PAIR])
@pytest.mark.parametrize("how", ["list", "first", "waiting", "all", "released"])
async def test_cancelled_together(terms: dict[str, str], how: str) -> None:
    async with serving() as site:
        reports = (await place(site, terms | (TAKES if how == "released" else {}))).body["orderReports"]
        orders = [{"symbol": "BTCUSDT", "orderId": row["orderId"]} for row in reports]
        if how in ("list", "released"):
            answer = (await site.signed("DELETE", "orderList", symbol="BTCUSDT", orderListId=1)).body
            assert (answer["listOrderStatus"], len(answer["orderReports"])) == ("ALL_DONE", len(orders))
        elif how == "all":
            assert len((await site.signed("DELETE", "openOrders", symbol="BTCUSDT")).body) == len(orders)
        else:
            answer = (await site.signed("DELETE", "order", **orders[how == "waiting"])).body
            assert answer["status"] == "CANCELED"
        first = "FILLED" if how == "released" else "CANCELED"
        assert [status for _, status in await statuses(site)] == [first, *("CANCELED" for _ in orders[1:])]
        assert await locked(site) == {}
        assert (await site.signed("GET", "openOrderList")).body == []


REFUSED_LATER: list[tuple[dict[str, str], list[str], str]] = [
    (ONE | {"pendingQuantity": "500"}, ["REJECTED"], "INSUFFICIENT_BALANCES"),
    (ONE | {"pendingType": "MARKET", "pendingPrice": "", "pendingTimeInForce": "", "pendingQuantity": "500"},
     ["REJECTED"], "INSUFFICIENT_BALANCES"),
    (PAIR | {"pendingQuantity": "500"}, ["REJECTED", "EXPIRED"], "INSUFFICIENT_BALANCES"),
    (PAIR | {"pendingAbovePrice": "98", "pendingBelowStopPrice": "90"}, ["REJECTED", "EXPIRED"],
     "WOULD_MATCH_IMMEDIATELY"),
    (PAIR | {"pendingBelowStopPrice": "103"}, ["EXPIRED", "REJECTED"], "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "ends", "reason"), REFUSED_LATER)
async def test_what_the_exchange_refuses_later_is_rejected(terms: dict[str, str], ends: list[str], reason: str) -> None:
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        await socket.call("userDataStream.subscribe.signature", by="alice")
        assert (await place(site, {name: text for name, text in (terms | TAKES).items() if text})).status == 200
        assert [status for _, status in await statuses(site)] == ["FILLED", *ends]
        rejected = [each for each in await told(socket, "ALL_DONE") if each[1] == "REJECTED"]
        assert [each[2:] for each in rejected] == [("REJECTED", reason)]
        assert await locked(site) == {}


async def test_less_of_an_order_that_waits() -> None:
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        await socket.call("userDataStream.subscribe.signature", by="alice")
        row = (await place(site, ONE)).body["orders"][1]
        answer = await site.signed(
            "PUT", "order/amend/keepPriority", symbol="BTCUSDT", orderId=row["orderId"], newQty="0.4"
        )
        amended, listed = answer.body["amendedOrder"], answer.body["listStatus"]
        assert (amended["status"], amended["qty"]) == ("PENDING_NEW", "0.40000000")
        assert listed["orders"][1]["clientOrderId"] == amended["clientOrderId"] != row["clientOrderId"]
        assert (await told(socket, "UPDATED"))[-2] == ("LIMIT", "REPLACED", "PENDING_NEW", "NONE")
        await site.order("SELL", "2", "99", by="bob")
        assert await locked(site) == {"BTC": "0.40000000"}


REFUSED: list[tuple[dict[str, str], int]] = [
    (ONE | {"workingType": "STOP_LOSS"}, -1116),
    (ONE | {"workingPrice": ""}, -1102),
    (ONE | {"pendingPrice": ""}, -1102),
    (ONE | {"pendingPrice": "105.001"}, -1013),
    (ONE | {"workingQuantity": "10000"}, -2010),
    (ONE | {"workingClientOrderId": "a", "pendingClientOrderId": "a"}, -2010),
    (PAIR | {"pendingBelowType": "LIMIT_MAKER", "pendingBelowPrice": "90", "pendingBelowStopPrice": ""}, -1014),
    (PAIR | {"pendingBelowStopPrice": "106"}, -2010),
]


@pytest.mark.parametrize(("terms", "code"), REFUSED)
async def test_none_is_placed(terms: dict[str, str], code: int) -> None:
    async with serving() as site:
        answer = await place(site, {name: text for name, text in terms.items() if text})
        assert answer.error[:2] == (400, code)
        assert await statuses(site) == []
        assert (await site.signed("GET", "allOrderList")).body == []


async def test_by_socket() -> None:
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        for terms, name in PATHS:
            answer = await socket.call(f"orderList.place.{name}", by="alice", **terms)
            assert answer["result"]["contingencyType"] == "OTO"
