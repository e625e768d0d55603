"""Short visits to the simulated exchange of another process, by whoever can wait for the answer."""

import socket
from collections.abc import Iterator
from pathlib import Path

from connectors.simulated.link import (
    CHUNK,
    PROTOCOL,
    Frames,
    FromVenue,
    Hello,
    Inspect,
    Inspection,
    Welcome,
    frame,
    read_from_venue,
)
from engine.model.errors import BadMessage, TickwrightError

TIMEOUT_SECONDS = 5.0


def account_of(path: Path, account: str) -> Welcome:
    """What an account is told first; one that nobody has named before is opened. Raises TickwrightError."""
    welcome, _ = _ask(path, account, inspect=False)
    return welcome


def inspect(path: Path, account: str) -> Inspection:
    """The account by the venue's own books. Raises TickwrightError."""
    _, inspection = _ask(path, account, inspect=True)
    assert inspection is not None
    return inspection


def _ask(path: Path, account: str, *, inspect: bool) -> tuple[Welcome, Inspection | None]:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(str(path))
            messages = _messages(connection)
            connection.sendall(frame(Hello(PROTOCOL, account, streams=False)))
            welcome = next(messages)
            if not isinstance(welcome, Welcome):
                raise BadMessage(f"{type(welcome).__name__} instead of Welcome")
            if not inspect:
                return welcome, None
            connection.sendall(frame(Inspect()))
            inspection = next(messages)
            if not isinstance(inspection, Inspection):
                raise BadMessage(f"{type(inspection).__name__} instead of Inspection")
            return welcome, inspection
    except (OSError, BadMessage, StopIteration) as error:
        text = str(error) or "it hung up"
        raise TickwrightError(
            f"no simulated exchange answers at {path}: {text}\n  fix: tickwright venue --socket {path}"
        ) from error


def _messages(connection: socket.socket) -> Iterator[FromVenue]:
    frames = Frames()
    while chunk := connection.recv(CHUNK):
        yield from (read_from_venue(body) for body in frames.feed(chunk))
