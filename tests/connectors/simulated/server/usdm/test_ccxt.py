"""ccxt as it is, told only other addresses, trades perpetuals on Binance's futures protocol: REST and streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.usdm.world import FutureWorld
from tests.connectors.simulated.server.clients import PERP, SECONDS_MAX, Refusals, connected, refused, until
from tests.connectors.simulated.server.usdm.venues import live_venue
from tests.connectors.simulated.server.venues import SECRETS, key_of

OPTIONS = {"fetchCurrencies": False, "fetchMargins": False}


@asynccontextmanager
async def trader(server: VenueServer[FutureWorld], name: str, module: Any = ccxt.async_support) -> AsyncIterator[Any]:
    """Every address is the local venue's: one that is forgotten would send signed requests to the real exchange."""
    keys = {"apiKey": key_of(name), "secret": SECRETS[name], "enableRateLimit": False, "options": OPTIONS}
    exchange = module.binanceusdm(keys)
    base = f"http://127.0.0.1:{server.port}"
    for group, url in exchange.urls["api"].items():
        if isinstance(url, str):
            exchange.urls["api"][group] = f"{base}/{url.split('/', 3)[3]}"
    exchange.urls["api"]["ws"] = {"linear": f"ws://127.0.0.1:{server.port}/ws"}
    async with connected(exchange):
        yield exchange


async def test_life_of_a_position() -> None:
    """Alice goes long against bob in two steps, reduces, and closes against the book: all agree what it cost."""
    async with live_venue() as server, trader(server, "alice") as alice, trader(server, "bob") as bob:
        market = alice.market(PERP)
        assert (market["contractSize"], market["precision"]["amount"], market["linear"]) == (1.0, 0.001, True)
        await alice.set_leverage(5, PERP)
        placed = await alice.create_order(PERP, "limit", "buy", 1, 90.0, {"clientOrderId": "mine"})
        assert (placed["clientOrderId"], placed["status"]) == ("mine", "open")
        assert (await alice.fetch_balance())["USDT"]["free"] == 100_000 - 90 / 5 - 90 * 0.0005
        edited = await alice.edit_order(placed["id"], PERP, "limit", "buy", 0.5, 91.0)
        assert (edited["price"], edited["amount"], edited["id"]) == (91.0, 0.5, placed["id"])
        assert [each["id"] for each in await alice.fetch_open_orders(PERP)] == [placed["id"]]
        await alice.cancel_order(placed["id"], PERP)
        assert (await alice.fetch_order(placed["id"], PERP))["status"] == "canceled"
        resting = await bob.create_order(PERP, "limit", "sell", 10, 100.5)
        await alice.create_order(PERP, "limit", "buy", 4, 100.5, {"timeInForce": "IOC"})
        for exchange, side in ((alice, "long"), (bob, "short")):
            (position,) = await exchange.fetch_positions([PERP])
            assert (position["side"], position["contracts"], position["entryPrice"]) == (side, 4.0, 100.5)
        bought = await alice.create_order(PERP, "market", "buy", 6)
        assert (bought["filled"], bought["average"]) == (6.0, 100.5)
        assert (await bob.fetch_order(resting["id"], PERP))["status"] == "closed"
        for amount, left in ((4, [6.0]), (6, [])):
            sold = await alice.create_order(PERP, "market", "sell", amount, None, {"reduceOnly": True})
            order = await alice.fetch_order(sold["id"], PERP)
            assert (order["status"], order["average"], order["reduceOnly"]) == ("closed", 99.0, True)
            assert [each["contracts"] for each in await alice.fetch_positions([PERP])] == left
        trades = await alice.fetch_my_trades(PERP)
        assert [(each["side"], each["amount"]) for each in trades] == [
            ("buy", 4.0), ("buy", 6.0), ("sell", 4.0), ("sell", 6.0),
        ]  # fmt: skip
        assert [(each["fee"]["currency"], each["fee"]["cost"]) for each in trades[:1]] == [("USDT", 0.201)]
        assert (await alice.fetch_balance())["USDT"]["total"] == 100_000 - 15 - 0.0005 * 10 * (100.5 + 99)
        ledger = await alice.fetch_ledger("USDT")
        assert sum(each["amount"] * (1 if each["direction"] == "in" else -1) for each in ledger) == pytest.approx(
            -15.9975
        )


async def test_questions() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        rate = await alice.fetch_funding_rate(PERP)
        assert (rate["markPrice"], rate["indexPrice"], rate["fundingRate"]) == (100.0, 100.0, 0.0000125)
        assert await alice.fetch_funding_rate_history(PERP) == []
        tiers = await alice.fetch_market_leverage_tiers(PERP)
        assert [tier["maxLeverage"] for tier in tiers] == [125.0, 50.0, 20.0, 10.0]
        assert (await alice.fetch_leverage(PERP))["longLeverage"] == 10
        assert (await alice.fetch_ticker(PERP))["last"] == 100.0
        assert (await alice.fetch_bids_asks([PERP]))[PERP]["ask"] == 101.0
        assert (await alice.fetch_order_book(PERP))["bids"][0][:2] == [99.0, 10.0]
        assert (await alice.fetch_ohlcv(PERP, "1m"))[0][4] == 100.0
        assert [each["price"] for each in await alice.fetch_trades(PERP)] == [100.0]
        assert (await alice.fetch_trading_fee(PERP))["taker"] == 0.0005
        assert (await alice.fetch_position_mode(PERP))["hedged"] is False
        assert (await alice.fetch_open_interest(PERP))["openInterestAmount"] == 0.0
        assert abs(await alice.fetch_time() - alice.milliseconds()) < 5_000
        await alice.create_order(PERP, "limit", "buy", 1, 90.0)
        await alice.create_order(PERP, "limit", "buy", 1, 91.0)
        await alice.cancel_all_orders(PERP)
        assert [each["status"] for each in await alice.fetch_orders(PERP)] == ["canceled", "canceled"]


async def place(exchange: Any, side: str, quantity: float, price: float, **params: Any) -> Any:
    return await exchange.create_order(PERP, "limit", side, quantity, price, params)


REJECTIONS: Refusals = [
    (lambda exchange: place(exchange, "buy", 10_000_000, 95.0), "ExchangeError"),
    (lambda exchange: place(exchange, "buy", 9_999, 105.0), "ExchangeError"),
    (lambda exchange: place(exchange, "sell", 1, 105.0, reduceOnly=True), "ExchangeError"),
    (lambda exchange: place(exchange, "buy", 1, 105.0, postOnly=True), "InvalidOrder"),
    (lambda exchange: place(exchange, "buy", 20, 105.0, timeInForce="FOK"), "InvalidOrder"),
    (lambda exchange: exchange.cancel_order("999", PERP), "OrderNotFound"),
    (lambda exchange: exchange.fetch_order("999", PERP), "OrderNotFound"),
    (lambda exchange: exchange.set_leverage(125, PERP, {"leverage": 126}), "BadRequest"),
    (lambda exchange: exchange.set_margin_mode("isolated", PERP), "BadRequest"),
]


async def test_rejections() -> None:
    async with live_venue() as server, trader(server, "alice") as alice:
        await refused(alice, REJECTIONS)
        for change in ({"secret": "wrong"}, {"apiKey": "unknownkey"}):
            broken = {name: getattr(alice, name) for name in change}
            for name, value in change.items():
                setattr(alice, name, value)
            with pytest.raises(ccxt.AuthenticationError):
                await alice.fetch_balance()
            for name, value in broken.items():
                setattr(alice, name, value)


async def test_streams() -> None:
    """Books, trades, marks, own orders, balances and positions."""
    async with (
        live_venue() as server,
        trader(server, "bob", ccxt.pro) as bob,
        trader(server, "alice") as alice,
        asyncio.timeout(SECONDS_MAX),
    ):
        watching = asyncio.create_task(bob.watch_orders(PERP))
        await until(lambda: server.world.users.is_watched(2))
        placed = await bob.create_order(PERP, "limit", "sell", 1.0, 100.5)
        (order,) = await watching
        assert (order["id"], order["status"], order["filled"]) == (placed["id"], "open", 0.0)
        public, books = asyncio.create_task(bob.watch_trades(PERP)), asyncio.create_task(bob.watch_order_book(PERP))
        money, held = asyncio.create_task(bob.watch_balance()), asyncio.create_task(bob.watch_positions([PERP]))
        hub = server.world.hub
        await until(lambda: hub.wants("btcusdt@aggTrade") or hub.wants("btcusdt@trade"))
        await until(lambda: hub.wants("btcusdt@depth@100ms") or hub.wants("btcusdt@depth"))
        await alice.create_order(PERP, "market", "buy", 0.4)
        (order,) = await bob.watch_orders(PERP)
        assert (order["status"], order["filled"], order["average"]) == ("open", 0.4, 100.5)
        (trade,) = await public
        assert (trade["price"], trade["amount"], trade["side"]) == (100.5, 0.4, "buy")
        assert (await books)["bids"][0][:2] == [99.0, 10.0]
        assert (await money)["USDT"]["total"] == 100_000 - 40.2 * 0.0002
        positions = [each for each in await held if each["contracts"]] or await bob.watch_positions([PERP])
        assert (positions[0]["side"], positions[0]["contracts"]) == ("short", 0.4)
        assert (await bob.watch_mark_price(PERP))["markPrice"] > 99
        await bob.cancel_order(placed["id"], PERP)
        (order,) = await bob.watch_orders(PERP)
        assert (order["status"], order["filled"]) == ("canceled", 0.4)
        while (await bob.watch_order_book(PERP))["asks"][0][0] != 101.0:
            pass
