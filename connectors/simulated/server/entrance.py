"""Where connections come in: plain requests go to REST, upgrades to the socket that their path names."""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiohttp import WSCloseCode, hdrs, web

from connectors.simulated.server.errors import DISCONNECTED, NO_SUCH_PATH, ApiError
from connectors.simulated.server.faults import SocketWire
from connectors.simulated.server.rest import Rest, spot_operation, time_unit
from connectors.simulated.server.socket_api import SocketSession
from connectors.simulated.server.sockets import Connection
from connectors.simulated.server.streams import StreamSession
from connectors.simulated.server.values import Moment
from connectors.simulated.server.world import World

API_PATH = "/ws-api/v3"
CONNECT_WEIGHT = 2
CLOSE_S = 1.0  # for the other side to close too
RAW = re.compile(r"^/ws(?:/stream)?(?:/[0-9]+)?/?$|^/stream/ws(?:/[0-9]+)?/?$")
RAW_NAMED = re.compile(r"^/ws/(?P<names>.*[@!].*)$")
COMBINED = re.compile(r"^/stream(?:/[0-9]+)?/?$")


class Entrance:
    """All open sockets of a venue."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rest = Rest(world, spot_operation)
        self._open: dict[Connection, None] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every request comes here."""
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            return await self._rest.handle(request)
        self._world.advance()
        try:
            if self._world.is_cut:
                raise ApiError(DISCONNECTED)
            self._world.address(request.remote or "").connect(self._world.now_us)
            return await (self._api(request) if request.path == API_PATH else self._streams(request))
        except ApiError as error:
            return web.json_response(error.body(), status=error.kind.status)

    def hang_up(self, code: int) -> None:
        """End every connection."""
        for connection in self._open:
            connection.end(code, b"")

    def shut_down(self) -> None:
        """Tell everybody that the venue stops, and hang up."""
        self._world.hub.emit("!serverShutdown", {"e": "serverShutdown", "E": Moment(self._world.now_us)})
        self.hang_up(WSCloseCode.GOING_AWAY)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        unit = time_unit(request.query.get("timeUnit", ""))
        rate_limits = request.query.get("returnRateLimits", "").lower() != "false"
        address = request.remote or ""
        self._world.address(address).charge(self._world.now_us, CONNECT_WEIGHT)
        socket = web.WebSocketResponse(timeout=CLOSE_S, autoping=False)
        connection = Connection(socket, lambda: self._world.now_us, SocketWire(self._world.wire, request))
        await socket.prepare(request)
        await self._serve(connection, SocketSession(self._world, connection, address, unit, rate_limits))
        return socket

    async def _streams(self, request: web.Request) -> web.StreamResponse:
        unit = time_unit(request.query.get("timeUnit", ""))
        combined, names = _streams_of(unquote(request.path), request.query.get("streams", ""))
        socket = web.WebSocketResponse(timeout=CLOSE_S, autoping=False)
        wire = SocketWire(self._world.wire, request)
        connection = Connection(socket, lambda: self._world.now_us, wire, self._world.limits.messages_1s)
        await socket.prepare(request)
        session = StreamSession(self._world, connection, combined, unit)
        session.subscribe(names)
        await self._serve(connection, session)
        return socket

    async def _serve(self, connection: Connection, session: StreamSession | SocketSession) -> None:
        self._open[connection] = None
        try:
            await connection.serve(session.request)
        finally:
            del self._open[connection]
            session.close()


def _streams_of(path: str, streams: str) -> tuple[bool, list[str]]:
    """Whether frames are combined, and the streams that the address names."""
    if RAW.match(path):
        return False, []
    if named := RAW_NAMED.match(path):
        return False, [name for name in named["names"].split("/") if name]
    if COMBINED.match(path):
        return True, [name for name in streams.split("/") if name]
    raise ApiError(NO_SUCH_PATH)
