"""The columns of recorded market data, and their files.

Times are µs, prices ticks (`price / price_step`), quantities lots (`quantity / quantity_step`). Rows ascend by
`event_us`; at one µs trades come before what they did to the book. A `receive_us` column is there if it was recorded.
"""

import hashlib
from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import polars
from numpy.typing import NDArray

from engine.model.errors import TickwrightError

Column = NDArray[np.int64]
Columns = dict[str, Column]


class RowKind(IntEnum):
    """What a row says; the numbers are those of the files and of the fill kernel."""

    BID = 0  # a level's new quantity; 0 deletes it
    ASK = 1
    SELL = 2  # a public trade, by aggressor
    BUY = 3
    BEST_BID = 4  # best price and size of a feed that shows no more
    BEST_ASK = 5
    CLEAR = 6  # a snapshot follows: both sides are empty
    GAP = 7  # data are missing from here to the next CLEAR
    MARK = 8  # mark price, rounded to the nearest tick
    FUNDING = 9  # `lots` is the rate in 10⁻⁹, settled at `event_us`


RATE_UNIT_DIGITS = 9
ROW_COLUMNS = ("event_us", "receive_us", "kind", "ticks", "lots", "message", "sequence")
PLAYED_COLUMNS = ("event_us", "kind", "ticks", "lots")  # what a run needs, besides receive times
NARROW = ("ticks", "lots")  # 32 bits where that is enough
CANDLE_COLUMNS = ("open_us", "open", "high", "low", "close", "volume")


def write_columns(path: Path, columns: Mapping[str, Column]) -> None:
    """Write one Parquet file. Numbers are as narrow as they fit, times 64 bits; zstd makes them 5 to 10 bytes a row."""
    frame = polars.DataFrame({name: _narrow(name, column) for name, column in columns.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="zstd", statistics=False)


def read_columns(path: Path, names: Sequence[str] | None = None) -> Columns:
    """All columns of a file, or those named, one after the other: only what is returned is in memory.

    Raises TickwrightError when it is not there or is no such file.
    """
    try:
        known = polars.read_parquet_schema(path)
        wanted = known if names is None else names
        return {name: polars.read_parquet(path, columns=[name])[name].to_numpy() for name in wanted}
    except (OSError, polars.exceptions.PolarsError) as error:
        raise TickwrightError(f"{path} cannot be read: {str(error).splitlines()[0]}; import it again") from error


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _narrow(name: str, column: Column) -> NDArray[np.signedinteger[Any]]:
    if name == "kind":
        return column.astype(np.int8)
    fits = name in NARROW and bool((np.abs(column) < 1 << 31).all())
    return column.astype(np.int32) if fits else column
