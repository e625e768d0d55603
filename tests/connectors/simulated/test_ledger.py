"""The venue's money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.simulated.book_order import OUTSIDE
from connectors.simulated.ledger import FEES, Ledger
from connectors.simulated.settlement import SpotSettlement
from engine.model.enums import Side
from tests.connectors.simulated.builders import instrument, money

ALICE, BOB = 1, 2


def test_locks_come_out_of_free_and_are_given_back() -> None:
    ledger = Ledger()
    ledger.deposit(ALICE, money(USDT=100))
    assert ledger.lock(ALICE, 7, "USDT", Decimal(60))
    assert not ledger.lock(ALICE, 8, "USDT", Decimal(41))
    assert ledger.locked_for(8) == 0
    assert ledger.lock(ALICE, 7, "USDT", Decimal(100)), "an order may use what it has locked itself"
    assert (ledger.total(ALICE, "USDT"), ledger.free(ALICE, "USDT")) == (100, 0)
    assert ledger.lock(ALICE, 7, "USDT", Decimal(10))
    assert (ledger.free(ALICE, "USDT"), ledger.locked_for(7)) == (90, 10)
    ledger.release(7)
    ledger.release(7)
    assert (ledger.free(ALICE, "USDT"), ledger.locked_for(7)) == (100, 0)


def test_orders_of_a_list_share_the_largest_lock() -> None:
    ledger = Ledger()
    ledger.deposit(ALICE, money(BTC=5))
    assert ledger.lock(ALICE, 1, "BTC", Decimal(4), "oco")
    assert ledger.lock(ALICE, 2, "BTC", Decimal(5), "oco")
    assert not ledger.lock(ALICE, 3, "BTC", Decimal(1), "another")
    assert ledger.free(ALICE, "BTC") == 0
    ledger.release(2)
    assert ledger.free(ALICE, "BTC") == 1
    ledger.release(1)
    assert ledger.free(ALICE, "BTC") == 5


FEES_CHARGED = [
    # fee asset, rate, side, fee, charged in
    ("", "0.001", Side.BUY, "0.2", "USDT"),
    ("", "0.001", Side.SELL, "0.2", "USDT"),
    ("", "-0.001", Side.SELL, "-0.2", "USDT"),
    ("USDT", "0.001", Side.BUY, "0.2", "USDT"),
    ("BTC", "0.001", Side.BUY, "0.002", "BTC"),
    ("BTC", "0.001", Side.SELL, "0.2", "USDT"),
    ("BNB", "0.001", Side.BUY, "0.00066666", "BNB"),
    ("BNB", "0.1", Side.BUY, "0.2", "BTC"),  # 20/300 BNB are more than Alice has
    ("BNB", "0.1", Side.SELL, "20", "USDT"),
    ("", "0", Side.BUY, "0", "USDT"),
]


@pytest.mark.parametrize(("fee_asset", "rate", "side", "fee", "asset"), FEES_CHARGED)
def test_fees(fee_asset: str, rate: str, side: Side, fee: str, asset: str) -> None:
    ledger = Ledger()
    ledger.deposit(ALICE, money(USDT=1000, BTC=10, BNB="0.001"))
    settlement = SpotSettlement(ledger, instrument(fee_asset=fee_asset), money(BNB=300))
    before = ledger.total(ALICE, asset)
    assert settlement.charge(ALICE, side, Decimal(100), Decimal(2), Decimal(rate)) == (Decimal(fee), asset)
    assert ledger.total(ALICE, asset) == before - Decimal(fee)
    assert ledger.total(FEES, asset) == Decimal(fee)


def test_outside_pays_no_fee_and_an_unpriced_fee_asset_is_refused() -> None:
    ledger = Ledger()
    settlement = SpotSettlement(ledger, instrument(), {})
    assert settlement.charge(OUTSIDE, Side.BUY, Decimal(100), Decimal(2), Decimal("0.1")) == (0, "USDT")
    with pytest.raises(ValueError, match=r"fee_asset BNB .* give its price in USDT"):
        SpotSettlement(ledger, instrument(fee_asset="BNB"), {})


NEEDS = [
    ("", Side.BUY, "0.01", "USDT", "202"),
    ("", Side.BUY, "-0.01", "USDT", "200"),
    ("BTC", Side.BUY, "0.01", "USDT", "200"),
    ("", Side.SELL, "0.01", "BTC", "2"),
]


@pytest.mark.parametrize(("fee_asset", "side", "rate", "asset", "amount"), NEEDS)
def test_what_an_order_locks(fee_asset: str, side: Side, rate: str, asset: str, amount: str) -> None:
    settlement = SpotSettlement(Ledger(), instrument(fee_asset=fee_asset), {})
    assert settlement.need(side, Decimal(100), Decimal(2), Decimal(rate)) == (asset, Decimal(amount))


@given(
    st.sampled_from(["", "BTC", "BNB"]),
    st.lists(
        st.tuples(
            st.sampled_from([OUTSIDE, ALICE, BOB]),
            st.sampled_from([OUTSIDE, ALICE, BOB]),
            st.decimals("0.01", "100000", places=2),
            st.decimals("0.00001", "1000", places=5),
            st.decimals("-0.001", "0.01", places=6),
        ),
        max_size=30,
    ),
)
def test_no_trade_makes_or_loses_money(
    fee_asset: str, trades: list[tuple[int, int, Decimal, Decimal, Decimal]]
) -> None:
    ledger = Ledger()
    start = money(USDT="1234.56789", BTC="0.00000001", BNB="12")
    ledger.deposit(ALICE, start)
    ledger.deposit(BOB, start)
    settlement = SpotSettlement(ledger, instrument(fee_asset=fee_asset), money(BNB="301.7"))
    for buyer, seller, price, quantity, rate in trades:
        settlement.trade(buyer, seller, price, quantity)
        settlement.charge(buyer, Side.BUY, price, quantity, rate)
        settlement.charge(seller, Side.SELL, price, quantity, rate)
    assert {asset: ledger.sum(asset) for asset in start} == {asset: 2 * amount for asset, amount in start.items()}
