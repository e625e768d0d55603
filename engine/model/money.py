"""Exact decimals. Importing this module makes the arithmetic of the whole process exact or loud.

Money is `Decimal` from parser to database. 38 digits hold every product and sum of a ledger exactly; mixing a float in
raises `FloatOperation` instead of quietly rounding.
"""

import decimal
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)

decimal.DefaultContext.prec = 38
decimal.DefaultContext.traps[decimal.FloatOperation] = True
decimal.setcontext(decimal.Context(prec=38, traps=[*(s for s, on in decimal.DefaultContext.traps.items() if on)]))


def to_text(value: Decimal) -> str:
    """Plain notation for wires and files: never an exponent."""
    return format(value, "f")


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` (> 0) that is not above `value`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` (> 0) that is not below `value`."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` lies on the grid of `step` (> 0)."""
    return not value % step
