"""The venue as a server: one loop, one exchange, one protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Generic, Protocol, TypeVar

from aiohttp import WSCloseCode, web

from connectors.simulated.server.stage import Stage
from engine.schema.values import BadValue

TICK_S = 0.1
GRACE_S = 1.0
S = TypeVar("S", bound=Stage)


class Door(Protocol):
    """Where requests and connections of one protocol come in."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        ...

    def hang_up(self, code: int) -> None:
        """End every connection."""
        ...

    def shut_down(self) -> None:
        """Tell everybody that the venue stops, and hang up."""
        ...


class VenueServer(Generic[S]):
    """`tick_s` is how often the world moves on by itself; 0 leaves that to `tick`."""

    def __init__(self, world: S, door: Door, tick_s: float = TICK_S) -> None:
        self.world = world
        self.port = 0
        self._tick_s = tick_s
        self._door = door
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port (a free one for 0). Only loopback addresses: there is no encryption here."""
        if not ip_address(host).is_loopback:
            raise BadValue(f"{host} can be reached from other machines and nothing here is encrypted", "127.0.0.1")
        self.tick()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = self._runner.addresses[0][1]
        if self._tick_s:
            self._ticking = asyncio.create_task(self._keep_ticking())
        return self.port

    async def serve(self, port: int, ready: Callable[[int], None]) -> None:
        """Until cancelled, or until the market fails. `ready` is told the port."""
        ready(await self.start(port=port))
        try:
            assert self._ticking is not None
            await self._ticking
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Close everything; raises what ended the market."""
        self._door.shut_down()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking

    def tick(self) -> None:
        """Let what is due happen and tell the streams about it; a market may cut them."""
        self.world.advance()
        if self.world.is_cut:
            self._door.hang_up(WSCloseCode.SERVICE_RESTART)
        self.world.flush()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """A request, as the network before the venue delivers it."""
        wire = self.world.wire
        early = await wire.arrive(request)
        if early is not None:
            return early
        if wire.is_twice(request):
            await self._door.handle(request)
        return await self._door.handle(request)

    async def _keep_ticking(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self._tick_s)
