"""The streams of the futures protocol: books that are chained, marks, and what happens to an account."""

from decimal import Decimal
from typing import Any

from connectors.simulated.server.values import FAST_US, HOUR_US, SECOND_US
from tests.connectors.simulated.server.usdm.venues import serving
from tests.connectors.simulated.server.venues import Socket

D = Decimal


async def heard(socket: Socket, count: int) -> list[Any]:
    return [await socket.next() for _ in range(count)]


async def test_books_are_chained_from_the_snapshot_on() -> None:
    async with (
        serving() as site,
        site.socket("/public/ws/btcusdt@depth@100ms/btcusdt@depth5/btcusdt@bookTicker") as socket,
    ):
        snapshot = await site.get("v1/depth", symbol="BTCUSDT", limit=1000)
        last = snapshot["lastUpdateId"]
        assert snapshot["bids"] == [["99.00000000", "10.00000000"]]
        for price in (98, 100):
            await site.order("BUY", 1, price)
            site.pass_time(FAST_US)
        events = await heard(socket, 5)
        diffs = [each for each in events if each["e"] == "depthUpdate" and len(each["a"]) == 0]
        assert [each["U"] for each in diffs] == [last + 1, last + 2]
        assert [each["pu"] for each in diffs] == [last, last + 1]
        assert diffs[0]["b"] == [["98.00000000", "1.00000000"]]
        (whole,) = [each for each in events if each["e"] == "depthUpdate" and len(each["b"]) == 3]
        assert whole["b"][0] == ["100.00000000", "1.00000000"]
        (best,) = [each for each in events if each["e"] == "bookTicker"]
        assert (best["b"], best["a"], best["u"]) == ("100.00000000", "101.00000000", last + 2)


async def test_each_kind_of_address_has_its_streams() -> None:
    names = "btcusdt@depth/btcusdt@aggTrade/btcusdt@trade/btcusdt@markPrice@1s/btcusdt@kline_1m/!markPrice@arr@1s"
    kinds = {"/public/ws/": {"depthUpdate", "trade"}, "/stream?streams=": {"depthUpdate", "trade"}}
    kinds |= {"/market/stream?streams=": {"aggTrade", "markPriceUpdate", "kline"}}
    for path, expected in kinds.items():
        async with serving() as site, site.socket(path + names) as socket:
            await site.order("BUY", 1)
            site.pass_time(SECOND_US)
            site.pass_time(SECOND_US)
            assert (await socket.request({"id": 5, "method": "LIST_SUBSCRIPTIONS"}))["result"] == names.split("/")
            events = [each.get("data", each) for each in socket.heard]
            assert {(each[0] if isinstance(each, list) else each)["e"] for each in events} == expected


async def test_marks() -> None:
    async with serving() as site, site.socket("/market/ws/btcusdt@markPrice@1s") as socket:
        site.move(109, 111)
        site.pass_time(SECOND_US)
        event = await socket.next()
        assert (event["e"], event["p"], event["i"], event["r"]) == (
            "markPriceUpdate", "110.00000000", "110.00000000", "0.00001250",
        )  # fmt: skip
        assert event["T"] == (await site.get("v1/premiumIndex", symbol="BTCUSDT"))["nextFundingTime"]


async def test_what_an_order_does_to_its_account() -> None:
    async with serving() as site, site.private() as socket:
        placed = (await site.order("BUY", 2, 98, newClientOrderId="mine")).body
        new = await socket.next()
        assert (new["e"], new["o"]["x"], new["o"]["X"], new["o"]["c"]) == ("ORDER_TRADE_UPDATE", "NEW", "NEW", "mine")
        await site.signed(
            "PUT", "v1/order", symbol="BTCUSDT", orderId=placed["orderId"], side="BUY", quantity=2, price=100
        )
        assert (await socket.next())["o"]["x"] == "AMENDMENT"
        await site.order("SELL", 1, 100, by="bob")
        account, lite, trade = await heard(socket, 3)
        assert (account["e"], account["a"]["m"]) == ("ACCOUNT_UPDATE", "ORDER")
        assert account["a"]["B"] == [{"a": "USDT", "wb": "99999.98000000", "cw": "99999.98000000", "bc": "0.00000000"}]
        (held,) = account["a"]["P"]
        assert (held["s"], held["pa"], held["ep"], held["mt"]) == ("BTCUSDT", "1.00000000", "100.00000000", "cross")
        assert (lite["e"], lite["t"], lite["L"]) == ("TRADE_LITE", trade["o"]["t"], "100.00000000")
        assert (trade["o"]["x"], trade["o"]["X"], trade["o"]["m"]) == ("TRADE", "PARTIALLY_FILLED", True)
        assert (trade["o"]["n"], trade["o"]["N"], trade["o"]["rp"]) == ("0.02000000", "USDT", "0.00000000")
        await site.signed("DELETE", "v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
        gone = await socket.next()
        assert (gone["o"]["x"], gone["o"]["X"], gone["o"]["z"]) == ("CANCELED", "CANCELED", "1.00000000")
        await site.order("SELL", 1)
        closed = (await heard(socket, 4))[-1]
        assert (closed["o"]["rp"], closed["o"]["X"]) == ("-1.00000000", "FILLED")
        await site.signed("POST", "v1/leverage", symbol="BTCUSDT", leverage=7)
        assert (await socket.next())["ac"] == {"s": "BTCUSDT", "l": 7}


async def test_funding_comes_without_a_market() -> None:
    async with serving() as site:
        await site.order("BUY", 10)
        async with site.private() as socket:
            site.pass_time(HOUR_US)
            event = await socket.next()
            assert (event["a"]["m"], event["a"]["P"]) == ("FUNDING_FEE", [])
            assert event["a"]["B"][0]["bc"] == "-0.01250000"


async def test_a_liquidation_is_told_to_its_account_and_to_everybody() -> None:
    """9,000 bought at 100 with 100,000: at a mark of 89.5 they cannot be kept, and 89 is better than bankruptcy."""
    async with serving() as site:
        site.move(99, 100)
        await site.order("BUY", 9_000)
        async with site.private() as socket, site.socket("/market/ws/!forceOrder@arr") as public:
            site.move(89, 90, 89)
            account, new, lite, trade = await heard(socket, 4)
            order = trade["o"]
            assert (account["a"]["P"][0]["pa"], new["o"]["x"], lite["e"]) == ("0.00000000", "NEW", "TRADE_LITE")
            assert (order["o"], order["x"], order["X"], order["S"]) == ("LIQUIDATION", "CALCULATED", "FILLED", "SELL")
            assert (order["c"], order["q"], order["L"]) == (f"autoclose-{order['i']}", "9000.00000000", "89.00000000")
            told = (await public.next())["o"]
            assert (told["s"], told["S"], told["X"], told["q"]) == ("BTCUSDT", "SELL", "FILLED", order["q"])
        (row,) = await site.tell("v1/userTrades", symbol="BTCUSDT", orderId=order["i"])
        assert row["realizedPnl"] == order["rp"] == "-99000.00000000"
        assert (await site.tell("v1/order", symbol="BTCUSDT", orderId=order["i"]))["clientOrderId"] == order["c"]
        assert await site.tell("v3/positionRisk") == []
        left = D((await site.tell("v3/balance"))[0]["balance"])
        assert left == 100_000 - 450 - 99_000 - D(order["n"]) >= 0


async def test_a_listen_key_ends() -> None:
    async with serving() as site:
        assert (await site.keyed("PUT", "v1/listenKey")).error[1] == -1125
        key = (await site.keyed("POST", "v1/listenKey")).body["listenKey"]
        assert (await site.keyed("POST", "v1/listenKey")).body["listenKey"] == key
        async with site.socket(f"/private/stream?streams={key}") as socket:
            site.pass_time(HOUR_US - SECOND_US)
            assert (await site.keyed("PUT", "v1/listenKey")).body == {"listenKey": key}
            site.pass_time(HOUR_US - SECOND_US)
            site.pass_time(SECOND_US)
            event = await socket.next()
            assert (event["stream"], event["data"]["e"], event["data"]["listenKey"]) == (key, "listenKeyExpired", key)
            assert not site.world.users.is_watched(1)
        other = (await site.keyed("POST", "v1/listenKey")).body["listenKey"]
        assert other != key
        await site.keyed("DELETE", "v1/listenKey")
        assert (await site.keyed("PUT", "v1/listenKey")).error[1] == -1125
        async with site.socket(f"/private/ws?listenKey={other}"):
            assert not site.world.users.is_watched(1)
