"""Market streams: their contents, the rules of the book's update ids, subscriptions, limits."""

import asyncio
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from connectors.simulated.server.limits import Limits
from engine.model.enums import Side
from tests.connectors.simulated.server.test_documented_shapes import compare, documented
from tests.connectors.simulated.server.venues import START_US, Site, Socket, serving

NOW = START_US // 1000
PATHS = [
    "/ws",
    "/ws/0",
    "/stream",
    "/stream/3",
    "/ws/stream/1",
    "/stream/ws/1",
    "/ws/btcusdt@trade",
    "/stream?streams=btcusdt@trade",
]


@pytest.mark.parametrize("path", PATHS)
async def test_paths(path: str) -> None:
    """Every path is good for a trade; combined ones wrap it."""
    async with serving() as site, site.socket(path) as socket:
        if "trade" not in path:
            answer = await socket.request({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
            assert answer == {"result": None, "id": 1}
        else:
            await socket.request({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        site.engine.take(Side.SELL, 10)
        site.server.tick()
        event = await socket.next()
        trade = {"e": "trade", "E": NOW, "s": "BTCUSDT", "t": 2, "p": "99.00000000", "q": "0.01000000"}
        trade |= {"T": NOW, "m": True, "M": True}
        assert event == (
            trade if path.startswith("/ws") or "/ws/" in path else {"stream": "btcusdt@trade", "data": trade}
        )


@pytest.mark.parametrize("path", ["/", "/wss", "/ws/btcusdt", "/stream/x"])
async def test_unknown_paths(path: str) -> None:
    async with serving() as site:
        with pytest.raises(WSServerHandshakeError) as error:
            async with site.socket(path):
                pass
        assert error.value.status == 404


REQUESTS: list[tuple[Any, Any]] = [
    ({"method": "LIST_SUBSCRIPTIONS", "id": "a-1"}, {"result": [], "id": "a-1"}),
    ({"method": "SUBSCRIBE", "params": ["a@trade", "b@trade"], "id": 1}, {"result": None, "id": 1}),
    ({"method": "UNSUBSCRIBE", "params": ["a@trade"], "id": 2}, {"result": None, "id": 2}),
    ({"method": "LIST_SUBSCRIPTIONS", "id": 3}, {"result": ["b@trade"], "id": 3}),
    ({"method": "GET_PROPERTY", "params": ["combined"], "id": 4}, {"result": False, "id": 4}),
    ({"method": "SET_PROPERTY", "params": ["combined", True], "id": 5}, {"result": None, "id": 5}),
    ({"method": "GET_PROPERTY", "params": ["combined"], "id": 6}, {"result": True, "id": 6}),
    ({"method": "SET_PROPERTY", "params": ["colour", 1], "id": 7}, (0, 7)),
    ({"method": "GET_PROPERTY", "params": ["colour"], "id": 7}, (0, 7)),
    ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 8}, (1, 8)),
    ({"method": "DANCE", "params": [], "id": 9}, (2, 9)),
    ({"method": "SUBSCRIBE", "params": "a@trade", "id": 10}, (2, 10)),
    ({"method": "SUBSCRIBE", "params": [], "id": 11}, (2, 11)),
    ({"method": "SUBSCRIBE", "params": [1], "id": 12}, (2, 12)),
    ({"method": "SUBSCRIBE", "params": ["c@trade", "d@trade", "e@trade"], "id": 13}, (2, 13)),
    ("not JSON", (3, None)),
    ("[]", (3, None)),
]


async def test_requests() -> None:
    async with serving(Limits(messages_1s=0, streams=3)) as site, site.socket("/ws") as socket:
        for message, expected in REQUESTS:
            answer = await socket.request(message)
            if isinstance(expected, tuple):
                assert (answer["error"]["code"], answer["id"]) == expected
            else:
                assert answer == expected
        await socket.connection.send_str('{"method": "LIST_SUBSCRIPTIONS", "id": 1.5}')
        assert (await socket.next())["error"]["code"] == 2


class LocalBook:
    """A book kept as the documentation says: snapshot, then events without a gap."""

    def __init__(self, snapshot: Any) -> None:
        self.last = snapshot["lastUpdateId"]
        self.sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}

    def apply(self, event: Any) -> None:
        if event["u"] <= self.last:
            return
        assert event["U"] <= self.last + 1 <= event["u"], (event["U"], self.last)
        self.last = event["u"]
        for name, side in self.sides.items():
            for price, quantity in event[name]:
                side[price] = quantity
                if quantity == "0.00000000":
                    del side[price]


async def move(site: Site, step: int) -> None:
    """Other people's orders come and go."""
    site.engine.set_level(Side.BUY, 9_800 - step % 5, step * 37 % 11)
    site.engine.set_level(Side.SELL, 10_200 + step % 7, step * 53 % 13)
    if step % 4 == 0:
        site.engine.set_level(Side.BUY, 9_900, 1_000 + step)


async def test_depth_events_join_without_a_gap() -> None:
    """Whoever comes when: snapshot and events give the exchange's book, at both speeds."""
    async with (
        serving() as site,
        site.socket("/ws/btcusdt@depth@100ms") as fast,
        site.socket("/ws/btcusdt@depth") as slow,
    ):
        books: list[tuple[Socket, LocalBook]] = []
        for step in range(1, 40):
            await move(site, step)
            site.pass_time(100_000)
            if step in (7, 23):
                snapshot = (await site.get("depth", symbol="BTCUSDT")).body
                books += [(fast, LocalBook(snapshot))] if step == 7 else [(slow, LocalBook(snapshot))]
        site.pass_time(1_000_000)
        truth = (await site.get("depth", symbol="BTCUSDT", limit=5000)).body
        for socket, book in books:
            previous = 0
            while book.last < truth["lastUpdateId"]:
                event = await socket.next()
                assert event["U"] <= event["u"]
                assert previous in (0, event["U"] - 1)
                previous = event["u"]
                book.apply(event)
            assert sorted(book.sides["b"].items(), reverse=True) == [tuple(row) for row in truth["bids"]]
            assert sorted(book.sides["a"].items(), key=lambda row: float(row[0])) == [
                tuple(row) for row in truth["asks"]
            ]


async def test_documented_shapes() -> None:
    """Each stream's event has the documented fields."""
    headings = {
        "btcusdt@aggTrade": "Aggregate Trade Streams",
        "btcusdt@trade": "Trade Streams",
        "btcusdt@kline_1m": "Kline/Candlestick Streams for UTC",
        "btcusdt@miniTicker": "Individual Symbol Mini Ticker Stream",
        "!miniTicker@arr": "",
        "btcusdt@bookTicker": "Individual Symbol Book Ticker Streams",
        "btcusdt@depth5": "Partial Book Depth Streams",
        "btcusdt@depth": "Diff. Depth Stream",
    }
    async with serving() as site, site.socket("/stream?streams=" + "/".join(headings)) as socket:
        await socket.request({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        site.engine.take(Side.BUY, 500)
        site.pass_time(1_000_000)
        seen = {}
        for _ in headings:
            event = await socket.next()
            seen[event["stream"]] = event["data"]
        assert seen.keys() == headings.keys()
        assert seen.pop("!miniTicker@arr") == [seen["btcusdt@miniTicker"]]
        for stream, data in seen.items():
            compare(stream, documented(headings[stream], "web-socket-streams.md"), data, set())
        (kline,) = documented(headings["btcusdt@kline_1m"], "web-socket-streams.md")
        compare("kline", [kline["k"]], seen["btcusdt@kline_1m"]["k"], set())


async def test_book_ticker_tells_changes_of_the_touch_only() -> None:
    async with serving() as site, site.socket("/ws/btcusdt@bookTicker") as socket:
        await socket.request({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        site.engine.add(Side.BUY, 9_000, 10)
        site.server.tick()
        site.engine.add(Side.BUY, 9_950, 10)
        site.server.tick()
        event = await socket.next()
        assert (event["u"], event["b"], event["B"], event["a"]) == (4, "99.50000000", "0.01000000", "101.00000000")


async def test_kline_closes() -> None:
    """Every two seconds as it is, and at the end of the minute with `x`."""
    async with serving() as site, site.socket("/ws/btcusdt@kline_1m") as socket:
        await socket.request({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        for _ in range(36):
            site.pass_time(1_000_000)
        events = [await socket.next() for _ in range(19)]
        assert [event["k"]["x"] for event in events].count(True) == 1
        closed = next(event["k"] for event in events if event["k"]["x"])
        assert (closed["t"], closed["T"], closed["n"]) == (1_699_999_980_000, 1_700_000_039_999, 1)
        assert (events[-1]["k"]["t"], events[-1]["k"]["n"]) == (1_700_000_040_000, 0)


async def test_microseconds() -> None:
    async with serving() as site, site.socket("/ws/btcusdt@trade?timeUnit=microsecond") as socket:
        await socket.request({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        site.clock.now_us += 5
        site.engine.take(Side.SELL, 10)
        site.server.tick()
        assert (await socket.next())["T"] == START_US + 5


async def test_unsubscribed_streams_are_silent() -> None:
    async with serving() as site, site.socket("/ws/btcusdt@trade/btcusdt@aggTrade") as socket:
        await socket.request({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
        site.engine.take(Side.SELL, 10)
        site.server.tick()
        assert (await socket.next())["e"] == "aggTrade"


async def test_too_many_messages() -> None:
    async with serving() as site, site.socket("/ws") as socket:
        for number in range(6):
            await socket.connection.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        frames = [await socket.connection.receive(timeout=5) for _ in range(7)]
        assert [frame.type for frame in frames] == [WSMsgType.TEXT] * 6 + [WSMsgType.CLOSE]
        assert socket.connection.close_code == 1008


async def test_pings_are_answered() -> None:
    async with serving() as site, site.session.ws_connect(f"{site.base}/ws", autoping=False) as connection:
        await connection.ping(b"12")
        frame = await connection.receive(timeout=5)
        assert (frame.type, frame.data) == (WSMsgType.PONG, b"12")


async def test_too_many_connections() -> None:
    async with serving(Limits(connections_5m=1)) as site, site.socket("/ws"):
        with pytest.raises(WSServerHandshakeError) as error:
            async with site.socket("/ws"):
                pass
        assert error.value.status == 429


async def test_shutdown() -> None:
    async with serving() as site, site.socket("/ws/!serverShutdown") as socket:
        await socket.request({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        stopping = asyncio.create_task(site.server.stop())
        assert (await socket.next())["e"] == "serverShutdown"
        assert (await socket.connection.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.connection.close_code == 1001
        await stopping


async def test_cut_streams() -> None:
    """A market may cut the streams for a while; requests are still served."""
    async with serving() as site, site.socket("/ws") as socket:
        site.world.exchange.disconnect(site.clock() + 1_000_000)
        site.server.tick()
        assert (await socket.connection.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.connection.close_code == 1012
        with pytest.raises(WSServerHandshakeError) as error:
            async with site.socket("/ws"):
                pass
        assert error.value.status == 503
        assert (await site.get("ping")).status == 200
        site.pass_time(1_000_000)
        async with site.socket("/ws") as again:
            assert (await again.request({"method": "LIST_SUBSCRIPTIONS", "id": 1}))["result"] == []
