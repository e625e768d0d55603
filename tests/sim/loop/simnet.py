"""TCP in memory for a SimLoop: unmodified aiohttp and websockets, client and server, run on it in virtual time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from math import exp, log
from random import Random
from typing import Any, Never

import aiohttp.connector

from tests.sim.loop.simloop import PROCESS, Process, SimLoop, run
from tests.sim.loop.transport import Address, FakeSocket, MemoryTransport

Latency = Callable[[Random], int]
FIRST_PORT = 40_000
ANY_HOST = (None, "", "0.0.0.0", "localhost")
HOME = "127.0.0.1"


def steady(latency_us: int) -> Latency:
    """Always the same one-way latency."""
    return lambda chance: latency_us


def log_normal(median_us: int, sigma: float = 0.5) -> Latency:
    """Now and then a segment takes much longer than the median; those behind it wait."""
    middle = log(median_us)
    return lambda chance: int(exp(chance.gauss(middle, sigma)))


class Weather:
    """What the network does to everybody, to be changed at any time. Probabilities: `refused` and `unresolved` are of a
    connect, `split` and `joined` of a write. A killed process's connections vanish at once, and their peers are told
    within `vanish_us`.
    """

    def __init__(self, latency_us: Latency | None = None) -> None:
        self.latency_us = latency_us or steady(10_000)
        self.refused = 0.0
        self.unresolved = 0.0
        self.split = 0.0
        self.joined = 0.0
        self.vanish_us = 60_000_000

    def pieces(self, data: bytes, chance: Random) -> list[bytes]:
        """The segments that one write becomes."""
        if not self.split or len(data) < 2 or chance.random() >= self.split:
            return [data]
        cut = chance.randrange(1, len(data))
        return [data[:cut], data[cut:]]


class MemoryServer(asyncio.AbstractServer):
    """A listening port of one process."""

    def __init__(self, loop: NetLoop, address: Address, factory: Callable[[], Any]) -> None:
        self.address = address
        self.factory = factory
        self.context = copy_context()
        self.sockets = (FakeSocket(address, None),)
        self._loop = loop

    def close(self) -> None:
        self._loop.servers.pop(self.address, None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def is_serving(self) -> bool:
        return self.address in self._loop.servers

    async def start_serving(self) -> None: ...

    async def serve_forever(self) -> Never:
        raise RuntimeError("it serves as long as the loop runs")

    async def wait_closed(self) -> None: ...


class NetLoop(SimLoop):
    """`connections` are the client's ends of connections of which at least one end is open, oldest first.

    Each connection has its own source of chance, so that one does not change what happens to another.
    """

    def __init__(self, seed: int = 0, *, weather: Weather | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.weather = weather or Weather()
        self.servers: dict[Address, MemoryServer] = {}
        self.connections: dict[MemoryTransport, None] = {}
        self._seed = seed
        self._chance_of_connects = Random(f"connects:{seed}")
        self._connecting: dict[int, Address] = {}  # by the number of aiohttp's own socket
        self._port = FIRST_PORT
        self.killed.append(self._vanish)

    # ---- faults

    def blackhole(self, connection: MemoryTransport) -> None:
        """Half-open: from now on bytes vanish both ways, and nobody is told."""
        connection.blackhole = connection.peer.blackhole = True

    def reset(self, connection: MemoryTransport) -> None:
        """Both ends get a ConnectionResetError at once."""
        connection.reset()
        connection.peer.reset()

    def connections_of(self, process: Process) -> list[MemoryTransport]:
        """The ends of open connections that belong to a process."""
        ends = [end for each in self.connections for end in (each, each.peer)]
        return [end for end in ends if end.context.get(PROCESS) is process]

    # ---- asyncio's interface

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> list[Any]:
        if self._chance_of_connects.random() < self.weather.unresolved:
            raise socket.gaierror(socket.EAI_AGAIN, f"the name {host} could not be resolved (simulated)")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (_host(host), port))]

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """aiohttp connects a socket of its own and hands it to `create_connection`."""
        await self._reach(address[:2])
        self._connecting[sock.fileno()] = address[:2]

    async def create_server(  # type: ignore[override]
        self, factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        address = (_host(host), port or self._next_port())
        if address in self.servers:
            raise OSError(f"{address} is in use")
        server = self.servers[address] = MemoryServer(self, address, factory)
        return server

    async def create_connection(  # type: ignore[override]
        self, factory: Any, host: Any = None, port: Any = None, *, sock: Any = None, **options: Any
    ) -> Any:
        if sock is not None:
            address = self._connecting.pop(sock.fileno())
            sock.close()
        else:
            ((*_, address),) = await self.getaddrinfo(host, port)
            await self._reach(address)
        server = self._listening(address)
        local = (HOME, self._next_port())
        chance = Random(f"connection:{self._seed}:{local[1]}")
        ours = MemoryTransport(self, local, address, copy_context(), chance)
        theirs = MemoryTransport(self, address, local, server.context, chance)
        ours.peer, theirs.peer = theirs, ours
        self.connections[ours] = None
        server.context.run(theirs.open, server.factory)
        ours.open(factory)
        return ours, ours.get_protocol()

    # ---- inside

    async def _reach(self, address: Address) -> None:
        chance = self._chance_of_connects
        await asyncio.sleep(2e-6 * self.weather.latency_us(chance))
        if chance.random() < self.weather.refused:
            raise ConnectionRefusedError(f"{address} refused the connection (simulated)")
        self._listening(address)

    def _listening(self, address: Address) -> MemoryServer:
        server = self.servers.get(address)
        if server is None:
            raise ConnectionRefusedError(f"nobody listens at {address}")
        return server

    def _next_port(self) -> int:
        self._port += 1
        return self._port

    def forget(self, transport: MemoryTransport) -> None:
        """One end is closed. The connection is over when both are."""
        if transport.peer.is_closing():
            self.connections.pop(transport, None)
            self.connections.pop(transport.peer, None)

    def _vanish(self, process: Process) -> None:
        """The process died: its ports are free, its connections gone, and its peers hear of that later."""
        for address, server in list(self.servers.items()):
            if server.context.get(PROCESS) is process:
                del self.servers[address]
        for end in self.connections_of(process):
            end.vanish()
            self.bury(end)
            after_us = self._chance_of_connects.randint(0, self.weather.vanish_us)
            self.call_at_us(self.elapsed_us + after_us, end.peer.reset, context=Context())


def run_net(loop: NetLoop, main: Coroutine[Any, Any, Any]) -> Any:
    """`simloop.run` for programs that use aiohttp."""
    with _virtual_monotonic(loop):
        return run(loop, main)


@contextmanager
def _virtual_monotonic(loop: NetLoop) -> Iterator[None]:
    """aiohttp ages its idle connections and its DNS cache by a clock that it does not ask the loop for."""
    module: Any = aiohttp.connector
    real, module.monotonic = module.monotonic, loop.time
    try:
        yield
    finally:
        module.monotonic = real


def _host(host: Any) -> str:
    return HOME if host in ANY_HOST else str(host)
