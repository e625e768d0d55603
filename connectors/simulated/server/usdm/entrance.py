"""Where connections come in: requests, public streams by the kind of what they tell, and the private one by its key.

`/public` tells of books and single trades, `/market` all else, `/private` of the account whose listen key is named. The
addresses of before, without a kind, are `/public`. What is subscribed to in the wrong place stays silent.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiohttp import WSCloseCode, hdrs, web

from connectors.simulated.server.errors import DISCONNECTED, NO_SUCH_PATH, ApiError
from connectors.simulated.server.faults import SocketWire
from connectors.simulated.server.hub import Event
from connectors.simulated.server.reception import Reception
from connectors.simulated.server.rest import Rest
from connectors.simulated.server.sockets import Connection
from connectors.simulated.server.streams import StreamSession
from connectors.simulated.server.usdm.operations import find
from connectors.simulated.server.usdm.world import FutureWorld
from connectors.simulated.server.values import Moment, TimeUnit

CLOSE_S = 1.0  # for the other side to close too
PATH = re.compile(r"^(?:/(?P<kind>public|market|private))?/(?P<frame>ws|stream)(?:/(?P<names>.*))?$")
PUBLIC_CHANNELS = ("depth", "bookTicker", "trade")
MILLISECOND = TimeUnit.MILLISECOND


class KindSession(StreamSession):
    """Public streams of one kind."""

    def __init__(self, world: Reception, connection: Connection, combined: bool, kind: str) -> None:
        super().__init__(world, connection, combined, MILLISECOND)
        self._kind = kind

    def hear(self, stream: str, event: Event) -> None:
        channel = stream.partition("@")[2] or stream.lstrip("!")
        is_public = channel.startswith(PUBLIC_CHANNELS)
        if is_public is (self._kind == "public"):
            super().hear(stream, event)


class PrivateSession:
    """Everything of one account, until its key is over."""

    def __init__(self, world: FutureWorld, connection: Connection, key: str, combined: bool) -> None:
        self._world = world
        self._connection = connection
        self._key = key
        self._combined = combined
        self._account = world.listen_keys.account(key)
        if self._account is not None:
            world.users.subscribe(self._account, self, 0)

    def hear_user(self, subscription: int, event: Event) -> None:
        text = event.text(MILLISECOND)
        self._connection.send(f'{{"stream":"{self._key}","data":{text}}}' if self._combined else text)
        if event.payload["e"] == "listenKeyExpired":
            self.close()

    def request(self, text: str) -> None:
        """Nothing can be asked for here."""

    def close(self) -> None:
        if self._account is not None:
            self._world.users.unsubscribe(self._account, self)
            self._account = None


class FutureEntrance:
    """All open sockets of a venue."""

    def __init__(self, world: FutureWorld) -> None:
        self._world = world
        self._rest = Rest(world, find, "1M")
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
            match = PATH.match(unquote(request.path))
            if match is None:
                raise ApiError(NO_SUCH_PATH)
            return await self._serve(request, match)
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

    async def _serve(self, request: web.Request, match: re.Match[str]) -> web.StreamResponse:
        kind, combined = match["kind"] or "public", match["frame"] == "stream"
        names = [name for name in (match["names"] or request.query.get("streams", "")).split("/") if name]
        socket = web.WebSocketResponse(timeout=CLOSE_S, autoping=False)
        wire = SocketWire(self._world.wire, request)
        connection = Connection(socket, lambda: self._world.now_us, wire, self._world.limits.messages_1s)
        await socket.prepare(request)
        session: KindSession | PrivateSession
        if kind == "private":
            key = request.query.get("listenKey") or (names[0] if names else "")
            session = PrivateSession(self._world, connection, key, combined)
        else:
            session = KindSession(self._world, connection, combined, kind)
            session.subscribe(names)
        self._open[connection] = None
        try:
            await connection.serve(session.request)
        finally:
            del self._open[connection]
            session.close()
        return socket
