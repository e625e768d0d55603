"""A venue by the wall clock for clients that sign with their own, and what each of ccxt's exchanges manages there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import pytest

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.world import World
from engine.core.clock import Clock
from tests.connectors.simulated.server.venues import make_world, running

TICK_S = 0.02
SECONDS_MAX = 10
PAIR = "BTC/USDT"
Refusals = Iterable[tuple[Callable[[Any], Awaitable[Any]], str]]


@asynccontextmanager
async def live_venue() -> AsyncIterator[VenueServer[World]]:
    """As `serving`, but time passes."""
    world = make_world(Clock().now_us)
    async with running(VenueServer(world, Entrance(world), TICK_S)) as server:
        yield server


async def until(met: Callable[[], bool]) -> None:
    """Wait for the other side of a socket: it is in this process, but tells nobody."""
    while not met():  # noqa: ASYNC110
        await asyncio.sleep(TICK_S)


@asynccontextmanager
async def connected(exchange: Any) -> AsyncIterator[Any]:
    """One of ccxt's exchanges with its markets."""
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


async def life_of_orders(alice: Any, bob: Any, name: str) -> None:
    """A resting order of bob's, called `name`, fills in two parts: orders, trades and balances agree."""
    placed = await bob.create_order(PAIR, "limit", "sell", 1.0, 100.5, {"clientOrderId": name})
    assert placed["clientOrderId"] == name
    bought = await alice.create_order(PAIR, "limit", "buy", 0.4, 100.5, {"timeInForce": "IOC"})
    part = await alice.fetch_order(bought["id"], PAIR)
    assert (part["status"], part["filled"], part["cost"]) == ("closed", 0.4, 40.2)
    halfway = await bob.fetch_order(placed["id"], PAIR)
    assert (halfway["status"], halfway["filled"], halfway["remaining"]) == ("open", 0.4, 0.6)
    spent = await alice.create_market_buy_order_with_cost(PAIR, 60.3)
    assert (await alice.fetch_order(spent["id"], PAIR))["filled"] == 0.6
    assert (await bob.fetch_order(placed["id"], PAIR))["status"] == "closed"
    trades = await bob.fetch_my_trades(PAIR)
    assert [(trade["amount"], trade["takerOrMaker"]) for trade in trades] == [(0.4, "maker"), (0.6, "maker")]
    bought_trades = await alice.fetch_my_trades(PAIR)
    assert [trade["id"] for trade in bought_trades] == [trade["id"] for trade in trades]
    assert {"currency": "BTC", "cost": 0.0004} in bought_trades[0]["fees"]
    balance = await alice.fetch_balance()
    assert (balance["BTC"]["total"], balance["USDT"]["total"]) == (100.999, 99_899.5)


async def refused(exchange: Any, refusals: Refusals) -> None:
    """Each refusal arrives as the exception that ccxt has for it."""
    for ask, name in refusals:
        with pytest.raises(ccxt.BaseError) as error:
            await ask(exchange)
        assert type(error.value).__name__ == name
