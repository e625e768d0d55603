"""How Gate writes values, and how it reads them: money and ids as text, times in seconds and milliseconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from connectors.simulated.server.gate.errors import BAD_VALUE, MISSING, GateError
from engine.model.money import to_text

_number = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?").fullmatch
_signed = re.compile(r"-?[0-9]{1,15}").fullmatch
_whole = re.compile(r"[0-9]{1,15}").fullmatch


def money(value: Decimal) -> str:
    """Exact, without zeros at the end."""
    text = to_text(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(us: int) -> int:
    return us // 1_000_000


def milliseconds(us: int) -> int:
    return us // 1_000


def milliseconds_text(us: int) -> str:
    """With the microseconds as decimals."""
    return f"{us // 1_000}.{us % 1_000:03}"


def exact_seconds(us: int) -> msgspec.Raw:
    """Seconds with milliseconds, as a JSON number."""
    return number(f"{us // 1_000_000}.{us // 1_000 % 1_000:03}")


def number(text: str) -> msgspec.Raw:
    """A JSON number that is exact."""
    return msgspec.Raw(text.encode())


class Fields:
    """What a client sent: texts of a query, or members of a JSON object."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        """A text or a number as text; `default` if it was not sent."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise GateError(BAD_VALUE, f"{name} is not a text")
        return str(value)

    def need(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise GateError(MISSING, f"Missing required parameter: {name}")
        return text

    def decimal(self, name: str) -> Decimal | None:
        """A plain number; None if it was not sent."""
        text = self.text(name)
        if not text:
            return None
        if not _number(text):
            raise GateError(BAD_VALUE, f"{name} is not a number")
        return Decimal(text)

    def signed(self, name: str) -> int | None:
        """A whole number with a sign; None if it was not sent."""
        text = self.text(name)
        if text and not _signed(text):
            raise GateError(BAD_VALUE, f"{name} is not a whole number")
        return int(text) if text else None

    def flag(self, name: str) -> bool:
        """True or false, as JSON or as text."""
        value = self.values.get(name, False)
        if value in (True, False):
            return bool(value)
        if value not in ("true", "false", "0", "1"):
            raise GateError(BAD_VALUE, f"{name} is neither true nor false")
        return value in ("true", "1")

    def whole(self, name: str, default: int) -> int:
        text = self.text(name)
        if text and not _whole(text):
            raise GateError(BAD_VALUE, f"{name} is not a whole number")
        return int(text) if text else default

    def limit(self, default: int, highest: int) -> int:
        """`limit`: how many rows at the most."""
        return min(max(1, self.whole("limit", default)), highest)
