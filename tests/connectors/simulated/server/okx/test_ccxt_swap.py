"""ccxt as it is trades perpetuals on OKX's protocol."""

import asyncio

import ccxt.pro

from tests.connectors.simulated.server.clients import (
    PAIR,
    PERP,
    SECONDS_MAX,
    Refusals,
    life_of_a_position,
    refused,
)
from tests.connectors.simulated.server.okx.test_ccxt import trader
from tests.connectors.simulated.server.okx.venues import live_venue
from tests.connectors.simulated.server.venues import with_perpetual

OPTIONS = {"defaultType": "swap", "fetchMarkets": {"types": ["spot", "swap"]}}


async def test_life_of_a_position() -> None:
    async with (
        live_venue(with_perpetual) as server,
        trader(server, "alice", options=OPTIONS) as alice,
        trader(server, "bob", options=OPTIONS) as bob,
    ):
        market = alice.market(PERP)
        assert (market["contractSize"], market["precision"]["amount"], market["linear"]) == (0.01, 1.0, True)
        await life_of_a_position(alice, bob)
        assert (await alice.fetch_leverage(PERP))["longLeverage"] == 5


async def test_questions() -> None:
    async with live_venue(with_perpetual) as server, trader(server, "alice", options=OPTIONS) as alice:
        rate = await alice.fetch_funding_rate(PERP)
        assert (rate["interval"], rate["fundingRate"]) == ("8h", 0.0001)
        assert (await alice.fetch_mark_price(PERP))["markPrice"] == 100.0
        assert await alice.fetch_funding_rate_history(PERP) == []
        tiers = await alice.fetch_market_leverage_tiers(PERP)
        assert [tier["maxLeverage"] for tier in tiers] == [125.0, 50.0, 20.0, 10.0]
        assert (await alice.fetch_leverage(PERP))["longLeverage"] == 10
        assert (await alice.fetch_ticker(PERP))["last"] == 100.0
        assert (await alice.fetch_order_book(PERP))["bids"][0][:2] == [99.0, 100.0]
        assert (await alice.fetch_ohlcv(PERP, "1m"))[0][5] == 1.0  # coins
        assert (await alice.fetch_trading_fee(PERP))["taker"] == 0.0005
        await alice.set_position_mode(False)
        assert await alice.fetch_open_orders(PAIR) == []


REJECTIONS: Refusals = [
    (lambda exchange: exchange.create_order(PERP, "limit", "buy", 99_999_999, 95.0), "InvalidOrder"),
    (lambda exchange: exchange.create_order(PERP, "limit", "buy", 1_000_000, 120.0), "InsufficientFunds"),
    (lambda exchange: exchange.create_order(PERP, "limit", "sell", 1, 105.0, {"reduceOnly": True}), "ExchangeError"),
    (lambda exchange: exchange.set_position_mode(True), "BadRequest"),
]


async def test_rejections() -> None:
    async with live_venue(with_perpetual) as server, trader(server, "alice", options=OPTIONS) as alice:
        await refused(alice, REJECTIONS)


async def test_streams() -> None:
    """Positions, marks, funding rate and orders by WebSocket."""
    async with (
        live_venue(with_perpetual) as server,
        trader(server, "bob", ccxt.pro, OPTIONS) as bob,
        trader(server, "alice", options=OPTIONS) as alice,
        asyncio.timeout(SECONDS_MAX),
    ):
        assert await bob.watch_positions([PERP]) == []
        placed = await bob.create_order_ws(PERP, "limit", "sell", 10, 100.5)
        await alice.create_order(PERP, "market", "buy", 4)
        (position,) = await bob.watch_positions([PERP])
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 4.0, 100.5)
        watching = asyncio.create_task(bob.watch_orders(PERP))
        assert (await bob.watch_mark_price(PERP))["markPrice"] == 100.0
        await bob.cancel_order_ws(placed["id"], PERP)
        (order,) = await watching
        assert (order["status"], order["filled"]) == ("canceled", 4.0)
        assert (await bob.watch_funding_rate(PERP))["fundingRate"] == 0.0001
        assert (await bob.watch_order_book(PERP))["asks"][0][:2] == [101.0, 100.0]
