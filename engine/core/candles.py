"""Strategies that decide on candles: each closed one is shown to them once, oldest first, in floats."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from engine.core.ports import Controller
from engine.model.market import Candle

Read = Callable[[int, float, float, float, float, float], bool]
"""(close_us, open, high, low, close, volume): the floats nearest to the exact numbers."""


class Shown(NamedTuple):
    """Candles that were shown to a reader, oldest first: when they closed, at what price; the last was visible then."""

    close_us: Sequence[int]
    close: Sequence[float]
    seen_us: int


Glide = Callable[[int, tuple[str, int], Read], Shown | None]
"""(until_us, series, read): the closed candles of a series (instrument id, interval) that become visible by `until_us`
are shown to `read`, up to one that it wants to act on. None: no candle was, or anything else is under way."""


@runtime_checkable
class CandleReader(Protocol):
    """A controller that has something new to say after candles that it chose, and when its orders changed."""

    reads: tuple[str, int]
    """Instrument id and interval in µs of the candles that it wants to see."""

    def read(self, close_us: int, open_: float, high: float, low: float, close: float, volume: float) -> bool:
        """One closed candle, when it became visible. Returns whether `decide` should look at it."""
        ...


class Candles:
    """Shows closed candles to those of the controllers that want them."""

    def __init__(self, controllers: Sequence[Controller]) -> None:
        self._readers: dict[tuple[str, int], list[Read]] = {}
        self._closed_us: dict[tuple[str, int], int] = {}
        for controller in controllers:
            if isinstance(controller, CandleReader):
                self._readers.setdefault(controller.reads, []).append(controller.read)
        only = controllers[0] if len(controllers) == 1 else None
        self.sole = only if isinstance(only, CandleReader) else None

    def apply(self, candle: Candle) -> None:
        """A candle of a venue; one that forms still, or was shown before, is nobody's business."""
        key = candle.instrument_id, candle.interval_us
        if candle.closed and key in self._readers and candle.close_us > self._closed_us.get(key, 0):
            self._closed_us[key] = candle.close_us
            prices = float(candle.open), float(candle.high), float(candle.low), float(candle.close)
            for read in self._readers[key]:
                read(candle.close_us, *prices, float(candle.volume))
