"""Leaning against the inventory: how much larger or closer the quotes become on the side that brings it to target."""

from decimal import Decimal

from engine.model.money import ONE, ZERO

TWO = Decimal(2)
HALF = Decimal("0.5")
STRENGTH = HALF  # of the linear model: from 1.5/0.5 to 0.5/1.5


def piecewise(base_value: Decimal, quote_value: Decimal, target: Decimal, order_value: Decimal) -> Decimal:
    """The bid factor in [0, 2], the ask factor is 2 − it: 2 far below target, 1 at target, 0 far above.

    Values in quote: of the base and the quote held, and of the range (the total order size of both sides times the
    range multiplier). `target` is the share of the base. A side stops at the end of the range, which is at most half of
    what is held. Hummingbot's model.
    """
    value = base_value + quote_value
    reach = min(order_value, value * HALF)
    wanted = value * target
    if base_value < wanted:
        left = max(wanted - reach, ZERO)
        return TWO - min(max((base_value - left) / (wanted - left), ZERO), ONE)
    return ONE - min((base_value - wanted) / reach, ONE)


def linear(base_value: Decimal, quote_value: Decimal, target: Decimal, order_value: Decimal) -> Decimal:
    """As `piecewise`, but within [0.5, 1.5]: no side ever stops."""
    value = base_value + quote_value
    reach = min(order_value, value * HALF)
    ratio = min(max((base_value - value * target) / reach, -ONE), ONE)
    return ONE - STRENGTH * ratio


MODELS = {"piecewise": piecewise, "linear": linear}


def bid_and_ask_factors(
    model: str, base_value: Decimal, quote_value: Decimal, target: Decimal, order_value: Decimal
) -> tuple[Decimal, Decimal]:
    """Factors of the bid and ask amounts; both 0 when nothing is held or nothing is ordered."""
    if base_value + quote_value <= 0 or order_value <= 0:
        return ZERO, ZERO
    bid = MODELS[model](base_value, quote_value, target, order_value)
    return bid, TWO - bid
