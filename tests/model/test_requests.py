"""Requests know their venue; instruments say what is wrong with an order."""

from decimal import Decimal

import pytest

from engine.model.enums import OrderType, Side
from engine.model.instrument import Instrument
from engine.model.request import CancelOrder, FetchBalances, RecallOrder, Request, SubmitOrder, venue_of


@pytest.mark.parametrize(
    ("request_", "venue"),
    [
        (RecallOrder("X"), ""),
        (FetchBalances("okx"), "okx"),
        (CancelOrder("X", "sim:BTC-USDT"), "sim"),
    ],
)
def test_venue_of(request_: Request, venue: str) -> None:
    assert venue_of(request_) == venue


def test_a_limit_order_needs_a_price() -> None:
    instrument = Instrument("sim:A-B", "sim", "A-B", "A", "B", Decimal("0.1"), Decimal("0.1"))
    order = SubmitOrder("X", "sim:A-B", Side.BUY, OrderType.LIMIT, Decimal(1))
    assert instrument.problems(order) == ["a LIMIT order needs a price"]
