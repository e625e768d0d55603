"""WebSocket of the exchange that speaks Gate: channels, signed subscriptions, books that continue, orders."""

from typing import Any

import pytest
from aiohttp import WSServerHandshakeError

from connectors.simulated.server.faults import Fault, FaultKind
from connectors.simulated.server.gate.entries import Entries
from tests.connectors.simulated.server.gate.venues import Socket, serving
from tests.connectors.simulated.server.venues import key_of


async def test_ping() -> None:
    async with serving() as site, site.socket() as socket:
        await socket.say({"time": 1, "channel": "spot.ping"})
        assert (await socket.next())["channel"] == "spot.pong"


REFUSED: list[tuple[str, list[str], int]] = [
    ("spot.trades", ["NO_SUCH"], 2),
    ("spot.trades", [], 2),
    ("spot.order_book_update", ["BTC_USDT", "1s"], 2),
    ("spot.candlesticks", ["9m", "BTC_USDT"], 2),
    ("spot.obu", ["ob.BTC_USDT.7"], 2),
    ("spot.obu", ["ob.NO.50"], 2),
    ("spot.unheard", ["BTC_USDT"], 2),
    ("spot.orders", ["!all"], 4),
]


async def test_refused_subscriptions() -> None:
    async with serving() as site, site.socket() as socket:
        for channel, payload, code in REFUSED:
            answer = await socket.subscribe(channel, *payload)
            assert (answer["error"]["code"], answer["result"]["status"]) == (code, "fail"), channel
        site.world.keys.revoke(key_of("alice"))
        answer = await socket.subscribe("spot.orders", "!all", by="alice")
        assert "INVALID_KEY" in answer["error"]["message"]
        for text in ("[", "[]", '"x"'):
            await socket.say(text)
            assert (await socket.next())["error"]["code"] == 1
        await socket.say({"channel": "spot.trades", "event": "shout"})
        assert "unknown event" in (await socket.next())["error"]["message"]
        await socket.say({"channel": "spot.trades", "event": "subscribe", "payload": [[5]]})
        assert "list of texts" in (await socket.next())["error"]["message"]


async def test_there_is_one_socket_path() -> None:
    async with serving() as site:
        with pytest.raises(WSServerHandshakeError, match="404"):
            async with site.socket("/ws/v3/"):
                pass
        site.world.exchange.disconnect(site.clock() + 1_000_000)
        with pytest.raises(WSServerHandshakeError, match="503"):
            async with site.socket():
                pass


def apply(book: dict[str, str], rows: list[list[str]]) -> None:
    for price, quantity in rows:
        book.pop(price, None)
        if quantity != "0":
            book[price] = quantity


async def test_books_continue() -> None:
    """Both channels agree with REST, each update begins where the one before it ended."""
    async with serving() as site, site.socket() as old, site.socket() as new:
        await old.subscribe("spot.order_book_update", "BTC_USDT", "100ms")
        await new.subscribe("spot.obu", "ob.BTC_USDT.50")
        snapshot = (await site.ask("GET", "spot/order_book", "currency_pair=BTC_USDT&with_id=true&limit=100")).body
        full = (await new.next())["result"]
        assert (full["full"], full["u"]) == (True, snapshot["id"])
        books = [{"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}, {"b": {}, "a": {}}]
        for side in ("b", "a"):
            apply(books[1][side], full[side])
        last = [snapshot["id"], full["u"]]
        for price in ("95", "96", "97"):
            await site.order("buy", "1", price)
            site.pass_time(100_000)
            for number, socket in enumerate((old, new)):
                update = (await socket.next())["result"]
                assert update["U"] == last[number] + 1
                last[number] = update["u"]
                for side in ("b", "a"):
                    apply(books[number][side], update[side])
        await site.signed("DELETE", "spot/orders", "currency_pair=BTC_USDT")
        site.pass_time(100_000)
        for number, socket in enumerate((old, new)):
            update = (await socket.next())["result"]
            apply(books[number]["b"], update["b"])
        assert books[0] == books[1] == {"b": {"99": "1"}, "a": {"101": "1"}}


async def test_public_channels() -> None:
    async with serving() as site, site.socket() as socket:
        subscriptions = [
            ("spot.trades", "BTC_USDT"),
            ("spot.book_ticker", "BTC_USDT"),
            ("spot.tickers", "BTC_USDT"),
            ("spot.candlesticks", "1m", "BTC_USDT"),
        ]
        for channel, *payload in subscriptions:
            assert (await socket.subscribe(channel, *payload))["result"] == {"status": "success"}
        await site.order("buy", "1", "101")
        found: dict[str, Any] = {}
        site.pass_time(1_000_000)
        for _ in range(4):
            event = await socket.next()
            found[event["channel"]] = event["result"]
        assert (found["spot.trades"]["price"], found["spot.trades"]["amount"]) == ("101", "1")
        assert (found["spot.book_ticker"]["b"], found["spot.book_ticker"]["a"]) == ("99", "")
        assert found["spot.tickers"]["last"] == "101"
        assert (found["spot.candlesticks"]["c"], found["spot.candlesticks"]["w"]) == ("101", False)
        await socket.subscribe("spot.trades", "BTC_USDT", event="unsubscribe")
        await site.order("sell", "0.1", "99")
        assert (await socket.next())["channel"] == "spot.book_ticker"


async def heard(socket: Socket, count: int) -> list[tuple[str, str]]:
    """(channel, what happened) of the next events."""
    found = []
    for _ in range(count):
        event = await socket.next()
        (row,) = event["result"]
        found.append((event["channel"], row.get("event") or row.get("currency") or row["role"]))
    return found


async def test_private_channels() -> None:
    async with serving() as site, site.socket() as socket:
        for channel in ("spot.orders", "spot.usertrades", "spot.balances"):
            assert (await socket.subscribe(channel, "!all", by="alice"))["result"] == {"status": "success"}
        await site.order("buy", "2", "101", by="alice")
        assert await heard(socket, 5) == [
            ("spot.orders", "put"),
            ("spot.usertrades", "taker"),
            ("spot.orders", "update"),
            ("spot.balances", "USDT"),
            ("spot.balances", "BTC"),
        ]
        await site.order("sell", "1", "120", by="bob")
        number = (await site.signed("GET", "spot/open_orders")).body[0]["orders"][0]["id"]
        await site.signed("DELETE", f"spot/orders/{number}", "currency_pair=BTC_USDT")
        event = await socket.next()
        while event["channel"] != "spot.orders":
            event = await socket.next()
        (row,) = event["result"]
        assert (row["event"], row["finish_as"], row["left"]) == ("finish", "cancelled", "1")
        assert "status" not in row


async def test_orders_by_socket() -> None:
    async with serving() as site, site.socket() as socket:
        order = {"currency_pair": "BTC_USDT", "side": "buy", "amount": "1", "price": "90", "text": "t-x"}
        (refused,) = await socket.call("spot.order_place", **order)
        assert (refused["header"]["status"], refused["data"]["errs"]["label"]) == ("401", "AUTHENTICATION_FAILED")
        (login,) = await socket.call("spot.login")
        assert login["data"]["result"]["uid"] == "1"
        ack, placed = await socket.call("spot.order_place", **order)
        assert (ack["ack"], placed["ack"], placed["data"]["result"]["status"]) == (True, False, "open")
        assert ack["data"]["result"] == {"req_id": "r", "req_header": None, "req_param": order}
        assert placed["header"]["x_gate_ratelimit_requests_remain"] == 9
        named = {"order_id": placed["data"]["result"]["id"], "currency_pair": "BTC_USDT"}
        _, found = await socket.call("spot.order_status", **named)
        assert found["data"]["result"]["text"] == "t-x"
        _, listed = await socket.call("spot.order_list", currency_pair="BTC_USDT", status="open")
        assert [row["id"] for row in listed["data"]["result"]] == [named["order_id"]]
        _, amended = await socket.call("spot.order_amend", **named, price="91")
        assert amended["data"]["result"]["price"] == "91"
        _, gone = await socket.call("spot.order_cancel", **named)
        assert gone["data"]["result"]["status"] == "cancelled"
        _, none = await socket.call("spot.order_cancel_cp", currency_pair="BTC_USDT")
        assert none["data"]["result"] == []
        late = {"x-gate-exptime": str(site.clock() // 1_000 - 1)}
        (expired,) = await socket.call("spot.order_place", header=late, **order)
        assert expired["data"]["errs"]["label"] == "REQUEST_EXPIRED"
        (unknown,) = await socket.call("spot.order_fly")
        assert unknown["data"]["errs"]["label"] == "INVALID_REQUEST_BODY"


async def test_answers_by_socket_get_lost_alone() -> None:
    order = {"currency_pair": "BTC_USDT", "side": "buy", "amount": "1", "price": "90"}
    async with serving() as site, site.socket() as socket:
        await socket.call("spot.login")
        await socket.subscribe("spot.orders", "!all", by="alice")
        site.world.wire.arm(Fault(FaultKind.REPLACE, "/ws/v4/ spot.order_place", body='{"garbled":1}'))
        assert (await socket.call("spot.order_place", **order)) == [{"garbled": 1}]
        assert (await socket.next())["result"][0]["event"] == "put"
        site.world.wire.arm(Fault(FaultKind.TWICE, "spot.order_cancel_cp"))
        (news,) = await socket.call("spot.order_cancel_cp", currency_pair="BTC_USDT")
        assert news["result"][0]["finish_as"] == "cancelled"
        _, second = [await socket.next() for _ in range(2)]
        assert second["data"]["result"] == []


async def test_old_orders_are_forgotten() -> None:
    async with serving() as site:
        site.world.entries = Entries(kept=4)
        ended = [(await site.order("buy", "1", "101", time_in_force="ioc")).body["id"] for _ in range(2)]
        await site.order("buy", "1", "90")
        for _ in range(2):
            await site.order("buy", "1", "95", time_in_force="ioc")
        assert (await site.signed("GET", f"spot/orders/{ended[0]}", "currency_pair=BTC_USDT")).status == 404
        assert len((await site.signed("GET", "spot/open_orders")).body) == 1
