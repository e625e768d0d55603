"""The other side of a bot's control socket: one question, one answer, from any shell."""

import getpass
import socket
from collections.abc import Mapping
from typing import Any

import msgspec

import engine
from engine.app.bot_entry import read_entry
from engine.app.bot_folder import BotFolder
from engine.app.control.frames import LENGTH_BYTES, PROTOCOL, Answer, Hello, Request, encode, length_of
from engine.app.failure import Failure

TIMEOUT_SECONDS = 5.0
_hello = msgspec.json.Decoder(Hello)
_answer = msgspec.json.Decoder(Answer)


def ask(bot: BotFolder, op: str, args: Mapping[str, Any] | None = None, timeout: float = TIMEOUT_SECONDS) -> Any:
    """The answer of a running bot. Raises Failure: E-NOTRUNNING, E-TIMEOUT, E-VERSION, or the bot's own."""
    entry = read_entry(bot.entry)
    if entry is None or not bot.running():
        raise not_running(bot)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(entry.socket)
            connection.sendall(encode(Hello(PROTOCOL, engine.__version__)))
            theirs = _hello.decode(_read(connection))
            if theirs.protocol != PROTOCOL:
                text = f"{bot.name} speaks protocol {theirs.protocol} (version {theirs.version}), this is {PROTOCOL}"
                raise Failure("E-VERSION", text, fix="use the program that the bot was started with")
            connection.sendall(encode(Request(1, op, dict(args or {}), getpass.getuser())))
            answer = _answer.decode(_read(connection))
        except TimeoutError:
            fix = f"tickwright logs {bot.name}; if it does not come back: tickwright kill {bot.name}"
            raise Failure("E-TIMEOUT", f"{bot.name} did not answer in {timeout:g} s", fix=fix) from None
        except (OSError, EOFError) as error:
            raise Failure("E-NOTRUNNING", f"{bot.name} starts or ends just now ({error})", fix="try again") from error
    if answer.error is not None:
        raise Failure(answer.error.code, answer.error.detail, where=bot.name, fix=answer.error.fix)
    return answer.data


def not_running(bot: BotFolder) -> Failure:
    """E-NOTRUNNING with what is known of its end; E-NOTFOUND for a name that never ran."""
    entry = read_entry(bot.entry)
    if entry is None:
        return Failure("E-NOTFOUND", f"there is no bot {bot.name}", fix="tickwright ps")
    if entry.exit is None:
        how = f"its process {entry.pid} died without a word"
    else:
        how = f"it stopped with exit {entry.exit.code}: {entry.exit.reason}"
    return Failure(
        "E-NOTRUNNING", f"{bot.name} is not running; {how}", fix=f"tickwright start {' '.join(entry.config_files)}"
    )


def _read(connection: socket.socket) -> bytes:
    length = int.from_bytes(_exactly(connection, LENGTH_BYTES))
    return _exactly(connection, length_of(length))


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise EOFError("it hung up")
        data += chunk
    return bytes(data)
