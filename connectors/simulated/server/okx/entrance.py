"""Where connections come in: plain requests go to REST, upgrades to the kind of socket that their path names."""

from __future__ import annotations

from aiohttp import WSCloseCode, hdrs, web

from connectors.simulated.server.faults import SocketWire
from connectors.simulated.server.okx.errors import NO_SUCH_PATH
from connectors.simulated.server.okx.rest import Rest
from connectors.simulated.server.okx.socket import CHANNELS, Session
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.server.sockets import Connection

SOCKETS = "/ws/v5/"
CLOSE_S = 1.0  # for the other side to close too


class OkxEntrance:
    """All open sockets of a venue."""

    def __init__(self, world: OkxWorld) -> None:
        self._world = world
        self._rest = Rest(world)
        self._open: dict[Connection, Session] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every request comes here."""
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            return await self._rest.handle(request)
        self._world.advance()
        kind = request.path.removeprefix(SOCKETS)
        if kind not in CHANNELS or not request.path.startswith(SOCKETS):
            return web.Response(status=NO_SUCH_PATH.status)
        if self._world.is_cut:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=CLOSE_S, autoping=False)
        connection = Connection(socket, lambda: self._world.now_us, SocketWire(self._world.wire, request))
        await socket.prepare(request)
        session = self._open[connection] = Session(self._world, connection, kind)
        try:
            await connection.serve(session.request)
        finally:
            del self._open[connection]
            session.close()
        return socket

    def announce(self) -> None:
        """Tell everybody to connect anew: this connection will be closed."""
        for session in self._open.values():
            session.announce()

    def hang_up(self, code: int) -> None:
        """End every connection."""
        for connection in self._open:
            connection.end(code, b"")

    def shut_down(self) -> None:
        """Tell everybody that the venue stops, and hang up."""
        self.announce()
        self.hang_up(WSCloseCode.GOING_AWAY)
