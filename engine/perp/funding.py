"""Funding: the payment between longs and shorts that keeps a perpetual near its index.

The rate is the mean premium over the interval, pulled towards the interest rate by at most DAMPING, and capped:
rate = clamp(P + clamp(I − P, ±DAMPING), ±cap), P = (max(0, impact bid − index) − max(0, index − impact ask)) / index.
"""

from collections.abc import Iterable
from decimal import Decimal

from engine.model.market import Level
from engine.model.money import ZERO

DAMPING = Decimal("0.0005")
INTEREST = Decimal("0.0001")  # per 8 h
RATE_STEP = Decimal("0.00000001")
HOURS_8_US = 8 * 3_600_000_000


def impact_price(levels: Iterable[Level], notional: Decimal) -> Decimal | None:
    """The average price of a market order worth `notional` (price · quantity); None if the book is too thin."""
    left, bought = notional, ZERO
    for price, quantity in levels:
        value = price * quantity
        if value >= left:
            return notional / (bought + left / price)
        left -= value
        bought += quantity
    return None


def premium(impact_bid: Decimal, impact_ask: Decimal, index: Decimal) -> Decimal:
    """How far the book is above (> 0) or below the index, as a fraction of it."""
    return (max(ZERO, impact_bid - index) - max(ZERO, index - impact_ask)) / index


def funding_rate(mean_premium: Decimal, interval_us: int, cap: Decimal) -> Decimal:
    """The rate of one interval, rounded to 10⁻⁸; positive: longs pay."""
    interest = INTEREST * interval_us / HOURS_8_US
    pulled = mean_premium + _clamp(interest - mean_premium, DAMPING)
    return _clamp(pulled, cap).quantize(RATE_STEP)


def funding_payment(size: Decimal, mark: Decimal, rate: Decimal, *, inverse: bool = False) -> Decimal:
    """What a position of this signed size (contracts · contract size) receives (< 0: pays), in the settle asset."""
    return -(size / mark if inverse else size * mark) * rate


def _clamp(value: Decimal, limit: Decimal) -> Decimal:
    return max(-limit, min(value, limit))
