"""The bot's side of its control socket: reads are answered from the state between two ticks, writes are commands."""

import asyncio
import os
import socket
import struct
from types import TracebackType

import msgspec

import engine
from engine.app.control.frames import LENGTH_BYTES, PROTOCOL, Answer, Error, Hello, Request, encode, length_of
from engine.app.control.operations import OPERATIONS
from engine.app.failure import Failure
from engine.app.session import Session
from engine.model.errors import BadMessage

ANSWER_SECONDS = 0.5  # for the last answers, at the end
_PEER = struct.Struct("3i")  # pid, uid, gid
_hello = msgspec.json.Decoder(Hello)
_request = msgspec.json.Decoder(Request)


class ControlServer:
    """Open while its `async with` block runs. Serves everyone with the same user id."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._path = session.files.socket
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "ControlServer":
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)  # of a process that died: we hold the lock
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        finally:
            os.umask(before)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        if self._clients:
            await asyncio.wait(self._clients, timeout=ANSWER_SECONDS)
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            if _same_user(writer):
                await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, BadMessage, msgspec.DecodeError):
            return  # the other side went away, or does not speak our language: it is hung up on
        finally:
            self._clients.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = _hello.decode(await _read(reader))
        writer.write(encode(Hello(PROTOCOL, engine.__version__)))
        if theirs.protocol != PROTOCOL:
            await writer.drain()
            return
        while True:
            request = _request.decode(await _read(reader))
            writer.write(encode(await self._answer(request)))
            await writer.drain()

    async def _answer(self, request: Request) -> Answer:
        operation = OPERATIONS.get(request.op)
        if operation is None:
            known = f"one of: {', '.join(OPERATIONS)}"
            return Answer(request.id, False, error=Error("E-USAGE", f"there is no operation '{request.op}'", known))
        try:
            return Answer(request.id, True, await operation(self._session, request.args, request.actor))
        except Failure as failure:
            return Answer(request.id, False, error=Error(failure.code, failure.detail, failure.fix))


async def _read(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES))
    return await reader.readexactly(length_of(length))


def _same_user(writer: asyncio.StreamWriter) -> bool:
    peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return bool(_PEER.unpack(peer)[1] == os.getuid())
