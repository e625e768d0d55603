"""The prices that a perpetual lives by: index, mark and funding rate.

index    what its asset is worth, said by whoever moves the market; the mid of the book where nobody says it
mark     the median of index·(1 + premium of the last 30 s), the mid kept within 1 % of the index, and the last trade:
         a single print moves little
rate     that of `engine.perp.funding`, from samples of the premium every 5 s since the last payment
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from msgspec import Struct

from engine.model.instrument import Instrument
from engine.model.market import Level
from engine.model.money import ONE, ZERO
from engine.perp.funding import funding_rate, impact_price, premium

SAMPLE_US = 5_000_000
RATES_KEPT = 1_000
SHORT_SAMPLES = 6  # of the premium that moves the mark: 30 s
MID_BAND = Decimal("0.01")
FINER = 2  # digits that index and mark have more than prices


class Touch(Struct, frozen=True):
    """The book as the mark needs it, in quote; None where there is nothing."""

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None

    @property
    def mid(self) -> Decimal | None:
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


class PaidRate(Struct, frozen=True, gc=False):
    """The funding rate that was paid at a time, on what was held at this mark."""

    due_us: int
    rate: Decimal
    mark: Decimal | None


class Marks:
    """`next_us` is when funding is due; 0 before the first price. `impact_value` is in quote. `paid`: oldest first."""

    def __init__(self, instrument: Instrument, interval_us: int, cap: Decimal, impact_value: Decimal) -> None:
        self.index: Decimal | None = None
        self.mark: Decimal | None = None
        self.rate = funding_rate(ZERO, interval_us, cap)
        self.interval_us = interval_us
        self.next_us = 0
        self.paid: deque[PaidRate] = deque(maxlen=RATES_KEPT)
        self._cap = cap
        self._grid = instrument.price_step.scaleb(-FINER)
        self._impact = impact_value / instrument.contract_size
        self._sample_us = 0
        self._recent: deque[Decimal] = deque(maxlen=SHORT_SAMPLES)
        self._sum, self._samples = ZERO, 0

    def sample_due(self, now_us: int) -> bool:
        """Whether the premium should be sampled: `sample` needs both sides of the whole book."""
        return now_us >= self._sample_us

    def sample(self, bids: tuple[Level, ...], asks: tuple[Level, ...], now_us: int) -> None:
        """Note the premium of a book over the index; a book that is too thin says nothing."""
        self._sample_us = now_us // SAMPLE_US * SAMPLE_US + SAMPLE_US
        impact_bid, impact_ask = impact_price(bids, self._impact), impact_price(asks, self._impact)
        if self.index is None or impact_bid is None or impact_ask is None:
            return
        found = premium(impact_bid, impact_ask, self.index)
        self._recent.append(found)
        self._sum += found
        self._samples += 1
        self.rate = funding_rate(self._sum / self._samples, self.interval_us, self._cap)

    def move(self, index: Decimal | None, touch: Touch, now_us: int) -> None:
        """New prices. Without a book the mark is what is left of its parts; without any it stays."""
        self.next_us = self.next_us or now_us // self.interval_us * self.interval_us + self.interval_us
        mid = touch.mid
        told = mid if index is None else index
        if told is not None:
            self.index = told.quantize(self._grid)
        if self.index is None:
            return
        short = sum(self._recent, ZERO) / len(self._recent) if self._recent else ZERO
        parts = [self.index * (ONE + short)]
        if mid is not None:
            band = self.index * MID_BAND
            parts.append(max(self.index - band, min(mid, self.index + band)))
        if touch.last is not None:
            parts.append(touch.last)
        parts.sort()
        self.mark = parts[(len(parts) - 1) // 2].quantize(self._grid)

    def fund(self) -> Decimal:
        """The payment is due: the rate of the interval that ends, and a new one begins."""
        rate = self.rate
        self.paid.append(PaidRate(self.next_us, rate, self.mark))
        self._sum, self._samples = ZERO, 0
        self.next_us += self.interval_us
        return rate
