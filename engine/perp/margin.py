"""Margin of one position: what it must keep, and the prices at which it is liquidated and at which nothing is left.

A linear contract is settled in its quote currency and worth size·price there; an inverse one is settled in its base
currency and worth size/price. `collateral` is what stands behind the position in the settle asset: its own margin, or
in a cross account the wallet and the profits of the other positions, funding included.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from engine.model.money import ZERO


class Exposure(NamedTuple):
    """A position. `size` is contracts · contract size, signed (long > 0); `cost` ≥ 0 its entry value (settle asset)."""

    size: Decimal
    cost: Decimal
    inverse: bool = False

    @property
    def sign(self) -> int:
        return 1 if self.size > 0 else -1

    def value(self, price: Decimal) -> Decimal:
        """The notional at a price, in the settle asset."""
        return abs(self.size) / price if self.inverse else abs(self.size) * price

    def profit(self, price: Decimal) -> Decimal:
        """What closing it at a price would earn. An inverse contract is worth less, the dearer the base."""
        earned = self.value(price) - self.cost
        return earned if (self.size > 0) != self.inverse else -earned


class Tier(NamedTuple):
    """Positions worth `floor` and more (settle asset) keep `rate` of their value less `deduction`.

    `leverage_max` 0 means no limit.
    """

    floor: Decimal
    rate: Decimal
    leverage_max: int
    deduction: Decimal


class Tiers:
    """The margin tiers of an instrument, from rows (floor, rate, leverage_max) with ascending floors from 0 on.

    The deduction of a tier is Σ floor·(rate − rate before) up to it, so that the margin grows without a step.
    """

    def __init__(self, rows: Iterable[tuple[Decimal, Decimal, int]]) -> None:
        self.tiers: list[Tier] = []
        for floor, rate, leverage_max in rows:
            last = self.tiers[-1] if self.tiers else Tier(floor, floor, 0, floor)
            assert last.floor <= floor, "floors ascend"
            assert last.rate <= rate, "rates ascend"
            self.tiers.append(Tier(floor, rate, leverage_max, last.deduction + floor * (rate - last.rate)))
        assert self.tiers[0].floor == 0, "the first tier begins at 0"

    def at(self, notional: Decimal) -> Tier:
        """The tier of a position of this value."""
        return next(tier for tier in reversed(self.tiers) if tier.floor <= notional)

    def maintenance(self, notional: Decimal) -> Decimal:
        """What a position of this value must keep."""
        tier = self.at(notional)
        return notional * tier.rate - tier.deduction

    def initial(self, notional: Decimal, leverage: Decimal) -> Decimal:
        """What opening a position of this value takes: the larger of value / leverage and what its tier asks."""
        most = Decimal(self.at(notional).leverage_max)
        return notional / (min(leverage, most) if most else leverage)


def health(equity: Decimal, maintenance: Decimal) -> Decimal | None:
    """Equity over maintenance margin; liquidatable at 1 and below. None without a position, 0 without equity."""
    if not maintenance:
        return None
    return max(equity, ZERO) / maintenance


def liquidation_price(held: Exposure, collateral: Decimal, tiers: Tiers) -> Decimal | None:
    """The mark price at which equity is what must be kept. None if there is none, as for a long paid in full."""
    for index, tier in enumerate(tiers.tiers):
        price = _price_in_tier(held, collateral, tier)
        if price is None or price <= 0:
            continue
        notional = held.value(price)
        last = index + 1 == len(tiers.tiers)
        if tier.floor <= notional and (last or notional < tiers.tiers[index + 1].floor):
            return price
    return None


def bankruptcy_price(held: Exposure, collateral: Decimal) -> Decimal | None:
    """The price at which equity is 0; not below 0. None where no price takes all: an inverse short paid in full."""
    left = held.sign * held.cost
    if not held.inverse:
        price: Decimal = (left - collateral) / held.size
        return max(price, price * 0)
    over = collateral + left
    return held.size / over if over * held.sign > 0 else None


def _price_in_tier(held: Exposure, collateral: Decimal, tier: Tier) -> Decimal | None:
    """Linear: (s·cost − C − d) / (|size|·(s − r)); inverse: |size|·(s + r) / (C + s·cost + d)."""
    sign, size = held.sign, abs(held.size)
    if not held.inverse:
        return (sign * held.cost - collateral - tier.deduction) / (size * (sign - tier.rate))
    below = collateral + sign * held.cost + tier.deduction
    return size * (sign + tier.rate) / below if below else None
