"""python-binance as it is, told only other addresses, trades on the venue: requests, order book cache, user stream."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from connectors.simulated.matching import MatchingEngine
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.world import World
from engine.model.enums import Side
from tests.connectors.simulated.server.clients import TICK_S, live_venue, until
from tests.connectors.simulated.server.venues import BTC, SECRETS, key_of

with warnings.catch_warnings():  # it imports names that websockets is going to drop
    warnings.simplefilter("ignore", DeprecationWarning)
    from binance import AsyncClient, BinanceSocketManager, Client, DepthCacheManager
    from binance.exceptions import BinanceAPIException

SYMBOL = "BTCUSDT"
SECONDS_MAX = 10


def addresses(port: int) -> dict[str, str]:
    http, socket = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    return {"API_URL": f"{http}/api", "MARGIN_API_URL": f"{http}/sapi", "WS_API_URL": f"{socket}/ws-api/v3"}


@asynccontextmanager
async def trader(server: VenueServer[World], name: str) -> AsyncIterator[Any]:
    local = type("LocalClient", (AsyncClient,), addresses(server.port))
    client = await local.create(key_of(name), SECRETS[name])
    try:
        yield client
    finally:
        await client.close_connection()


def sockets(server: VenueServer[World], client: Any) -> Any:
    address = {"STREAM_URL": f"ws://127.0.0.1:{server.port}/"}
    return type("LocalSockets", (BinanceSocketManager,), address)(client)


async def test_life_of_orders() -> None:
    async with live_venue() as server, trader(server, "alice") as alice, trader(server, "bob") as bob:
        resting = await bob.order_limit_sell(symbol=SYMBOL, quantity="1", price="100.5")
        assert (resting["status"], resting["fills"]) == ("NEW", [])
        taken = await alice.order_market_buy(symbol=SYMBOL, quantity="0.4")
        assert (taken["status"], taken["cummulativeQuoteQty"]) == ("FILLED", "40.20000000")
        order = await bob.get_order(symbol=SYMBOL, orderId=resting["orderId"])
        assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "0.40000000")
        gone = await bob.cancel_order(symbol=SYMBOL, orderId=resting["orderId"])
        assert (gone["status"], gone["executedQty"]) == ("CANCELED", "0.40000000")
        assert [row["id"] for row in await bob.get_my_trades(symbol=SYMBOL)] == [2]
        assert [row["status"] for row in await bob.get_all_orders(symbol=SYMBOL)] == ["CANCELED"]
        assert await bob.get_open_orders() == []
        assert (await alice.get_asset_balance("BTC"))["free"] == "100.39960000"
        await alice.create_test_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="1")
        candles = await alice.get_historical_klines(SYMBOL, "1m", limit=5)
        assert candles[0][4] == "100.50000000"


async def test_lists_of_orders() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        terms = {"symbol": SYMBOL, "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110"}
        both = await alice.create_oco_order(**terms, belowType="STOP_LOSS", belowStopPrice="95")
        assert [row["status"] for row in both["orderReports"]] == ["NEW", "NEW"]
        assert len(await alice.get_open_orders(symbol=SYMBOL)) == 2
        await alice.cancel_order(symbol=SYMBOL, orderId=both["orders"][0]["orderId"])
        assert [row["status"] for row in await alice.get_all_orders(symbol=SYMBOL)] == ["CANCELED", "CANCELED"]


async def test_rejections() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        for price, quantity, code in (("95", "2000", -2010), ("95.001", "1", -1013), ("95", "0.01", -1013)):
            with pytest.raises(BinanceAPIException) as error:
                await alice.order_limit_buy(symbol=SYMBOL, quantity=quantity, price=price)
            assert (error.value.status_code, error.value.code) == (400, code)
        with pytest.raises(BinanceAPIException) as error:
            await alice.cancel_order(symbol=SYMBOL, orderId=999)
        assert (error.value.code, error.value.message) == (-2011, "Unknown order sent.")
        alice.API_SECRET = "wrong"
        with pytest.raises(BinanceAPIException) as error:
            await alice.get_account()
        assert error.value.code == -1022


async def test_synchronous() -> None:
    """The blocking client, in a thread of its own."""

    def trade(port: int) -> tuple[str, str]:
        client = type("LocalClient", (Client,), addresses(port))(key_of("alice"), SECRETS["alice"])
        try:
            order = client.order_limit_buy(symbol=SYMBOL, quantity="1", price="95")
            gone = client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])
            return gone["status"], client.get_symbol_info(SYMBOL)["baseAsset"]
        finally:
            client.loop.close()
            client.close_connection()

    async with live_venue() as server:
        assert await asyncio.to_thread(trade, server.port) == ("CANCELED", "BTC")


async def keep_busy(engine: MatchingEngine) -> None:
    """Trades and changes without end: the client's sockets notice that they are to close with the next message."""
    for step in count():
        engine.add(Side.SELL, 10_050, 1)
        engine.take(Side.BUY, 1)
        engine.set_level(Side.BUY, 9_800, 1 + step % 2)
        await asyncio.sleep(TICK_S)


async def test_streams() -> None:
    """Private events over the WebSocket API, the cached book, and orders by socket."""
    async with live_venue() as server, trader(server, "bob") as bob, asyncio.timeout(SECONDS_MAX):
        manager = sockets(server, bob)
        engine = server.world.exchange.listing(BTC).engine
        async with manager.user_socket() as private, manager.trade_socket(SYMBOL) as trades:
            order = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "timeInForce": "GTC"}
            placed = await bob.ws_create_order(**order, quantity="1", price="100.5")
            assert placed["status"] == "NEW"
            await until(lambda: server.world.hub.wants("btcusdt@trade"))
            engine.take(Side.BUY, 400)
            events = [await private.recv() for _ in range(4)]
            assert [event["e"] for event in events] == ["executionReport", "outboundAccountPosition"] * 2
            assert [(event["x"], event["z"]) for event in events[::2]] == [
                ("NEW", "0.00000000"),
                ("TRADE", "0.40000000"),
            ]
            assert (await trades.recv())["q"] == "0.40000000"
            await bob.ws_cancel_order(symbol=SYMBOL, orderId=placed["orderId"])
            assert (await private.recv())["X"] == "CANCELED"
            busy = asyncio.create_task(keep_busy(engine))
        async with DepthCacheManager(bob, SYMBOL, bm=manager, ws_interval=100) as depth:
            cache = await depth.recv()
            assert (cache.get_bids()[0], cache.get_asks()[0]) == ([99.0, 1.0], [101.0, 1.0])
        busy.cancel()
        await asyncio.gather(bob.close_connection(), server.stop())  # alone it waits ten seconds for a last message
