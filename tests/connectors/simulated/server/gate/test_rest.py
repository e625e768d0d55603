"""REST of the exchange that speaks Gate: signatures, limits, every error, orders and lists."""

from random import Random
from typing import Any

import pytest

from connectors.simulated.server.gate.world import GateLimits
from tests.connectors.simulated.server.gate.venues import Answer, Site, serving
from tests.connectors.simulated.server.venues import key_of, with_perpetual

PAIR = "currency_pair=BTC_USDT"


async def test_who_may_ask() -> None:
    async with serving() as site:
        good = await site.signed("GET", "spot/accounts")
        assert (good.status, [row["currency"] for row in good.body]) == (200, ["BTC", "USDT", "ETH"])
        assert {"X-Gate-RateLimit-Limit", "X-In-Time", "X-Out-Time"} <= good.headers.keys()
        stamp = str(site.clock() // 1_000_000)
        refusals: list[tuple[dict[str, str], tuple[int, str]]] = [
            ({"KEY": ""}, (400, "MISSING_REQUIRED_HEADER")),
            ({"KEY": "nobody"}, (401, "INVALID_KEY")),
            ({"SIGN": "0" * 128}, (401, "INVALID_SIGNATURE")),
            ({"Timestamp": str(int(stamp) - 61)}, (403, "REQUEST_EXPIRED")),
            ({"Timestamp": "now"}, (403, "REQUEST_EXPIRED")),
        ]
        for headers, error in refusals:
            assert (await site.signed("GET", "spot/accounts", **headers)).error == error
        site.world.keys.revoke(key_of("alice"))
        assert (await site.signed("GET", "spot/accounts")).error == (401, "INVALID_KEY")
        assert (await site.ask("GET", "spot/nothing")).error == (404, "NOT_FOUND")
        assert (await site.ask("POST", "spot/time")).error == (404, "NOT_FOUND")


async def test_limits() -> None:
    async with serving(GateLimits(orders_1s=2, cancels_1s=1, private_10s=1, public_10s=2)) as site:
        for expected in (201, 201, 429):
            answer = await site.order("buy", "1", "90")
            assert answer.status == expected
        assert answer.error == (429, "TOO_MANY_REQUESTS")
        for expected in (200, 429):
            assert (await site.signed("DELETE", "spot/orders", PAIR)).status == expected
            assert (await site.signed("GET", "spot/accounts")).status == expected
        for expected in (200, 200, 429):
            assert (await site.ask("GET", "spot/time")).status == expected
        site.pass_time(10_000_000)
        assert (await site.order("buy", "1", "90")).status == 201


async def test_requests_expire() -> None:
    async with serving() as site:
        now_ms = site.clock() // 1_000
        body = {"currency_pair": "BTC_USDT", "side": "buy", "amount": "1", "price": "90"}
        for stamp, status in ((str(now_ms), 201), (str(now_ms - 1), 403), ("soon", 403)):
            headers = {"x-gate-exptime": stamp}
            assert (await site.signed("POST", "spot/orders", body=body, **headers)).status == status


BAD_ORDERS: list[tuple[dict[str, Any], str]] = [
    ({"side": "up"}, "INVALID_PARAM_VALUE"),
    ({"side": ""}, "MISSING_REQUIRED_PARAM"),
    ({"type": "stop"}, "INVALID_PARAM_VALUE"),
    ({"account": "margin"}, "INVALID_PARAM_VALUE"),
    ({"time_in_force": "gtd"}, "INVALID_PARAM_VALUE"),
    ({"text": "mine"}, "INVALID_CLIENT_ORDER_ID"),
    ({"text": "t-" + "x" * 29}, "INVALID_CLIENT_ORDER_ID"),
    ({"currency_pair": "BTC_EUR"}, "INVALID_CURRENCY_PAIR"),
    ({"amount": "1e3"}, "INVALID_PARAM_VALUE"),
    ({"amount": True}, "INVALID_PARAM_VALUE"),
    ({"amount": None}, "INVALID_PARAM_VALUE"),
    ({"amount": ""}, "MISSING_REQUIRED_PARAM"),
    ({"price": ""}, "MISSING_REQUIRED_PARAM"),
    ({"amount": "1.0001"}, "INVALID_PRECISION"),
    ({"price": "90.001"}, "INVALID_PRECISION"),
    ({"amount": "0"}, "AMOUNT_TOO_LITTLE"),
    ({"amount": "0.01"}, "AMOUNT_TOO_LITTLE"),
    ({"amount": "2000"}, "BALANCE_NOT_ENOUGH"),
    ({"price": "101", "time_in_force": "poc"}, "POC_FILL_IMMEDIATELY"),
    ({"text": "t-taken"}, "REPEATED_CREATION"),
]


async def test_refused_orders() -> None:
    async with serving(GateLimits(orders_1s=1_000)) as site:
        assert (await site.order("buy", "1", "90", text="t-taken")).status == 201
        for words, label in BAD_ORDERS:
            good = {"currency_pair": "BTC_USDT", "side": "buy", "amount": "1", "price": "90"}
            answer = await site.signed("POST", "spot/orders", body=good | words)
            assert (answer.status, answer.body["label"]) == (400, label), words
        site.world.exchange.halt("sim:BTC-USDT")
        assert (await site.order("buy", "1", "90")).error == (400, "TRADE_RESTRICTED")
        assert (await site.ask("GET", "spot/currency_pairs")).body[0]["trade_status"] == "untradable"


async def test_an_order_lives_and_ends() -> None:
    async with serving() as site:
        placed = (await site.order("buy", "2", "90", text="t-mine")).body
        assert {name: placed[name] for name in ("status", "finish_as", "left", "filled_amount", "text")} == {
            "status": "open",
            "finish_as": "open",
            "left": "2",
            "filled_amount": "0",
            "text": "t-mine",
        }
        number = placed["id"]
        by_text = await site.signed("GET", "spot/orders/t-mine", PAIR)
        assert by_text.body == placed
        amended = (await site.signed("PATCH", f"spot/orders/{number}", PAIR, {"price": "101"})).body
        assert (amended["status"], amended["filled_amount"], amended["price"]) == ("open", "1", "101")
        assert (amended["avg_deal_price"], amended["fee"], amended["fee_currency"]) == ("101", "0.001", "BTC")
        smaller = (await site.signed("PATCH", "spot/orders/t-mine", PAIR, {"amount": "1.5"})).body
        assert (smaller["amount"], smaller["left"]) == ("1.5", "0.5")
        gone = (await site.signed("DELETE", f"spot/orders/{number}", PAIR)).body
        assert (gone["status"], gone["finish_as"], gone["left"]) == ("cancelled", "cancelled", "0.5")
        assert (await site.signed("GET", f"spot/orders/{number}", PAIR)).body == gone
        absent: list[tuple[str, str, tuple[int, str]]] = [
            ("GET", "t-mine", (404, "ORDER_NOT_FOUND")),  # by its text only while it is open
            ("DELETE", "t-mine", (404, "ORDER_NOT_FOUND")),
            ("DELETE", number, (400, "ORDER_CANCELLED")),
            ("DELETE", "999", (404, "ORDER_NOT_FOUND")),
        ]
        for method, name, error in absent:
            assert (await site.signed(method, f"spot/orders/{name}", PAIR)).error == error
        full = (await site.order("sell", "1", "99")).body
        assert (full["status"], full["finish_as"], full["text"]) == ("closed", "filled", "apiv4")
        assert (await site.signed("PATCH", f"spot/orders/{full['id']}", PAIR, {"price": "1"})).error == (
            400,
            "ORDER_CLOSED",
        )


@pytest.mark.parametrize(
    ("words", "status", "finish_as", "filled"),
    [
        ({"side": "buy", "amount": "2", "price": "101", "time_in_force": "ioc"}, "closed", "ioc", "1"),
        ({"side": "buy", "amount": "2", "price": "90", "time_in_force": "ioc"}, "cancelled", "ioc", "0"),
        ({"side": "buy", "amount": "2", "price": "101", "time_in_force": "fok"}, "cancelled", "fok", "0"),
        ({"side": "buy", "amount": "50.5"}, "closed", "filled", "0.5"),
        ({"side": "sell", "amount": "0.5"}, "closed", "filled", "0.5"),
        ({"side": "sell", "amount": "3"}, "closed", "ioc", "1"),
    ],
)
async def test_orders_that_end_at_once(words: dict[str, str], status: str, finish_as: str, filled: str) -> None:
    async with serving() as site:
        row = (await site.order(**words)).body  # type: ignore[arg-type]
        assert (row["status"], row["finish_as"], row["filled_amount"]) == (status, finish_as, filled)


async def test_amends_that_are_refused() -> None:
    async with serving() as site:
        number = (await site.order("buy", "1", "90")).body["id"]
        refusals: list[tuple[dict[str, str], str]] = [
            ({}, "MISSING_REQUIRED_PARAM"),
            ({"price": "90.001"}, "INVALID_PRECISION"),
            ({"amount": "9999"}, "BALANCE_NOT_ENOUGH"),
        ]
        for words, label in refusals:
            answer = await site.signed("PATCH", f"spot/orders/{number}", PAIR, words)
            assert answer.error == (400, label)


async def test_lists() -> None:
    async with serving(GateLimits(orders_1s=100)) as site:
        for price in ("90", "91", "92"):
            await site.order("buy", "1", price, text=f"t-{price}")
        await site.order("sell", "0.5", "99")
        (markets,) = (await site.signed("GET", "spot/open_orders")).body
        assert (markets["currency_pair"], markets["total"], len(markets["orders"])) == ("BTC_USDT", 3, 3)
        (page,) = (await site.signed("GET", "spot/open_orders", "page=2&limit=2")).body
        assert ([row["text"] for row in page["orders"]], page["total"]) == (["t-90"], 3)
        rows = (await site.signed("GET", "spot/orders", f"{PAIR}&status=open")).body
        assert [row["price"] for row in rows] == ["92", "91", "90"]
        cancelled = (await site.signed("DELETE", "spot/orders", f"{PAIR}&side=buy")).body
        assert [row["succeeded"] for row in cancelled] == [True] * 3
        ended = (await site.signed("GET", "spot/orders", f"{PAIR}&status=finished&limit=2&page=2")).body
        assert len(ended) == 2
        later = site.clock() // 1_000_000 + 5
        assert (await site.signed("GET", "spot/orders", f"{PAIR}&status=finished&from={later}")).body == []
        (trade,) = (await site.signed("GET", "spot/my_trades", PAIR)).body
        assert (trade["side"], trade["role"], trade["fee"], trade["fee_currency"]) == (
            "sell",
            "taker",
            "0.0495",
            "USDT",
        )
        assert (await site.signed("GET", "spot/my_trades", f"{PAIR}&from={later}")).body == []
        assert (await site.signed("GET", "spot/orders", f"{PAIR}&status=all")).error == (400, "INVALID_PARAM_VALUE")
        assert (await site.signed("GET", "spot/my_trades", f"{PAIR}&page=x")).error == (400, "INVALID_PARAM_VALUE")
        assert (await site.signed("GET", "spot/accounts", "currency=BTC")).body[0]["available"] == "99.5"
        assert (await site.signed("GET", "spot/account_book")).body == []
        assert (await site.signed("GET", "account/detail")).body["user_id"] == 1
        fees = (await site.signed("GET", "spot/batch_fee", "currency_pairs=BTC_USDT,ETH_USDT")).body
        assert {name: row["taker_fee"] for name, row in fees.items()} == {"BTC_USDT": "0.001", "ETH_USDT": "0.001"}


async def test_the_dead_mans_switch() -> None:
    async with serving() as site:
        await site.order("buy", "1", "90")
        assert (await site.signed("POST", "spot/countdown_cancel_all", body={"timeout": 3})).status == 400
        armed = await site.signed("POST", "spot/countdown_cancel_all", body={"timeout": 5})
        assert int(armed.body["triggerTime"]) == site.clock() // 1_000 + 5_000
        stopped = await site.signed(
            "POST", "spot/countdown_cancel_all", body={"timeout": 0, "currency_pair": "BTC_USDT"}
        )
        assert stopped.body == {"triggerTime": "0"}
        site.pass_time(6_000_000)
        assert len((await site.signed("GET", "spot/open_orders")).body) == 1
        await site.signed("POST", "spot/countdown_cancel_all", body={"timeout": 5})
        site.pass_time(6_000_000)
        assert (await site.signed("GET", "spot/open_orders")).body == []


async def test_market_data() -> None:
    async with serving() as site:
        book = (await site.ask("GET", "spot/order_book", f"{PAIR}&with_id=true")).body
        assert (book["id"], book["bids"], book["asks"]) == (2, [["99", "1"]], [["101", "1"]])
        assert "id" not in (await site.ask("GET", "spot/order_book", PAIR)).body
        (pair, _) = (await site.ask("GET", "spot/currency_pairs")).body
        assert (pair["id"], pair["precision"], pair["amount_precision"], pair["fee"]) == ("BTC_USDT", 2, 3, "0.1")
        (trade,) = (await site.ask("GET", "spot/trades", PAIR)).body
        assert (trade["price"], trade["side"]) == ("100", "buy")
        (candle,) = (await site.ask("GET", "spot/candlesticks", f"{PAIR}&interval=1m&limit=1")).body
        assert (candle[2], candle[7]) == ("100", "false")
        assert (await site.ask("GET", "spot/candlesticks", f"{PAIR}&interval=9m")).error[1] == "INVALID_PARAM_VALUE"
        (ticker,) = (await site.ask("GET", "spot/tickers", PAIR)).body
        assert (ticker["last"], ticker["highest_bid"], ticker["lowest_ask"]) == ("100", "99", "101")
        assert len((await site.ask("GET", "spot/tickers")).body) == 2
        assert (await site.ask("GET", "spot/order_book", "currency_pair=NO")).error == (400, "INVALID_CURRENCY_PAIR")
        assert (await site.ask("GET", "margin/currency_pairs")).body == []


async def test_garbage_gets_documented_errors() -> None:
    """Nothing closes the engine, nothing is a 500."""
    chance = Random("garbage")
    words = ["", "BTC_USDT", "-1", "1e9", "[", "{}", "\x00", "ü", "9" * 400, "t-x", "null", "true"]

    async def damaged(site: Site) -> Answer:
        paths = ["orders", "orders/5", "orders/t-x", "my_trades", "order_book", "positions/BTC_USDT/leverage"]
        path = f"{chance.choice(['spot', 'futures/usdt'])}/{chance.choice(paths)}"
        names = ["currency_pair", "status", "amount", "price", "side", "page", "limit", "from", "text", "with_id"]
        names += ["contract", "size", "tif", "close", "leverage", "cross_leverage_limit"]
        body: Any = {"contract": "BTC_USDT", "size": 10_000_000, "price": "95"} if chance.random() < 0.5 else {}
        body |= {chance.choice(names): chance.choice([*words, 1.5, [], None]) for _ in range(4)}
        if chance.random() < 0.2:
            body = chance.choice([[1], "text", 5])
        method = chance.choice(["GET", "POST", "DELETE", "PATCH", "PUT"])
        return await site.signed(method, path, f"limit={chance.choice(['1', 'x', '-1'])}", body)

    limits = GateLimits(orders_1s=10_000, contracts_1s=10_000, private_10s=10_000, public_10s=10_000)
    async with serving(limits, with_perpetual) as site:
        for _ in range(400):
            answer = await damaged(site)
            assert answer.status < 500
            assert answer.status < 400 or set(answer.body) == {"label", "message"}
        assert (await site.order("buy", "1", "90")).status == 201
