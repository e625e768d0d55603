"""Rates between assets: over at most two markets, spot before derivatives."""

import pytest

from engine.core.rates import Rates
from tests.core.test_portfolio import BTC, INSTRUMENTS, PRICES, D


@pytest.mark.parametrize(
    ("asset", "into", "rate"),
    [
        ("USDT", "USDT", "1"),
        ("BTC", "USDT", "60000"),
        ("ETH", "USDT", "3000"),
        ("BNB", "BTC", "0.01"),
        ("BNB", "ETH", None),
        ("SHIB", "USDT", None),
        ("BTC", "SHIB", None),
    ],
    ids=["same", "one hop", "two hops", "inverted second hop", "three hops are too many", "unknown", "unknown target"],
)
def test_rates(asset: str, into: str, rate: str | None) -> None:
    rates = Rates(INSTRUMENTS.values(), PRICES.get)
    assert rates.rate(asset, into) == (None if rate is None else D(rate))


def test_spot_prices_come_before_derivatives() -> None:
    assert Rates(INSTRUMENTS.values(), PRICES.get).route("BTC", "USDT") == ((BTC, False),)
