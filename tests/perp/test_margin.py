"""Margin against the table of the specification, and in exact fractions: equity is the maintenance margin at M_liq."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.perp.margin import Exposure, Tiers, bankruptcy_price, health, liquidation_price

D = Decimal
ROWS = ((0, "0.005", 125), (100_000, "0.01", 50), (500_000, "0.025", 20))
TIERS = Tiers([(D(floor), D(rate), leverage) for floor, rate, leverage in ROWS])
EXACT: Any = Tiers([(Fraction(floor), Fraction(rate), leverage) for floor, rate, leverage in ROWS])  # type: ignore[misc]


@pytest.mark.parametrize(
    ("size", "collateral", "liquidation", "bankruptcy", "kept"),
    [
        ("1", "6000", "54271.3568", "54000", "271.3568"),
        ("2", "6000", "57323.2323", "57000", "646.4646"),
        ("-2", "6000", "62623.7624", "63000", "752.4752"),
        ("10", "60000", "54564.1026", "54000", "5641.0256"),
        ("-8.2", "25000", "62462.8198", "63048.7805", "4804.8780"),
        ("1", "60000", None, "0", "0"),
    ],
)
def test_linear_positions_at_60000(
    size: str, collateral: str, liquidation: str | None, bankruptcy: str, kept: str
) -> None:
    held = Exposure(D(size), abs(D(size)) * 60_000)
    price = liquidation_price(held, D(collateral), TIERS)
    end = bankruptcy_price(held, D(collateral))
    assert end is not None
    assert round(end, 4) == D(bankruptcy)
    if liquidation is None:
        assert price is None
        return
    assert price is not None
    assert round(price, 4) == D(liquidation)
    assert round(TIERS.maintenance(held.value(price)), 4) == D(kept)
    assert round(D(collateral) + held.profit(price), 4) == D(kept)


def test_tiers_deduct_so_that_nothing_jumps() -> None:
    assert [tier.deduction for tier in TIERS.tiers] == [0, 500, 8000]
    assert TIERS.maintenance(D(100_000)) == 500
    assert TIERS.maintenance(D("499999.99")) == D("4499.9999")
    assert TIERS.maintenance(D(500_000)) == 4500


def test_initial_margin_is_not_below_what_the_tier_asks() -> None:
    assert TIERS.initial(D(50_000), D(100)) == 500
    assert TIERS.initial(D(200_000), D(100)) == 4000
    assert Tiers([(D(0), D("0.01"), 0)]).initial(D(1000), D(10)) == 100


@pytest.mark.parametrize(
    ("equity", "maintenance", "expected"), [("10", "0", None), ("-1", "5", "0"), ("5", "5", "1"), ("10", "4", "2.5")]
)
def test_health(equity: str, maintenance: str, expected: str | None) -> None:
    assert health(D(equity), D(maintenance)) == (None if expected is None else D(expected))


def test_an_inverse_short_that_is_paid_in_full_has_no_end() -> None:
    held = Exposure(D(-60_000), D(1), inverse=True)
    assert bankruptcy_price(held, D(1)) is None
    assert liquidation_price(held, D(1), Tiers([(D(0), D("0.005"), 0)])) is None
    assert bankruptcy_price(held, D("0.5")) == 120_000


sizes = st.fractions(min_value=Fraction(1, 1000), max_value=50, max_denominator=1000)


@given(sizes, st.integers(1_000, 200_000), st.fractions(0, 3, max_denominator=500), st.booleans(), st.booleans())
def test_equity_is_what_must_be_kept_at_the_liquidation_price(
    quantity: Fraction, entry: int, share: Fraction, long: bool, inverse: bool
) -> None:
    """Exact for every position, and the only price at which it is so; shorts always have one (linear)."""
    size = quantity * 1000 if inverse else quantity
    tiers: Any = EXACT
    if inverse:  # its values are in the base asset
        tiers = Tiers([(Fraction(f, 1000), Fraction(r), x) for f, r, x in ROWS])  # type: ignore[misc]
    sides: Any = size if long else -size
    cost: Any = size / entry if inverse else size * entry
    held = Exposure(sides, cost, inverse)
    collateral: Any = cost * share
    if collateral <= tiers.maintenance(cost):
        return  # it could not have been opened
    price: Any = liquidation_price(held, collateral, tiers)
    if price is None:
        assert (long and not inverse) or (inverse and not long)
        return
    assert collateral + held.profit(price) == tiers.maintenance(held.value(price))
    assert price < entry if long else price > entry
    end: Any = bankruptcy_price(held, collateral)
    if end:
        assert collateral + held.profit(end) == 0
        assert end < price if long else end > price
