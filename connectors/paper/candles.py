"""Fills on candles, where nothing is known of the book: what may have happened inside one is taken against us.

A candle [open, close) is one row that exists from its close on. Commands take effect at candle boundaries: an order
that arrives inside candle k is active from k + 1, a cancel that arrives inside k leaves the order exposed to its close.
"""

from collections.abc import Sequence
from decimal import Decimal

from connectors.paper.candle_rows import Bars, Candle, CandleRows
from connectors.paper.words import (
    AMEND_REJECTED,
    AMENDED,
    BUY,
    CANCEL_REJECTED,
    CANCELLED,
    CLOSED,
    EXPIRED,
    FILLED,
    FOK,
    IOC,
    MAKER,
    MARKET,
    NEVER_US,
    NO_ASK,
    NO_BID,
    OPENED,
    POST_ONLY,
    REDUCE,
    SELL,
    STOP,
    TAKER,
    TRIGGERED,
    Outcome,
)
from engine.core.candle_series import Read

PPM = 1_000_000
MISSING = "a candle is missing"
AT_ONCE = 128  # candles that are taken from their columns together


class CandleOrder:
    """`active_us`: candles that open from then on can fill it; those from `cancel_us` on cannot."""

    __slots__ = (
        "active_us",
        "cancel_us",
        "expire_us",
        "filled",
        "flags",
        "fresh",
        "key",
        "lots",
        "side",
        "stop",
        "ticks",
    )

    def __init__(self, key: int, side: int, ticks: int, lots: int, flags: int, stop: int, active_us: int) -> None:
        self.key = key
        self.side = side
        self.ticks = ticks
        self.lots = lots
        self.filled = 0
        self.flags = flags
        self.stop = stop
        self.active_us = active_us
        self.cancel_us = NEVER_US
        self.expire_us = NEVER_US
        self.fresh = True  # has seen no candle yet: what it reaches at the open it takes


class CandleKernel:
    """The same doors as `Kernel`. Settings: `participation` of the volume, `half_spread` and `slippage` in ppm.

    `touch`: a price that is only touched fills a resting order.
    """

    def __init__(self, source: CandleRows) -> None:
        self.source = source
        self.participation = 100_000
        self.half_spread = 200
        self.slippage = 100
        self.touch = False
        self.told: list[Outcome] = []
        self.orders: dict[int, CandleOrder] = {}
        self.best_bid = NO_BID
        self.best_ask = NO_ASK
        self.event_us = 0
        self.stale = ""
        self.rows_applied = 0
        self.position = 0  # signed lots, by fills
        self._left = 0  # of this candle's volume
        self._next = self._upcoming()

    # ---- reading

    @property
    def next_us(self) -> int:
        """When the next candle closes."""
        return self._next[0] + self.source.interval_us if self._next else NEVER_US

    def depth(self, side: int, levels: int) -> list[tuple[int, int]]:
        """One level: half a spread from the last close, with the volume that we may take."""
        best = self.best_bid if side == BUY else self.best_ask
        return [(best, self._share(self.source.candle(self.rows_applied - 1)))] if self.event_us and levels else []

    def lots_at(self, side: int, ticks: int) -> int:
        """What `depth` shows there."""
        return dict(self.depth(side, 1)).get(ticks, 0)

    # ---- commands

    def submit(
        self, at_us: int, key: int, side: int, ticks: int, lots: int, flags: int, stop: int = 0, expire_us: int = 0
    ) -> None:
        """A new order, from the next candle on."""
        order = self.orders[key] = CandleOrder(key, side, ticks, lots, flags, stop, at_us)
        order.expire_us = expire_us or NEVER_US
        self.told.append((at_us, OPENED, key, ticks, lots, MAKER, ""))

    def cancel(self, at_us: int, key: int) -> None:
        """Takes effect at the end of the candle that it arrives in."""
        order = self.orders.get(key)
        if order is None:
            self.told.append((at_us, CANCEL_REJECTED, key, 0, 0, MAKER, "unknown_order"))
        elif self._is_between(at_us) or (self._next and order.active_us > self._next[0]):
            self._end(order, at_us, CANCELLED, "")
        else:
            order.cancel_us = at_us

    def amend(self, at_us: int, key: int, ticks: int, lots: int) -> None:
        """Only between candles, or before the order is active: inside one nobody can say which terms were met."""
        order = self.orders.get(key)
        reason = "unknown_order" if order is None else "already_filled" if lots <= order.filled else ""
        if order is None or reason or not (self._is_between(at_us) or order.fresh):
            self.told.append((at_us, AMEND_REJECTED, key, ticks, lots, MAKER, reason or "inside_candle"))
            return
        order.ticks, order.lots = ticks, lots - order.filled
        self.told.append((at_us, AMENDED, key, ticks, lots, MAKER, ""))

    # ---- candles

    def run(self, until_us: int) -> None:
        """Apply every candle that has closed by `until_us`."""
        while self._next and self._next[0] + self.source.interval_us <= until_us:
            self._apply(self._next)
        late = self.event_us > 0 and until_us - self.event_us >= self.source.interval_us
        self.stale = MISSING if late and self.next_us < NEVER_US else ""

    def glide(
        self, until_us: int, price_step: Decimal, quantity_step: Decimal, see: Read
    ) -> tuple[Sequence[int], Sequence[float]] | None:
        """Apply candles that close by `until_us`, up to one that `see` wants to act on, or to a missing one.

        Only while there is no order, and after the first candle. Nothing is told of them but what is returned: when
        they closed, and at what price; None: there was none.
        """
        if self.next_us > until_us or self.stale or self._next is None or self._next[0] != self.event_us:
            return None
        bars, first = self.source.bars(self.rows_applied, price_step, quantity_step)
        times = bars.close_us
        visible = first + (until_us - times[first]) // self.source.interval_us + 1
        stop = _show(bars, first, min(len(times), visible), see)
        self.rows_applied += stop - first
        self._close(self.source.candle(self.rows_applied - 1)[4], times[stop - 1])
        return times[first:stop], bars.close[first:stop]

    def _close(self, close: int, close_us: int) -> None:
        """What is known once a candle, the last of `rows_applied`, has closed."""
        self.event_us = close_us
        self.best_bid, self.best_ask = self._worse(close, SELL, 0), self._worse(close, BUY, 0)
        self._next = self._upcoming()

    def _upcoming(self) -> Candle | None:
        return self.source.candle(self.rows_applied) if self.rows_applied < self.source.count else None

    def _apply(self, candle: Candle) -> None:
        open_us, first, high, low, close, volume = candle
        close_us = open_us + self.source.interval_us
        self._left = self._share(candle)
        for order in list(self.orders.values()):
            if order.expire_us <= open_us:
                self._end(order, order.expire_us, EXPIRED, "good_till_date")
        if self.orders:
            active = [order for order in self.orders.values() if order.active_us <= open_us]
            self._at_open(active, first, close_us)
            active = [order for order in active if order.key in self.orders]
            down_first = self._is_adverse_down(active, first)
            for side in (BUY, SELL) if down_first else (SELL, BUY):
                self._leg(active, side, first, low if side == BUY else high, close_us)
            for order in active:
                order.fresh = False
                if order.cancel_us < close_us and order.key in self.orders:
                    self._end(order, close_us, CANCELLED, "")
        self.told.append((close_us, CLOSED, self.rows_applied, close, volume, MAKER, ""))
        self.rows_applied += 1
        self._close(close, close_us)

    def _is_adverse_down(self, active: list[CandleOrder], first: int) -> bool:
        """Which extreme comes first: the one against our position; when flat, that of the order nearest to the open."""
        if self.position:
            return self.position > 0
        nearest = min(active, key=lambda order: abs((order.stop or order.ticks) - first), default=None)
        return nearest is None or (nearest.side == BUY) != bool(nearest.flags & STOP)

    def _at_open(self, active: list[CandleOrder], first: int, close_us: int) -> None:
        """What a new order reaches at the open it takes, at the open with costs and never beyond its limit."""
        for order in active:
            side, flags = order.side, order.flags
            if not order.fresh or flags & STOP:
                continue
            if flags & MARKET or (order.ticks - first) * side >= 0:
                if flags & POST_ONLY:
                    self._end(order, close_us, EXPIRED, "would_take")
                    continue
                price = self._worse(first, side, self.slippage)
                if not flags & MARKET:
                    price = min(price, order.ticks) if side == BUY else max(price, order.ticks)
                if not (flags & FOK and self._left < order.lots):
                    self._fill(order, price, TAKER, close_us)
            if order.lots and flags & (MARKET | IOC | FOK):
                self._end(order, close_us, EXPIRED, "not_filled_at_once")

    def _leg(self, active: list[CandleOrder], side: int, first: int, extreme: int, close_us: int) -> None:
        """One way from the open to an extreme: down past resting buys and sell stops, or up past the others."""
        reached = extreme - (0 if self.touch else -side)
        for order in sorted(active, key=lambda order: -side * (order.stop or order.ticks)):
            if order.key not in self.orders or order.active_us >= close_us:
                continue
            if order.flags & STOP:
                if order.side != side and (order.stop - extreme) * side >= 0:
                    self._trigger(order, first, close_us)
            elif order.side == side and (order.ticks - reached) * side >= 0:
                self._fill(order, order.ticks, MAKER, close_us)

    def _trigger(self, order: CandleOrder, first: int, close_us: int) -> None:
        """A stop that becomes a market order pays the gap and slippage; one that becomes a limit rests from then on."""
        self.told.append((close_us, TRIGGERED, order.key, order.ticks, order.lots, MAKER, ""))
        start = max(first, order.stop) if order.side == BUY else min(first, order.stop)
        order.flags -= STOP
        order.stop = 0
        if not order.flags & MARKET:
            order.active_us = close_us
            return
        self._fill(order, self._worse(start, order.side, self.slippage - self.half_spread), TAKER, close_us)
        if order.lots:
            self._end(order, close_us, EXPIRED, "no_liquidity")

    def _fill(self, order: CandleOrder, ticks: int, liquidity: int, close_us: int) -> None:
        lots = min(order.lots, self._left)
        if order.flags & REDUCE:
            lots = min(lots, max(0, -self.position * order.side))
        if lots > 0:
            self._left -= lots
            self.position += lots * order.side
            order.lots -= lots
            order.filled += lots
            self.told.append((close_us, FILLED, order.key, ticks, lots, liquidity, ""))
            if not order.lots:
                del self.orders[order.key]

    def _end(self, order: CandleOrder, at_us: int, what: int, reason: str) -> None:
        del self.orders[order.key]
        self.told.append((at_us, what, order.key, order.ticks, order.lots, MAKER, reason))

    def _share(self, candle: Candle) -> int:
        return candle[5] * self.participation // PPM

    def _worse(self, ticks: int, side: int, more: int) -> int:
        """A price with half a spread and `more` ppm against a taker of `side`, rounded against it too."""
        cost = ticks * (self.half_spread + more)
        return ticks + -(-cost // PPM) if side == BUY else ticks - -(-cost // PPM)

    def _is_between(self, at_us: int) -> bool:
        """Whether no candle is in the making at this time."""
        return self._next is None or self._next[0] >= at_us


def _show(bars: Bars, first: int, stop: int, see: Read) -> int:
    """Show `bars[first:stop]` up to one that the reader wants to act on; where the next one is."""
    for start in range(first, stop, AT_ONCE):
        part = [column[start : min(start + AT_ONCE, stop)] for column in bars]
        for close_us, open_, high, low, close, volume in zip(*part, strict=True):
            if see(close_us, open_, high, low, close, volume):
                return bars.close_us.index(close_us, start) + 1
    return stop
