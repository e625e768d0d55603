"""The WebSocket API: requests as over REST, sessions, and private events."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import WSMsgType
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.simulated.server.public_keys import public_key_credential
from engine.model.enums import Side
from tests.connectors.simulated.server.test_documented_shapes import compare, documented
from tests.connectors.simulated.server.venues import START_US, Site, Socket, key_of, serving

API = "/ws-api/v3"
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "95"}


async def test_frames() -> None:
    async with serving() as site, site.socket(API) as socket:
        answer = await socket.request({"id": "x", "method": "v3/time"})
        assert answer["result"] == {"serverTime": START_US // 1000}
        assert (answer["id"], answer["status"]) == ("x", 200)
        (row,) = answer["rateLimits"]
        assert (row["rateLimitType"], row["count"], row["limit"]) == ("REQUEST_WEIGHT", 3, 6000)  # 2 to connect
        assert "rateLimits" not in await socket.call("time", returnRateLimits=False)
        for text in (
            "no JSON",
            "[]",
            '{"id": null, "method": 3}',
            '{"id": null, "method": "time", "params": []}'[:-3] + "3}",
        ):
            answer = await socket.request(text)
            assert (answer["id"], answer["status"], answer["error"]["code"]) == (None, 400, -1135), text
        assert (await socket.call("dance"))["error"]["msg"] == "Unknown method: 'dance'."
        assert (await socket.call("userDataStream.start"))["error"]["code"] == -1016
        answer = await socket.call("depth", symbol="BTCUSDT", limit=5)
        assert answer["result"]["bids"] == [["99.00000000", "1.00000000"]]
        assert (await socket.call("depth", symbol="XRPUSDT"))["error"] == {"code": -1121, "msg": "Invalid symbol."}


async def test_quiet_connections() -> None:
    async with serving() as site, site.socket(f"{API}?returnRateLimits=false&timeUnit=MICROSECOND") as socket:
        answer = await socket.call("time")
        assert answer == {"id": 7, "status": 200, "result": {"serverTime": START_US}}


async def test_orders() -> None:
    async with serving() as site, site.socket(API) as socket:
        placed = await socket.call("order.place", "alice", **LIMIT, newClientOrderId="one", price_unused=1.50)
        assert placed["result"]["status"] == "NEW"
        assert [row["rateLimitType"] for row in placed["rateLimits"]] == ["REQUEST_WEIGHT", "ORDERS", "ORDERS"]
        name = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
        assert (await socket.call("order.status", "alice", **name))["result"]["clientOrderId"] == "one"
        assert len((await socket.call("openOrders.status", "alice"))["result"]) == 1
        assert (await socket.call("order.cancel", "alice", **name))["result"]["status"] == "CANCELED"
        answer = await socket.call("order.cancel", "alice", **name)
        assert (answer["status"], answer["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})
        balances = (await socket.call("account.status", "alice"))["result"]["balances"]
        assert {row["asset"]: row["locked"] for row in balances} == dict.fromkeys(("BTC", "USDT", "ETH"), "0.00000000")
        answer = await socket.call("order.place", "alice", **LIMIT | {"quantity": "0.05"})
        assert answer["error"] == {"code": -1013, "msg": "Filter failure: NOTIONAL"}
        answer = await socket.call("order.place", "alice", **LIMIT, signature="0")
        assert (answer["status"], answer["error"]["code"]) == (400, -1022)
        answer = await socket.call("order.place", **LIMIT, apiKey=key_of("alice"))
        assert (answer["status"], answer["error"]["code"]) == (400, -1102)


@pytest.fixture
def private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b"7" * 32)


async def logon(site: Site, socket: Socket, private: Ed25519PrivateKey) -> Any:
    """Open a session for alice with a key of her own."""
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    site.world.add_key(public_key_credential("alicepublic", pem, site.world.exchange.accounts["alice"]))
    params: dict[str, Any] = {"apiKey": "alicepublic", "timestamp": site.clock() // 1000}
    text = "&".join(f"{name}={params[name]}" for name in sorted(params))
    params["signature"] = b64encode(private.sign(text.encode())).decode()
    return await socket.call("session.logon", **params)


async def test_sessions(private: Ed25519PrivateKey) -> None:
    async with serving() as site, site.socket(API) as socket:
        assert (await socket.call("session.status"))["result"]["apiKey"] is None
        assert (await socket.call("userDataStream.subscribe"))["status"] == 400
        assert (await socket.call("session.logon", "alice"))["error"]["msg"] == "session.logon needs an Ed25519 key."
        status = (await logon(site, socket, private))["result"]
        assert (status["apiKey"], status["authorizedSince"]) == ("alicepublic", START_US // 1000)
        assert (await socket.call("order.place", **LIMIT))["error"]["code"] == -1102  # the time is still needed
        stamp = {"timestamp": site.clock() // 1000}
        assert (await socket.call("order.place", **LIMIT, **stamp))["result"]["status"] == "NEW"
        assert (await socket.call("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        assert (await socket.call("userDataStream.subscribe"))["error"]["code"] == -2035
        assert (await socket.call("session.subscriptions"))["result"] == [{"subscriptionId": 0}]
        assert (await socket.call("session.logout"))["result"]["apiKey"] is None
        assert (await socket.next())["event"]["e"] == "eventStreamTerminated"
        assert (await socket.call("order.place", **LIMIT, **stamp))["status"] == 401


async def test_a_revoked_key_ends_the_session(private: Ed25519PrivateKey) -> None:
    async with serving() as site, site.socket(API) as socket:
        await logon(site, socket, private)
        site.world.keys.revoke("alicepublic")
        answer = await socket.call("time")
        assert (answer["status"], answer["error"]["code"]) == (401, -2015)
        assert (await socket.connection.receive(timeout=5)).type is WSMsgType.CLOSE


async def events(socket: Socket, count: int) -> list[Any]:
    """The next private events, without the envelope."""
    found = []
    for _ in range(count):
        message = await socket.next()
        assert message["subscriptionId"] == 0
        found.append(message["event"])
    return found


async def subscribe(socket: Socket, by: str = "alice") -> None:
    assert (await socket.call("userDataStream.subscribe.signature", by))["result"] == {"subscriptionId": 0}


def steps(found: list[Any]) -> list[str]:
    """Each event in a word: what of the report and the order's status, or which balances."""
    return [
        f"{event['x']}/{event['X']}" if "x" in event else "+".join(row["a"] for row in event["B"]) for event in found
    ]


POST = ("POST", "order", {})
FLOWS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["NEW/NEW", "USDT"]),
    ({"price": "101"}, ["NEW/NEW", "TRADE/FILLED", "USDT+BTC"]),
    ({"price": "101", "quantity": "2"}, ["NEW/NEW", "TRADE/PARTIALLY_FILLED", "USDT+BTC"]),
    (
        {"price": "101", "quantity": "2", "timeInForce": "IOC"},
        ["NEW/NEW", "TRADE/PARTIALLY_FILLED", "EXPIRED/EXPIRED", "USDT+BTC"],
    ),
    ({"price": "101", "quantity": "2", "timeInForce": "FOK"}, ["NEW/NEW", "EXPIRED/EXPIRED", "USDT"]),
]


@pytest.mark.parametrize(("change", "expected"), FLOWS)
async def test_flows(change: dict[str, Any], expected: list[str]) -> None:
    async with serving() as site, site.socket(API) as socket:
        await subscribe(socket)
        await socket.call("order.place", "alice", **LIMIT | change)
        found = await events(socket, len(expected))
        assert steps(found) == expected
        reports = [event for event in found if "x" in event]
        assert [event["I"] for event in reports] == list(range(1, len(reports) + 1))


async def test_reports_of_both_sides() -> None:
    """Bob's order rests and is taken by Alice in two parts; sums and ids agree, nobody sees the other's events."""
    async with serving() as site, site.socket(API) as ours, site.socket(API) as theirs:
        await subscribe(ours)
        await subscribe(theirs, "bob")
        await site.order("SELL", "1", "100.5", "bob", newClientOrderId="rest")
        for quantity in ("0.4", "0.6"):
            await site.order("BUY", quantity, "100.5", newClientOrderId=f"take-{quantity[2:]}")
        found = {"alice": await events(ours, 6), "bob": await events(theirs, 6)}
        assert steps(found["bob"]) == [
            "NEW/NEW",
            "BTC",
            "TRADE/PARTIALLY_FILLED",
            "BTC+USDT",
            "TRADE/FILLED",
            "BTC+USDT",
        ]
        fills = {name: [each for each in found[name] if each.get("x") == "TRADE"] for name in found}
        assert [fill["t"] for fill in fills["alice"]] == [fill["t"] for fill in fills["bob"]] == [2, 3]
        assert [fill["m"] for fill in fills["bob"]] == [True, True]
        assert [(fill["n"], fill["N"]) for fill in fills["bob"]] == [("0.04020000", "USDT"), ("0.06030000", "USDT")]
        last = fills["bob"][-1]
        assert Decimal(last["z"]) == sum(Decimal(fill["l"]) for fill in fills["bob"])
        assert Decimal(last["Z"]) == sum(Decimal(fill["Y"]) for fill in fills["bob"])
        assert {event["c"] for event in fills["bob"]} == {"rest"}
        compare("Order Update", [documented_report()], found["bob"][0], {"v"})
        (position,) = (row["json"]["event"] for row in documented_user("Account Update"))
        compare("Account Update", [position], found["bob"][1], set())


def documented_user(heading: str) -> list[Any]:
    return [{"json": example} for example in documented(heading, "user-data-stream.md")]


def documented_report() -> Any:
    """The documented report; `N` is null there and text when there is a fee."""
    return documented_user("Order Update")[0]["json"]["event"]


async def test_cancel_and_amend_reports() -> None:
    async with serving() as site, site.socket(API) as socket:
        await subscribe(socket)
        name = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
        await socket.call("order.place", "alice", **LIMIT | {"quantity": "2"}, newClientOrderId="one")
        await socket.call("order.amend.keepPriority", "alice", **name, newQty="1", newClientOrderId="two")
        await socket.call("order.cancel", "alice", **name | {"origClientOrderId": "two"}, newClientOrderId="stop")
        found = [event for event in await events(socket, 6) if "x" in event]
        assert [(event["x"], event["X"], event["C"], event["c"], event["q"]) for event in found] == [
            ("NEW", "NEW", "", "one", "2.00000000"),
            ("REPLACED", "NEW", "one", "two", "1.00000000"),
            ("CANCELED", "CANCELED", "two", "stop", "1.00000000"),
        ]


async def test_stop_reports() -> None:
    """Waiting it is not on the book; when it fires it is new again, and works."""
    async with serving() as site, site.socket(API) as socket:
        await subscribe(socket)
        stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "99.5"}
        await socket.call("order.place", "alice", **stop, strategyId=4, strategyType=1_000_000)
        site.engine.take(Side.SELL, 10)
        site.server.tick()
        found = [event for event in await events(socket, 6) if "x" in event]
        assert [(event["x"], event["X"], event["w"], "W" in event) for event in found] == [
            ("NEW", "NEW", False, False),
            ("NEW", "NEW", True, True),
            ("TRADE", "PARTIALLY_FILLED", True, True),
            ("EXPIRED", "EXPIRED", False, True),
        ]
        assert (found[0]["j"], found[0]["J"], found[0]["P"]) == (4, 1_000_000, "99.50000000")
        assert found[-1]["eR"] == "INSUFFICIENT_LIQUIDITY"


async def test_subscriptions() -> None:
    async with serving() as site, site.socket(API) as socket:
        assert (await socket.call("userDataStream.unsubscribe"))["error"]["code"] == -2036
        await subscribe(socket)
        assert (await socket.call("userDataStream.subscribe.signature", "alice"))["error"]["code"] == -2035
        assert (await socket.call("userDataStream.subscribe.signature", "bob"))["result"] == {"subscriptionId": 1}
        assert (await socket.call("userDataStream.unsubscribe", subscriptionId=9))["error"]["code"] == -2036
        assert (await socket.call("userDataStream.unsubscribe", subscriptionId=1))["result"] == {}
        assert (await socket.next())["event"]["e"] == "eventStreamTerminated"
        await site.order("BUY", "1", "95", "bob")
        site.world.deposit(site.world.exchange.accounts["alice"], "USDT", Decimal("12.5"))
        site.server.tick()
        update, position = await events(socket, 2)
        assert (update["e"], update["a"], update["d"]) == ("balanceUpdate", "USDT", "12.50000000")
        assert position["B"] == [{"a": "USDT", "f": "100012.50000000", "l": "0.00000000"}]


async def test_the_answer_comes_before_its_events() -> None:
    async with serving() as site, site.socket(API) as socket:
        await subscribe(socket)
        for _ in range(3):
            await socket.call("order.place", "alice", **LIMIT)
            assert not [event for event in socket.heard[-2:] if "event" not in event]
        assert (await socket.call("openOrders.cancelAll", "alice", symbol="BTCUSDT"))["status"] == 200
        found = await events(socket, 3 * 2 + 3 * 2)
        assert steps(found)[-6:] == ["CANCELED/CANCELED", "USDT"] * 3
