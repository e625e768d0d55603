"""Candles from rows of text."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.backtest.found import Cursor, Numbers, stamp_us
from engine.backtest.importers.wanted import Wanted
from engine.model.event import MarketEvent
from engine.model.market import Candle
from engine.model.money import ZERO

FLOAT_DIGITS = 15  # what a double tells exactly: 5.2900000000000005e-05 was 0.0000529

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def candles_of(rows: Iterator[list[str]], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """Rows are open time, open, high, low, close, volume. Raises TickwrightError about a candle that cannot be.

    Numbers that a double has passed through are rounded to 15 digits. `wanted.interval_us` is their length.
    """
    numbers = Numbers(cursor)
    for time, *texts in rows:
        open_us = time_us(time, cursor)
        values = [_tidy(numbers[text]) if text not in ("nan", "NaN", "") else ZERO for text in texts]
        opened, high, low, close, volume = values
        if not (0 < low <= min(opened, close) and max(opened, close) <= high and volume >= 0):
            shown = ", ".join(texts)
            raise cursor.problem(f"open, high, low, close, volume {shown} cannot be a candle")
        end_us = open_us + wanted.interval_us
        yield Candle(
            wanted.instrument_id, wanted.interval_us, open_us, end_us, opened, high, low, close, volume, True, 0
        )


def time_us(text: str, cursor: Cursor) -> int:
    """A stamp since the epoch, or `2021-12-31 23:01:00` in UTC."""
    if text[4:5] != "-":
        return stamp_us(text, cursor)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise cursor.problem(f"'{text[:40]}' is not a time") from error
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def _tidy(value: Decimal) -> Decimal:
    digits = len(value.as_tuple().digits)
    return value if digits <= FLOAT_DIGITS else round(value, FLOAT_DIGITS - 1 - value.adjusted())
