"""The rows of an instrument as columns, handed to a kernel block by block as Python lists.

Lists of one block are all that exists as objects: 65,536 rows at a time cost less than a whole day at once, in time and
in memory.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.paper.kernel import Block
from connectors.paper.words import BEST_ASK, BEST_BID, BUY_TRADE, FAR, NEVER_US, SELL_TRADE

BLOCK = 1 << 16
FEED_FLOOR_US = 1_000  # the least feed latency that a clock which ran behind is mended to
Column = NDArray[np.int64]
Counts = NDArray[Any]  # of ticks or lots


class Rows:
    """Columns of equal length in the order of the venue: times in µs, prices in ticks, quantities in lots.

    Prices and quantities may be of any integer type.
    `visible_us` is when each row was received, None where that was not recorded. `shift_us` is what was added to the
    venue's times, because our clock ran behind it. Raises ValueError about times that run backwards.
    """

    live = False

    def __init__(
        self,
        event_us: Column,
        kind: NDArray[np.int8],
        ticks: Counts,
        lots: Counts,
        receive_us: Column | None = None,
    ) -> None:
        backwards = event_us[1:] < event_us[:-1]
        if backwards.any():
            raise ValueError(
                f"row {int(backwards.argmax()) + 1} is older than the one before it: sort rows by event_us"
            )
        self.count = len(event_us)
        self.shift_us = 0
        self.visible_us: Column | None = None
        if receive_us is not None and self.count:
            ahead_us = int((receive_us - event_us).min())
            self.shift_us = ahead_us - FEED_FLOOR_US if ahead_us < 0 else 0
            event_us = event_us + self.shift_us if self.shift_us else event_us
            self.visible_us = _with_the_last_of_its_time(event_us, np.maximum.accumulate(receive_us))
        self.event_us = event_us
        self.kind = kind
        self.ticks = ticks
        self.lots = lots

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[Any]]) -> "Rows":
        """From named columns: event_us, kind, ticks, lots and, if recorded, receive_us."""
        receive_us = columns.get("receive_us")
        return cls(
            columns["event_us"].astype(np.int64, copy=False),
            columns["kind"].astype(np.int8, copy=False),
            columns["ticks"],
            columns["lots"],
            None if receive_us is None else receive_us.astype(np.int64, copy=False),
        )

    def block(self, start: int, base: int, size: int) -> Block:
        """For kernels: see `connectors.paper.kernel.Source`."""
        part = slice(start, start + BLOCK)
        index, kind = self.ticks[part].astype(np.int64, copy=False) - base, self.kind[part]
        outside = ((index < 0) | (index >= size)) & (kind <= BEST_ASK)
        if outside.any():
            kind = kind + FAR * outside.astype(np.int8)
        return self.event_us[part].tolist(), index.tolist(), self.lots[part].tolist(), kind.tolist()

    def price_at(self, start: int) -> int:
        """The first price from row `start` on; 0 if there is none."""
        ticks = self.ticks[start : start + BLOCK]
        ticks = ticks[self.kind[start : start + BLOCK] <= BEST_ASK]
        return int(ticks[0]) if len(ticks) else 0

    def horizon_us(self, now_us: int, feed_us: int) -> int:
        """The venue's time up to which all is visible at `now_us`; `feed_us` counts where that was not recorded."""
        if self.visible_us is None:
            return now_us - feed_us
        count = int(self.visible_us.searchsorted(now_us, "right"))
        return int(self.event_us[count]) - 1 if count < self.count else NEVER_US - 1

    def seen_us(self, event_us: int, feed_us: int) -> int:
        """When we receive the rows of this time, which there must be."""
        if self.visible_us is None:
            return event_us + feed_us
        return int(self.visible_us[self.event_us.searchsorted(event_us)])

    @property
    def has_levels(self) -> bool:
        """Whether the feed shows more than the best levels."""
        return bool((self.kind < SELL_TRADE).any())

    @property
    def has_best(self) -> bool:
        """Whether the feed shows the best levels by themselves."""
        return bool(((self.kind == BEST_BID) | (self.kind == BEST_ASK)).any())


def around_trades(rows: Rows, spread_ticks: int) -> Rows:
    """A feed of trades alone, with best levels assumed half a spread to either side of each trade."""
    trade = (rows.kind == SELL_TRADE) | (rows.kind == BUY_TRADE)
    copies = np.where(trade, 3, 1)
    at = np.repeat(np.arange(rows.count), copies)
    place = np.arange(len(at)) - np.repeat(np.cumsum(copies) - copies, copies)
    kind, ticks = rows.kind[at].copy(), rows.ticks[at].copy()
    kind[place == 1], kind[place == 2] = BEST_BID, BEST_ASK
    ticks[place == 1] -= (spread_ticks + 1) // 2
    ticks[place == 2] += (spread_ticks + 1) // 2
    assumed = Rows(rows.event_us[at], kind, ticks, rows.lots[at])
    assumed.visible_us = None if rows.visible_us is None else rows.visible_us[at]
    return assumed


def _with_the_last_of_its_time(event_us: Column, visible_us: Column) -> Column:
    """Rows of one µs are one message to readers: they become visible together. `visible_us` is changed."""
    for start in range(0, len(event_us), BLOCK):
        part = slice(start, start + BLOCK)
        visible_us[part] = visible_us[event_us.searchsorted(event_us[part], "right") - 1]
    return visible_us
