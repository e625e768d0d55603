"""ccxt as it is, told only other addresses, trades on Gate's protocol: REST and streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.gate.world import GateWorld
from tests.connectors.simulated.server.clients import (
    PAIR,
    SECONDS_MAX,
    Refusals,
    connected,
    life_of_orders,
    refused,
    until,
)
from tests.connectors.simulated.server.gate.venues import live_venue
from tests.connectors.simulated.server.venues import SECRETS, key_of

OPTIONS = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "unifiedAccount": False}


def point(exchange: Any, port: int) -> Any:
    """Every address to the local venue: one that is forgotten would send signed requests to the real exchange."""
    for urls in (exchange.urls["api"]["public"], exchange.urls["api"]["private"]):
        for name in urls:
            urls[name] = f"http://127.0.0.1:{port}/api/v4"
    for name, url in exchange.urls["api"].items():
        if isinstance(url, str):
            exchange.urls["api"][name] = f"ws://127.0.0.1:{port}/ws/v4/"
        elif name not in ("public", "private"):
            exchange.urls["api"][name] = dict.fromkeys(url, f"ws://127.0.0.1:{port}/v4/ws/usdt?fx")  # ccxt looks for fx
    return exchange


@asynccontextmanager
async def trader(
    server: VenueServer[GateWorld], name: str, module: Any = ccxt.async_support, options: Any = OPTIONS
) -> AsyncIterator[Any]:
    settings = {"apiKey": key_of(name), "secret": SECRETS[name], "enableRateLimit": False, "options": options}
    exchange = point(module.gate(settings), server.port)
    exchange.has["fetchCurrencies"] = False
    async with connected(exchange):
        yield exchange


async def test_life_of_orders() -> None:
    async with live_venue() as server, trader(server, "alice") as alice, trader(server, "bob") as bob:
        market = alice.market(PAIR)
        assert (market["precision"]["price"], market["limits"]["cost"]["min"], market["taker"]) == (0.01, 5.0, 0.001)
        await life_of_orders(alice, bob, "t-rest")


async def test_cancel_edit_and_questions() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        order = await alice.create_order(PAIR, "limit", "buy", 1.0, 95.0)
        balance = await alice.fetch_balance()
        assert (balance["USDT"]["free"], balance["USDT"]["used"]) == (99_905.0, 95.0)
        edited = await alice.edit_order(order["id"], PAIR, "limit", "buy", 1.0, 96.0)
        assert (edited["id"], edited["status"], edited["price"]) == (order["id"], "open", 96.0)
        (left,) = await alice.fetch_open_orders(PAIR)
        assert left["id"] == edited["id"]
        gone = await alice.cancel_order(edited["id"], PAIR)
        assert gone["status"] == "canceled"
        maker = await alice.create_order(PAIR, "limit", "buy", 1.0, 95.0, {"postOnly": True})
        assert maker["timeInForce"] == "PO"
        await alice.cancel_all_orders(PAIR)
        assert [row["status"] for row in await alice.fetch_closed_orders(PAIR)] == ["canceled"] * 2
        assert (await alice.fetch_ticker(PAIR))["last"] == 100.0
        assert (await alice.fetch_order_book(PAIR))["bids"] == [[99.0, 1.0]]
        assert [candle[4] for candle in await alice.fetch_ohlcv(PAIR, "1m")][:1] == [100.0]
        assert len(await alice.fetch_trades(PAIR)) == 1
        assert (await alice.fetch_trading_fee(PAIR))["taker"] == 0.001
        assert set(await alice.fetch_currencies()) == {"BTC", "ETH", "USDT"}
        assert await alice.fetch_time() > 0


REJECTIONS: Refusals = [
    (lambda exchange: exchange.create_order(PAIR, "limit", "buy", 2_000, 95.0), "InsufficientFunds"),
    (lambda exchange: exchange.create_order(PAIR, "limit", "buy", 0.01, 95.0), "InvalidOrder"),
    (
        lambda exchange: exchange.create_order(PAIR, "limit", "buy", 1, 102.0, {"postOnly": True}),
        "OrderImmediatelyFillable",
    ),
    (lambda exchange: exchange.cancel_order("999", PAIR), "OrderNotFound"),
    (lambda exchange: exchange.fetch_order("999", PAIR), "OrderNotFound"),
]


async def test_rejections() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        await refused(alice, REJECTIONS)
        alice.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await alice.fetch_balance()


async def test_streams() -> None:
    """Order book, trades, own orders, own trades and balances by WebSocket."""
    async with live_venue() as server, trader(server, "bob", ccxt.pro) as bob, trader(server, "alice") as alice:
        async with asyncio.timeout(SECONDS_MAX):
            watching = asyncio.create_task(bob.watch_orders(PAIR))
            await until(lambda: server.world.hub.wants("spot.orders 2"))
            placed = await bob.create_order(PAIR, "limit", "sell", 1.0, 100.5)
            (order,) = await watching
            assert (order["id"], order["status"], order["filled"]) == (placed["id"], "open", 0.0)
            public = asyncio.create_task(bob.watch_trades(PAIR))
            own = asyncio.create_task(bob.watch_my_trades(PAIR))
            money = asyncio.create_task(bob.watch_balance())
            await bob.watch_order_book(PAIR)
            for channel in ("spot.trades BTC_USDT", "spot.usertrades 2", "spot.balances 2"):
                await until(lambda channel=channel: server.world.hub.wants(channel))
            await alice.create_order(PAIR, "limit", "buy", 0.4, 100.5)
            (order,) = await bob.watch_orders(PAIR)
            assert (order["status"], order["filled"], order["cost"]) == ("open", 0.4, 40.2)
            (trade,) = await public
            assert (trade["price"], trade["amount"], trade["side"]) == (100.5, 0.4, "buy")
            (mine,) = await own
            assert (mine["order"], mine["takerOrMaker"], mine["fee"]["currency"]) == (placed["id"], "maker", "USDT")
            assert (await money)["BTC"]["total"] == 99.6
            book = await bob.watch_order_book(PAIR)
            assert book["asks"][0] == [100.5, 0.6]
            await bob.cancel_order(placed["id"], PAIR)
            (order,) = await bob.watch_orders(PAIR)
            assert (order["status"], order["filled"]) == ("canceled", 0.4)
            book = await bob.watch_order_book(PAIR)
            assert (book["bids"][0], book["asks"][0]) == ([99.0, 1.0], [101.0, 1.0])
            ticker = asyncio.create_task(bob.watch_ticker(PAIR))
            await until(lambda: server.world.hub.wants("spot.tickers BTC_USDT"))
            await alice.create_order(PAIR, "limit", "buy", 0.1, 101.0)
            assert (await ticker)["last"] == 101.0
            assert len(await bob.watch_ohlcv(PAIR, "1m")) >= 1


async def test_orders_by_websocket() -> None:
    async with live_venue() as server, trader(server, "alice", ccxt.pro) as alice:
        async with asyncio.timeout(SECONDS_MAX):
            order = await alice.create_order_ws(PAIR, "limit", "buy", 1.0, 95.0)
            assert (order["status"], order["price"]) == ("open", 95.0)
            assert (await alice.fetch_order_ws(order["id"], PAIR))["id"] == order["id"]
            edited = await alice.edit_order_ws(order["id"], PAIR, "limit", "buy", 1.0, 96.0)
            assert edited["price"] == 96.0
            assert (await alice.cancel_order_ws(order["id"], PAIR))["status"] == "canceled"
            with pytest.raises(ccxt.BaseError):
                await alice.create_order_ws(PAIR, "limit", "buy", 9_999.0, 95.0)
