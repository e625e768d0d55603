"""The shapes in which OKX v5 talks: WebSocket frames and REST envelopes; texts become numbers and times here.

Everything in `data` is a text, also numbers; times are milliseconds. An empty text means "does not apply".
"""

from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from connectors.base.credentials import without_secrets
from connectors.base.decoding import decode
from engine.model.errors import BadMessage

STAMP_DIGITS_MAX = 15
_Row = TypeVar("_Row")


class Arg(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What a subscription, its confirmation or a push is about."""

    channel: str
    inst_id: str = ""
    inst_type: str = ""


class Frame(Struct, gc=False):
    """Any frame: a push (`arg`, `data`); a confirmation, error or notice (`event`); the answer to a request (`id`)."""

    arg: Arg | None = None
    action: str = ""
    data: Raw = Raw(b"")
    event: str = ""
    code: str = ""
    msg: str = ""
    id: str = ""


class Envelope(Struct, Generic[_Row], gc=False):
    """An answer of REST. `code` "0" is success; else `data` is empty, or its rows say themselves what is wrong."""

    code: str
    data: list[_Row] = []
    msg: str = ""


class Receipt(Struct, gc=False, rename="camel"):
    """The answer to one order of a placement, cancel or amend. `s_code` "0": accepted, the result comes by stream."""

    s_code: str
    s_msg: str = ""
    ord_id: str = ""
    ts: str = ""


_frame = Decoder(Frame)


def read_frame(frame: bytes) -> Frame:
    """Raises BadMessage."""
    return decode(_frame, frame)


def rows(decoder: Decoder[Any], body: bytes) -> list[Any]:
    """The rows of a successful answer, `decoder` being one of an `Envelope`. Raises BadMessage."""
    envelope: Envelope[Any] = decode(decoder, body)
    if envelope.code != "0":
        raise BadMessage(f"{envelope.code[:20]}: {without_secrets(envelope.msg)[:200]}")
    return envelope.data


def stamp_us(text: str) -> int:
    """Milliseconds as text → µs; 0 for an empty one. Raises BadMessage."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= STAMP_DIGITS_MAX):
        raise BadMessage(f"{text[:50]!r} is not a time in milliseconds")
    return int(text) * 1_000
