"""The candles that a strategy sees: the venue's, or made of its finer ones or, where it sends none, of trades."""

from collections.abc import Callable
from functools import partial

from engine.model.enums import Channel, Health
from engine.model.event import ConnectorStatus
from engine.model.market import Candle, PublicTrade

Read = Callable[[int, float, float, float, float, float], bool]
"""(close_us, open, high, low, close, volume): the floats nearest to the exact numbers."""
LATE_US = 1_000_000  # so long after its end by our clock a candle waits for trades that are under way
FAR = 1 << 62


class CandleSeries:
    """Every closed candle of `interval_us` once, oldest first. One of which a part is missing is not shown.

    Of trades, a candle in which nothing was traded has the last price and no volume.
    """

    def __init__(self, instrument_id: str, interval_us: int, read: Read) -> None:
        self.instrument_id = instrument_id
        self.interval_us = interval_us
        self.of_trades = True  # until the venue sends a candle
        self._read = read
        self._shown_us = 0  # the close of the last candle that was shown
        self._open_us = 0  # of the candle in the making
        self._known_us = 0  # of finer candles: up to here nothing of it is missing
        self._heard_us = FAR  # of trades: since when none was missed
        self._values: tuple[float, float, float, float, float] | None = None  # open, high, low, close, volume
        self._last: float | None = None  # the last price, if no trade since was missed

    def apply(self, candle: Candle) -> None:
        """A candle of the venue; one that forms still, or was shown before, is nobody's business."""
        if not candle.closed or candle.close_us <= self._shown_us:
            return
        take = self.taker(candle.interval_us)
        if take is not None:
            self.of_trades = False
            if candle.interval_us == self.interval_us:
                self._shown_us = candle.close_us
            prices = float(candle.open), float(candle.high), float(candle.low), float(candle.close)
            take(candle.close_us, *prices, float(candle.volume))

    def taker(self, interval_us: int) -> Read | None:
        """What takes closed candles of an interval in their order; None: ours cannot be made of them."""
        if interval_us == self.interval_us:
            return self._read
        return None if self.interval_us % interval_us else partial(self._take, interval_us)

    def _take(
        self, interval_us: int, close_us: int, open_: float, high: float, low: float, close: float, volume: float
    ) -> bool:
        """A finer candle. Returns whether it completed one that the reader wants to act on."""
        open_us = close_us - interval_us
        if open_us < self._known_us:
            return False
        if open_us % self.interval_us == 0:
            self._begin(open_us)
        elif open_us > self._known_us:
            return False
        self._known_us = close_us
        self._add(open_, high, low, close, volume)
        return close_us == self._open_us + self.interval_us and self._show()

    # ---- trades

    def apply_trade(self, trade: PublicTrade) -> None:
        """A trade of the market."""
        self.turn(trade.event_us)
        if self.of_trades and trade.event_us >= self._open_us:
            price = float(trade.price)
            self._last = price
            self._add(price, price, price, price, float(trade.quantity))

    def apply_status(self, status: ConnectorStatus) -> None:
        """Whether trades are heard."""
        if status.channel is not Channel.MARKET or status.instrument_id not in ("", self.instrument_id):
            return
        if status.health is not Health.HEALTHY:
            self._heard_us, self._last = FAR, None
        elif self._heard_us == FAR:
            self._heard_us = status.receive_us

    def turn(self, now_us: int) -> None:
        """The venue's time has come to `now_us`: candles that ended before have closed."""
        if not self.of_trades:
            return
        open_us = now_us // self.interval_us * self.interval_us
        while self._heard_us <= self._open_us < open_us and self._last is not None:
            if self._values is None:
                self._add(self._last, self._last, self._last, self._last, 0.0)
            self._show()
            self._begin(self._open_us + self.interval_us)
        if self._open_us < open_us:
            self._begin(open_us)

    # ---- the candle in the making

    def _begin(self, open_us: int) -> None:
        self._open_us, self._values = open_us, None

    def _add(self, open_: float, high: float, low: float, close: float, volume: float) -> None:
        """A part of it."""
        if self._values is None:
            self._values = open_, high, low, close, volume
        else:
            first, highest, lowest, _, sum_ = self._values
            self._values = first, max(highest, high), min(lowest, low), close, sum_ + volume

    def _show(self) -> bool:
        """It has closed."""
        assert self._values is not None
        self._shown_us = self._open_us + self.interval_us
        return self._read(self._shown_us, *self._values)
