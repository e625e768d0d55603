"""The fill kernel of one instrument in venue time: its book, our orders in it, and what happens to them.

Rows are applied in one batch a call. They touch our orders only where an index is watched (level rows), or where the
price reaches our best order (trades, new bests). The rules are those of docs/backtest.md. Plain Python that mypyc
compiles as it is (`scripts/build_fast.py`).
"""

from hashlib import sha256
from typing import Protocol

from connectors.paper.arrivals import Arrivals
from connectors.paper.interface import Feed
from connectors.paper.ladder import window_for
from connectors.paper.words import (
    ASK,
    BEST_ASK,
    BEST_BID,
    BID,
    BUY,
    CLEAR,
    FAR,
    FUNDED,
    GAP,
    MAKER,
    MARK,
    MARKED,
    NEVER_US,
    NO_ASK,
    NO_BID,
    SELL,
    SELL_TRADE,
    THROUGH,
)

Block = tuple[list[int], list[int], list[int], list[int]]
IN_GAP = "market data are missing"


class Source(Feed, Protocol):
    """The rows of an instrument, oldest first."""

    count: int

    def block(self, start: int, base: int, size: int) -> Block:
        """(times, ticks − base, lots, kinds) from row `start` on; kinds outside base … base + size have FAR added."""
        ...

    def price_at(self, start: int) -> int:
        """The first price from row `start` on; 0 if there is none."""
        ...


class Kernel(Arrivals):
    """`run` applies rows; `submit`, `cancel` and `amend` act at once, at the time given, which lies after those rows.

    The settings of `Resting` are changed before the first row. `size` is that of the window, 0 chooses.
    """

    def __init__(self, source: Source, size: int = 0) -> None:
        super().__init__(size)
        self.source = source
        self.event_us = 0  # of the last row applied; 0 = none yet
        self.crossed_repairs = 0
        self.gaps = 0
        self.gap_us = 0  # time in gaps that have ended
        self._gap_since_us = 0
        self._crossed = 0  # the side that moved last, while the book is crossed
        self._fired = False
        self._times: list[int] = [NEVER_US]
        self._index: list[int] = []
        self._lots: list[int] = []
        self._kinds: list[int] = []
        self._at = 0  # in the block
        self._next_row = 0  # after the block

    # ---- time

    @property
    def next_us(self) -> int:
        """The time of the next row; a large number: there is none yet."""
        if self._times[self._at] == NEVER_US and self._next_row < self.source.count:
            self._load()
        return self._times[self._at]

    @property
    def rows_applied(self) -> int:
        return self._next_row - len(self._times) + 1 + self._at

    def run(self, until_us: int) -> None:
        """Apply every row up to and including `until_us`, and end the orders that expire by then."""
        while self._expiry_us <= until_us:
            expiry_us = self._expiry_us
            self._match(expiry_us)
            self._expire(expiry_us)
        self._match(until_us)

    def digest(self) -> bytes:
        """Of the book, our orders and the cursor: equal for equal states, whatever the window."""
        state = [
            (self.best_bid, self.best_ask, self.last_trade, self.event_us, self.rows_applied, self.stale),
            self.levels(BUY),
            self.levels(SELL),
            [(o.key, o.side, o.ticks, o.lots, o.filled, o.flags, o.front, o.traded) for o in self.orders.values()],
            sorted(self._taken_bids.items()),
            sorted(self._taken_asks.items()),
        ]
        return sha256(repr(state).encode()).digest()

    # ---- rows

    def _match(self, until_us: int) -> None:
        while self.next_us <= until_us:
            if self.best_only:
                self._apply_best(until_us)
            else:
                self._apply(until_us)
            self._settle()
            if self.next_us <= until_us:
                self._row()
                self._settle()

    def _settle(self) -> None:
        """What waits for the end of a row or of a message: triggered stops, a crossed book."""
        if self._fired:
            self._fired = False
            self._fire(self.event_us)
        if self._crossed and self.next_us > self.event_us:
            self._repair()

    def _load(self) -> None:
        """The next block; the window follows the market here."""
        if not self._size:
            self._size = window_for(self.source.price_at(self._next_row))
        if not self._bid or self._is_off_centre():
            self._move_window(self._centre or self.source.price_at(self._next_row))
            self._watch_all()
        self._times, self._index, self._lots, self._kinds = self.source.block(self._next_row, self._base, self._size)
        self._next_row += len(self._times)
        self._times.append(NEVER_US)
        self._at = 0

    def _watch_all(self) -> None:
        for prices in (self._bids, self._asks):
            for ticks in prices:
                self._watch(ticks, 1)
        for taken in (self._taken_bids, self._taken_asks):
            for ticks in taken:
                self._watch(ticks, 1)

    def _apply(self, until_us: int) -> None:
        """The batch: rows up to `until_us`, or to the first one that `_row` has to look at, or that triggers a stop."""
        i = self._at
        times, index, lots, kinds = self._times, self._index, self._lots, self._kinds
        bid, ask, watched, base, size = self._bid, self._ask, self._watched, self._base, self._size
        best_bid, best_ask, last = self.best_bid - base, self.best_ask - base, self.last_trade
        own_bid, own_ask = self._own_bid - base, self._own_ask - base
        while (at_us := times[i]) <= until_us:
            p, q, kind = index[i], lots[i], kinds[i]
            if kind == BID:
                if watched[p]:
                    self._level(BUY, p + base, bid[p], q, at_us)
                    own_ask = self._own_ask - base
                bid[p] = q
                if q:
                    if p > best_bid:
                        best_bid = p
                        if p >= own_ask:
                            self._offer(SELL, p + base, q, at_us)
                            own_ask = self._own_ask - base
                        if p >= best_ask:
                            self._crossed, until_us = BUY, at_us
                elif p == best_bid:
                    while best_bid >= 0 and not bid[best_bid]:
                        best_bid -= 1
                    if best_bid < 0:
                        best_bid = max(self._far_bids, default=NO_BID) - base
            elif kind == ASK:
                if watched[p]:
                    self._level(SELL, p + base, ask[p], q, at_us)
                    own_bid = self._own_bid - base
                ask[p] = q
                if q:
                    if p < best_ask:
                        best_ask = p
                        if p <= own_bid:
                            self._offer(BUY, p + base, q, at_us)
                            own_bid = self._own_bid - base
                        if p <= best_bid:
                            self._crossed, until_us = SELL, at_us
                elif p == best_ask:
                    while best_ask < size and not ask[best_ask]:
                        best_ask += 1
                    if best_ask == size:
                        best_ask = min(self._far_asks, default=NO_ASK) - base
            elif kind < BEST_BID:
                last = p + base
                if kind == SELL_TRADE:
                    if p <= own_bid:
                        self._trade(BUY, last, q, at_us)
                        own_bid = self._own_bid - base
                elif p >= own_ask:
                    self._trade(SELL, last, q, at_us)
                    own_ask = self._own_ask - base
                if last >= self._stop_up or last <= self._stop_down:
                    self._fired, until_us = True, 0
            else:
                break
            i += 1
        if i > self._at:
            self.event_us = times[i - 1]
        self._at, self.last_trade = i, last
        self.best_bid, self.best_ask = best_bid + base, best_ask + base

    def _apply_best(self, until_us: int) -> None:
        """`_apply` for trades and best levels. A message gives both sides, so only its ask can leave a cross."""
        i = self._at
        times, index, lots, kinds = self._times, self._index, self._lots, self._kinds
        bid, ask, watched, base, size = self._bid, self._ask, self._watched, self._base, self._size
        best_bid, best_ask, last = self.best_bid - base, self.best_ask - base, self.last_trade
        own_bid, own_ask = self._own_bid - base, self._own_ask - base
        while (at_us := times[i]) <= until_us:
            p, q, kind = index[i], lots[i], kinds[i]
            if kind == BEST_BID:
                if not q or best_bid < 0 or best_bid >= size:
                    break
                if p != best_bid:
                    if watched[best_bid] or p < own_bid:
                        self._best_moves(BUY, best_bid + base, p + base)
                    bid[best_bid] = 0
                if watched[p]:
                    self._level(BUY, p + base, bid[p], q, at_us)
                if p > best_bid and p >= own_ask:
                    self._offer(SELL, p + base, q, at_us)
                own_ask = self._own_ask - base
                bid[p], best_bid = q, p
            elif kind == BEST_ASK:
                if not q or best_ask < 0 or best_ask >= size:
                    break
                if p != best_ask:
                    if watched[best_ask] or p > own_ask:
                        self._best_moves(SELL, best_ask + base, p + base)
                    ask[best_ask] = 0
                if watched[p]:
                    self._level(SELL, p + base, ask[p], q, at_us)
                if p < best_ask and p <= own_bid:
                    self._offer(BUY, p + base, q, at_us)
                own_bid = self._own_bid - base
                ask[p], best_ask = q, p
                if p <= best_bid:
                    self._crossed, until_us = SELL, at_us
            elif ASK < kind < BEST_BID:
                last = p + base
                if kind == SELL_TRADE:
                    if p <= own_bid:
                        self._trade(BUY, last, q, at_us)
                        own_bid = self._own_bid - base
                elif p >= own_ask:
                    self._trade(SELL, last, q, at_us)
                    own_ask = self._own_ask - base
                if last >= self._stop_up or last <= self._stop_down:
                    self._fired, until_us = True, 0
            else:
                break
            i += 1
        if i > self._at:
            self.event_us = times[i - 1]
        self._at, self.last_trade = i, last
        self.best_bid, self.best_ask = best_bid + base, best_ask + base

    def _row(self) -> None:
        """One row of any kind, wherever it lies."""
        i = self._at
        at_us, ticks, lots, kind = self._times[i], self._index[i] + self._base, self._lots[i], self._kinds[i]
        self._at += 1
        self.event_us = at_us
        if kind == CLEAR:
            self._snapshot(at_us)
        elif kind == GAP:
            self._gap(at_us)
        elif kind >= MARK and kind < FAR:
            self.told.append((at_us, MARKED if kind == MARK else FUNDED, 0, ticks, lots, MAKER, ""))
        else:
            kind -= FAR if kind >= FAR else 0
            if ASK < kind < BEST_BID:
                self._print(BUY if kind == SELL_TRADE else SELL, ticks, lots, at_us)
            else:
                self._report(kind, ticks, lots, at_us)
            if self._is_off_centre():
                self._next_row = self.rows_applied
                self._load()

    def _print(self, side: int, ticks: int, lots: int, at_us: int) -> None:
        """A public trade against our `side`."""
        self.last_trade = ticks
        if self._is_reached(side, ticks):
            self._trade(side, ticks, lots, at_us)
        self._fired = ticks >= self._stop_up or ticks <= self._stop_down

    def _report(self, kind: int, ticks: int, lots: int, at_us: int) -> None:
        """A level, or the best level of a side."""
        side = BUY if kind in (BID, BEST_BID) else SELL
        best = self.best_bid if side == BUY else self.best_ask
        best_only = kind >= BEST_BID
        if best_only and best != ticks:
            self._best_moves(side, best, ticks)
            self._store(side, best, 0)
        self._level(side, ticks, self.lots_at(side, ticks), lots, at_us)
        self._store(side, ticks, lots)
        better = lots > 0 and (ticks - best) * side > 0
        if better or best_only or (ticks == best and not lots):
            if lots and side == BUY:
                self.best_bid = ticks
            elif lots:
                self.best_ask = ticks
            else:
                self._find_best(side)
        if better and self._is_reached(-side, ticks):
            self._offer(-side, ticks, lots, at_us)
        if better and kind != BEST_BID and self.best_bid >= self.best_ask:
            self._crossed = side

    def _repair(self) -> None:
        """A message left the book crossed: the side that moved last is right, the other's crossed levels go."""
        side = -self._crossed
        self._crossed = 0
        if self.best_bid < self.best_ask:
            return
        self.crossed_repairs += 1
        while self.best_bid >= self.best_ask:
            ticks = self.best_bid if side == BUY else self.best_ask
            self._level(side, ticks, self.lots_at(side, ticks), 0, self.event_us)
            self._store(side, ticks, 0)
            self._find_best(side)

    # ---- gaps and snapshots

    def _gap(self, at_us: int) -> None:
        if not self.stale:
            self.stale = IN_GAP
            self.gaps += 1
            self._gap_since_us = at_us

    def _snapshot(self, at_us: int) -> None:
        """CLEAR and the levels of the same µs. Queues do not improve by it; what it crosses is filled once."""
        self._empty()
        self._taken_bids = {}
        self._taken_asks = {}
        self._watched = [0] * len(self._watched)
        self._watch_all()
        while self.next_us == at_us and self._kinds[self._at] % FAR <= ASK:
            side = BUY if self._kinds[self._at] % FAR == BID else SELL
            ticks, lots = self._index[self._at] + self._base, self._lots[self._at]
            self._at += 1
            self._store(side, ticks, lots)
            if side == BUY:
                self.best_bid = max(self.best_bid, ticks)
            else:
                self.best_ask = min(self.best_ask, ticks)
        for order in self.orders.values():
            if order.key not in self._stops and self.queue != THROUGH:
                order.traded = 0
                order.front = min(order.front, float(self.lots_at(order.side, order.ticks)))
        after_gap = self.stale != ""
        if after_gap:
            self.stale = ""
            self.gap_us += at_us - self._gap_since_us
        for side in (BUY, SELL):
            ticks = self.best_ask if side == BUY else self.best_bid
            if ticks != NO_ASK and ticks != NO_BID and self._is_reached(side, ticks):
                if not after_gap:
                    self._offer(side, ticks, self.lots_at(-side, ticks), at_us)
                elif self.gap_fills:
                    self._fill_passed(side, ticks, at_us)
