"""What travels on a control socket: four bytes of length (big-endian), then JSON, at most 1 MiB."""

from typing import Any

import msgspec
from msgspec import Struct

from engine.model.errors import BadMessage

PROTOCOL = 1
FRAME_MAX = 1024 * 1024
LENGTH_BYTES = 4


class Hello(Struct, frozen=True):
    """The first frame both ways. Programs with different protocols do not talk."""

    protocol: int
    version: str


class Request(Struct, frozen=True):
    """One question or command. `actor` is who asks, for the journal."""

    id: int
    op: str
    args: dict[str, Any] = {}
    actor: str = ""


class Error(Struct, frozen=True):
    """Why there is no answer: a code of `engine.app.failure`."""

    code: str
    detail: str
    fix: str = ""


class Answer(Struct, frozen=True):
    """To the request with this id."""

    id: int
    ok: bool
    data: Any = None
    error: Error | None = None


def encode(frame: Struct) -> bytes:
    """A frame as bytes; BadMessage if it is too long."""
    body = msgspec.json.encode(frame)
    return length_of(len(body)).to_bytes(LENGTH_BYTES) + body


def length_of(length: int) -> int:
    """The length itself; BadMessage if no frame may be that long."""
    if length > FRAME_MAX:
        raise BadMessage(f"a frame of {length:,} bytes on the control socket (limit {FRAME_MAX:,})")
    return length
