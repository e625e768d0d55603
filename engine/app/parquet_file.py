"""Rows as a Parquet file; needs the extra `data`."""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars

from engine.app.table_files import Format, Row, plain


class ParquetFile:
    """Written when it is closed. Money is text: no float says it exactly, and its digits have no bound."""

    def __init__(self, path: Path, form: Format) -> None:
        self._path, self._form = path, form
        self._columns: dict[str, list[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            frame = polars.DataFrame(self._columns, strict=False, infer_schema_length=None)
            frame.write_parquet(self._path)

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            for name, value in row.items():
                self._columns.setdefault(name, []).append(_cell(value))


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return plain(value) if isinstance(value, Decimal) else value
