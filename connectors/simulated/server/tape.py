"""A symbol's public trades: as they happened, joined by taker, as candles, and as windows of statistics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct

from connectors.simulated.server.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from engine.model.enums import Side
from engine.model.money import ZERO

KEPT = 100_000  # trades, and candles of a minute; the older half goes
SECONDS_KEPT = 7_200
MONTH = "1M"
INTERVALS = {
    "1s": SECOND_US,
    **{f"{count}m": count * MINUTE_US for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": count * HOUR_US for count in (1, 2, 4, 6, 8, 12)},
    **{f"{count}d": count * DAY_US for count in (1, 3)},
    "1w": 7 * DAY_US,
    MONTH: 31 * DAY_US,
}
MONDAY_US = 4 * DAY_US  # the epoch began on a Thursday


class TapeTrade(Struct, frozen=True, gc=False):
    """One public trade, or with `first_number` < `number` the trades of one taker at one price."""

    number: int
    first_number: int
    price: Decimal
    quantity: Decimal
    at_us: int
    aggressor: Side


class Bar(Struct, gc=False):
    """Open, high, low, close and sums of the trades in [open_us, close_us). Without trades the numbers are -1."""

    open_us: int
    close_us: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    taker_volume: Decimal = ZERO
    taker_quote: Decimal = ZERO
    first_number: int = -1
    last_number: int = -1

    @property
    def count(self) -> int:
        return self.last_number - self.first_number + 1 if self.last_number >= 0 else 0


def bar_open(at_us: int, interval: str) -> int:
    """When the bar that holds `at_us` opened (UTC)."""
    if interval == MONTH:
        month = datetime.fromtimestamp(at_us // SECOND_US, UTC)
        start = datetime(month.year, month.month, 1, tzinfo=UTC)
        return int(start.timestamp()) * SECOND_US
    offset = MONDAY_US if interval == "1w" else 0
    length = INTERVALS[interval]
    return (at_us - offset) // length * length + offset


def bar_close(open_us: int, interval: str) -> int:
    """When the bar that opens at `open_us` ends (exclusive)."""
    return bar_open(open_us + INTERVALS[interval], interval) if interval == MONTH else open_us + INTERVALS[interval]


class Tape:
    """Trades come in order. What is too old is forgotten."""

    def __init__(self) -> None:
        self.trades: list[TapeTrade] = []
        self.joined: list[TapeTrade] = []
        self._minutes: list[Bar] = []
        self._seconds: list[Bar] = []

    def add(self, trades: Iterable[TapeTrade]) -> list[TapeTrade]:
        """Add what one command brought; returns its trades joined."""
        joined: list[TapeTrade] = []
        for trade in trades:
            self.trades.append(trade)
            _extend(self._minutes, trade, "1m", KEPT)
            _extend(self._seconds, trade, "1s", SECONDS_KEPT)
            last = joined[-1] if joined else None
            if last is not None and last.price == trade.price and last.aggressor is trade.aggressor:
                quantity = last.quantity + trade.quantity
                joined[-1] = TapeTrade(
                    trade.number, last.first_number, trade.price, quantity, trade.at_us, trade.aggressor
                )
            else:
                joined.append(trade)
        self.joined += joined
        for rows in (self.trades, self.joined):
            if len(rows) > KEPT:
                del rows[: KEPT // 2]
        return joined

    @property
    def last_price(self) -> Decimal:
        """0 before the first trade."""
        return self.trades[-1].price if self.trades else ZERO

    def bars(self, interval: str, start_us: int | None, end_us: int, limit: int) -> list[Bar]:
        """At most `limit` bars up to the one that holds `end_us`: the newest, or from `start_us` on the oldest."""
        source = self._seconds if interval == "1s" else self._minutes
        if not source or (start_us is not None and start_us > end_us):
            return []
        first_us = bar_open(source[0].open_us, interval)
        opens: list[int] = []
        if start_us is not None:
            open_us = bar_open(max(start_us, first_us), interval)
            if open_us < start_us:
                open_us = bar_close(open_us, interval)
            while open_us <= end_us and len(opens) < limit:
                opens.append(open_us)
                open_us = bar_close(open_us, interval)
        else:
            open_us = bar_open(end_us, interval)
            while open_us >= first_us and len(opens) < limit:
                opens.insert(0, open_us)
                open_us = bar_open(open_us - 1, interval)
        return [bar for open_us in opens if (bar := self._bar(source, open_us, bar_close(open_us, interval)))]

    def window(self, start_us: int, end_us: int) -> Bar | None:
        """The minutes in [start_us, end_us) as one bar; None before the first trade."""
        return self._bar(self._minutes, start_us, end_us)

    def average_price(self, now_us: int, minutes: int) -> Decimal:
        """Volume-weighted over the last minutes, else the last price; 0 before the first trade."""
        bar = self.window(now_us - minutes * MINUTE_US, now_us + 1)
        return bar.quote / bar.volume if bar is not None and bar.volume else self.last_price

    def _bar(self, source: list[Bar], open_us: int, close_us: int) -> Bar | None:
        start = bisect_left(source, open_us, key=lambda bar: bar.open_us)
        end = bisect_left(source, close_us, key=lambda bar: bar.open_us)
        before = source[start - 1].close if start else None
        if start == end:
            return None if before is None else Bar(open_us, close_us, before, before, before, before)
        parts = source[start:end]
        return Bar(
            open_us,
            close_us,
            parts[0].open,
            max(part.high for part in parts),
            min(part.low for part in parts),
            parts[-1].close,
            sum((part.volume for part in parts), ZERO),
            sum((part.quote for part in parts), ZERO),
            sum((part.taker_volume for part in parts), ZERO),
            sum((part.taker_quote for part in parts), ZERO),
            parts[0].first_number,
            parts[-1].last_number,
        )


def _extend(bars: list[Bar], trade: TapeTrade, interval: str, kept: int) -> None:
    """Add a trade to the last bar, or begin a new one."""
    price, quantity = trade.price, trade.quantity
    open_us = bar_open(trade.at_us, interval)
    if not bars or bars[-1].open_us != open_us:
        close_us = bar_close(open_us, interval)
        bars.append(Bar(open_us, close_us, price, price, price, price, first_number=trade.number))
        if len(bars) > kept:
            del bars[: kept // 2]
    bar = bars[-1]
    bar.high, bar.low, bar.close = max(bar.high, price), min(bar.low, price), price
    bar.volume += quantity
    bar.quote += price * quantity
    if trade.aggressor is Side.BUY:
        bar.taker_volume += quantity
        bar.taker_quote += price * quantity
    bar.last_number = trade.number
