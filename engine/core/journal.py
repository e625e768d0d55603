"""The journal: everything that went through the engine's two doors, in order, and what came out.

A file is MAGIC, then frames: four bytes of length (big-endian) and a MessagePack value. The first is a Header, then
come the entries: events as they were applied, ticks, and after each tick its refusals and requests. A session that
ended well closes with an End; a crash leaves a Cut. Nothing here opens a file.
"""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import msgspec
from msgspec import Struct

from engine.model.errors import BadMessage
from engine.model.event import Event, Tick
from engine.model.instrument import Instrument
from engine.model.quote import Refused
from engine.model.request import Request

MAGIC = b"TWJ1"
BUFFER = 64 * 1024
FRAME_MAX = 64 * 1024 * 1024  # no entry is longer: such a length is damage


class Header(Struct, frozen=True, tag=True):
    """What a fresh engine needs to repeat the session. `config` is the merged configuration's text, `recovered` what
    the order log had for it at the start, in the form of the store; empty: nothing.
    """

    version: str
    session_id: str
    config: str
    config_hash: str
    seed: int
    instruments: tuple[Instrument, ...]
    grid_us: int
    order_tag: str
    epoch: int
    started_us: int
    recovered: bytes = b""


class End(Struct, frozen=True, tag=True, array_like=True):
    """Closes a complete journal: how many entries it has, and the SHA-256 of their frames."""

    entries: int
    digest: str


class Cut(Struct, frozen=True, tag=True, array_like=True):
    """The journal stops in the middle of a frame, or between two: the writer died. Never written, only read."""

    at_byte: int
    reason: str


Entry = Event | Tick | Request | Refused
_encoder = msgspec.msgpack.Encoder()
_header_decoder = msgspec.msgpack.Decoder(Header)
_decoder: msgspec.msgpack.Decoder[Entry | End] = msgspec.msgpack.Decoder(Entry | End)


class JournalWriter:
    """Writes to an open binary file. Entries reach it when 64 KiB are full, at `flush` and at `close`."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self.entries = 0
        self._stream = stream
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        stream.write(MAGIC + _frame(header))

    def write(self, now_us: int, entry: Entry) -> None:
        """Append an entry. This is a Sink of the engine; the time stands in the entries."""
        buffer = self._buffer
        begin = len(buffer)
        buffer += b"\0\0\0\0"
        _encoder.encode_into(entry, buffer, -1)
        end = len(buffer)
        buffer[begin : begin + 4] = (end - begin - 4).to_bytes(4)
        self.entries += 1
        if end >= BUFFER:
            self.flush()

    def flush(self) -> None:
        """Hand everything over to the file; making it durable is the file owner's business."""
        self._hash.update(self._buffer)
        self._stream.write(self._buffer)
        self._buffer.clear()

    @property
    def digest(self) -> str:
        """SHA-256 of all entries so far: equal for two sessions exactly when the same happened in both."""
        self.flush()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Flush and write the End; the file stays open."""
        self._stream.write(_frame(End(self.entries, self.digest)))


def read_header(stream: BinaryIO) -> Header:
    """The header at the beginning of a journal; BadMessage if the file is none."""
    start = stream.read(len(MAGIC))
    if start != MAGIC:
        raise BadMessage(f"not a journal: it begins with {start!r} instead of {MAGIC!r}")
    frame = _read_frame(stream, len(MAGIC))
    if isinstance(frame, Cut):
        raise BadMessage(f"the journal ends within its header, at byte {frame.at_byte}: nothing was recorded")
    try:
        return _header_decoder.decode(frame)
    except msgspec.DecodeError as error:
        raise BadMessage(f"the journal's header cannot be read: {error}. Was it written by another version?") from error


def read(stream: BinaryIO) -> Iterator[Entry | End | Cut]:
    """The entries after the header; the last item is an End or a Cut. Damage in the middle raises BadMessage."""
    digest = hashlib.sha256()
    at_byte, count = stream.tell(), 0
    while True:
        frame = _read_frame(stream, at_byte)
        if isinstance(frame, Cut):
            yield frame
            return
        try:
            entry = _decoder.decode(frame)
        except msgspec.DecodeError as error:
            raise BadMessage(f"journal entry {count} at byte {at_byte} is damaged: {error}") from error
        if isinstance(entry, End):
            if (entry.entries, entry.digest) != (count, digest.hexdigest()):
                raise BadMessage(f"the journal was changed: {count} entries do not have the recorded digest")
            yield entry
            return
        digest.update(len(frame).to_bytes(4) + frame)
        at_byte += 4 + len(frame)
        count += 1
        yield entry


def _frame(value: Struct) -> bytes:
    encoded = _encoder.encode(value)
    return len(encoded).to_bytes(4) + encoded


def _read_frame(stream: BinaryIO, at_byte: int) -> bytes | Cut:
    head = stream.read(4)
    if len(head) < 4:
        return Cut(at_byte, f"{len(head)} of the 4 bytes of a length" if head else "no end was written")
    length = int.from_bytes(head)
    if length > FRAME_MAX:
        raise BadMessage(f"the journal is damaged at byte {at_byte}: a frame of {length:,} bytes")
    body = stream.read(length)
    return body if len(body) == length else Cut(at_byte, f"{len(body)} of {length} bytes of an entry")
