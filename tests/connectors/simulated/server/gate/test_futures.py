"""Perpetuals in Gate's words: what is refused, funding and bookings, liquidation, and what channels tell of them."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.simulated.server.gate.world import GateLimits
from engine.model.enums import Side
from tests.connectors.simulated.server.gate.venues import Answer, Site, serving
from tests.connectors.simulated.server.venues import PERPETUAL, with_perpetual

NAME, ROOT = "BTC_USDT", "futures/usdt"
HOURS_8_US = 8 * 3_600_000_000


async def trade(site: Site, size: int, price: str = "", /, by: str = "alice", **more: Any) -> Answer:
    terms = {"price": price, "tif": "gtc"} if price else {"price": "0", "tif": "ioc"}
    body = {"contract": NAME, "size": size} | terms | more
    return await site.signed("POST", f"{ROOT}/orders", body=body, by=by)


async def rows(site: Site, path: str, query: str = "", by: str = "alice") -> Any:
    answer = await site.signed("GET", f"{ROOT}/{path}", query, by=by)
    assert answer.status == 200, answer.body
    return answer.body


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"contract": "NO_SUCH"}, "CONTRACT_NOT_FOUND"),
        ({"size": 0}, "SIZE_TOO_SMALL"),
        ({"size": "1.5"}, "INVALID_PARAM_VALUE"),
        ({"size": ""}, "MISSING_REQUIRED_PARAM"),
        ({"size": 10_000_001}, "SIZE_TOO_LARGE"),
        ({"size": 1_000_000, "price": "120"}, "INSUFFICIENT_AVAILABLE"),
        ({"price": "95.001"}, "INVALID_PARAM_VALUE"),
        ({"price": "151"}, "PRICE_TOO_DEVIATED"),
        ({"price": "0"}, "INVALID_PARAM_VALUE"),
        ({"price": "102", "tif": "poc"}, "ORDER_POC_IMMEDIATE"),
        ({"tif": "day"}, "INVALID_PARAM_VALUE"),
        ({"text": "mine"}, "INVALID_CLIENT_ORDER_ID"),
        ({"reduce_only": True}, "INCREASE_POSITION"),
        ({"reduce_only": "perhaps"}, "INVALID_PARAM_VALUE"),
        ({"close": True, "size": 0}, "POSITION_EMPTY"),
        ({"close": True}, "INVALID_PARAM_VALUE"),
    ],
)
async def test_orders_that_are_refused(changes: dict[str, Any], label: str) -> None:
    async with serving(make=with_perpetual) as site:
        assert (await trade(site, 1, "95", **changes)).body["label"] == label
        assert await rows(site, "orders", "status=open") == []


async def test_life_of_orders() -> None:
    async with serving(make=with_perpetual) as site:
        order = (await trade(site, -5, "105", text="t-mine")).body
        assert (order["size"], order["left"], order["price"], order["status"]) == (-5, -5, "105", "open")
        assert (await trade(site, -5, "106", text="t-mine")).body["label"] == "REPEATED_CREATION"
        for name in (order["id"], "t-mine"):
            assert (await rows(site, f"orders/{name}"))["id"] == order["id"]
        path = f"{ROOT}/orders/{order['id']}"
        for body, label in (
            ({}, "MISSING_REQUIRED_PARAM"),
            ({"size": 3}, "INVALID_PARAM_VALUE"),
            ({"price": "0.001"}, "INVALID_PARAM_VALUE"),
            ({"size": -99_999_999}, "SIZE_TOO_LARGE"),
            ({"price": "140", "size": -100_000}, ""),
            ({"price": "105", "size": -3}, ""),
        ):
            assert (await site.signed("PUT", path, body=body)).body.get("label", "") == label, body
        assert (await rows(site, "orders", f"contract={NAME}&status=open"))[0]["size"] == -3
        gone = (await site.signed("DELETE", path)).body
        assert (gone["status"], gone["finish_as"]) == ("finished", "cancelled")
        assert (await site.signed("DELETE", path)).body["label"] == "ORDER_FINISHED"
        assert (await site.signed("GET", f"{ROOT}/orders/t-mine")).body["label"] == "ORDER_NOT_FOUND"
        for size in (1, -1, 2):
            await trade(site, size, "95" if size > 0 else "105")
        ended = (await site.signed("DELETE", f"{ROOT}/orders", f"contract={NAME}&side=bid")).body
        assert [each["size"] for each in ended] == [2, 1]
        assert (await site.signed("DELETE", f"{ROOT}/orders", f"contract={NAME}&side=up")).status == 400
        assert [each["size"] for each in await rows(site, "orders", "status=open")] == [-1]
        assert len(await rows(site, "orders", "status=finished&limit=2&offset=1")) == 2
        assert (await site.signed("GET", f"{ROOT}/orders", "status=all")).status == 400
        for path in (f"{ROOT}/orders/1/2", f"{ROOT}/nothing", "futures/btc/contracts"):
            assert (await site.signed("GET", path)).status == 404


async def test_money() -> None:
    """Alice is long, bob short 4 contracts at 100.5: she pays a fee of 0.00201, funding of 0.0004, and loses 0.06."""
    async with serving(make=with_perpetual) as site:
        await trade(site, -4, "100.5", by="bob")
        await trade(site, 4)
        account = await rows(site, "accounts")
        assert (account["total"], account["position_margin"], account["unrealised_pnl"]) == (
            "99999.99799",
            "0.402",
            "-0.02",
        )
        site.pass_time(HOURS_8_US)
        (held,) = await rows(site, "positions", "holding=true")
        assert (held["size"], held["entry_price"], held["pnl_fund"], held["pnl_fee"]) == (
            4,
            "100.5",
            "-0.0004",
            "-0.00201",
        )
        (rate,) = (await site.ask("GET", f"{ROOT}/funding_rate", f"contract={NAME}")).body
        assert (rate["r"], rate["t"] % 28_800) == ("0.0001", 0)
        closed = (await trade(site, 0, close=True)).body
        assert (closed["size"], closed["fill_price"], closed["is_close"], closed["finish_as"]) == (
            -4,
            "99",
            True,
            "filled",
        )
        assert await rows(site, "positions", "holding=1") == []
        (flat,) = await rows(site, "positions")
        assert (flat["size"], flat["pnl_pnl"]) == (0, "-0.06")
        booked = await rows(site, "account_book")
        assert [(each["type"], each["change"]) for each in booked] == [
            ("fee", "-0.00198"),
            ("pnl", "-0.06"),
            ("fund", "-0.0004"),
            ("fee", "-0.00201"),
        ]
        (pnl,) = await rows(site, "account_book", f"type=pnl&contract={NAME}")
        assert pnl["balance"] == booked[0]["balance"] == (await rows(site, "accounts"))["total"] == "99999.93561"
        assert [each["size"] for each in await rows(site, "my_trades", f"contract={NAME}")] == [-4, 4]
        last = (await rows(site, "my_trades"))[0]["id"]
        assert [each["size"] for each in await rows(site, "my_trades", f"last_id={last}")] == [4]
        assert (await rows(site, "my_trades_timerange"))[0]["trade_id"] == str(last)
        assert (await rows(site, "fee"))[NAME] == {"maker_fee": "0.0002", "taker_fee": "0.0005"}


async def test_leverage_and_modes() -> None:
    async with serving(make=with_perpetual) as site:
        path = f"{ROOT}/positions/{NAME}/leverage"
        assert (await site.signed("GET", f"{ROOT}/positions/{NAME}")).body["label"] == "POSITION_NOT_FOUND"
        await trade(site, 1_000_000, "90")
        for query, label in (
            ("leverage=0&cross_leverage_limit=20", None),
            ("leverage=0&cross_leverage_limit=126", "LEVERAGE_TOO_HIGH"),
            ("leverage=0&cross_leverage_limit=1", "INSUFFICIENT_AVAILABLE"),
            ("leverage=0&cross_leverage_limit=0.5", "INVALID_PARAM_VALUE"),
            ("leverage=5", "INVALID_PARAM_VALUE"),
        ):
            answer = await site.signed("POST", path, query)
            assert answer.body.get("label") == label, query
        assert (await rows(site, f"positions/{NAME}"))["cross_leverage_limit"] == "20"
        assert (await trade(site, 5_000_000, "90")).body["label"] == "LEVERAGE_TOO_HIGH"
        for wanted, status in (("false", 200), ("true", 400)):
            assert (await site.signed("POST", f"{ROOT}/dual_mode", f"dual_mode={wanted}")).status == status
        (contract,) = (await site.ask("GET", f"{ROOT}/contracts")).body
        assert (contract["quanto_multiplier"], contract["order_price_round"], contract["status"]) == (
            "0.01",
            "0.01",
            "trading",
        )
        tiers = (await site.ask("GET", f"{ROOT}/risk_limit_tiers")).body
        assert [each["risk_limit"] for each in tiers[:2]] == ["100000", "500000"]


async def test_the_switch_and_limits() -> None:
    async with serving(GateLimits(contracts_1s=2), with_perpetual) as site:
        await trade(site, 1, "95")
        path = f"{ROOT}/countdown_cancel_all"
        assert (await site.signed("POST", path, body={"timeout": 2})).status == 400
        assert (await site.signed("POST", path, body={"timeout": 5, "contract": NAME})).status == 200
        await trade(site, 1, "95")
        assert (await trade(site, 1, "95")).error == (429, "TOO_MANY_REQUESTS")
        site.pass_time(5_000_000)
        assert await rows(site, "orders", "status=open") == []


async def test_without_perpetuals_there_are_no_accounts_of_them() -> None:
    async with serving() as site:
        assert (await site.ask("GET", f"{ROOT}/contracts")).body == []
        assert (await site.signed("GET", f"{ROOT}/accounts")).body["label"] == "CONTRACT_NOT_FOUND"


async def test_public_channels_and_books() -> None:
    async with serving(make=with_perpetual) as site, site.socket("/v4/ws/usdt") as socket:
        for channel, *payload in (
            ("futures.order_book_update", NAME, "100ms", "100"),
            ("futures.trades", NAME),
            ("futures.book_ticker", NAME),
            ("futures.tickers", NAME),
            ("futures.candlesticks", "1m", NAME),
        ):
            assert (await socket.subscribe(channel, *payload))["result"] == {"status": "success"}
        book = (await site.ask("GET", f"{ROOT}/order_book", f"contract={NAME}&with_id=true")).body
        assert (book["bids"], book["asks"]) == ([{"p": "99", "s": 100}], [{"p": "101", "s": 100}])
        await trade(site, -30)
        await trade(site, 100)
        site.pass_time(1_000_000)
        found: dict[str, Any] = {}
        while "candlesticks" not in found:
            event = await socket.next()
            found[event["channel"].partition(".")[2]] = event["result"]
        assert found["order_book_update"]["U"] == book["id"] + 1
        assert (found["order_book_update"]["b"], found["order_book_update"]["a"]) == (
            [{"p": "99", "s": 70}],
            [{"p": "101", "s": 0}],
        )
        assert [(each["size"], each["price"]) for each in found["trades"]] == [(100, "101")]
        assert (found["book_ticker"]["B"], found["book_ticker"]["a"], found["book_ticker"]["A"]) == (70, "", 0)
        assert (found["tickers"][0]["last"], found["tickers"][0]["volume_24h_base"]) == ("101", "2.3")
        assert (found["candlesticks"][0]["v"], found["candlesticks"][0]["sum"]) == (230, "230.7")
        (answer,) = await socket.call("futures.login")
        assert answer["data"]["result"]["uid"] == "1"
        (refused,) = await socket.call("spot.order_place")
        assert refused["data"]["errs"]["label"] == "INVALID_REQUEST_BODY"
        await socket.say({"time": 1, "channel": "futures.ping"})
        assert (await socket.next())["channel"] == "futures.pong"
        assert (await socket.subscribe("spot.trades", NAME))["result"]["status"] == "fail"
        assert (await socket.subscribe("futures.orders", "2", "!all", by="alice"))["result"]["status"] == "fail"
        assert len((await site.ask("GET", f"{ROOT}/tickers")).body) == 1
        assert (await site.ask("GET", f"{ROOT}/candlesticks", f"contract={NAME}&interval=7m")).status == 400


async def test_a_liquidation_is_told() -> None:
    """Alice has 20 USDT behind 1 BTC of 101, and the mark falls to 30."""
    async with serving(make=with_perpetual) as site, site.socket("/v4/ws/usdt") as socket:
        exchange = site.world.exchange
        exchange.ledger.deposit(1, {"USDT": Decimal(-99_980)})
        for channel in ("orders", "usertrades", "positions", "balances"):
            await socket.subscribe(f"futures.{channel}", "1", "!all", by="alice")
        await trade(site, 100)
        told = [await socket.next() for _ in range(5)]
        assert [each["channel"].partition(".")[2] for each in told] == [
            "orders",
            "balances",
            "usertrades",
            "orders",
            "positions",
        ]
        assert (told[3]["result"][0]["finish_as"], told[3]["result"][0]["fill_price"]) == ("filled", 101)
        assert (told[4]["result"][0]["size"], told[4]["result"][0]["entry_price"]) == (100, 101)
        exchange.listing(PERPETUAL).engine.print_trade(3_000, 1, Side.SELL)
        assert exchange.margin is not None
        exchange.margin.set_index(PERPETUAL, Decimal(30))
        exchange.settle_all()
        site.pass_time(1)
        seen: dict[str, Any] = {}
        while "positions" not in seen:
            event = await socket.next()
            seen[event["channel"].partition(".")[2]] = event["result"][0]
        assert (seen["orders"]["is_liq"], seen["orders"]["finish_as"], seen["orders"]["text"]) == (
            True,
            "liquidated",
            "liquidation",
        )
        assert (seen["positions"]["size"], seen["usertrades"]["size"]) == (0, -100)
        assert (await rows(site, "orders", "status=finished"))[0]["is_liq"]
