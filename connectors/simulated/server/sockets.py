"""One WebSocket connection: frames out in order, pings, limits, and a close that says why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

from connectors.simulated.server.faults import SocketWire
from connectors.simulated.server.limits import Window
from connectors.simulated.server.values import SECOND_US

PING_S = 20.0
PONG_TIMEOUT_US = 60 * SECOND_US
WRITE_TIMEOUT_S = 10.0
UNSENT_MAX = 4 * 1024 * 1024  # characters
STOP = ""  # in the queue: nothing is sent after it


class Connection:
    """`messages_1s` is how many frames a client may send within a second, 0 for any number."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        now_us: Callable[[], int],
        wire: SocketWire,
        messages_1s: int = 0,
    ) -> None:
        self._socket = socket
        self._now_us = now_us
        self._messages_1s = messages_1s
        self._wire = wire
        self._messages = Window(SECOND_US)
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._unsent = 0
        self._heard_us = now_us()
        self._ending: tuple[int, bytes] | None = None

    def send(self, text: str) -> None:
        """Queue a frame. A client that does not read its frames is hung up on; none is left out."""
        self._unsent += len(text)
        self._queue.put_nowait(text)
        if self._unsent > UNSENT_MAX:
            self.end(WSCloseCode.POLICY_VIOLATION, b"too slow")

    def answer(self, text: str) -> None:
        """Queue a frame that answers the request at hand: unlike other frames it can get lost alone."""
        self._wire.answer(text, self.send)

    def end(self, code: int, reason: bytes) -> None:
        """Close when what is queued has been sent, or at once if it cannot be."""
        if self._ending is None:
            self._ending = (code, reason)
            self._queue.put_nowait(STOP)

    async def serve(self, hear: Callable[[str], None]) -> None:
        """Until either side closes."""
        reader, pinger = asyncio.create_task(self._read(hear)), asyncio.create_task(self._ping())
        reader.add_done_callback(lambda task: self._queue.put_nowait(STOP))
        try:
            await self._write()
        finally:
            reader.cancel()
            pinger.cancel()
            await asyncio.gather(reader, pinger, return_exceptions=True)
        if self._ending is not None:
            code, reason = self._ending
            await self._socket.close(code=code, message=reason, drain=self._unsent <= UNSENT_MAX)
        if not reader.cancelled():
            reader.result()  # an error of ours must not pass for a hang-up

    async def _read(self, hear: Callable[[str], None]) -> None:
        async for message in self._socket:
            if self._wire.dead:
                continue
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._heard_us = self._now_us()
            elif message.type is WSMsgType.TEXT:
                self._wire.deliver(message.data, hear, self.send)
            self._count()

    def _count(self) -> None:
        now_us = self._now_us()
        self._messages.add(now_us, 1)
        if self._messages_1s and self._messages.count > self._messages_1s:
            self.end(WSCloseCode.POLICY_VIOLATION, b"Too many requests")

    async def _write(self) -> None:
        """Send what is queued, up to the end or for as long as the client reads."""
        while (text := await self._queue.get()) is not STOP and self._unsent <= UNSENT_MAX:
            try:
                async with asyncio.timeout(WRITE_TIMEOUT_S):
                    for each in await self._wire.frames(text):
                        await self._socket.send_str(each)
            except TimeoutError:
                self.end(WSCloseCode.POLICY_VIOLATION, b"too slow")
                return
            except ConnectionError:
                return
            self._unsent -= len(text)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            now_us = self._now_us()
            if now_us - self._heard_us > PONG_TIMEOUT_US:
                self.end(WSCloseCode.POLICY_VIOLATION, b"no pong")
                return
            if not self._wire.dead:
                await self._socket.ping(str(now_us // 1000).encode())
