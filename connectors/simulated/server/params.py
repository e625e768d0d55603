"""The parameters of a request: texts that are read as what they should be, or refused with the documented error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from connectors.simulated.server.errors import (
    BAD_DATA,
    EMPTY,
    ILLEGAL,
    MISSING,
    NOT_REQUIRED,
    TOO_PRECISE,
    ApiError,
    ErrorKind,
)

T = TypeVar("T")
DECIMALS = 8
INTEGER_MAX = 2**63 - 1
DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER = r"^[0-9]{1,20}$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"


class Parameters:
    """`values` are the texts as they were sent, decoded."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def optional(self, name: str, pattern: str = "") -> str | None:
        """The text, None if it was not sent."""
        text = self.values.get(name)
        if text is None:
            return None
        if not text:
            raise ApiError(EMPTY, name)
        if pattern and not re.fullmatch(pattern, text):
            raise ApiError(ILLEGAL, name, pattern)
        return text

    def text(self, name: str, pattern: str = "") -> str:
        """A mandatory text."""
        if not self.values.get(name):
            raise ApiError(MISSING, name)
        return self.optional(name, pattern) or ""

    def decimal(self, name: str) -> Decimal | None:
        """A number with at most eight decimals; scientific notation is refused."""
        text = self.optional(name, DECIMAL)
        if text is None:
            return None
        if len(text.partition(".")[2].rstrip("0")) > DECIMALS:
            raise ApiError(TOO_PRECISE, name)
        return Decimal(text)

    def integer(self, name: str, at_least: int = 0) -> int | None:
        """A whole number, not below `at_least`."""
        text = self.optional(name, INTEGER)
        if text is None:
            return None
        if not at_least <= int(text) <= INTEGER_MAX:
            raise ApiError(BAD_DATA, name)
        return int(text)

    def limit(self, default: int, highest: int) -> int:
        """`limit`: how many rows at the most. More than `highest` is cut, 0 is refused."""
        return min(self.integer("limit", 1) or default, highest)

    def time_us(self, name: str) -> int | None:
        """A time that was sent in milliseconds, or in microseconds if it has that many digits."""
        value = self.integer(name)
        return None if value is None else to_us(value)

    def flag(self, name: str) -> bool:
        """`true` or `false`; false if it was not sent."""
        return self.choice(name, {"true": True, "TRUE": True, "false": False, "FALSE": False}) or False

    def choice(self, name: str, options: Mapping[str, T], otherwise: ErrorKind = BAD_DATA) -> T | None:
        """One of the words in `options`, None if it was not sent."""
        text = self.optional(name)
        if text is None:
            return None
        if text not in options:
            raise ApiError(otherwise, name)
        return options[text]

    def needed_choice(self, name: str, options: Mapping[str, T], otherwise: ErrorKind = BAD_DATA) -> T:
        """One of the words in `options`."""
        self.text(name)
        value = self.choice(name, options, otherwise)
        assert value is not None
        return value

    def refuse(self, *names: str) -> None:
        """These have no meaning here."""
        for name in names:
            if name in self.values:
                raise ApiError(NOT_REQUIRED, name)

    def need(self, *names: str) -> None:
        """These must be there."""
        for name in names:
            if not self.values.get(name):
                raise ApiError(MISSING, name)


def to_us(stamp: int) -> int:
    """Clients send milliseconds or microseconds: from 1e14 on it is the latter."""
    return stamp if stamp >= 10**14 else stamp * 1000
