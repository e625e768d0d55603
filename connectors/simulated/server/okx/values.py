"""How OKX writes values, and how it reads them: everything is text, numbers exact, times in milliseconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from connectors.simulated.server.okx.errors import BAD_VALUE, MISSING, OkxError
from engine.model.money import to_text

ROWS_MAX = 100
T = TypeVar("T")
_number = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?").fullmatch
_whole = re.compile(r"[0-9]{1,18}").fullmatch


def money(value: Decimal) -> str:
    """Exact, without zeros at the end."""
    text = to_text(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def stamp(us: int) -> str:
    """Milliseconds."""
    return str(us // 1_000)


def page(found: Iterable[T], fields: Fields, number: Callable[[T], int], at_us: Callable[[T], int]) -> list[T]:
    """Of rows from the newest on: at most 100, older than `after`, newer than `before`, `begin` to `end` in ms."""
    after, before = fields.whole("after"), fields.whole("before")
    begin, end = fields.whole("begin"), fields.whole("end")
    limit = min(fields.whole("limit") or ROWS_MAX, ROWS_MAX)
    return [
        each
        for each in found
        if (after is None or number(each) < after)
        and (before is None or number(each) > before)
        and (begin is None or at_us(each) >= begin * 1_000)
        and (end is None or at_us(each) <= end * 1_000)
    ][:limit]


class Fields:
    """What a client sent: texts of a query, or members of a JSON object."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """A text, or a number or a boolean as text; empty if it was not sent."""
        value = self.values.get(name, "")
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str | int | float):
            raise OkxError(BAD_VALUE, name)
        return str(value)

    def need(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise OkxError(MISSING, name)
        return text

    def decimal(self, name: str) -> Decimal | None:
        """A plain number; None if it was not sent."""
        text = self.text(name)
        if text and not _number(text):
            raise OkxError(BAD_VALUE, name)
        return Decimal(text) if text else None

    def whole(self, name: str) -> int | None:
        """A whole number; None if it was not sent."""
        text = self.text(name)
        if text and not _whole(text):
            raise OkxError(BAD_VALUE, name)
        return int(text) if text else None
