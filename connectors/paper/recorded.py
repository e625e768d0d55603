"""A paper venue on recorded data, from plain settings: for runs that play a whole data set as fast as they can."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from numpy.typing import NDArray

from connectors.paper.build import FillRules, build_candle_kernel, build_kernel, build_venue
from connectors.paper.build import venue_sheet as paper_sheet
from connectors.paper.candle_rows import CandleFile, CandleRows
from connectors.paper.day_rows import Day, DayRows
from connectors.paper.latency import Latency, chosen, recorded
from connectors.paper.midpoints import midpoints
from connectors.paper.rows import Rows, around_trades
from connectors.paper.venue import PaperVenue
from engine.core.venue_sheet import VenueSheet
from engine.model.instrument import Instrument
from engine.model.money import ONE

LoadColumns = Callable[[], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """One instrument; `days` are (number of rows, time of the first, reader of the columns), oldest first.

    `spread` (a fraction of the price) is assumed around each trade of data that show nothing else.
    """

    instrument: Instrument
    days: Sequence[tuple[int, int, LoadColumns]]
    spread: Decimal | None = None

    def rows(self) -> DayRows:
        """From the beginning."""
        days = [Day(count, first_us, partial(_rows, load, self.spread)) for count, first_us, load in self.days]
        if self.spread is not None:  # each trade brings two more rows
            days = [Day(day.load().count, day.first_us, day.load) for day in days]
        return DayRows(days)


@dataclass(frozen=True, slots=True)
class RecordedCandles:
    """One instrument of which only candles are known; `files` as `RecordedMarket.days`."""

    instrument: Instrument
    interval_us: int
    files: Sequence[tuple[int, int, LoadColumns]]

    def rows(self) -> CandleRows:
        """From the beginning."""
        return CandleRows(self.interval_us, [CandleFile(*file) for file in self.files])


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedVenue:
    """Settings of one venue. Recorded receive times take the place of `feed_us`. Latencies are those of `measured`
    (request, venue, response times in µs), else constant, or with a `sigma` medians of a lognormal distribution.
    """

    name: str
    markets: Sequence[RecordedMarket | RecordedCandles]
    balances: Mapping[str, Decimal]
    feed_us: int
    entry_us: int
    response_us: int
    start_us: int
    rules: FillRules
    sigma: float = 0.0
    measured: Sequence[tuple[int, int, int]] = ()
    seed: int = 0
    leverage: Decimal = ONE


def build_recorded(settings: RecordedVenue) -> PaperVenue:
    """The venue at its first row."""
    chance = Random(f"latency:{settings.name}:{settings.seed}")
    entry, response = (chosen(each, settings.sigma, chance) for each in (settings.entry_us, settings.response_us))
    if settings.measured:
        request_us, venue_us, response_us = (list(column) for column in zip(*settings.measured, strict=True))
        entry = recorded(request_us, [there - sent for sent, there in zip(request_us, venue_us, strict=True)])
        response = recorded(venue_us, [back - there for there, back in zip(venue_us, response_us, strict=True)])
    latency = Latency(settings.feed_us, entry, response)
    markets = [(market.instrument, market.rows()) for market in settings.markets]
    return build_venue(
        settings.name, markets, settings.balances, latency, settings.start_us, settings.rules, settings.leverage
    )


def let_go(venue: PaperVenue) -> None:
    """The run is over: the rows in memory are not needed any more."""
    for listing in venue.listings:
        if isinstance(listing.kernel.source, DayRows):
            listing.kernel.source.let_go()


def venue_sheet(latency_us: int | None = None) -> VenueSheet:
    """What such a venue promises; without a latency it is taken to be within a second."""
    return paper_sheet(1_000_000 if latency_us is None else latency_us)


def recorded_mids(market: RecordedMarket | RecordedCandles, times_us: Sequence[int]) -> list[Decimal | None]:
    """The mid just before each of the ascending times: the data are played once more, as fast as they go.

    Of candles it is the last close.
    """
    rows, rules = market.rows(), FillRules()
    kernel = build_candle_kernel(rows, rules) if isinstance(rows, CandleRows) else build_kernel(rows, rules)
    return midpoints(kernel, market.instrument.price_step, times_us)


def _rows(load: LoadColumns, spread: Decimal | None) -> Rows:
    rows = Rows.of(load())
    if spread is None or not rows.count:
        return rows
    return around_trades(rows, max(1, int(int(rows.ticks.max()) * spread)))
