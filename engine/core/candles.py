"""Strategies that decide on candles: each closed one is shown to them once, oldest first, in floats."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from engine.core.candle_series import LATE_US, CandleSeries
from engine.core.ports import Controller
from engine.model.event import ConnectorStatus
from engine.model.market import Candle, PublicTrade


class Shown(NamedTuple):
    """Candles that were shown to a reader, oldest first: when they closed, at what price; the last was visible then."""

    close_us: Sequence[int]
    close: Sequence[float]
    seen_us: int


Glide = Callable[[int, CandleSeries], Shown | None]
"""(until_us, series): the closed candles that a series takes and that become visible by `until_us` are given to it, up
to one that its reader wants to act on. None: no candle was, or anything else is under way."""


@runtime_checkable
class CandleReader(Protocol):
    """A controller that has something new to say after candles that it chose, and when its orders changed."""

    reads: tuple[str, int]
    """Instrument id and interval in µs of the candles that it wants to see."""

    def read(self, close_us: int, open_: float, high: float, low: float, close: float, volume: float) -> bool:
        """One closed candle, when it became visible. Returns whether `decide` should look at it."""
        ...


class Candles:
    """Shows closed candles to those of the controllers that want them. `sole`: what the only controller sees."""

    def __init__(self, controllers: Sequence[Controller]) -> None:
        self._series = [CandleSeries(*each.reads, each.read) for each in controllers if isinstance(each, CandleReader)]
        self.sole = self._series[0] if self._series and len(controllers) == 1 else None

    def apply(self, candle: Candle) -> None:
        """A candle of a venue."""
        for series in self._series:
            if series.instrument_id == candle.instrument_id:
                series.apply(candle)

    def apply_trade(self, trade: PublicTrade) -> None:
        """A trade of a market."""
        for series in self._series:
            if series.instrument_id == trade.instrument_id:
                series.apply_trade(trade)

    def apply_status(self, status: ConnectorStatus) -> None:
        """Whether a venue's market data come."""
        for series in self._series:
            if series.instrument_id.partition(":")[0] == status.venue:
                series.apply_status(status)

    def tick(self, now_us: int) -> None:
        """Candles of markets in which nothing is traded close too."""
        for series in self._series:
            series.turn(now_us - LATE_US)
