"""ccxt as it is trades perpetuals on Gate's protocol."""

import asyncio

import ccxt.pro

from tests.connectors.simulated.server.clients import PERP, SECONDS_MAX, Refusals, life_of_a_position, refused, until
from tests.connectors.simulated.server.gate.test_ccxt import trader
from tests.connectors.simulated.server.gate.venues import live_venue
from tests.connectors.simulated.server.venues import with_perpetual

OPTIONS = {
    "defaultType": "swap",
    "fetchMarkets": {"types": ["spot", "swap"]},
    "swap": {"fetchMarkets": {"settlementCurrencies": ["usdt"]}},
    "unifiedAccount": False,
}


async def test_life_of_a_position() -> None:
    async with (
        live_venue(with_perpetual) as server,
        trader(server, "alice", options=OPTIONS) as alice,
        trader(server, "bob", options=OPTIONS) as bob,
    ):
        market = alice.market(PERP)
        assert (market["contractSize"], market["precision"]["amount"], market["linear"]) == (0.01, 1.0, True)
        await life_of_a_position(alice, bob)
        assert (await alice.fetch_position(PERP))["info"]["cross_leverage_limit"] == "5"


async def test_questions() -> None:
    async with live_venue(with_perpetual) as server, trader(server, "alice", options=OPTIONS) as alice:
        rate = await alice.fetch_funding_rate(PERP)
        assert (rate["interval"], rate["fundingRate"], rate["markPrice"]) == ("8h", 0.0001, 100.0)
        assert await alice.fetch_funding_rate_history(PERP) == []
        tiers = await alice.fetch_market_leverage_tiers(PERP)
        assert [tier["maxLeverage"] for tier in tiers] == [125.0, 50.0, 20.0, 10.0]
        assert (await alice.fetch_ticker(PERP))["last"] == 100.0
        assert (await alice.fetch_order_book(PERP))["bids"][0] == [99.0, 100.0]
        assert (await alice.fetch_ohlcv(PERP, "1m"))[0][5] == 100.0
        assert len(await alice.fetch_trades(PERP)) == 1
        assert (await alice.fetch_trading_fee(PERP))["taker"] == 0.0005
        await alice.set_position_mode(False)
        one, two = [await alice.create_order(PERP, "limit", "buy", 1, price) for price in (90.0, 91.0)]
        assert {order["id"] for order in await alice.fetch_open_orders(PERP)} == {one["id"], two["id"]}
        await alice.cancel_all_orders(PERP)
        assert [order["status"] for order in await alice.fetch_closed_orders(PERP)] == ["canceled", "canceled"]


REJECTIONS: Refusals = [
    (lambda exchange: exchange.create_order(PERP, "limit", "buy", 99_999_999, 95.0), "InvalidOrder"),
    (lambda exchange: exchange.create_order(PERP, "limit", "buy", 1_000_000, 120.0), "InsufficientFunds"),
    (lambda exchange: exchange.create_order(PERP, "limit", "sell", 1, 105.0, {"reduceOnly": True}), "InvalidOrder"),
    (
        lambda exchange: exchange.create_order(PERP, "limit", "buy", 1, 102.0, {"postOnly": True}),
        "OrderImmediatelyFillable",
    ),
    (lambda exchange: exchange.cancel_order("999", PERP), "OrderNotFound"),
    (lambda exchange: exchange.set_leverage(5, PERP), "BadRequest"),  # isolated margin
    (lambda exchange: exchange.set_position_mode(True), "BadRequest"),
]


async def test_rejections() -> None:
    async with live_venue(with_perpetual) as server, trader(server, "alice", options=OPTIONS) as alice:
        await refused(alice, REJECTIONS)


async def test_streams() -> None:
    """Positions, orders, own trades, balances and books by WebSocket, and orders on it."""
    async with (
        live_venue(with_perpetual) as server,
        trader(server, "bob", ccxt.pro, OPTIONS) as bob,
        trader(server, "alice", options=OPTIONS) as alice,
        asyncio.timeout(SECONDS_MAX),
    ):
        bob.uid = "2"
        wanted = server.world.hub.wants
        assert await bob.watch_positions([PERP]) == []
        held = asyncio.create_task(bob.watch_positions([PERP]))
        own, money = asyncio.create_task(bob.watch_my_trades(PERP)), asyncio.create_task(bob.watch_balance())
        orders = asyncio.create_task(bob.watch_orders(PERP))
        channels = ("positions 2", "balances 2", "usertrades 2 BTC_USDT", "orders 2 BTC_USDT")
        await until(lambda: all(wanted(f"futures.{channel}") for channel in channels))
        placed = await bob.create_order_ws(PERP, "limit", "sell", 10, 100.5)
        (order,) = await orders
        assert (order["id"], order["status"], order["side"]) == (placed["id"], "open", "sell")
        edited = await bob.edit_order_ws(placed["id"], PERP, "limit", "sell", 10, 100.4)
        assert edited["price"] == 100.4
        await alice.create_order(PERP, "market", "buy", 4)
        (trade,) = await own
        assert (trade["price"], trade["amount"], trade["fee"]["cost"]) == (100.4, 4.0, 0.0008032)
        (position,) = await held
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 4.0, 100.4)
        assert (await money)["USDT"]["total"] == 99_999.9991968
        book = asyncio.create_task(bob.watch_order_book(PERP))
        await until(lambda: wanted("futures.order_book_update BTC_USDT"))
        assert (await bob.fetch_order_ws(placed["id"], PERP))["filled"] == 4.0
        assert (await bob.cancel_order_ws(placed["id"], PERP))["status"] == "canceled"
        while (await book)["asks"][0] != [101.0, 100.0]:
            book = asyncio.create_task(bob.watch_order_book(PERP))
