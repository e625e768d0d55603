"""From foreign files to a data set."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from heapq import heappop, heappush, heapreplace
from pathlib import Path

import numpy as np

from engine.backtest.columns import CANDLE_COLUMNS
from engine.backtest.dataset import MANIFEST, Dataset, Manifest, Market
from engine.backtest.day_writer import DayWriter, write_candles
from engine.backtest.found import Cursor
from engine.backtest.importers import (
    binance,
    bitstamp,
    bybit,
    capture,
    coinbase,
    hftbacktest,
    hyperliquid,
    nautilus,
    ohlcv,
    recording,
    tardis,
)
from engine.backtest.importers.wanted import FrameParser, Wanted
from engine.backtest.row_maker import AS_SHOWN, RowMaker
from engine.backtest.scan import Given, Scan, make_instrument, scan
from engine.model.errors import TickwrightError
from engine.model.event import ConnectorStatus, MarketEvent
from engine.model.instrument import Instrument, instrument_id
from engine.model.market import Candle
from engine.model.money import to_text

Found = MarketEvent | ConnectorStatus
Reader = Callable[[Path, Wanted, Cursor], Iterator[Found]]
READERS: dict[str, Reader] = {
    "capture": capture.read,
    "binance": binance.read,
    "tardis": tardis.read,
    "ohlcv": ohlcv.read,
    "hftbacktest": hftbacktest.read,
    "nautilus": nautilus.read,
    "bitstamp": bitstamp.read,
    "bybit": bybit.read,
    "coinbase": coinbase.read,
    "hyperliquid": hyperliquid.read,
    "recording": recording.read,
}
OF_VENUES = ("bitstamp", "bybit", "coinbase", "hyperliquid")  # formats that only the venue of their name has
PROGRESS_EVENTS = 100_000
NOTHING_GIVEN = Given()
Events = Callable[[Cursor], Iterator[Found]]
"""The events of a market from the beginning; the cursor is kept at the place of the newest one."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be imported: files of one market in one format. Without an `instrument` its rules are found in the
    data, but for those given.
    """

    venue: str
    symbol: str
    files: Sequence[Path] = ()
    format: str = ""
    parser: FrameParser | None = None
    interval_us: int = 0
    given: Given = NOTHING_GIVEN
    instrument: Instrument | None = None
    licence: str = ""
    replace: bool = False
    progress: Callable[[str, int], None] = field(default=lambda stage, events: None)

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            instrument_id(self.venue, self.symbol),
            self.interval_us,
            self.parser,
            self.given.price_step,
            self.given.quantity_step,
        )


def import_files(job: Job, folder: Path) -> Market:
    """Add what the files of a job hold of a market to the data set of `folder`. Raises TickwrightError as `store`."""
    return store(job, folder, partial(merged, job), [path.name for path in job.files])


def store(job: Job, folder: Path, events: Events, sources: Sequence[str]) -> Market:
    """Add a market to the data set of `folder`, which is made if need be. `events` are read twice.

    Raises TickwrightError, with file and row where there is one; `dataset.yml` is as it was then.
    """
    dataset = Dataset.open(folder) if (folder / MANIFEST).exists() else Dataset(folder, Manifest(venue=job.venue))
    if dataset.manifest.venue != job.venue:
        raise TickwrightError(f"{folder} holds data of {dataset.manifest.venue}: give another folder for {job.venue}")
    cursor = Cursor()
    found = scan(_told(job, "looking", events(cursor)), cursor)
    market = dataset.manifest.markets.get(job.symbol) or Market(
        instrument=job.instrument or make_instrument(job.venue, job.symbol, found, job.given)
    )
    if found.has_candles:
        _store_candles(job, folder, market, _told(job, "writing", events(cursor)), cursor)
    else:
        _store_rows(job, folder, market, found, _told(job, "writing", events(cursor)), cursor)
    market.source = list(dict.fromkeys([*market.source, *sources]))
    market.licence = job.licence or market.licence
    dataset.manifest.markets[job.symbol] = market
    dataset.save()
    return market


def _store_rows(job: Job, folder: Path, market: Market, found: Scan, events: Iterator[Found], cursor: Cursor) -> None:
    if market.rows and not job.replace:
        raise TickwrightError(f"{folder} has rows of {job.symbol} already: --replace puts these in their place")
    receive_times = found.ahead_us is not None
    writer = DayWriter(folder, job.symbol, cursor, receive_times=receive_times)
    rules = job.parser.book_rules if job.parser else AS_SHOWN
    maker = RowMaker(
        *(market.instrument, rules, writer, cursor),
        keep_best=not found.has_levels,
        shift_us=found.shift_us,
        began_us=found.began_us,
    )
    for event in events:
        maker.take(event)
    market.rows = writer.close()
    if not market.rows:
        raise TickwrightError(f"{cursor.file}: no book could be made, because no depth snapshot is in the files")
    market.receive_times = receive_times
    market.best_known = found.has_levels or found.has_best
    market.quality = maker.quality
    if writer.latencies:
        p50, p90, p99 = np.percentile(np.concatenate(writer.latencies), [50, 90, 99]).astype(int).tolist()
        quality = market.quality
        quality.feed_p50_us, quality.feed_p90_us, quality.feed_p99_us = p50, p90, p99


def _store_candles(job: Job, folder: Path, market: Market, events: Iterator[Found], cursor: Cursor) -> None:
    if job.interval_us in market.candles and not job.replace:
        raise TickwrightError(f"{folder} has such candles of {job.symbol} already: --replace puts these in their place")
    prices, volumes = _Steps(market.instrument.price_step), _Steps(market.instrument.quantity_step)
    gathered = {name: array("q") for name in CANDLE_COLUMNS}
    places, files = array("q"), [(0, cursor.file)]  # the row of each candle, and from which one on a file is read
    for event in events:
        if isinstance(event, Candle):
            if cursor.file != files[-1][1]:
                files.append((len(places), cursor.file))
            values = (event.open, event.high, event.low, event.close)
            counts = [prices.count(value, "price", cursor) for value in values]
            row = (event.open_us, *counts, volumes.count(event.volume, "quantity", cursor))
            for column, value in zip(gathered.values(), row, strict=True):
                column.append(value)
            places.append(cursor.row)
    order = np.argsort(gathered["open_us"], kind="stable")
    columns = {name: np.array(column, np.int64)[order] for name, column in gathered.items()}
    twice = np.flatnonzero(np.diff(columns["open_us"]) == 0)
    if len(twice):
        number = int(order[twice[0] + 1])
        file = next(name for first, name in reversed(files) if first <= number)
        raise Cursor(file, places[number]).problem("there is a candle of this time already")
    gaps = np.diff(columns["open_us"]) % job.interval_us
    if gaps.any():
        raise TickwrightError(
            f"{cursor.file}: candles do not lie on a grid of {job.interval_us / 60e6:g} minutes: give their --interval"
        )
    name = f"{job.symbol}/candles-{interval_text(job.interval_us)}"
    market.candles[job.interval_us] = write_candles(folder, name, columns)


class _Steps:
    """Whole multiples of a step."""

    def __init__(self, step: Decimal) -> None:
        self._step = step

    def count(self, value: Decimal, what: str, cursor: Cursor) -> int:
        count = int(value / self._step)
        if count * self._step != value:
            raise cursor.problem(
                f"{what} {to_text(value)} is not a multiple of the {what} step {to_text(self._step)} of the data set"
            )
        return count


def interval_text(interval_us: int) -> str:
    """`1m`, `4h`, `1d`."""
    for unit, unit_us in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)):
        if interval_us % unit_us == 0:
            return f"{interval_us // unit_us}{unit}"
    return f"{interval_us}us"


def _told(job: Job, stage: str, events: Iterator[Found]) -> Iterator[Found]:
    for number, event in enumerate(events):
        if number % PROGRESS_EVENTS == 0:
            job.progress(stage, number)
        yield event


def merged(job: Job, cursor: Cursor) -> Iterator[Found]:
    """The events of all files in the order of receipt (or, where that is not recorded, of time); each keeps its own.

    `cursor` is at the event that was yielded last. A file is opened for good when its turn comes.
    """
    waiting = []
    for number, path in enumerate(job.files):
        own = Cursor()
        events = READERS[job.format](path, job.wanted, own)
        first = next(events, None)
        cursor.file, cursor.row = own.file, own.row
        if first is not None:
            waiting.append((_time_us(first), number, path))
    waiting.sort(reverse=True)
    active: list[tuple[int, int, Found, Cursor, Iterator[Found]]] = []
    while waiting or active:
        while waiting and (not active or waiting[-1][0] <= active[0][0]):
            first_us, number, path = waiting.pop()
            own = Cursor()
            events = READERS[job.format](path, job.wanted, own)
            heappush(active, (first_us, number, next(events), own, events))
        time, number, event, own, events = active[0]
        cursor.file, cursor.row = own.file, own.row
        yield event
        following = next(events, None)
        if following is None:
            heappop(active)
        else:
            heapreplace(active, (max(time, _time_us(following)), number, following, own, events))


def _time_us(event: Found) -> int:
    if isinstance(event, ConnectorStatus):
        return event.receive_us
    if isinstance(event, Candle):
        return event.open_us
    return event.receive_us or event.event_us
