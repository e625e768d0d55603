"""ccxt as it is, told only other addresses, trades on OKX's protocol: REST and streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.okx.world import OkxWorld
from tests.connectors.simulated.server.clients import (
    PAIR,
    SECONDS_MAX,
    Refusals,
    connected,
    life_of_orders,
    refused,
    until,
)
from tests.connectors.simulated.server.okx.venues import PASSPHRASE, live_venue
from tests.connectors.simulated.server.venues import SECRETS, key_of

OPTIONS = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}


@asynccontextmanager
async def trader(
    server: VenueServer[OkxWorld], name: str, module: Any = ccxt.async_support, options: Any = OPTIONS
) -> AsyncIterator[Any]:
    """Every address is the local venue's: one that is forgotten would send signed requests to the real exchange."""
    keys = {"apiKey": key_of(name), "secret": SECRETS[name], "password": PASSPHRASE}
    exchange = module.okx(keys | {"enableRateLimit": False, "options": options})
    exchange.urls["api"] = {"rest": f"http://127.0.0.1:{server.port}", "ws": f"ws://127.0.0.1:{server.port}/ws/v5"}
    async with connected(exchange):
        yield exchange


async def test_life_of_orders() -> None:
    async with live_venue() as server, trader(server, "alice") as alice, trader(server, "bob") as bob:
        market = alice.market(PAIR)
        assert (market["precision"]["price"], market["precision"]["amount"], market["active"]) == (0.01, 0.001, True)
        await life_of_orders(alice, bob, "rest")


async def test_cancel_edit_and_questions() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        order = await alice.create_order(PAIR, "limit", "buy", 1.0, 95.0)
        balance = await alice.fetch_balance()
        assert (balance["USDT"]["free"], balance["USDT"]["used"]) == (99_905.0, 95.0)
        await alice.edit_order(order["id"], PAIR, "limit", "buy", 2.0, 96.0)
        (left,) = await alice.fetch_open_orders(PAIR)
        assert (left["id"], left["price"], left["amount"]) == (order["id"], 96.0, 2.0)
        await alice.cancel_order(order["id"], PAIR)
        assert (await alice.fetch_order(order["id"], PAIR))["status"] == "canceled"
        maker = await alice.create_order(PAIR, "limit", "buy", 1.0, 102.0, {"postOnly": True})
        refused = await alice.fetch_order(maker["id"], PAIR)
        assert (refused["status"], refused["filled"], refused["info"]["cancelSource"]) == ("canceled", 0.0, "31")
        one, two = [await alice.create_order(PAIR, "limit", "buy", 1.0, price) for price in (90.0, 91.0)]
        await alice.cancel_orders([one["id"], two["id"]], PAIR)
        assert [row["status"] for row in await alice.fetch_canceled_orders(PAIR)] == ["canceled"] * 4
        assert (await alice.fetch_ticker(PAIR))["last"] == 100.0
        assert (await alice.fetch_tickers([PAIR]))[PAIR]["bid"] == 99.0
        assert (await alice.fetch_order_book(PAIR))["bids"][0][:2] == [99.0, 1.0]
        assert [candle[4] for candle in await alice.fetch_ohlcv(PAIR, "1m")][:1] == [100.0]
        assert len(await alice.fetch_trades(PAIR)) == 1
        assert (await alice.fetch_trading_fee(PAIR))["taker"] == 0.001
        assert abs(await alice.fetch_time() - alice.milliseconds()) < 5_000


REJECTIONS: Refusals = [
    (lambda exchange: exchange.create_order(PAIR, "limit", "buy", 2_000, 95.0), "InsufficientFunds"),
    (lambda exchange: exchange.cancel_order("999", PAIR), "OrderNotFound"),
    (lambda exchange: exchange.edit_order("999", PAIR, "limit", "buy", 1.0, 95.0), "OrderNotFound"),
    (lambda exchange: exchange.fetch_order("999", PAIR), "OrderNotFound"),
    (lambda exchange: exchange.create_order(PAIR, "limit", "buy", 1, 95.0, {"clientOrderId": "_"}), "BadRequest"),
]


async def test_rejections() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        await refused(alice, REJECTIONS)
        for change in ({"secret": "wrong"}, {"password": "wrong"}, {"apiKey": "unknown"}):
            broken = {name: getattr(alice, name) for name in change}
            for name, value in change.items():
                setattr(alice, name, value)
            with pytest.raises(ccxt.AuthenticationError):
                await alice.fetch_balance()
            for name, value in broken.items():
                setattr(alice, name, value)


async def test_streams() -> None:
    """Order book, trades, candles, own orders, balances, and orders by WebSocket."""
    async with live_venue() as server, trader(server, "bob", ccxt.pro) as bob, trader(server, "alice") as alice:
        async with asyncio.timeout(SECONDS_MAX):
            watching = asyncio.create_task(bob.watch_orders(PAIR))
            await until(lambda: server.world.users.is_watched(2))
            placed = await bob.create_order(PAIR, "limit", "sell", 1.0, 100.5)
            (order,) = await watching
            assert (order["id"], order["status"], order["filled"]) == (placed["id"], "open", 0.0)
            public = asyncio.create_task(bob.watch_trades(PAIR))
            books = asyncio.create_task(bob.watch_order_book(PAIR))
            wanted = ("trades BTC-USDT", "books BTC-USDT")
            await until(lambda: all(map(server.world.hub.wants, wanted)))
            await alice.create_order(PAIR, "market", "buy", 0.4, None, {"tgtCcy": "base_ccy"})
            (order,) = await bob.watch_orders(PAIR)
            assert (order["status"], order["filled"], order["cost"]) == ("open", 0.4, 40.2)
            (trade,) = await public
            assert (trade["price"], trade["amount"], trade["side"]) == (100.5, 0.4, "buy")
            assert (await books)["bids"][0][:2] == [99.0, 1.0]
            assert (await bob.watch_ticker(PAIR))["last"] == 100.5
            assert (await bob.watch_ohlcv(PAIR, "1m"))[-1][4] == 100.5
            assert (await bob.watch_balance())["USDT"]["total"] == 100_040.1598
            by_socket = await bob.create_order_ws(PAIR, "limit", "sell", 1.0, 120.0)
            (order,) = await bob.watch_orders(PAIR)
            assert (order["id"], order["status"]) == (by_socket["id"], "open")
            await bob.edit_order_ws(by_socket["id"], PAIR, "limit", "sell", 1.0, 121.0)
            (order,) = await bob.watch_orders(PAIR)
            assert order["price"] == 121.0
            await bob.cancel_order_ws(by_socket["id"], PAIR)
            (order,) = await bob.watch_orders(PAIR)
            assert order["status"] == "canceled"
            await bob.cancel_order(placed["id"], PAIR)
            (order,) = await bob.watch_orders(PAIR)
            assert (order["status"], order["filled"]) == ("canceled", 0.4)
            while (await bob.watch_order_book(PAIR))["asks"][0][0] != 101.0:
                pass
