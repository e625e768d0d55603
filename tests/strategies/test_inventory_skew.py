"""The two skew models against the table of docs/strategies.md and against their own promises."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.inventory_skew import bid_and_ask_factors

D = Decimal
VALUE, RANGE, TARGET = D(1000), D(20), D("0.5")


@pytest.mark.parametrize(
    ("base_value", "piecewise", "linear"),
    [
        ("500", ("1", "1"), ("1", "1")),
        ("490", ("1.5", "0.5"), ("1.25", "0.75")),
        ("480", ("2", "0"), ("1.5", "0.5")),
        ("100", ("2", "0"), ("1.5", "0.5")),
        ("515", ("0.25", "1.75"), ("0.625", "1.375")),
        ("520", ("0", "2"), ("0.5", "1.5")),
        ("900", ("0", "2"), ("0.5", "1.5")),
    ],
)
def test_table(base_value: str, piecewise: tuple[str, str], linear: tuple[str, str]) -> None:
    held = D(base_value)
    for model, expected in (("piecewise", piecewise), ("linear", linear)):
        assert bid_and_ask_factors(model, held, VALUE - held, TARGET, RANGE) == tuple(map(D, expected))


@pytest.mark.parametrize("model", ["piecewise", "linear"])
@pytest.mark.parametrize(("base", "quote", "order_value"), [("0", "0", "20"), ("5", "5", "0"), ("0", "0", "0")])
def test_nothing_held_or_nothing_ordered_gives_nothing(model: str, base: str, quote: str, order_value: str) -> None:
    assert bid_and_ask_factors(model, D(base), D(quote), TARGET, D(order_value)) == (0, 0)


amounts = st.decimals(min_value=0, max_value=10**6, places=2)


@given(
    amounts, amounts, st.decimals(min_value=0, max_value=1, places=2), amounts, st.sampled_from(["piecewise", "linear"])
)
def test_factors_are_bounded_and_add_up_to_two(
    base: Decimal, quote: Decimal, target: Decimal, order_value: Decimal, model: str
) -> None:
    bid, ask = bid_and_ask_factors(model, base, quote, target, order_value)
    if base + quote > 0 and order_value > 0:
        assert bid + ask == 2
        least = 0 if model == "piecewise" else D("0.5")
        assert least <= bid <= 2 - least


@given(amounts, st.sampled_from(["piecewise", "linear"]))
def test_more_base_never_means_larger_bids(base: Decimal, model: str) -> None:
    value = D(2 * 10**6)
    less, _ = bid_and_ask_factors(model, base, value - base, TARGET, D(1000))
    more, _ = bid_and_ask_factors(model, base + 1, value - base - 1, TARGET, D(1000))
    assert more <= less
