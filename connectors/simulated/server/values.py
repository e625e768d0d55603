"""How values are written: money as text with eight decimals, times in milliseconds or, on request, microseconds."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Any

import msgspec

EIGHT = Decimal("0.00000001")
THREE = Decimal("0.001")
SECOND_US = 1_000_000
FAST_US, SLOW_US = 100_000, SECOND_US  # how often streams with an interval are told
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


class TimeUnit(StrEnum):
    MILLISECOND = "MILLISECOND"
    MICROSECOND = "MICROSECOND"


class Moment:
    """A time in an answer. The same answer can be written in both units."""

    __slots__ = ("us",)

    def __init__(self, us: int) -> None:
        self.us = us


def money(value: Decimal) -> str:
    """Eight decimals, what is beyond is cut."""
    return f"{value.quantize(EIGHT, ROUND_DOWN):f}"


def _in_milliseconds(value: Any) -> int:
    return _us(value) // 1000


def _us(value: Any) -> int:
    if isinstance(value, Moment):
        return value.us
    raise TypeError(f"{type(value).__name__} has no place in an answer")


_ENCODERS = {
    TimeUnit.MILLISECOND: msgspec.json.Encoder(enc_hook=_in_milliseconds),
    TimeUnit.MICROSECOND: msgspec.json.Encoder(enc_hook=_us),
}


def encode(value: Any, unit: TimeUnit = TimeUnit.MILLISECOND) -> bytes:
    """JSON with every `Moment` in `unit`."""
    return _ENCODERS[unit].encode(value)
