"""Portfolio: trades that were inferred, and what the real ones put in their place."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.enums import Side, UpdateSource
from tests.core.test_portfolio import PERP, D, fill, opened, post


@pytest.mark.parametrize(("told", "earned"), [(D("99.99"), D("99.99")), (None, D(100))])
def test_the_real_trade_replaces_what_an_inferred_one_was_taken_to_have_earned(
    told: Decimal | None, earned: Decimal
) -> None:
    made = opened()
    post(made, replace(fill(Side.BUY, 60000, 1, instrument_id=PERP), realized=None if told is None else D(0)))
    inferred = replace(fill(Side.SELL, 60100, 1, instrument_id=PERP), source=UpdateSource.PROVISIONAL, trade_id="syn")
    post(made, inferred)
    assert made.total("sim", "USDT") == 1100
    post(made, replace(fill(Side.SELL, 60100, 1, instrument_id=PERP), realized=told, trade_id="2"), back=inferred)
    assert made.total("sim", "USDT") == 1000 + earned
    assert made.position(PERP) == 0
