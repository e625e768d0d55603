"""The control socket: who is answered, and what."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.app.bot_entry import BotEntry, BotState, read_entry, write_entry
from engine.app.bot_folder import BotFolder
from engine.app.config.load import load_bot
from engine.app.control.client import ask
from engine.app.control.frames import FRAME_MAX, LENGTH_BYTES, PROTOCOL, Answer, Hello, Request, encode
from engine.app.control.server import ControlServer
from engine.app.failure import Failure
from engine.app.launch import Run, opened
from engine.model.errors import BadMessage, TickwrightError
from engine.store.connection import FileLock
from tests.app.bots import write_config

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


async def receive(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES))
    return await reader.readexactly(length)


def talk(home: Path, conversation: Talk) -> Any:
    """With the server of a bot that does not move."""
    path = write_config(home)
    with opened(Run(load_bot([path]), [path], home, None, None)) as session:

        async def both() -> Any:
            async with ControlServer(session):
                assert session.files.socket.stat().st_mode & 0o777 == 0o600
                reader, writer = await asyncio.open_unix_connection(session.files.socket)
                try:
                    return await conversation(reader, writer)
                finally:
                    writer.close()
                    await writer.wait_closed()

        return asyncio.run(both())


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: int = PROTOCOL) -> Hello:
    writer.write(encode(Hello(protocol, "0")))
    return msgspec.json.decode(await receive(reader), type=Hello)


@pytest.mark.parametrize(
    ("op", "args", "code"),
    [
        ("status", {}, None),
        ("orders", {}, None),
        ("balances", {}, None),
        ("performance", {}, None),
        ("trades", {"count": 3}, None),
        ("book", {"symbol": "BTC-USDT"}, None),
        ("config.get", {}, None),
        ("config.set", {"changes": {"strategy.bid_spread": "0.1%"}}, None),
        ("config.set", {"changes": {"strategy.bid_spread": "0.1%"}, "base_hash": "0"}, "E-CONFLICT"),
        ("config.set", {"changes": {"strategy.bid_spread": "wide"}}, "E-CONFIG"),
        ("config.set", {"changes": {"strategy.bid_spraed": "0.1%"}}, "E-CONFIG"),
        ("config.set", {}, "E-USAGE"),
        ("pause", {}, None),
        ("resume", {}, None),
        ("resume", {"adopt_balances": True}, None),
        ("book", {"symbol": "ETH-USDT"}, "E-NOTFOUND"),
        ("destroy", {}, "E-USAGE"),
    ],
)
def test_operations(tmp_path: Path, op: str, args: dict[str, Any], code: str | None) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
        assert (await hello(reader, writer)).protocol == PROTOCOL
        writer.write(encode(Request(7, op, args, "alice")))
        return msgspec.json.decode(await receive(reader), type=Answer)

    answer = talk(tmp_path, conversation)
    assert (answer.id, answer.ok) == (7, code is None)
    assert (answer.error and answer.error.code) == code


def test_another_protocol(tmp_path: Path) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        assert (await hello(reader, writer, PROTOCOL + 1)).protocol == PROTOCOL
        return await reader.read()

    assert talk(tmp_path, conversation) == b"", "it says what it speaks and hangs up"


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n", (FRAME_MAX + 1).to_bytes(4), b"\0\0\0\2{]", b"\0\0\0\2{}", b"\0\0"]
)
def test_strangers_are_hung_up_on(tmp_path: Path, said: bytes) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(said)
        writer.write_eof()
        return await reader.read()

    assert talk(tmp_path, conversation) == b""


def test_a_frame_that_is_too_long() -> None:
    with pytest.raises(BadMessage, match="limit 1,048,576"):
        encode(Answer(1, True, "x" * FRAME_MAX))


def test_bots_that_are_not_there(tmp_path: Path) -> None:
    bot = BotFolder(tmp_path, "maker")
    with pytest.raises(Failure) as caught:
        ask(bot, "status")
    assert caught.value.code == "E-NOTFOUND"


def test_a_bot_of_another_version(tmp_path: Path) -> None:
    """Whoever holds the lock and speaks otherwise."""
    bot = BotFolder(tmp_path, "maker")
    bot.folder.mkdir(parents=True)
    lock = FileLock(bot.folder)
    write_entry(bot.entry, entry(socket=str(bot.socket)))
    with pytest.raises(Failure, match="starts or ends just now") as caught:
        ask(bot, "status")
    assert caught.value.code == "E-NOTRUNNING"
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor() as pool:
        listener.bind(str(bot.socket))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(encode(Hello(PROTOCOL + 1, "9.9")))
                connection.recv(1000)

        served = pool.submit(serve)
        with pytest.raises(Failure, match=r"speaks protocol 2 \(version 9\.9\), this is 1") as caught:
            ask(bot, "status")
        served.result()
    assert caught.value.code == "E-VERSION"
    lock.release()


def entry(**changes: Any) -> BotEntry:
    fields: dict[str, Any] = dict.fromkeys(("session_id", "host", "user", "version", "socket", "config_hash"), "")
    fields |= {
        "name": "maker",
        "mode": "simulated",
        "state": BotState.RUNNING,
        "pid": 1,
        "pid_started": 0,
        "protocol": 1,
    }
    fields |= {"config_files": [], "strategies": [], "instruments": [], "started_us": 0}
    return BotEntry(**(fields | changes))


def test_entries(tmp_path: Path) -> None:
    path = tmp_path / "run" / "maker.json"
    assert read_entry(path) is None
    write_entry(path, entry())
    write_entry(path, entry(state=BotState.PAUSED))
    assert read_entry(path) == entry(state=BotState.PAUSED)
    assert [file.name for file in path.parent.iterdir()] == ["maker.json"]
    path.write_text("{")
    with pytest.raises(TickwrightError, match="is no registry entry"):
        read_entry(path)


def test_a_long_path_has_its_socket_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/me")
    assert BotFolder(deep, "maker").socket.parent == Path("/run/me/tickwright")
    assert len(os.fsencode(BotFolder(deep, "maker").socket)) < 100
    assert BotFolder(tmp_path, "maker").socket.parent == tmp_path / "data" / "run"
