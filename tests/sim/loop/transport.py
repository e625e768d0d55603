"""One end of a connection in memory, under asyncio's transport interface."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Context
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sim.loop.simnet import NetLoop

Address = tuple[str, int]
Item = bytes | ConnectionError | None  # data, a reset, the end of data
HIGH_WATER = 64 * 1024
GIVE_UP_US = 924_600_000  # Linux by default: so long is what is not acknowledged sent again


class FakeSocket:
    """What libraries ask of a transport's socket."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, local: Address, remote: Address | None) -> None:
        self._local, self._remote = local, remote

    def getsockname(self) -> Address:
        return self._local

    def getpeername(self) -> Address | None:
        return self._remote

    def setsockopt(self, *option: Any) -> None: ...

    def getsockopt(self, *option: Any) -> int:
        return 0

    def fileno(self) -> int:
        return -1


class MemoryTransport(asyncio.Transport):
    """Its protocol runs in `context`. What is on its way to the peer waits in `_flight`, so that order is kept.

    `blackhole`: what it sends vanishes and nobody is told. Bytes that the peer's protocol has not taken yet count as
    written but unsent: above the high-water mark the own protocol is told to pause.
    """

    peer: MemoryTransport

    def __init__(self, loop: NetLoop, local: Address, remote: Address, context: Context, chance: Random) -> None:
        socket_like = FakeSocket(local, remote)
        super().__init__({"peername": remote, "sockname": local, "socket": socket_like, "sslcontext": None})
        self.context = context
        self.blackhole = False
        self._loop = loop
        self._chance = chance
        self._protocol: Any = None
        self._flight: deque[Item] = deque()
        self._inbox: deque[Item] = deque()
        self._last_us = 0
        self._paused = False
        self._closing = False
        self._ended = False  # no more data will be sent
        self._unsent = 0
        self._full = False
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4

    def open(self, factory: Callable[[], Any]) -> None:
        """Make the protocol and tell it."""
        self._protocol = factory()
        self._protocol.connection_made(self)

    # ---- the transport interface

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol  # type: ignore[no-any-return]

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._take, context=self.context)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = HIGH_WATER if high is None and low is None else (low or 0) * 4 if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def can_write_eof(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._ended:
            if self._closing:
                return
            raise RuntimeError("Cannot call write() after write_eof()")
        if not data:
            return
        self._unsent += len(data)
        for piece in self._loop.weather.pieces(bytes(data), self._chance):
            self._send(piece)
        if self._unsent > self._high and not self._full:
            self._full = True
            self._protocol.pause_writing()

    def writelines(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(pieces))

    def write_eof(self) -> None:
        if not self._ended:
            self._ended = True
            self._send(None)

    def close(self) -> None:
        """Nothing more is read; what was written still arrives."""
        if not self._closing:
            self.write_eof()
            self._lose(None)

    def abort(self) -> None:
        """The peer gets a reset."""
        if not self._closing:
            self._ended = True
            self._send(ConnectionResetError("the peer aborted the connection"))
            self._lose(None)

    # ---- what the network does

    def reset(self) -> None:
        """The connection breaks for this end, now."""
        if not self._closing:
            self._ended = True
            self._lose(ConnectionResetError("the connection was reset"))

    def vanish(self) -> None:
        """This end's process died: nothing leaves it any more, not even what is on its way to be sent."""
        self._closing = self._ended = self.blackhole = True
        self._loop.forget(self)

    # ---- sending

    def _send(self, item: Item) -> None:
        if self.blackhole:
            self._loop.call_at_us(self._loop.elapsed_us + GIVE_UP_US, self._give_up, context=self.context)
            return
        loop, weather, flight = self._loop, self._loop.weather, self._flight
        if weather.joined and flight and self._chance.random() < weather.joined:
            last = flight[-1]
            if isinstance(item, bytes) and isinstance(last, bytes):
                flight[-1] = last + item
                return
        self._last_us = max(self._last_us, loop.elapsed_us + weather.latency_us(self._chance))
        flight.append(item)
        loop.call_at_us(self._last_us, self.peer._arrive, context=self.peer.context)

    def _give_up(self) -> None:
        if not self._closing:
            self._ended = True
            self._lose(TimeoutError("what was sent was never acknowledged"))

    def _resume_writing(self) -> None:
        if not self._closing:
            self._protocol.resume_writing()

    # ---- receiving

    def _arrive(self) -> None:
        """The next item is here. One for a connection that is closed is answered with a reset."""
        item = self.peer._flight.popleft()
        if self._closing:
            if isinstance(item, bytes):
                self._send(ConnectionResetError("the peer has closed the connection"))
        elif isinstance(item, ConnectionError):
            self._ended = True
            self._lose(item)
        else:
            self._inbox.append(item)
            self._take()

    def _take(self) -> None:
        inbox = self._inbox
        while inbox and not self._paused and not self._closing:
            item = inbox.popleft()
            if item is None:
                if not self._protocol.eof_received():
                    self.close()
                return
            assert isinstance(item, bytes)
            self._feed(item)
            peer = self.peer
            peer._unsent -= len(item)
            if peer._full and peer._unsent <= peer._low:
                peer._full = False
                self._loop.call_soon(peer._resume_writing, context=peer.context)

    def _feed(self, data: bytes) -> None:
        protocol = self._protocol
        if not isinstance(protocol, asyncio.BufferedProtocol):
            protocol.data_received(data)
            return
        rest = memoryview(data)
        while rest:
            buffer: Any = protocol.get_buffer(len(rest))
            size = min(len(buffer), len(rest))
            buffer[:size] = rest[:size]
            protocol.buffer_updated(size)
            rest = rest[size:]

    def _lose(self, error: OSError | None) -> None:
        self._closing = True
        self._inbox.clear()
        call_soon = self._loop.call_soon  # twice, because a shuffled loop keeps no order of what is ready at once:
        lost = partial(call_soon, self._protocol.connection_lost, error, context=self.context)
        call_soon(lost, context=self.context)  # asyncio wakes who waits for data before it tells of the end
        self._loop.forget(self)
