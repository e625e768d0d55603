"""Funding: the rates of the specification's table, impact prices by hand, payments that sum to nothing."""

from decimal import Decimal

import pytest

from engine.perp.funding import HOURS_8_US, funding_payment, funding_rate, impact_price, premium

D = Decimal
CAP = D("0.0075")
BOOK = ((D(100), D(2)), (D(110), D(3)))


@pytest.mark.parametrize(
    ("mean", "rate"),
    [
        ("0.0003", "0.0001"),
        ("0.00005", "0.0001"),
        ("0.003", "0.0025"),
        ("-0.001", "-0.0005"),
        ("0.02", "0.0075"),
        ("-0.02", "-0.0075"),
    ],
)
def test_rates_of_eight_hours(mean: str, rate: str) -> None:
    assert funding_rate(D(mean), HOURS_8_US, CAP) == D(rate)


def test_interest_is_scaled_to_the_interval() -> None:
    assert funding_rate(D(0), HOURS_8_US // 8, CAP) == D("0.0000125")


@pytest.mark.parametrize(("notional", "price"), [("100", "100"), ("200", "100"), ("310", "103.3333"), ("531", None)])
def test_impact_price_is_the_average_of_a_market_order(notional: str, price: str | None) -> None:
    found = impact_price(BOOK, D(notional))
    assert found is None if price is None else round(found or D(0), 4) == D(price)


@pytest.mark.parametrize(
    ("bid", "ask", "expected"), [("101", "102", "0.01"), ("97", "99", "-0.01"), ("99", "101", "0")]
)
def test_premium(bid: str, ask: str, expected: str) -> None:
    assert premium(D(bid), D(ask), D(100)) == D(expected)


def test_longs_pay_shorts_a_positive_rate() -> None:
    assert funding_payment(D(2), D(60_000), D("0.0001")) == D(-12)
    assert funding_payment(D(-2), D(60_000), D("0.0001")) == D(12)
    assert funding_payment(D(60_000), D(60_000), D("0.0001"), inverse=True) == D("-0.0001")
