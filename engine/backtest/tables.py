"""Tables of a run that grow with it: kept in memory only until a chunk is full, then written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars

CHUNK = 20_000
TEXT, NUMBER, WHOLE = polars.String, polars.Float64, polars.Int64


class Table:
    """Columns of plain values, as `NAME.parquet`; more than one chunk gives `NAME-2.parquet` and so on."""

    def __init__(self, folder: Path, name: str, columns: dict[str, Any]) -> None:
        self._folder = folder
        self._name = name
        self._schema = columns
        self._values: list[Sequence[object]] = []
        self._chunks = 0

    def add(self, *row: object) -> None:
        """One value a column, in their order."""
        self._values.append(row)
        if len(self._values) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Write what is there; the first chunk also when it is empty, so that there is a file."""
        if self._values or not self._chunks:
            self._chunks += 1
            suffix = "" if self._chunks == 1 else f"-{self._chunks}"
            frame = polars.DataFrame(self._values, schema=self._schema, orient="row")
            frame.write_parquet(self._folder / f"{self._name}{suffix}.parquet", compression="zstd", statistics=False)
            self._values = []


def read_table(folder: Path, name: str) -> polars.DataFrame:
    """All chunks of a table."""
    first = folder / f"{name}.parquet"
    others = sorted(folder.glob(f"{name}-*.parquet"), key=lambda path: int(path.stem.rpartition("-")[2]))
    return polars.concat([polars.read_parquet(path) for path in (first, *others)])


def write_csv(folder: Path, target: Path) -> list[Path]:
    """The tables of a run as CSV, with exact decimals; returns the files."""
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for name in ("fills", "orders", "equity"):
        files.append(target / f"{name}.csv")
        read_table(folder, name).write_csv(files[-1])
    return files
