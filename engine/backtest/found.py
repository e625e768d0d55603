"""Where a reader is in its files, so that every problem names file and row; and how files are opened."""

import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from engine.model.errors import TickwrightError

LINE_CHARACTERS_MAX = 9 << 20
NUMBERS_MAX = 65_536
DIGITS_MAX = 30  # before or after the point, of any number
LATEST_US = 4_102_444_800_000_000  # 2100
SECONDS, MILLISECONDS, MICROSECONDS = 10**11, 10**14, 10**17  # a stamp below is in s, ms, µs; else in ns


@dataclass(slots=True)
class Cursor:
    """The line that is being read: set by readers, read by whoever finds a problem. Rows count from 1."""

    file: str = ""
    row: int = 0

    def problem(self, text: str) -> TickwrightError:
        """An error about this place."""
        return TickwrightError(f"{self.file}, row {self.row}: {text}")


def open_lines(path: Path, cursor: Cursor) -> Iterator[str]:
    """The lines of a text file, also inside .gz, .xz or a .zip with one file. Raises TickwrightError with the row."""
    cursor.file, cursor.row = str(path), 0
    try:
        with _open(path) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            while line := text.readline(LINE_CHARACTERS_MAX):
                cursor.row += 1
                yield line
    except UnicodeDecodeError as error:
        raise cursor.problem(f"the row after this one is no UTF-8 text: {error.reason}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise cursor.problem(f"the file is damaged or cut off after this row: {error}") from error
    except OSError as error:
        raise cursor.problem(f"cannot be read: {error}") from error


def csv_rows(path: Path, cursor: Cursor) -> Iterator[list[str]]:
    """The rows of a CSV file, the header included. Empty lines are left out."""
    csv.field_size_limit(LINE_CHARACTERS_MAX)
    try:
        for row in csv.reader(open_lines(path, cursor)):
            if row:
                yield row
    except csv.Error as error:
        raise cursor.problem(f"is no row of CSV: {error}") from error


def header_of(row: Sequence[str], wanted: Sequence[str], cursor: Cursor) -> list[int]:
    """Where the wanted columns are in a header. Raises TickwrightError about those that are missing."""
    names = [name.strip() for name in row]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise cursor.problem(f"has no column {', '.join(missing)}; there are: {', '.join(row)}")
    return [names.index(name) for name in wanted]


def chosen(rows: Iterable[list[str]], columns: Sequence[int], cursor: Cursor) -> Iterator[list[str]]:
    """Those columns of each row, in the order in which they are asked for. Raises TickwrightError about short rows."""
    width = max(columns) + 1
    for row in rows:
        if len(row) < width:
            raise cursor.problem(f"has {len(row)} columns instead of {width}; is the file cut off here?")
        yield [row[column] for column in columns]


class Numbers(dict[str, Decimal]):
    """Text → Decimal, remembered. Raises TickwrightError with the place."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__()
        self._cursor = cursor

    def __missing__(self, text: str) -> Decimal:
        try:
            value = Decimal(text)
        except ArithmeticError as error:
            raise self._cursor.problem(f"'{text[:40]}' is not a number") from error
        if not value.is_finite():
            raise self._cursor.problem(f"'{text[:40]}' is not a finite number")
        if len(text) > 2 * DIGITS_MAX or abs(value.adjusted()) > DIGITS_MAX:
            raise self._cursor.problem(f"'{text[:40]}' has more than {DIGITS_MAX} digits before or after the point")
        if len(self) >= NUMBERS_MAX:
            self.clear()
        self[text] = value
        return value

    def levels(self, raw: Iterable[tuple[str, str]]) -> tuple[tuple[Decimal, Decimal], ...]:
        """Prices with their quantities."""
        return tuple([(self[price], self[quantity]) for price, quantity in raw])


def stamp_us(text: str, cursor: Cursor) -> int:
    """A time since the epoch in s, ms, µs or ns, told apart by its size, as µs. Raises TickwrightError."""
    try:
        value = Decimal(text)
        whole = int(value) if value.adjusted() < DIGITS_MAX else LATEST_US * 1_000
    except (ArithmeticError, ValueError) as error:
        raise cursor.problem(f"'{text[:40]}' is not a time since the epoch") from error
    at_us = whole // 1_000
    if whole < SECONDS:
        at_us = int(value * 1_000_000)
    elif whole < MILLISECONDS:
        at_us = int(value * 1_000)
    elif whole < MICROSECONDS:
        at_us = whole
    if not 0 <= at_us < LATEST_US:
        raise cursor.problem(f"'{text[:40]}' is not a time from 1970 to 2100")
    return at_us


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".zip":
        archive = zipfile.ZipFile(path)
        names = archive.namelist()
        if len(names) != 1:
            raise TickwrightError(f"{path} holds {len(names)} files instead of one: unpack it")
        return archive.open(names[0])  # type: ignore[return-value]
    if path.suffix in (".xz", ".lzma"):
        return lzma.open(path)  # type: ignore[return-value]
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
