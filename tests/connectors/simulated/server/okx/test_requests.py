"""The served exchange in OKX's words: who may ask, what is refused with which code, pages, pushes, and garbage."""

import json
from random import Random
from typing import Any

import pytest

from connectors.simulated.server.faults import Fault, FaultKind
from connectors.simulated.server.okx.entries import Entries
from connectors.simulated.server.okx.world import OkxLimits
from tests.connectors.simulated.server.okx.venues import serving
from tests.connectors.simulated.server.venues import BTC, START_US, key_of, with_perpetual

OLD = "2023-11-14T22:12:00.000Z"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"OK-ACCESS-KEY": ""}, 401, "50103"),
        ({"OK-ACCESS-KEY": "stranger"}, 401, "50111"),
        ({"OK-ACCESS-TIMESTAMP": "yesterday"}, 401, "50112"),
        ({"OK-ACCESS-TIMESTAMP": OLD}, 401, "50102"),
        ({"OK-ACCESS-PASSPHRASE": "wrong"}, 401, "50105"),
        ({"OK-ACCESS-SIGN": "wrong"}, 401, "50113"),
    ],
)
async def test_who_may_not_ask(headers: dict[str, str], status: int, code: str) -> None:
    async with serving() as site:
        found, answer = await site.signed("GET", "account/balance", **headers)
        assert (found, answer["code"], answer["data"]) == (status, code, [])


async def test_a_revoked_key_is_unknown() -> None:
    async with serving() as site:
        assert await site.rows("account/config")
        site.world.keys.revoke(key_of("alice"))
        assert (await site.signed("GET", "account/balance"))[1]["code"] == "50111"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"instId": "XYZ-USDT"}, "51001"),
        ({"instId": ""}, "50014"),
        ({"side": "hold"}, "51000"),
        ({"side": ""}, "50014"),
        ({"ordType": "trigger"}, "51000"),
        ({"tdMode": "cross"}, "51000"),
        ({"clOrdId": "with space"}, "51000"),
        ({"tag": "a" * 17}, "51000"),
        ({"sz": ""}, "50014"),
        ({"px": ""}, "50014"),
        ({"px": "95.005"}, "51000"),
        ({"px": "0"}, "51000"),
        ({"px": "1e2"}, "51000"),
        ({"px": ["95"]}, "51000"),
        ({"sz": "0.0005"}, "51121"),
        ({"sz": "0"}, "51020"),
        ({"sz": "2000"}, "51008"),
        ({"sz": "0.01"}, "51000"),  # worth less than the market wants
    ],
)
async def test_orders_that_are_refused(changes: dict[str, Any], code: str) -> None:
    async with serving() as site:
        body = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "95", "sz": "1"}
        _, answer = await site.signed("POST", "trade/order", body | changes)
        assert (answer["code"], answer["data"][0]["sCode"], answer["data"][0]["ordId"]) == ("1", code, "")
        assert await site.rows("trade/orders-pending") == []


async def test_a_name_is_free_again_when_its_order_has_ended() -> None:
    async with serving() as site:
        first = await site.order("buy", "1", "95", clOrdId="mine")
        assert (await site.order("buy", "1", "94", clOrdId="mine"))["sCode"] == "51016"
        await site.signed("POST", "trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": "mine"})
        second = await site.order("buy", "1", "94", clOrdId="mine")
        (found,) = await site.rows("trade/order?instId=BTC-USDT&clOrdId=mine")
        assert (found["ordId"], found["state"]) == (second["ordId"], "live")
        (old,) = await site.rows(f"trade/order?instId=BTC-USDT&ordId={first['ordId']}")
        assert (old["clOrdId"], old["state"], old["cancelSource"]) == ("mine", "canceled", "1")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("cancel-order", {"ordId": "99"}, "51400"),
        ("cancel-order", {"clOrdId": "nobody"}, "51400"),
        ("cancel-order", {}, "50014"),
        ("amend-order", {"ordId": "99", "newSz": "1"}, "51503"),
        ("cancel-order", {"ordId": "FILLED"}, "51400"),
        ("amend-order", {"ordId": "FILLED", "newSz": "3"}, "51503"),
        ("amend-order", {"ordId": "LIVE"}, "50014"),
        ("amend-order", {"ordId": "LIVE", "newPx": "0.001"}, "51000"),
        ("amend-order", {"ordId": "LIVE", "newSz": "5000"}, "51008"),
    ],
)
async def test_changes_that_are_refused(path: str, body: dict[str, str], code: str) -> None:
    async with serving() as site:
        ids = {
            "FILLED": (await site.order("buy", "0.5"))["ordId"],
            "LIVE": (await site.order("buy", "1", "95"))["ordId"],
        }
        named = {name: ids.get(value, value) for name, value in body.items()}
        _, answer = await site.signed("POST", f"trade/{path}", {"instId": "BTC-USDT"} | named)
        assert (answer["code"], answer["data"][0]["sCode"]) == ("1", code)


async def test_orders_of_others_are_not_there() -> None:
    async with serving() as site:
        order = await site.order("buy", "1", "95")
        _, answer = await site.signed("GET", f"trade/order?instId=BTC-USDT&ordId={order['ordId']}", by="bob")
        assert answer["code"] == "51603"
        _, answer = await site.signed("GET", f"trade/order?instId=ETH-USDT&ordId={order['ordId']}")
        assert answer["code"] == "51603"


async def test_requests_expire_but_cancels_do_not() -> None:
    async with serving() as site:
        order = await site.order("buy", "1", "95")
        late = {"expTime": str(START_US // 1_000 - 1)}
        for path, more in (("order", {}), ("amend-order", {"ordId": order["ordId"], "newSz": "2"})):
            body = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "sz": "1", "ordType": "limit", "px": "94"}
            _, answer = await site.signed("POST", f"trade/{path}", body | more, **late)
            assert answer["data"][0]["sCode"] == "51149"
        _, answer = await site.signed(
            "POST", "trade/cancel-order", {"instId": "BTC-USDT", "ordId": order["ordId"]}, **late
        )
        assert answer["code"] == "0"
        assert await site.rows("trade/orders-pending") == []


async def test_batches() -> None:
    async with serving() as site:
        body = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "95"}
        _, answer = await site.signed("POST", "trade/batch-orders", [body | {"sz": "1"}, body | {"sz": "0.0001"}])
        assert (answer["code"], [row["sCode"] for row in answer["data"]]) == ("2", ["0", "51121"])
        for orders in ([], [body] * 21):
            _, answer = await site.signed("POST", "trade/batch-orders", orders)
            assert answer["code"] == "51000"


async def test_limits_are_of_a_kind_and_a_market() -> None:
    async with serving(OkxLimits(orders_2s=2, batches_2s=3, account_2s=4)) as site:
        codes = [(await site.order("buy", "0.1", "95"))["sCode"] for _ in range(3)]
        assert codes == ["0", "0", "50011"]
        assert (await site.order("buy", "1", "95", instId="ETH-USDT"))["sCode"] == "0"
        body = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "95", "sz": "0.1"}
        _, answer = await site.signed("POST", "trade/batch-orders", [body] * 4)
        assert [row["sCode"] for row in answer["data"]] == ["0", "50061", "50061", "50011"]
        site.pass_time(2_000_000)
        assert (await site.order("buy", "0.1", "95"))["sCode"] == "0"


async def test_pages_go_from_the_newest_back() -> None:
    async with serving() as site:
        ids = [(await site.order("buy", "0.1", "95"))["ordId"] for _ in range(5)]
        newest = [row["ordId"] for row in await site.rows("trade/orders-pending?limit=2")]
        assert newest == [ids[4], ids[3]]
        older = await site.rows(f"trade/orders-pending?limit=2&after={ids[3]}")
        assert [row["ordId"] for row in older] == [ids[2], ids[1]]
        assert [row["ordId"] for row in await site.rows(f"trade/orders-pending?before={ids[3]}")] == [ids[4]]
        assert await site.rows("trade/orders-pending?instId=ETH-USDT") == []
        assert await site.rows("trade/orders-pending?ordType=market,ioc") == []
        _, answer = await site.signed("GET", "trade/orders-pending?after=x")
        assert answer["code"] == "51000"
        for _ in range(3):
            await site.order("buy", "0.1")
            site.pass_time(1_000_000)
        fills = await site.rows("trade/fills")
        assert [row["billId"] for row in fills] == ["3", "2", "1"]
        assert [row["billId"] for row in await site.rows("trade/fills?after=3&limit=1")] == ["2"]
        begin = START_US // 1_000 + 1_000
        assert [row["billId"] for row in await site.rows(f"trade/fills-history?begin={begin}")] == ["3", "2"]
        assert [row["billId"] for row in await site.rows(f"trade/fills?end={begin - 1}")] == ["1"]
        assert len(await site.rows("trade/orders-history?instType=SPOT&state=filled")) == 3
        assert await site.rows("trade/orders-history?state=canceled") == []


async def test_questions_about_the_market() -> None:
    async with serving() as site:
        site.pass_time(60_000_000)
        _, answer = await site.ask("GET", "market/candles?instId=BTC-USDT&bar=1m")
        assert [row[-1] for row in answer["data"]] == ["0", "1"]
        before = answer["data"][1][0]
        _, answer = await site.ask("GET", f"market/candles?instId=BTC-USDT&before={before}")
        assert len(answer["data"]) == 1
        for target, code in (
            ("market/candles?instId=BTC-USDT&bar=7m", "51000"),
            ("market/ticker?instId=XYZ-USDT", "51001"),
            ("market/books", "50014"),
            ("public/nothing", "404"),
        ):
            _, answer = await site.ask("GET", target)
            assert answer["code"] == code
        for target in ("public/instruments?instType=SWAP", "market/tickers?instType=SWAP", "public/funding-rate"):
            assert (await site.ask("GET", target))[1]["data"] == []
        _, answer = await site.ask("GET", "public/instruments?instType=SPOT&instId=ETH-USDT")
        assert [row["instId"] for row in answer["data"]] == ["ETH-USDT"]
        site.world.exchange.halt(BTC)
        _, answer = await site.ask("GET", "public/instruments?instType=SPOT&instId=BTC-USDT")
        assert answer["data"][0]["state"] == "suspend"
        assert (await site.order("buy", "1", "95"))["sCode"] == "51022"


async def test_questions_about_the_account() -> None:
    async with serving() as site:
        (account,) = await site.rows("account/balance?ccy=BTC")
        assert [(row["ccy"], row["cashBal"]) for row in account["details"]] == [("BTC", "100")]
        (fees,) = await site.rows("account/trade-fee?instType=SPOT")
        assert (fees["maker"], fees["taker"]) == ("-0.001", "-0.001")
        assert {row["ccy"] for row in await site.rows("asset/currencies")} == {"BTC", "ETH", "USDT"}
        assert await site.rows("account/positions") == []
        _, answer = await site.signed("POST", "trade/cancel-all-after", {"timeOut": "5"})
        assert answer["code"] == "51000"
        for body in ("{", "[1]", '"text"'):
            _, answer = await site.signed("POST", "trade/order", body)
            assert answer["code"] == "50002"


# ---- sockets


async def test_a_book_names_the_update_before_and_shows_that_it_lives() -> None:
    async with serving() as site, site.socket("public") as socket:
        arg = {"channel": "books", "instId": "BTC-USDT"}
        assert (await socket.ask("subscribe", arg))["event"] == "subscribe"
        snapshot = await socket.next()
        assert (snapshot["action"], snapshot["data"][0]["prevSeqId"]) == ("snapshot", -1)
        await site.order("buy", "1", "95")
        site.pass_time(100_000)
        update = (await socket.next())["data"][0]
        assert (update["bids"], update["asks"]) == ([["95", "1", "0", "1"]], [])
        assert update["prevSeqId"] == snapshot["data"][0]["seqId"]
        site.pass_time(60_000_000)
        alive = (await socket.next())["data"][0]
        assert (alive["bids"], alive["seqId"], alive["prevSeqId"]) == ([], update["seqId"], update["seqId"])
        assert (await socket.ask("unsubscribe", arg))["event"] == "unsubscribe"
        assert not site.world.hub.wants("books BTC-USDT")


async def test_small_books_and_candles() -> None:
    async with serving() as site, site.socket("public") as public, site.socket("business") as business:
        for channel in ("books5", "bbo-tbt"):
            await public.ask("subscribe", {"channel": channel, "instId": "BTC-USDT"})
            assert (await public.next())["data"][0]["bids"][0] == ["99", "1", "0", "1"]
        await business.ask("subscribe", {"channel": "candle1m", "instId": "BTC-USDT"})
        await site.order("buy", "1", "100")
        told = await public.next()
        assert (told["arg"]["channel"], told["data"][0]["bids"][0][:2]) == ("bbo-tbt", ["100", "1"])
        site.pass_time(1_000_000)
        assert (await public.next())["arg"]["channel"] == "books5"
        assert (await business.next())["data"][0][-1] == "0"


async def test_private_channels() -> None:
    async with serving() as site, site.socket("private", "alice") as socket:
        for channel in ("orders", "account", "positions"):
            assert (await socket.ask("subscribe", {"channel": channel, "instType": "ANY"}))["event"] == "subscribe"
            if channel == "account":
                assert len((await socket.next())["data"][0]["details"]) == 2
            if channel == "positions":
                assert (await socket.next())["data"] == []
        await site.order("buy", "1", "95", by="bob")
        order = await site.order("buy", "0.5", clOrdId="mine")
        told = [await socket.next() for _ in range(3)]
        assert [each["arg"]["channel"] for each in told] == ["orders", "orders", "account"]
        states = [each["data"][0] for each in told[:2]]
        assert [(each["state"], each["fillSz"], each["fillFee"]) for each in states] == [
            ("live", "0", "0"),
            ("filled", "0.5", "-0.0005"),
        ]
        assert {each["ordId"] for each in states} == {order["ordId"]}
        assert (await socket.ask("unsubscribe", {"channel": "orders", "instType": "ANY"}))["event"] == "unsubscribe"
        await site.order("buy", "1", "95")
        assert (await socket.next())["arg"]["channel"] == "account"


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("public", "hello", "60012"),
        ("public", "[]", "60012"),
        ("public", '{"op":"subscribe"}', "60012"),
        ("public", '{"op":"subscribe","args":[]}', "60012"),
        ("public", '{"op":"order","args":[{}]}', "60012"),
        ("public", '{"op":"subscribe","args":[{"channel":"orders"}]}', "60018"),
        ("public", '{"op":"subscribe","args":[{"channel":"books","instId":"X"}]}', "51001"),
        ("private", '{"op":"subscribe","args":[{"channel":"orders"}]}', "60011"),
        ("private", '{"op":"order","id":"7","args":[{}]}', "60011"),
        ("private", '{"op":"login","args":[{"apiKey":"x"}]}', "60009"),
        ("private", '{"op":"login","args":[{"apiKey":"alicekey00000000","timestamp":"1700000005"}]}', "60009"),
    ],
)
async def test_frames_that_are_refused(kind: str, text: str, code: str) -> None:
    async with serving() as site, site.socket(kind) as socket:
        answer = json.loads(await socket.say(text))
        assert (answer["event"], answer["code"]) == ("error", code)
        assert answer.get("id") == ("7" if '"7"' in text else None)
        assert await socket.say("ping") == "pong"


async def test_answers_on_a_socket_get_lost_alone() -> None:
    """News of the order come on the same connection, before a late answer and without a lost one."""
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "95", "sz": "1"}
    async with serving() as site, site.socket("private", "alice") as socket:
        await socket.ask("subscribe", {"channel": "orders", "instType": "SPOT"})
        site.world.wire.arm(Fault(FaultKind.DELAY, "private order", count=1, seconds=0.01))
        told = await socket.ask("order", order, id="1")
        assert told["arg"]["channel"] == "orders"
        answer = await socket.next()
        assert (answer["id"], answer["code"], answer["msg"], answer["data"][0]["sCode"]) == ("1", "0", "", "0")
        site.world.wire.arm(Fault(FaultKind.REPLACE, "private cancel-order"))
        told = await socket.ask("cancel-order", {"instId": "BTC-USDT", "ordId": answer["data"][0]["ordId"]}, id="2")
        assert (told["arg"]["channel"], told["data"][0]["state"]) == ("orders", "canceled")


async def test_orders_by_socket() -> None:
    """They expire and are limited as over REST; what was wrong with a request is told in its answer."""
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "95", "sz": "0.1"}
    async with serving(OkxLimits(orders_2s=2)) as site, site.socket("private", "alice") as socket:
        late = await socket.ask("order", order, id="1", expTime=str(START_US // 1_000 - 1))
        assert (late["code"], late["msg"], late["data"][0]["sCode"]) == ("1", "", "51149")
        assert (await site.order("buy", "0.1", "95"))["sCode"] == "0"
        assert (await socket.ask("order", order, id="2"))["code"] == "0"
        assert (await socket.ask("order", order, id="3"))["data"][0]["sCode"] == "50011"
        both = await socket.ask("batch-orders", order, order | {"sz": "0"}, id="4")
        assert (both["code"], [row["sCode"] for row in both["data"]]) == ("2", ["0", "51020"])
        many = await socket.ask("batch-orders", *[order] * 21, id="5")
        assert (many["id"], many["op"], many["code"], many["data"]) == ("5", "batch-orders", "51000", [])


async def test_other_paths_are_no_sockets() -> None:
    async with serving() as site:
        for path in ("/ws/v5/secret", "/public"):
            async with site.session.get(f"{site.base}{path}", headers={"Upgrade": "websocket"}) as answer:
                assert answer.status == 404
        site.world.exchange.disconnect(site.clock() + 1_000_000)
        async with site.session.get(f"{site.base}/ws/v5/public", headers={"Upgrade": "websocket"}) as answer:
            assert answer.status == 503


async def test_the_end_is_announced() -> None:
    async with serving() as site, site.socket("public") as socket:
        assert await socket.say("ping") == "pong"
        site.server._door.shut_down()
        notice = await socket.next()
        assert (notice["event"], notice["code"]) == ("notice", "64008")


async def test_old_orders_are_forgotten() -> None:
    async with serving() as site:
        entries = site.world.entries = Entries(kept=4)
        live = await site.order("buy", "0.1", "95", clOrdId="keep")
        for number in range(5):
            await site.order("buy", "0.1", clOrdId=f"gone{number}")
        names = [each.name for each in reversed(list(entries.of_account(1)))]
        assert names[0] == "keep"
        assert len(names) < 6
        assert entries.find(1, "BTC-USDT", "", "gone0") is None
        assert entries.of(live["ordId"]) is not None


async def test_garbage_gets_documented_errors_only() -> None:
    """Mutated requests: a code of ours, never a broken server; the books stay whole."""
    chance = Random("garbage for OKX")
    body = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "95", "sz": "1"}
    values: list[Any] = ["", "x", "-1", "0", "1e9", "9" * 30, None, True, [], {}, 5, 1.5, "BTC-USDT", "\u0000"]
    swap = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "10000000", "lever": "5", "mgnMode": "cross"}
    async with serving(OkxLimits(100_000, 100_000, 100_000), with_perpetual) as site:
        for _ in range(300):
            changed: dict[str, Any] = (
                body
                | chance.choice([{}, swap])
                | {chance.choice([*body, "clOrdId", "newSz", "ordId"]): chance.choice(values)}
            )
            paths = ["order", "cancel-order", "amend-order", "batch-orders", "cancel-all-after"]
            path = chance.choice([*(f"trade/{name}" for name in paths), "account/set-leverage"])
            status, answer = await site.signed("POST", path, changed)
            assert (status in (200, 400), answer["code"] != "") == (True, True)
        targets = ("trade/fills", "trade/orders-pending", "market/candles", "market/books", "account/balance")
        for _ in range(300):
            name, value = (
                chance.choice(["limit", "after", "instId", "begin", "bar", "sz"]),
                chance.choice(["", "x", "-1", "0"]),
            )
            status, answer = await site.signed("GET", f"{chance.choice(targets)}?instId=BTC-USDT&{name}={value}")
            assert status in (200, 400)
        async with site.socket("public") as socket:
            for _ in range(100):
                text = json.dumps({"op": "subscribe", "args": [{"channel": chance.choice(values)}]})
                damaged = bytearray(text.encode())
                damaged[chance.randrange(len(damaged))] = chance.randrange(32, 127)
                assert json.loads(await socket.say(damaged.decode()))["event"] == "error"
        assert (await site.order("buy", "0.1"))["sCode"] == "0"
