"""`Instrument.accepts` and `Instrument.problems` give the same verdict on both sides of every limit."""

from decimal import Decimal
from itertools import product

from engine.model.enums import OrderType, Side
from engine.model.instrument import Instrument
from engine.model.request import SubmitOrder

D = Decimal
STRICT = Instrument(
    *("sim:A-B", "sim", "A-B", "A", "B", D("0.5"), D("0.02")),
    quantity_min=D("0.1"),
    quantity_max=D(10),
    notional_min=D(5),
    price_min=D(10),
    price_max=D(1000),
    contract_size=D(2),
)
FREE = Instrument("sim:A-B", "sim", "A-B", "A", "B", D("0.5"), D("0.02"))
QUANTITIES = [D(each) for each in ("-0.02", "0", "0.02", "0.08", "0.1", "0.11", "0.12", "0.24", "0.26", "10", "10.02")]
PRICES = [D(each) for each in ("-10", "0", "9.5", "10", "10.2", "10.5", "999.5", "1000", "1000.5")]


def test_same_verdict() -> None:
    verdicts = set()
    for instrument, quantity, price in product((STRICT, FREE), QUANTITIES, PRICES):
        accepted = instrument.accepts(quantity, price)
        limit = SubmitOrder("1", "sim:A-B", Side.BUY, OrderType.LIMIT, quantity, price)
        stop = SubmitOrder("1", "sim:A-B", Side.BUY, OrderType.STOP_LIMIT, quantity, price, stop_price=price)
        assert bool(instrument.problems(limit)) is not accepted, (instrument, quantity, price)
        assert bool(instrument.problems(stop)) is not accepted, (instrument, quantity, price)  # sentence by sentence
        verdicts.add(accepted)
    assert verdicts == {True, False}
