"""What every parser of a venue's messages needs: JSON into typed structs, texts into exact numbers.

What a venue sends is untrusted: sizes and numbers are limited before anything is built from them, and everything that
is not as documented raises `BadMessage`.
"""

import re
from decimal import Decimal
from typing import TypeVar

from msgspec.json import Decoder

from engine.model.errors import BadMessage

FRAME_BYTES_MAX = 8 << 20
_number = re.compile(r"(?=[0-9.]{1,41}\Z)[0-9]{1,30}(\.[0-9]{1,30})?").fullmatch
_Message = TypeVar("_Message")


class Symbols(dict[str, str]):
    """A venue's names of markets → instrument ids. Raises BadMessage about any other."""

    def __missing__(self, symbol: str) -> str:
        raise BadMessage(f"unknown symbol {symbol[:40]!r}")


class Numbers(dict[str, Decimal]):
    """Text → Decimal, remembered; forgets everything when `limit` texts are held. Raises BadMessage."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def __missing__(self, text: str) -> Decimal:
        if _number(text) is None:
            raise BadMessage(f"{text[:50]!r} is not a plain number of at most 40 digits")
        if len(self) >= self._limit:
            self.clear()
        value = self[text] = Decimal(text)
        return value

    def signed(self, text: str) -> Decimal:
        """A number that may begin with a minus. Raises BadMessage."""
        return -self[text[1:]] if text.startswith("-") else self[text]


def decode(decoder: Decoder[_Message], data: bytes) -> _Message:
    """One message. Raises BadMessage."""
    if len(data) > FRAME_BYTES_MAX:
        raise BadMessage(f"{len(data)} bytes; the limit is {FRAME_BYTES_MAX}")
    try:
        return decoder.decode(data)
    except (ValueError, RecursionError) as error:  # malformed, of the wrong type, not UTF-8; nested too deep
        raise BadMessage(str(error)) from error
