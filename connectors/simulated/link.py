"""What travels between the simulated exchange as a process of its own and its clients.

A frame is four bytes of length (big-endian) and a MessagePack value. The first frame each way is Hello and Welcome;
then Ask is answered by Answer, Ping by Pong, Inspect by Inspection, and Streamed comes unasked. Times of receipt in
events are empty (0) on the wire: the receiver stamps them.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from msgspec import Struct

from engine.model.account import Balance
from engine.model.errors import BadMessage
from engine.model.event import Event, OrderUpdate
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.request import Request

PROTOCOL = 1
FRAME_MAX = 64 * 1024 * 1024
CHUNK = 64 * 1024  # bytes a read asks for
_LENGTH = 4
_Message = TypeVar("_Message")


class Hello(Struct, frozen=True, tag=True, array_like=True):
    """Who speaks. An account that nobody has named before is opened. `streams`: tell me what happens."""

    protocol: int
    account: str
    streams: bool


class Ask(Struct, frozen=True, tag=True, array_like=True):
    """A request. `stamp_us` is when it was made, by the venue's clock as far as the client knows it."""

    number: int
    stamp_us: int
    request: Request


class Ping(Struct, frozen=True, tag=True, array_like=True):
    """Are you there?"""


class Inspect(Struct, frozen=True, tag=True, array_like=True):
    """All that the venue knows of the account."""


class Welcome(Struct, frozen=True, tag=True, array_like=True):
    """What is traded, and under which name of the exchange."""

    protocol: int
    venue: str
    instruments: tuple[Instrument, ...]


class Answer(Struct, frozen=True, tag=True, array_like=True):
    """To the Ask with this number. `at_us` is the venue's clock when it arrived there."""

    number: int
    at_us: int
    events: tuple[Event, ...]


class Streamed(Struct, frozen=True, tag=True, array_like=True):
    """News of the account or of the markets."""

    events: tuple[Event, ...]


class Pong(Struct, frozen=True, tag=True, array_like=True):
    """I am."""


class Inspection(Struct, frozen=True, tag=True, array_like=True):
    """An account by the venue's books, for whoever checks a bot. `orders` were accepted since the venue was opened;
    `reused` are client order ids that more than one of them had.
    """

    balances: tuple[Balance, ...]
    open_orders: tuple[OrderUpdate, ...]
    trades: tuple[Fill, ...]
    orders: int
    reused: tuple[str, ...]


ToVenue = Hello | Ask | Ping | Inspect
FromVenue = Welcome | Answer | Streamed | Pong | Inspection
_encoder = msgspec.msgpack.Encoder()
_to_venue: msgspec.msgpack.Decoder[ToVenue] = msgspec.msgpack.Decoder(ToVenue)
_from_venue: msgspec.msgpack.Decoder[FromVenue] = msgspec.msgpack.Decoder(FromVenue)


def frame(message: ToVenue | FromVenue) -> bytes:
    """A message as it is sent."""
    body = _encoder.encode(message)
    return _checked(len(body)).to_bytes(_LENGTH) + body


def read_to_venue(body: bytes) -> ToVenue:
    """What a client says; BadMessage if it cannot be understood."""
    return _decoded(_to_venue, body)


def read_from_venue(body: bytes) -> FromVenue:
    """What the venue says; BadMessage if it cannot be understood."""
    return _decoded(_from_venue, body)


class Frames:
    """Cuts a stream of bytes into the bodies of its frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that are complete now; BadMessage about one that is too long."""
        buffer = self._buffer
        buffer += chunk
        begin = 0
        while len(buffer) - begin >= _LENGTH:
            end = begin + _LENGTH + _checked(int.from_bytes(buffer[begin : begin + _LENGTH]))
            if len(buffer) < end:
                break
            yield bytes(buffer[begin + _LENGTH : end])
            begin = end
        del buffer[:begin]


def _checked(length: int) -> int:
    if length > FRAME_MAX:
        raise BadMessage(f"a frame of {length:,} bytes (limit {FRAME_MAX:,})")
    return length


def _decoded(decoder: "msgspec.msgpack.Decoder[_Message]", body: bytes) -> _Message:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise BadMessage(f"a frame that cannot be understood: {error}") from error
