"""Position accounting: the rules as tables, and the identity of profit with cash to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.position import PositionLedger, money_asset
from engine.model.enums import Liquidity, Side
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from tests.core.instruments import INVERSE, LINEAR, SPOT

D = Decimal


def fill(side: Side, price: str | Decimal, quantity: str | Decimal, fee: str | Decimal = "0", asset: str = "") -> Fill:
    return Fill("t", "c", "v", SPOT.instrument_id, side, D(price), D(quantity), D(fee), asset, Liquidity.MAKER, 0, 0)


def book(ledger: PositionLedger, trade: Fill, rate: Decimal | None = None) -> None:
    size = ledger.instrument.contract_size
    inverse = money_asset(ledger.instrument) == ledger.instrument.base
    value = trade.quantity * size / trade.price if inverse else trade.quantity * trade.price * size
    ledger.book(trade.side, trade.quantity, value.quantize(D("1E-20")))
    ledger.book_fee(trade, rate)


@pytest.mark.parametrize(
    ("trades", "quantity", "average", "realized"),
    [
        ([("BUY", "100", "1"), ("BUY", "110", "1")], "2", "105", "0"),
        ([("BUY", "100", "2"), ("SELL", "110", "1")], "1", "100", "10"),
        ([("BUY", "100", "2"), ("SELL", "110", "2")], "0", None, "20"),
        ([("SELL", "100", "2"), ("BUY", "90", "1")], "-1", "100", "10"),
        ([("BUY", "100", "1"), ("SELL", "110", "3")], "-2", "110", "10"),
        ([("SELL", "100", "1"), ("BUY", "90", "3")], "2", "90", "10"),
    ],
    ids=["add", "reduce", "close", "short", "flip long to short", "flip short to long"],
)
def test_rules(trades: list[tuple[str, str, str]], quantity: str, average: str | None, realized: str) -> None:
    ledger = PositionLedger(SPOT, "mm")
    for side, price, amount in trades:
        book(ledger, fill(Side(side), price, amount))
    assert ledger.quantity == D(quantity)
    assert ledger.average_price == (None if average is None else D(average))
    assert ledger.realized == D(realized)


def test_measured_flip_leaves_nothing_of_the_old_side() -> None:
    """Hummingbot keeps a stale row of the old side and loses the realised part."""
    ledger = PositionLedger(SPOT, "mm")
    book(ledger, fill(Side.BUY, "100", "3"))
    book(ledger, fill(Side.SELL, "101.7", "7"))
    assert (ledger.quantity, ledger.cost, ledger.average_price) == (D(-4), D("406.8"), D("101.7"))
    assert ledger.realized == D("5.1")


@pytest.mark.parametrize(
    ("side", "fee", "asset", "rate", "quantity", "fees", "unpriced"),
    [
        ("BUY", "0.3", "USDT", None, "1", "0.3", {}),
        ("BUY", "-0.1", "USDT", None, "1", "-0.1", {}),
        ("BUY", "0.001", "BTC", None, "0.999", "0.1", {}),
        ("BUY", "-0.001", "BTC", None, "1.001", "-0.1", {}),
        ("SELL", "0.001", "BTC", None, "-1.001", "0.1", {}),
        ("BUY", "0.002", "BNB", "600", "1", "1.2", {}),
        ("BUY", "0.002", "BNB", None, "1", "0", {"BNB": D("0.002")}),
        ("BUY", "0", "BNB", None, "1", "0", {}),
    ],
)
def test_hb8099_fees_once(
    side: str, fee: str, asset: str, rate: str | None, quantity: str, fees: str, unpriced: dict[str, Decimal]
) -> None:
    ledger = PositionLedger(SPOT, "mm")
    book(ledger, fill(Side(side), "100", "1", fee, asset), None if rate is None else D(rate))
    assert (ledger.quantity, ledger.fees_quote, ledger.unpriced_fees) == (D(quantity), D(fees), unpriced)
    assert ledger.realized == 0


def test_fee_in_base_on_a_derivative_is_no_disposal() -> None:
    ledger = PositionLedger(LINEAR, "mm")
    book(ledger, fill(Side.BUY, "60000", "10", "0.00001", "BTC"), D(60000))
    assert (ledger.quantity, ledger.fees_quote) == (D(10), D("0.6"))


def test_linear_contract() -> None:
    ledger = PositionLedger(LINEAR, "mm")
    book(ledger, fill(Side.SELL, "60000", "50"))
    assert ledger.average_price == 60000
    assert ledger.unrealised(D(59000)) == 500
    book(ledger, fill(Side.BUY, "59000", "50"))
    assert (ledger.realized, ledger.unrealised(D(1))) == (500, 0)


@pytest.mark.parametrize("side", list(Side))
def test_inverse_contract(side: Side) -> None:
    """DERIVATIVES: s·Q·(1/A − 1/M), profit in the base asset; 100 contracts of 100 USD from 50,000 to 62,500."""
    ledger = PositionLedger(INVERSE, "mm")
    book(ledger, fill(side, "50000", "100"))
    sign = 1 if side is Side.BUY else -1
    assert (ledger.cost, ledger.average_price) == (D("0.2"), D(50000))
    assert ledger.unrealised(D(62500)) == sign * (D("0.2") - D("0.16"))
    book(ledger, fill(side.opposite, "62500", "150"))
    assert (ledger.realized, ledger.quantity, ledger.cost) == (sign * D("0.04"), -sign * 50, D("0.08"))


def test_flat_ledger_has_no_unrealised_profit() -> None:
    ledger = PositionLedger(SPOT, "mm")
    assert (ledger.unrealised(D(100)), ledger.average_price) == (ZERO, None)


prices = st.integers(1, 10_000_000).map(lambda ticks: D(ticks) / 100)
quantities = st.integers(1, 1_000_000).map(lambda lots: D(lots) / 1000)
fees = st.tuples(
    st.sampled_from(["USDT", "BTC", "BNB"]), st.integers(-1000, 1000).map(lambda units: D(units) / 1_000_000)
)
trades = st.lists(st.tuples(st.sampled_from(list(Side)), prices, quantities, fees), min_size=1, max_size=30)
RATE = D("612.37")  # BNB in USDT


@given(trades, prices)
def test_profit_is_change_of_equity_to_the_last_digit(
    script: list[tuple[Side, Decimal, Decimal, tuple[str, Decimal]]], mark: Decimal
) -> None:
    ledger = PositionLedger(SPOT, "mm")
    cash = {"USDT": ZERO, "BTC": ZERO, "BNB": ZERO}
    for side, price, quantity, (asset, fee) in script:
        book(ledger, fill(side, price, quantity, fee, asset), RATE)
        sign = 1 if side is Side.BUY else -1
        cash["BTC"] += sign * quantity
        cash["USDT"] -= sign * quantity * price
        cash[asset] -= fee
        assert ledger.cost >= 0
        assert ledger.quantity == cash["BTC"]
        assert (ledger.quantity == 0) <= (ledger.cost == 0)
    equity = cash["USDT"] + cash["BTC"] * mark + cash["BNB"] * RATE
    assert ledger.realized + ledger.unrealised(mark) - ledger.fees_quote == equity


@given(trades)
@pytest.mark.parametrize("instrument", [LINEAR, INVERSE], ids=["linear", "inverse"])
def test_contracts_earn_what_their_trades_are_worth(
    instrument: Instrument, script: list[tuple[Side, Decimal, Decimal, tuple[str, Decimal]]]
) -> None:
    """Closed at the end: the profit is the sum of the trades' values, whatever the order of opening and closing."""
    ledger = PositionLedger(instrument, "mm")
    sum_of_values = ZERO
    last = D(777)
    for side, price, quantity, _ in script:
        book(ledger, fill(side, price, quantity))
        sum_of_values += _signed_value(instrument, side, price, quantity)
    if ledger.quantity:
        side = Side.SELL if ledger.quantity > 0 else Side.BUY
        sum_of_values += _signed_value(instrument, side, last, abs(ledger.quantity))
        book(ledger, fill(side, last, abs(ledger.quantity)))
    assert (ledger.quantity, ledger.cost) == (0, 0)
    assert ledger.realized == sum_of_values


def _signed_value(instrument: Instrument, side: Side, price: Decimal, quantity: Decimal) -> Decimal:
    if instrument is LINEAR:
        value = quantity * price * instrument.contract_size
        return value if side is Side.SELL else -value
    value = (quantity * instrument.contract_size / price).quantize(D("1E-20"))
    return value if side is Side.BUY else -value
