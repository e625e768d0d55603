"""What aiohttp and websockets do about broken connections; some of it is not what a trading bot wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from connectors.base.http_guard import NotAnswered, sent_once
from tests.sim.loop.simloop import SimLoop
from tests.sim.loop.simnet import NetLoop, run_net

HOST = "exchange.test"
URL = f"http://{HOST}/order?signature=secret"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def http_server(handler: Handler) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_route("*", "/order", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 80).start()
    try:
        yield
    finally:
        await runner.cleanup()


class Rude:
    """A venue that executes a request and hangs up, without an answer. `polite` answers first."""

    def __init__(self, polite: int = 0) -> None:
        self.executed: list[str] = []
        self._polite = polite

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.executed.append(request.method)
        if len(self.executed) > self._polite:
            assert request.transport is not None
            request.transport.close()
        return web.Response(text="done")


@pytest.mark.parametrize("kept_alive", [False, True])
@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)])
@pytest.mark.parametrize("guarded", [False, True])
def test_a_request_whose_answer_is_lost_is_sent_once_only_if_guarded(
    method: str, times: int, guarded: bool, kept_alive: bool
) -> None:
    venue = Rude(polite=int(kept_alive))

    async def main() -> None:
        async with (
            http_server(venue.answer),
            aiohttp.ClientSession(middlewares=[sent_once] if guarded else []) as session,
        ):
            if kept_alive:
                async with session.get(URL) as response:
                    assert await response.text() == "done"
            with pytest.raises(NotAnswered if guarded else aiohttp.ServerDisconnectedError) as caught:
                await session.request(method, URL)
            assert "secret" not in str(caught.value)

    run_net(NetLoop(), main())
    assert len(venue.executed) - kept_alive == (1 if guarded else times)


def test_an_error_of_connecting_passes_the_guard() -> None:
    """Then nothing was sent, and the caller may say so."""
    loop = NetLoop()

    async def main() -> None:
        async with aiohttp.ClientSession(middlewares=[sent_once]) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.delete(URL)
            assert not isinstance(caught.value, aiohttp.ClientConnectorDNSError)
            loop.weather.unresolved = 1.0
            with pytest.raises(aiohttp.ClientConnectorDNSError):
                await session.delete("http://other.test/order")
            loop.weather.unresolved = 0.0
            loop.weather.latency_us = lambda chance: 60_000_000
            timeout = aiohttp.ClientTimeout(sock_connect=5)
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                await session.delete(URL, timeout=timeout)

    run_net(loop, main())


def test_aiohttp_forgets_addresses_and_idle_connections_in_virtual_time() -> None:
    loop = NetLoop()
    venue = Rude(polite=100)

    async def main() -> None:
        async with http_server(venue.answer), aiohttp.ClientSession() as session:
            async with session.get(URL):
                assert len(loop.connections) == 1
            await asyncio.sleep(9)
            assert len(loop.connections) == 1
            loop.weather.unresolved = 1.0
            async with session.get(URL):  # the connection is still good
                pass
            await asyncio.sleep(60)
            assert not loop.connections
            with pytest.raises(aiohttp.ClientConnectorDNSError):
                await session.get(URL)

    run_net(loop, main())


# ---- half-open connections


async def seconds_until_noticed(loop: SimLoop, receive: Callable[[], Awaitable[Any]]) -> float | None:
    """How long a client listens to a connection that is dead; None: for ever."""
    begun = loop.time()
    try:
        async with asyncio.timeout(3600):
            while True:
                message = await receive()
                if isinstance(message, aiohttp.WSMessage) and message.type is not aiohttp.WSMsgType.TEXT:
                    return loop.time() - begun
    except ConnectionClosedError:
        return loop.time() - begun
    except TimeoutError:
        return None


@pytest.mark.parametrize(("ping_s", "noticed"), [(None, None), (20.0, (20.0, 40.0)), (5.0, (5.0, 10.0))])
def test_websockets_notices_a_dead_connection_by_its_pings(
    ping_s: float | None, noticed: tuple[float, float] | None
) -> None:
    loop = NetLoop()

    async def chat(connection: ServerConnection) -> None:
        with suppress(ConnectionClosedError):
            while True:
                await connection.send("tick")
                await asyncio.sleep(1)

    async def main() -> float | None:
        async with (
            serve(chat, HOST, 81, ping_interval=None, close_timeout=1),
            connect(
                f"ws://{HOST}:81", ping_interval=ping_s, ping_timeout=ping_s, close_timeout=1, proxy=None
            ) as client,
        ):
            await client.recv()
            (connection,) = loop.connections
            loop.blackhole(connection)
            after = await seconds_until_noticed(loop, client.recv)
            loop.reset(connection)
            return after

    after = run_net(loop, main())
    assert (after is None) == (noticed is None)
    if noticed is not None:
        assert noticed[0] <= after <= noticed[1] + 1


@pytest.mark.parametrize(("ping_s", "noticed"), [(None, None), (20.0, (20.0, 30.0)), (5.0, (5.0, 7.5))])
def test_aiohttp_notices_a_dead_connection_by_its_heartbeat(
    ping_s: float | None, noticed: tuple[float, float] | None
) -> None:
    loop = NetLoop()

    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with suppress(ConnectionResetError):
            while True:
                await socket.send_str("tick")
                await asyncio.sleep(1)
        return socket

    async def main() -> float | None:
        async with http_server(chat), aiohttp.ClientSession() as session:
            async with session.ws_connect(URL, heartbeat=ping_s) as client:
                await client.receive()
                (connection,) = loop.connections
                loop.blackhole(connection)
                after = await seconds_until_noticed(loop, client.receive)
                loop.reset(connection)
            await asyncio.sleep(2)
            return after

    after = run_net(loop, main())
    assert (after is None) == (noticed is None)
    if noticed is not None:
        assert noticed[0] <= after <= noticed[1] + 1
