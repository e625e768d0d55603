"""Where connections come in: plain requests go to REST, upgrades on the path of spot or of perpetuals to a session."""

from __future__ import annotations

from aiohttp import WSCloseCode, hdrs, web

from connectors.simulated.server.faults import SocketWire
from connectors.simulated.server.gate.errors import NO_SUCH_PATH, GateError
from connectors.simulated.server.gate.rest import Rest
from connectors.simulated.server.gate.session import Session
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.server.sockets import Connection

SOCKETS = {"/ws/v4": "spot", "/v4/ws/usdt": "futures"}
CLOSE_S = 1.0  # for the other side to close too


class GateEntrance:
    """All open sockets of a venue."""

    def __init__(self, world: GateWorld) -> None:
        self._world = world
        self._rest = Rest(world)
        self._open: dict[Connection, None] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every request comes here."""
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            return await self._rest.handle(request)
        self._world.advance()
        section = SOCKETS.get(request.path.rstrip("/"))
        if section is None:
            return web.json_response(GateError(NO_SUCH_PATH).body(), status=NO_SUCH_PATH.status)
        if self._world.is_cut:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=CLOSE_S, autoping=False)
        connection = Connection(socket, lambda: self._world.now_us, SocketWire(self._world.wire, request))
        await socket.prepare(request)
        session = Session(self._world, connection, section)
        self._open[connection] = None
        try:
            await connection.serve(session.request)
        finally:
            del self._open[connection]
            session.close()
        return socket

    def hang_up(self, code: int) -> None:
        """End every connection."""
        for connection in self._open:
            connection.end(code, b"")

    def shut_down(self) -> None:
        """Hang up: nothing is announced."""
        self.hang_up(WSCloseCode.GOING_AWAY)
