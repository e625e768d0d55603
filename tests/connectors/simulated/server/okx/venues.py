"""A venue that speaks OKX v5 for tests: two accounts on one hand-made book."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.okx.entrance import OkxEntrance
from connectors.simulated.server.okx.keys import Key
from connectors.simulated.server.okx.world import OkxLimits, OkxWorld
from connectors.simulated.venue import SimulatedExchange
from engine.core.clock import Clock
from engine.model.enums import Side
from tests.connectors.simulated.builders import ScriptedMarket, money
from tests.connectors.simulated.server.clients import TICK_S
from tests.connectors.simulated.server.venues import BTC, SECRETS, instrument, key_of

PASSPHRASE = "open sesame"


def make_world(clock: Callable[[], int], limits: OkxLimits | None = None) -> OkxWorld:
    """BTC-USDT with 1 BTC at 99.00 and 101.00 and a last trade at 100.00; ETH-USDT is empty."""
    exchange = SimulatedExchange("sim", [instrument(), instrument("ETH-USDT")])

    def lay_out(exchange: SimulatedExchange) -> None:
        engine = exchange.listing(BTC).engine
        engine.add(Side.BUY, 9_900, 1_000)
        engine.add(Side.SELL, 10_100, 1_000)
        engine.print_trade(10_000, 1_000, Side.BUY)

    world = OkxWorld(exchange, [ScriptedMarket((clock(), lay_out))], clock, limits)
    for name, secret in SECRETS.items():
        account = exchange.open_account(name, money(USDT=100_000, BTC=100))
        world.keys.add(Key(key_of(name), secret, PASSPHRASE, account))
    return world


@asynccontextmanager
async def live_venue() -> AsyncIterator[VenueServer[OkxWorld]]:
    """By the wall clock, for clients that sign with their own."""
    world = make_world(Clock().now_us)
    server = VenueServer(world, OkxEntrance(world), TICK_S)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
