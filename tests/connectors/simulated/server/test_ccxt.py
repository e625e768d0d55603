"""ccxt as it is, told only other addresses, trades on the venue: synchronous, asynchronous and streaming."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.world import World
from tests.connectors.simulated.server.clients import (
    PAIR,
    SECONDS_MAX,
    Refusals,
    connected,
    life_of_orders,
    live_venue,
    refused,
    until,
)
from tests.connectors.simulated.server.venues import SECRETS, key_of

OPTIONS = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}


def point(exchange: Any, port: int) -> Any:
    """Every address to the local venue: one that is forgotten would send signed requests to the real exchange."""
    http, socket = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    for name, url in list(exchange.urls["api"].items()):
        if isinstance(url, str):
            exchange.urls["api"][name] = f"{http}/{url.split('/', 3)[3]}"
    if "ws" in exchange.urls["api"]:
        exchange.urls["api"]["ws"]["spot"] = f"{socket}/stream/ws"
        exchange.urls["api"]["ws"]["ws-api"]["spot"] = f"{socket}/ws-api/v3"
    return exchange


def settings(name: str) -> dict[str, Any]:
    return {"apiKey": key_of(name), "secret": SECRETS[name], "enableRateLimit": False, "options": OPTIONS}


@asynccontextmanager
async def trader(server: VenueServer[World], name: str, module: Any = ccxt.async_support) -> AsyncIterator[Any]:
    exchange = point(module.binance(settings(name)), server.port)
    async with connected(exchange):
        yield exchange


async def test_life_of_orders() -> None:
    async with live_venue() as server, trader(server, "alice") as alice, trader(server, "bob") as bob:
        market = alice.market(PAIR)
        assert (market["precision"]["price"], market["limits"]["cost"]["min"]) == (0.01, 5.0)
        await life_of_orders(alice, bob, "rest")


async def test_cancel_edit_and_questions() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        order = await alice.create_order(PAIR, "limit", "buy", 1.0, 95.0)
        balance = await alice.fetch_balance()
        assert (balance["USDT"]["free"], balance["USDT"]["used"]) == (99_905.0, 95.0)
        edited = await alice.edit_order(order["id"], PAIR, "limit", "buy", 1.0, 96.0)
        assert (edited["status"], edited["price"]) == ("open", 96.0)
        (left,) = await alice.fetch_open_orders(PAIR)
        assert left["id"] == edited["id"]
        gone = await alice.cancel_order(edited["id"], PAIR)
        assert gone["status"] == "canceled"
        maker = await alice.create_order(PAIR, "limit", "buy", 1.0, 95.0, {"postOnly": True})
        assert maker["timeInForce"] in ("GTC", "PO")
        await alice.cancel_all_orders(PAIR)
        assert [row["status"] for row in await alice.fetch_orders(PAIR)] == ["canceled"] * 3
        assert (await alice.fetch_ticker(PAIR))["last"] == 100.0
        assert (await alice.fetch_order_book(PAIR))["bids"] == [[99.0, 1.0]]
        assert [candle[4] for candle in await alice.fetch_ohlcv(PAIR, "1m")][:1] == [100.0]
        assert len(await alice.fetch_trades(PAIR)) == 1
        assert (await alice.fetch_trading_fee(PAIR))["taker"] == 0.001


def too_large(exchange: Any) -> Any:
    return exchange.create_order(PAIR, "limit", "buy", 2_000, 95.0)


REJECTIONS: Refusals = [
    (too_large, "InsufficientFunds"),
    (lambda exchange: exchange.create_order(PAIR, "limit", "buy", 0.01, 95.0), "BadRequest"),  # NOTIONAL
    (lambda exchange: exchange.create_order(PAIR, "limit", "buy", 9_500_000, 95.0), "InvalidOrder"),  # LOT_SIZE
    (
        lambda exchange: exchange.create_order(PAIR, "limit", "buy", 1, 102.0, {"postOnly": True}),
        "OrderImmediatelyFillable",
    ),
    (lambda exchange: exchange.cancel_order("999", PAIR), "OrderNotFound"),
    (lambda exchange: exchange.fetch_order("999", PAIR), "OrderNotFound"),
]


async def test_lists_of_orders() -> None:
    """Through the calls that ccxt makes of the interface's paths; it has no word of its own for them."""
    async with live_venue() as server, trader(server, "alice") as alice:
        terms = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110"}
        both = await alice.private_post_orderlist_oco({**terms, "belowType": "STOP_LOSS", "belowStopPrice": "95"})
        assert [(await alice.private_get_openorderlist())[0]["orderListId"]] == [both["orderListId"]]
        assert {order["status"] for order in await alice.fetch_open_orders(PAIR)} == {"open"}
        await alice.private_delete_orderlist({"symbol": "BTCUSDT", "orderListId": both["orderListId"]})
        assert {order["status"] for order in await alice.fetch_orders(PAIR)} == {"canceled"}


async def test_rejections() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        await refused(alice, REJECTIONS)
        alice.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await alice.fetch_balance()
        alice.apiKey = "unknownkey"
        with pytest.raises((ccxt.AuthenticationError, ccxt.DDoSProtection)):
            await alice.fetch_balance()


async def test_synchronous() -> None:
    """The blocking client, in a thread of its own."""

    def trade(port: int) -> tuple[str, float]:
        exchange = point(ccxt.binance(settings("alice")), port)
        try:
            order = exchange.create_order(PAIR, "limit", "buy", 1.0, 95.0)
            exchange.cancel_order(order["id"], PAIR)
            return exchange.fetch_order(order["id"], PAIR)["status"], exchange.fetch_balance()["USDT"]["free"]
        finally:
            exchange.session.close()

    async with live_venue() as server:
        assert await asyncio.to_thread(trade, server.port) == ("canceled", 100_000.0)


async def test_streams() -> None:
    """Order book, trades and own orders by WebSocket."""
    async with live_venue() as server, trader(server, "bob", ccxt.pro) as bob, trader(server, "alice") as alice:
        async with asyncio.timeout(SECONDS_MAX):
            watching = asyncio.create_task(bob.watch_orders(PAIR))
            await until(lambda: server.world.users.is_watched(2))
            placed = await bob.create_order(PAIR, "limit", "sell", 1.0, 100.5)
            (order,) = await watching
            assert (order["id"], order["status"], order["filled"]) == (placed["id"], "open", 0.0)
            public = asyncio.create_task(bob.watch_trades(PAIR))
            books = asyncio.create_task(bob.watch_order_book(PAIR))
            await until(lambda: all(map(server.world.hub.wants, ("btcusdt@trade", "btcusdt@depth@100ms"))))
            await alice.create_order(PAIR, "market", "buy", 0.4)
            (order,) = await bob.watch_orders(PAIR)
            assert (order["status"], order["filled"], order["cost"]) == ("open", 0.4, 40.2)
            (trade,) = await public
            assert (trade["price"], trade["amount"], trade["side"]) == (100.5, 0.4, "buy")
            await books
            await bob.cancel_order(placed["id"], PAIR)
            (order,) = await bob.watch_orders(PAIR)
            assert (order["status"], order["filled"]) == ("canceled", 0.4)
            book = await bob.watch_order_book(PAIR)
            assert (book["bids"][0], book["asks"][0]) == ([99.0, 1.0], [101.0, 1.0])
