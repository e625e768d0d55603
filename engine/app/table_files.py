"""Rows as files for other programs: CSV, JSON (one object a line) or Parquet."""

import csv
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from engine.app.failure import Failure
from engine.app.registry import load
from engine.model.money import to_text

Format = Literal["csv", "json", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "json", "parquet")
Row = dict[str, Any]


class TableFile(Protocol):
    """A file that takes rows."""

    def write(self, rows: Iterable[Row]) -> None: ...


class TextFile:
    """CSV or JSON lines. Money is text with all its digits, times are microseconds, bytes are hexadecimal."""

    def __init__(self, path: Path, form: Format) -> None:
        self._path, self._form = path, form
        self._file: TextIOWrapper | None = None
        self._csv: Any = None

    def __enter__(self) -> Self:
        self._file = self._path.open("w", encoding="utf-8", newline="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()

    def write(self, rows: Iterable[Row]) -> None:
        assert self._file is not None
        for row in rows:
            if self._form == "json":
                self._file.write(json.dumps(row, ensure_ascii=False, default=plain) + "\n")
                continue
            if self._csv is None:
                self._csv = csv.DictWriter(self._file, list(row))
                self._csv.writeheader()
            self._csv.writerow({name: _cell(value) for name, value in row.items()})


def plain(value: Any) -> Any:
    """What JSON does not know."""
    if isinstance(value, Decimal):
        return to_text(value)
    return value.hex() if isinstance(value, bytes) else str(value)


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return value if value is None or isinstance(value, (str, int, float)) else plain(value)


async def write_table(path: Path, form: Format, pages: AsyncIterator[list[Row]]) -> int:
    """Returns how many rows there were. Raises Failure E-DISK, or E-EXTRA when Parquet needs a package."""
    count = 0
    opener: Callable[..., AbstractContextManager[TableFile]] = TextFile
    if form == "parquet":
        opener = load("engine.app.parquet_file:ParquetFile")  # imports polars
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with opener(path, form) as file:
            async for rows in pages:
                file.write(rows)
                count += len(rows)
    except OSError as error:
        raise Failure("E-DISK", f"cannot be written: {error.strerror}", where=str(path)) from error
    return count
