"""Contract, part 4: perpetuals. Positions, marks, funding and liquidation as every connector has to tell them."""

from decimal import Decimal

import pytest

from connectors.simulated.book_order import OUTSIDE
from engine.core.position import on_grid
from engine.model.account import Position
from engine.model.enums import OrderStatus, Side, UpdateSource
from engine.model.event import AccountSnapshot, Fill, OrderUpdate, TradesSynced, TransferSeen
from engine.model.market import FundingRate, MarkPrice
from engine.model.money import ONE, ZERO
from engine.model.order import is_liquidation
from engine.model.request import FetchBalances, FetchTrades
from tests.contract.adapter import Adapter
from tests.contract.adapters import PERPETUALS
from tests.contract.rig import ASK, BID, FUNDING_US, Rig, run_rig
from tests.sim.loop.session import VENUE

pytestmark = pytest.mark.parametrize("adapter", PERPETUALS, ids=lambda adapter: adapter.name)
INTERVAL = FUNDING_US // 1_000_000


async def account(rig: Rig) -> AccountSnapshot:
    """The answer to a question for balances."""
    told = (await rig.ask(FetchBalances(VENUE), AccountSnapshot))[-1]
    assert isinstance(told, AccountSnapshot)
    assert told.complete
    return told


async def position(rig: Rig) -> Position:
    """What the answer says of the instrument's position."""
    (held,) = (await account(rig)).positions or ()
    assert held.instrument_id == rig.adapter.market
    return held


def test_61_mark_price_and_funding_rate_are_told(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        await rig.submit(Side.BUY, "0.1", str(ASK))
        mark = await rig.heard(MarkPrice, lambda each: True)
        assert (mark.instrument_id, BID <= mark.price <= ASK) == (adapter.market, True)
        rate = await rig.heard(FundingRate, lambda each: True, seconds=120)
        assert rate.instrument_id == adapter.market
        assert 0 < rate.next_us - rig.now_us() <= FUNDING_US
        assert abs(rate.rate) < Decimal("0.01")

    run_rig(adapter, main)


def test_62_a_position_is_told_and_closed(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        assert (await position(rig)).quantity == 0
        await rig.submit(Side.SELL, "0.5", str(BID))
        held = await position(rig)
        assert (held.quantity, held.average_price) == (adapter.size("-0.5"), BID)
        assert held.margin > 0
        await rig.submit(Side.BUY, "0.5", str(ASK))
        assert (await position(rig)).quantity == 0

    run_rig(adapter, main)


def test_63_a_reduce_only_order_does_not_open_a_position(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        refused = await rig.submit(Side.SELL, "0.5", str(BID), reduce_only=True)
        assert refused.status in (OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED)
        assert (await position(rig)).quantity == 0
        await rig.submit(Side.BUY, "0.2", str(ASK))
        await rig.submit(Side.SELL, "0.2", str(BID), reduce_only=True)
        assert (await position(rig)).quantity == 0

    run_rig(adapter, main)


def test_64_the_money_follows_from_what_was_told(adapter: Adapter) -> None:
    """Profits and fees of fills, and what moved without a trade, make up the balance: to the last digit."""

    async def main(rig: Rig) -> None:
        before = {each.asset: each.total for each in (await account(rig)).balances or ()}
        await rig.submit(Side.BUY, "0.7", str(ASK))
        await rig.submit(Side.SELL, "0.3", str(BID))
        await rig.ask(FetchTrades(adapter.market), TradesSynced)
        fills = {each.trade_id: each for each in rig.all(Fill) if each.source is UpdateSource.REST}
        assert len(fills) == 2
        profit = (BID - ASK) * adapter.size("0.3") * adapter.instrument.contract_size
        for each in fills.values():
            assert each.realized in (None, profit if each.side is Side.SELL else ZERO)
        money = before["USDT"] + profit - sum(each.fee for each in fills.values())
        after = {each.asset: each.total for each in (await account(rig)).balances or ()}
        assert after["USDT"] == on_grid(money)

    run_rig(adapter, main)


def test_65_funding_is_told_before_the_balances_that_contain_it(adapter: Adapter) -> None:
    """Once, and also if it was paid while nobody listened."""

    async def main(rig: Rig) -> None:
        await rig.submit(Side.BUY, "0.5", str(ASK))
        before = {each.asset: each.total for each in (await account(rig)).balances or ()}
        assert rig.exchange.margin is not None
        rig.exchange.margin.set_index(adapter.market, Decimal(59_000))
        rate = await rig.heard(FundingRate, lambda each: each.rate > 0, seconds=INTERVAL + 60)
        await rig.until(lambda: rig.now_us() > rate.next_us + 5_000_000, seconds=INTERVAL + 60)
        since = len(rig.told)
        after = {each.asset: each.total for each in (await account(rig)).balances or ()}
        (paid,) = rig.all(TransferSeen)
        assert (paid.kind, paid.asset, paid.instrument_id) == ("funding", "USDT", adapter.market)
        assert paid.amount < 0
        assert after["USDT"] - before["USDT"] == paid.amount
        await account(rig)
        assert rig.all(TransferSeen, since) in ([], [paid])
        assert len(rig.all(TransferSeen)) == 1

    run_rig(adapter, main)


def test_66_the_leverage_of_the_account_is_the_instruments(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        (told,) = rig.connector.instruments
        assert (told.leverage, told.kind, told.settle) == (ONE, adapter.instrument.kind, "USDT")
        assert told.contract_size == adapter.instrument.contract_size
        assert told.leverage_max >= 10

    run_rig(adapter, main)


def test_67_a_liquidation_is_known_as_one(adapter: Adapter) -> None:
    """Its trades come on the stream and from the list, under the same name where lists tell names."""

    async def main(rig: Rig) -> None:
        margin, number = rig.exchange.margin, rig.account.number
        assert margin is not None
        margin.contract(adapter.market).set_leverage(number, Decimal(100))
        await rig.submit(Side.BUY, "0.9", str(ASK))
        spare = rig.exchange.balance(rig.account, "USDT").total - 14
        rig.exchange.ledger.move(number, OUTSIDE, "USDT", spare)
        margin.set_index(adapter.market, Decimal(58_000))
        rig.exchange.settle_all()
        fill = await rig.heard(Fill, lambda each: is_liquidation(each.client_order_id), seconds=600)
        assert (fill.side, fill.source) == (Side.SELL, UpdateSource.STREAM)
        await rig.heard(OrderUpdate, lambda each: is_liquidation(each.client_order_id))
        await rig.ask(FetchTrades(adapter.market), TradesSynced)
        told = [each for each in rig.all(Fill) if each.trade_id == fill.trade_id]
        assert {each.source for each in told} == {UpdateSource.STREAM, UpdateSource.REST}
        assert {each.venue_order_id for each in told} == {fill.venue_order_id}
        others = () if adapter.sheet.client_id_in_trades else ("",)
        assert {each.client_order_id for each in told} == {fill.client_order_id, *others}

    run_rig(adapter, main)
