"""Candles as CSV, as freqtrade's and most other programs write them: a header, a time, open, high, low, close, volume.

The time column is the first one of TIMES that is there; with a column `time_frame` (several intervals in one file) the
rows of the wanted interval are taken. Times are those of the open. Rows may come newest first.

A file of funding rates in the same form, as freqtrade downloads it (`…funding_rate…`), gives the rates instead.
"""

from collections.abc import Iterator
from pathlib import Path

from engine.backtest.found import Cursor, Numbers, csv_rows, header_of
from engine.backtest.importers.candles import candles_of, time_us
from engine.backtest.importers.wanted import Wanted
from engine.model.event import MarketEvent
from engine.model.market import FundingRate
from engine.schema.values import BadValue, parse_duration

TIMES = ("time_us", "time_ms", "time_s", "timestamp", "open_time", "unix", "date", "datetime", "time")
VALUES = ("open", "high", "low", "close", "volume")


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The candles of one file."""
    rows = csv_rows(path, cursor)
    names = [name.strip().lower() for name in next(rows, [])]
    time = next((name for name in TIMES if name in names), "")
    if not time:
        raise cursor.problem(f"has no column with the time: one of {', '.join(TIMES)}")
    columns = header_of(names, (time, *VALUES), cursor)
    frames = names.index("time_frame") if "time_frame" in names else None
    chosen = _chosen(rows, columns, frames, wanted, cursor)
    yield from _rates(chosen, wanted, cursor) if "funding_rate" in path.name else candles_of(chosen, wanted, cursor)


def _chosen(
    rows: Iterator[list[str]], columns: list[int], frames: int | None, wanted: Wanted, cursor: Cursor
) -> Iterator[list[str]]:
    width = max(*columns, frames or 0) + 1
    for row in rows:
        if len(row) < width:
            raise cursor.problem(f"has {len(row)} columns instead of {width}; is the file cut off here?")
        if frames is None or _interval_us(row[frames], cursor) == wanted.interval_us:
            yield [row[column] for column in columns]


def _interval_us(text: str, cursor: Cursor) -> int:
    weeks = text.removesuffix("w")
    try:
        return 7 * parse_duration(f"{weeks}d") if weeks != text else parse_duration(text)
    except BadValue as error:
        if text.endswith("M"):
            return 0  # months are no fixed interval: nobody can ask for them
        raise cursor.problem(f"'{text[:40]}' {error}") from error


def _rates(rows: Iterator[list[str]], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    numbers = Numbers(cursor)
    for time, rate, *_ in rows:
        at_us = time_us(time, cursor)
        yield FundingRate(wanted.instrument_id, numbers[rate], at_us, at_us, 0)
