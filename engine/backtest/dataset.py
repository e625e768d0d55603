"""A data set: a folder with `dataset.yml` and, per market, one Parquet file of rows a day and of candles a year.

    BTC-USDT/rows/2024-08-08.parquet          book, trades, best quotes, mark prices, funding
    BTC-USDT/rows/2024-08-09.opening.parquet  the book as that day began: where a run that begins there starts from
    BTC-USDT/candles-1m/2024.parquet

`dataset.yml` says what the numbers mean: steps and other rules of each market, where the data are from, under which
licence, and how good they are.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct, field

from engine.backtest.columns import CANDLE_COLUMNS, Columns, RowKind, read_columns
from engine.model.errors import TickwrightError
from engine.model.instrument import Instrument

MANIFEST = "dataset.yml"
FORMAT = 1
DAY_US = 86_400_000_000


class Part(Struct, frozen=True, kw_only=True):
    """One file; `first_us` and `last_us` are times of its rows. `opening` is the file with the book as it began."""

    file: str
    rows: int
    first_us: int
    last_us: int
    digest: str
    opening: str = ""


class Quality(Struct, kw_only=True):
    """What was wrong with the data, and what was done about it. Latencies are of the feed: received after event."""

    trades: int = 0
    duplicate_trades: int = 0  # left out
    gaps: int = 0
    gap_us: int = 0
    crossed: int = 0  # states of the book that no venue can show: gaps as well
    late_rows: int = 0  # older than the one before in their stream: given its time
    before_snapshot: int = 0  # left out: nothing is known about the book before its first snapshot
    best_quotes: int = 0  # left out: the book shows them
    clock_shift_us: int = 0  # added to the venue's times, because the receiving clock ran behind
    feed_p50_us: int = 0
    feed_p90_us: int = 0
    feed_p99_us: int = 0
    places: list[str] = field(default_factory=list)  # the first of what was wrong, with file and row


class Market(Struct, kw_only=True):
    """The data of one market. `candles` by interval in µs; `quality` is that of the rows."""

    instrument: Instrument
    source: list[str] = field(default_factory=list)
    licence: str = ""
    receive_times: bool = False
    best_known: bool = True  # False: the rows show trades only
    rows: list[Part] = field(default_factory=list)
    candles: dict[int, list[Part]] = field(default_factory=dict)
    quality: Quality = field(default_factory=Quality)

    @property
    def parts(self) -> list[Part]:
        return [*self.rows, *(part for parts in self.candles.values() for part in parts)]

    @property
    def finest_us(self) -> int:
        """The interval of the finest candles. There have to be some."""
        return min(self.candles)

    @property
    def span_us(self) -> tuple[int, int]:
        """First and last time; (0, 0) without data."""
        parts = self.parts
        return (min(p.first_us for p in parts), max(p.last_us for p in parts)) if parts else (0, 0)


class Manifest(Struct, kw_only=True):
    """`dataset.yml`."""

    format: int = FORMAT
    venue: str
    markets: dict[str, Market] = field(default_factory=dict)


class Dataset:
    """The data of one venue in one folder. Reading is by market (symbol) and time."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Raises TickwrightError when the folder holds no data set that this version can read."""
        path = folder / MANIFEST
        try:
            manifest = msgspec.yaml.decode(path.read_bytes(), type=Manifest, strict=False)
        except FileNotFoundError as error:
            raise TickwrightError(
                f"{folder} is no data set: there is no {path}; tickwright data import makes one"
            ) from error
        except (OSError, msgspec.MsgspecError) as error:
            raise TickwrightError(f"{path} cannot be read: {error}") from error
        if manifest.format != FORMAT:
            raise TickwrightError(
                f"{path} has format {manifest.format}, this version reads {FORMAT}: import the data again"
            )
        return cls(folder, manifest)

    def save(self) -> None:
        """Write `dataset.yml`; the files that it names are there already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = msgspec.yaml.encode(self.manifest)
        path = self.folder / MANIFEST
        path.with_suffix(".new").write_bytes(text)
        path.with_suffix(".new").replace(path)

    def market(self, symbol: str) -> Market:
        """Raises TickwrightError for a market that is not in the set."""
        found = self.manifest.markets.get(symbol)
        if found is None:
            known = ", ".join(self.manifest.markets)
            raise TickwrightError(f"{self.folder} has no data of {symbol}, only of {known}")
        return found

    def span(self, symbol: str) -> tuple[int, int]:
        """Begin and end (exclusive) of what a run can play: rows, else the finest candles."""
        market = self.market(symbol)
        if market.rows:
            return market.rows[0].first_us, market.rows[-1].last_us + 1
        interval_us = market.finest_us
        parts = market.candles[interval_us]
        return parts[0].first_us, parts[-1].last_us + interval_us

    def count_rows(self, part: Part, *, opening: bool, end_us: int) -> int:
        """How many rows `read_rows` gives."""
        if part.last_us < end_us and not (opening and part.opening):
            return part.rows
        return len(self.read_rows(part, opening=opening, end_us=end_us, names=("event_us",))["event_us"])

    def row_parts(self, symbol: str, start_us: int, end_us: int) -> list[Part]:
        """The days that have rows in [start_us, end_us), oldest first; the first one whole."""
        day_us = start_us // DAY_US * DAY_US
        return [part for part in self.market(symbol).rows if part.last_us >= day_us and part.first_us < end_us]

    def read_rows(self, part: Part, *, opening: bool, end_us: int, names: Sequence[str] | None = None) -> Columns:
        """The rows of a day before `end_us`, in all columns or those named.

        With `opening` they stand behind those of the book as the day began.
        """
        columns = read_columns(self.folder / part.file, names)
        if part.last_us >= end_us:
            count = int(np.searchsorted(columns["event_us"], end_us))
            columns = {name: column[:count] for name, column in columns.items()}
        if opening and part.opening:
            before = read_columns(self.folder / part.opening, names)
            columns = {name: np.concatenate([before[name], columns[name]]) for name in columns}
        return columns

    def volume(self, symbol: str, parts: Sequence[Part], start_us: int, end_us: int) -> Decimal:
        """What was traded in [start_us, end_us), by the public trades, or by the candles if there are no rows."""
        market, lots = self.market(symbol), 0
        for part in parts:
            names = ("event_us", "kind", "lots") if market.rows else ("open_us", "volume")
            times, *_, counts = (columns := read_columns(self.folder / part.file, names)).values()
            inside = (times >= start_us) & (times < end_us)
            if market.rows:
                inside &= (columns["kind"] == RowKind.BUY) | (columns["kind"] == RowKind.SELL)
            lots += int(counts[inside].sum())
        return lots * market.instrument.quantity_step

    def candle_parts(self, symbol: str, interval_us: int, start_us: int, end_us: int) -> list[Part]:
        """The years that have candles which open in [start_us, end_us)."""
        parts = self.market(symbol).candles.get(interval_us, [])
        return [part for part in parts if part.last_us >= start_us and part.first_us < end_us]

    def candle_files(
        self, symbol: str, interval_us: int, start_us: int, end_us: int
    ) -> list[tuple[int, int, Callable[[], Columns]]]:
        """(number, time of the first, reader) of the candles that open in [start_us, end_us), year by year."""
        files: list[tuple[int, int, Callable[[], Columns]]] = []
        for part in self.candle_parts(symbol, interval_us, start_us, end_us):
            read = partial(self.read_candles, part, start_us, end_us)
            if part.first_us >= start_us and part.last_us < end_us:
                files.append((part.rows, part.first_us, read))
                continue
            times = read()["open_us"]
            if len(times):
                files.append((len(times), int(times[0]), read))
        return files

    def read_candles(self, part: Part, start_us: int, end_us: int) -> Columns:
        """Those of a file that open in [start_us, end_us)."""
        columns = read_columns(self.folder / part.file)
        first, last = np.searchsorted(columns["open_us"], [start_us, end_us])
        return {name: columns[name][first:last] for name in CANDLE_COLUMNS}


def find_datasets(folder: Path) -> list[Dataset]:
    """All data sets below a folder, by path."""
    return [Dataset.open(path.parent) for path in sorted(folder.rglob(MANIFEST))]
