"""A venue by the wall clock for clients that sign with their own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.world import World
from engine.core.clock import Clock
from tests.connectors.simulated.server.venues import make_world

TICK_S = 0.02


@asynccontextmanager
async def live_venue() -> AsyncIterator[VenueServer[World]]:
    """As `serving`, but time passes."""
    world = make_world(Clock().now_us)
    server = VenueServer(world, Entrance(world), TICK_S)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def until(met: Callable[[], bool]) -> None:
    """Wait for the other side of a socket: it is in this process, but tells nobody."""
    while not met():  # noqa: ASYNC110
        await asyncio.sleep(TICK_S)
