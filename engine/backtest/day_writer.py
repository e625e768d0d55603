"""Rows on their way into files: gathered by day, sorted, written when a day is over."""

from array import array
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from engine.backtest.columns import ROW_COLUMNS, Column, Columns, file_digest, write_columns
from engine.backtest.dataset import DAY_US, Part
from engine.backtest.found import Cursor

Row = tuple[int, int, int, int, int, int, int]  # the values of ROW_COLUMNS
OPEN_DAYS = 2  # a day is written when rows of the second one after it come


class Rows:
    """Rows in memory: seven numbers each, no object, and the rank of their stream among rows of one µs."""

    def __init__(self) -> None:
        self.columns = [array("q") for _ in ROW_COLUMNS]
        self.ranks = array("b")

    def add(self, row: Iterable[int], rank: int = 0) -> None:
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)
        self.ranks.append(rank)

    def sorted(self) -> Columns:
        """By time, at one µs by stream, else in the order of arrival. Messages are numbered anew from 0."""
        event_us = _numpy(self.columns[0])
        order = np.lexsort((np.frombuffer(self.ranks, np.int8), event_us))
        columns = {name: _numpy(column)[order] for name, column in zip(ROW_COLUMNS, self.columns, strict=True)}
        changes = np.diff(columns["message"], prepend=columns["message"][:1]) != 0
        columns["message"] = np.cumsum(changes)
        return columns


class DayWriter:
    """Writes the rows of one market into a folder. Raises TickwrightError about rows of a day that is written."""

    def __init__(self, folder: Path, market_folder: str, cursor: Cursor, *, receive_times: bool) -> None:
        self.parts: list[Part] = []
        self.latencies: list[Column] = []
        self._folder = folder
        self._market_folder = market_folder
        self._cursor = cursor
        self._receive_times = receive_times
        self._days: dict[int, Rows] = {}
        self._openings: dict[int, Rows] = {}
        self._written = -1

    def add(self, row: Row, rank: int) -> None:
        """One row; days may overlap a little."""
        day = row[0] // DAY_US
        rows = self._days.get(day)
        if rows is None:
            rows = self._begin(day)
        rows.add(row, rank)

    def open_day(self, event_us: int, rows: Iterable[Row]) -> None:
        """The book with which the day of `event_us` begins; nothing happens if that is known already."""
        day = event_us // DAY_US
        if day not in self._openings:
            self._openings[day] = opening = Rows()
            for row in rows:
                opening.add(row)

    def close(self) -> list[Part]:
        """Write what is left."""
        for day in sorted(self._days):
            self._write(day)
        return self.parts

    def _begin(self, day: int) -> Rows:
        if day <= self._written:
            text = f"a row of {_date(day)} comes after rows of later days: sort the data by time"
            raise self._cursor.problem(text)
        for earlier in sorted(self._days):
            if earlier <= day - OPEN_DAYS:
                self._write(earlier)
        rows = self._days[day] = Rows()
        return rows

    def _write(self, day: int) -> None:
        columns = self._days.pop(day).sorted()
        self._written = max(self._written, day)
        name = f"{self._market_folder}/rows/{_date(day)}"
        opening = self._openings.pop(day, None)
        opening_file = ""
        if opening is not None and len(opening.ranks):
            opening_file = f"{name}.opening.parquet"
            write_columns(self._folder / opening_file, self._chosen(opening.sorted()))
        path = self._folder / f"{name}.parquet"
        write_columns(path, self._chosen(columns))
        times = columns["event_us"]
        self.parts.append(
            Part(
                file=f"{name}.parquet",
                rows=len(times),
                first_us=int(times[0]),
                last_us=int(times[-1]),
                digest=file_digest(path),
                opening=opening_file,
            )
        )
        if self._receive_times:
            self.latencies.append(_sample(columns["receive_us"] - times))

    def _chosen(self, columns: Columns) -> Columns:
        return {name: column for name, column in columns.items() if name != "receive_us" or self._receive_times}


def write_candles(folder: Path, name: str, candles: Columns) -> list[Part]:
    """Candles in order of time, one file a year."""
    years = candles["open_us"].astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    parts = []
    for year in np.unique(years):
        chosen = {column: values[years == year] for column, values in candles.items()}
        file = f"{name}/{year}.parquet"
        write_columns(folder / file, chosen)
        times = chosen["open_us"]
        first_us, last_us = int(times[0]), int(times[-1])
        digest = file_digest(folder / file)
        parts.append(Part(file=file, rows=len(times), first_us=first_us, last_us=last_us, digest=digest))
    return parts


def _sample(values: Column) -> Column:
    """At most some thousands of them, evenly spread: enough for percentiles, little enough for years."""
    return values[:: max(1, len(values) // 5_000)]


def _numpy(column: "array[int]") -> Column:
    return np.frombuffer(column, np.int64) if len(column) else np.empty(0, np.int64)


def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY_US // 1_000_000, UTC):%Y-%m-%d}"
