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
PAIR, PERP = "BTC/USDT", "BTC/USDT:USDT"
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


async def life_of_a_position(alice: Any, bob: Any) -> None:
    """Alice goes long against bob in two steps, reduces, and closes against the book: all agree what it cost."""
    await alice.set_leverage(5, PERP, {"marginMode": "cross"})
    await alice.create_order(PERP, "limit", "buy", 100, 90.0)
    assert (await alice.fetch_balance())["USDT"]["free"] < 100_000 - 90 / 5
    (resting,) = await alice.fetch_open_orders(PERP)
    await alice.edit_order(resting["id"], PERP, "limit", "buy", 50, 91.0)
    (resting,) = await alice.fetch_open_orders(PERP)
    assert (resting["price"], resting["amount"], resting["side"]) == (91.0, 50.0, "buy")
    await alice.cancel_order(resting["id"], PERP)
    placed = await bob.create_order(PERP, "limit", "sell", 10, 100.5)
    await alice.create_order(PERP, "limit", "buy", 4, 100.5, {"timeInForce": "IOC"})
    for exchange, side in ((alice, "long"), (bob, "short")):
        (position,) = await exchange.fetch_positions([PERP])
        assert (position["side"], position["contracts"], position["entryPrice"]) == (side, 4.0, 100.5)
    bought = await alice.create_order(PERP, "market", "buy", 6)
    assert (await alice.fetch_order(bought["id"], PERP))["filled"] == 6.0
    assert (await bob.fetch_order(placed["id"], PERP))["status"] == "closed"
    for amount, left in ((4, [6.0]), (6, [])):
        sold = await alice.create_order(PERP, "market", "sell", amount, None, {"reduceOnly": True})
        order = await alice.fetch_order(sold["id"], PERP)
        assert (order["status"], order["average"], order["reduceOnly"]) == ("closed", 99.0, True)
        held = await alice.fetch_positions([PERP])
        assert [position["contracts"] for position in held if position["contracts"]] == left
    trades = await alice.fetch_my_trades(PERP)
    assert [(each["side"], each["amount"]) for each in trades] == [
        ("buy", 4.0),
        ("buy", 6.0),
        ("sell", 4.0),
        ("sell", 6.0),
    ]
    assert [(each["fee"]["currency"], each["fee"]["cost"]) for each in trades[:1]] == [("USDT", 0.00201)]
    assert (await alice.fetch_balance())["USDT"]["total"] == 99_999.840025  # 10 · 0.01 · −1.5, and fees of 0.05 %


async def refused(exchange: Any, refusals: Refusals) -> None:
    """Each refusal arrives as the exception that ccxt has for it."""
    for ask, name in refusals:
        with pytest.raises(ccxt.BaseError) as error:
            await ask(exchange)
        assert type(error.value).__name__ == name, error.value
