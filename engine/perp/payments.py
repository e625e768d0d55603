"""What is paid on contracts: exact amounts become money of eight digits, in favour of the exchange."""

from decimal import Decimal

from engine.model.money import ceil_to, floor_to

CENT = Decimal("0.00000001")  # of every settle asset
LIQUIDATION_FEE_RATE = Decimal("0.005")  # of the value of a position that is liquidated, as far as money is left


def received(amount: Decimal) -> Decimal:
    """Profit or funding; negative: it is paid."""
    return floor_to(amount, CENT)


def charged(fee: Decimal) -> Decimal:
    """A fee; negative: a rebate."""
    return ceil_to(fee, CENT)
