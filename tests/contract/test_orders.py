"""Contract, part 1: the life of an order as every connector has to tell it, when nothing goes wrong on the wire."""

from decimal import Decimal

import pytest

from engine.core.books import BookTracker
from engine.model.enums import Action, Liquidity, OrderStatus, Outcome, Side, TimeInForce, UpdateSource
from engine.model.event import AccountSnapshot, ClockSynced, Fill, OrderUpdate, RequestFailed, TradesSynced
from engine.model.market import BookDelta, BookSnapshot, PublicTrade
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    ResyncBook,
    SyncClock,
)
from tests.contract.adapter import Adapter
from tests.contract.adapters import ADAPTERS, PERPETUALS, SOCKETS
from tests.contract.rig import ASK, BID, Rig, run_rig
from tests.sim.loop.session import VENUE

pytestmark = pytest.mark.parametrize("adapter", [*ADAPTERS, *SOCKETS, *PERPETUALS], ids=lambda adapter: adapter.name)


def test_01_instruments_are_those_of_the_venue(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        (told,) = rig.connector.instruments
        for name in ("instrument_id", "base", "quote", "price_step", "quantity_step", "maker_rate", "taker_rate"):
            assert getattr(told, name) == getattr(adapter.instrument, name), name
        assert told.quantity_min <= adapter.instrument.quantity_min

    run_rig(adapter, main)


def test_02_the_book_is_proven_and_follows_the_market(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        books = BookTracker([adapter.market])
        await rig.heard(BookSnapshot, lambda each: True)
        await rig.submit(Side.BUY, "0.3", str(ASK))
        await rig.heard(BookDelta, lambda each: each.asks == ((ASK, adapter.size("0.7")),))
        for event in rig.told:
            if isinstance(event, BookSnapshot | BookDelta):
                books.apply(event)
        book = books.book(adapter.market)
        assert not book.stale
        assert (book.best_bid, book.best_ask) == (BID, ASK)
        trade = await rig.heard(PublicTrade, lambda each: True)
        assert (trade.price, trade.quantity, trade.aggressor) == (ASK, adapter.size("0.3"), Side.BUY)

    run_rig(adapter, main)


@pytest.mark.parametrize("skew_us", [0, 700_000, -2_000_000])
def test_03_the_clock_is_measured_and_requests_are_stamped_with_the_venues_time(adapter: Adapter, skew_us: int) -> None:
    async def main(rig: Rig) -> None:
        synced = (await rig.ask(SyncClock(VENUE), ClockSynced))[-1]
        assert isinstance(synced, ClockSynced)
        assert abs(synced.offset_us + skew_us) <= synced.error_us + 1_000
        await rig.rest()

    run_rig(adapter, main, skew_us=skew_us)


def test_04_balances(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        await rig.rest("1", "50000")
        told = (await rig.ask(FetchBalances(VENUE), AccountSnapshot))[-1]
        assert isinstance(told, AccountSnapshot)
        assert told.balances is not None
        rows = {each.asset: (each.total, each.free) for each in told.balances}
        locked = {"USDT": adapter.locks(adapter.size("1"), Decimal(50_000))}
        assert rows == {asset: (total, total - locked.get(asset, 0)) for asset, total in adapter.money.items()}

    run_rig(adapter, main)


def test_05_a_resting_order_is_acknowledged_streamed_and_listed(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        update = await rig.rest("0.1", "59000.5")
        assert update.venue_order_id
        assert (update.side, update.price) == (Side.BUY, Decimal("59000.5"))
        assert (update.quantity, update.filled) == (adapter.size("0.1"), Decimal(0))
        assert update.started_us is not None
        streamed = await rig.heard(OrderUpdate, lambda each: each.source is UpdateSource.STREAM)
        assert (streamed.venue_order_id, streamed.status) == (update.venue_order_id, OrderStatus.OPEN)
        told = (await rig.ask(FetchOpenOrders(VENUE), AccountSnapshot))[-1]
        assert isinstance(told, AccountSnapshot)
        assert told.complete
        (row,) = told.open_orders or ()
        assert (row.client_order_id, row.venue_order_id, row.status) == (
            update.client_order_id,
            update.venue_order_id,
            OrderStatus.OPEN,
        )

    run_rig(adapter, main)


def test_06_one_trade_has_one_key_wherever_it_is_told(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "0.2", str(ASK))
        assert update.status in (
            OrderStatus.OPEN,
            OrderStatus.FILLED,
        )  # or only accepted yet
        await rig.heard(
            OrderUpdate, lambda each: each.status is OrderStatus.FILLED and each.filled == adapter.size("0.2")
        )
        await rig.heard(Fill, lambda each: each.source is UpdateSource.STREAM)
        await rig.ask(FetchTrades(adapter.market), TradesSynced)
        await rig.ask(FetchTrades(adapter.market, update.venue_order_id), TradesSynced)
        fills = rig.all(Fill)
        assert {(each.venue_order_id, each.trade_id) for each in fills} == {(update.venue_order_id, fills[0].trade_id)}
        assert {each.source for each in fills} == {UpdateSource.STREAM, UpdateSource.REST}
        for each in fills:
            assert (each.price, each.quantity, each.side) == (ASK, adapter.size("0.2"), Side.BUY)
            assert (each.fee, each.fee_asset) == adapter.fee(adapter.size("0.2"), ASK)
            assert each.liquidity is Liquidity.TAKER

    run_rig(adapter, main)


def test_07_what_an_ioc_order_does_not_fill_expires(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "1.5", str(ASK), time_in_force=TimeInForce.IOC)
        if update.status is OrderStatus.OPEN:
            update = await rig.heard(OrderUpdate, lambda each: each.status is not OrderStatus.OPEN)
        assert update.status in (OrderStatus.EXPIRED, OrderStatus.CANCELED)
        assert update.filled == adapter.size("1")

    run_rig(adapter, main)


def test_08_fill_or_kill_leaves_nothing(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "1.5", str(ASK), time_in_force=TimeInForce.FOK)
        if update.status is OrderStatus.OPEN:
            update = await rig.heard(OrderUpdate, lambda each: each.status is not OrderStatus.OPEN)
        assert update.status in (OrderStatus.EXPIRED, OrderStatus.CANCELED, OrderStatus.REJECTED)
        assert not update.filled
        assert not rig.all(Fill)

    run_rig(adapter, main)


def test_09_a_post_only_order_that_would_take_is_not_filled(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "0.1", str(ASK), post_only=True)
        if update.status is OrderStatus.OPEN:
            update = await rig.heard(OrderUpdate, lambda each: each.status is not OrderStatus.OPEN)
        assert "would_take" in update.reason
        assert not rig.all(Fill)
        resting = await rig.submit(Side.BUY, "0.1", str(BID), post_only=True)
        assert resting.status is OrderStatus.OPEN

    run_rig(adapter, main)


def test_10_a_market_order(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        await rig.submit(Side.SELL, "0.2", None)
        fill = await rig.heard(Fill, lambda each: True)
        assert (fill.price, fill.quantity, fill.side) == (BID, adapter.size("0.2"), Side.SELL)

    run_rig(adapter, main)


@pytest.mark.parametrize(
    ("quantity", "price", "reason"),
    [
        ("100", "59000", "insufficient_funds"),
        ("0.1005", "59000", ""),
        ("0.1", "59000.05", ""),
    ],
)
def test_11_a_refused_order_is_rejected(adapter: Adapter, quantity: str, price: str, reason: str) -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, quantity, price)
        assert (update.status, update.venue_order_id) == (OrderStatus.REJECTED, "")
        assert update.reason.startswith(f"rejected:{reason}")
        assert rig.open_orders() == 0

    run_rig(adapter, main)


def test_12_cancels_by_either_id(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        first, second = await rig.rest(), await rig.rest()
        await rig.cancel(first)
        await rig.cancel(OrderUpdate(adapter.market, second.client_order_id, "", OrderStatus.OPEN, None, "", 0, 0))
        await rig.until(lambda: rig.open_orders() == 0)
        for order in (first, second):
            await rig.heard(
                OrderUpdate,
                lambda each, order=order: (  # type: ignore[misc]
                    each.client_order_id == order.client_order_id
                    and each.status is OrderStatus.CANCELED
                    and each.source is UpdateSource.STREAM
                ),
            )

    run_rig(adapter, main)


def test_13_the_cancel_of_an_order_that_is_not_there_says_absent(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        filled = await rig.submit(Side.BUY, "0.1", str(ASK))
        unknown = OrderUpdate(adapter.market, "RIGS000001999999", "", OrderStatus.OPEN, None, "", 0, 0)
        for order in (filled, unknown):
            answer = await rig.cancel(order)
            assert isinstance(answer, RequestFailed)
            assert (answer.action, answer.outcome) == (Action.CANCEL, Outcome.ABSENT)

    run_rig(adapter, main)


def test_14_lookups(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        by_id = await rig.look(order)
        by_client = await rig.look(
            OrderUpdate(adapter.market, order.client_order_id, "", OrderStatus.OPEN, None, "", 0, 0)
        )
        for found in (by_id, by_client):
            assert isinstance(found, OrderUpdate)
            assert (found.status, found.venue_order_id) == (OrderStatus.OPEN, order.venue_order_id)
        absent = await rig.look(OrderUpdate(adapter.market, "RIGS000001999999", "", OrderStatus.OPEN, None, "", 0, 0))
        assert isinstance(absent, RequestFailed)
        assert (absent.action, absent.outcome) == (Action.LOOKUP, Outcome.ABSENT)

    run_rig(adapter, main)


def test_15_a_lookup_tells_how_an_order_ended(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        filled = await rig.submit(Side.BUY, "0.1", str(ASK))
        found = await rig.look(filled)
        assert isinstance(found, OrderUpdate)
        assert (found.status, found.filled) == (OrderStatus.FILLED, adapter.size("0.1"))
        cancelled = await rig.rest()
        await rig.cancel(cancelled)
        found = await rig.look(cancelled)
        assert isinstance(found, OrderUpdate)
        assert (found.status, found.filled) == (OrderStatus.CANCELED, Decimal(0))

    run_rig(adapter, main)


def test_16_less_of_an_order(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest("0.5", "59000")
        assert order.price is not None
        request = AmendOrder(
            order.client_order_id, adapter.market, order.venue_order_id, order.price, adapter.size("0.3"), order.side
        )
        rig.connector.send(request)
        amended = await rig.heard(OrderUpdate, lambda each: each.quantity == adapter.size("0.3"))
        assert (amended.client_order_id, amended.venue_order_id) == (order.client_order_id, order.venue_order_id)
        (listed,) = rig.exchange.open_orders(rig.account)
        assert listed.state.quantity == adapter.size("0.3")
        gone = AmendOrder("RIGS000001999999", adapter.market, "", order.price, adapter.size("0.1"), order.side)
        failure = (await rig.ask(gone, RequestFailed))[-1]
        assert isinstance(failure, RequestFailed)
        assert (failure.action, failure.outcome) == (Action.AMEND, Outcome.ABSENT)

    run_rig(adapter, main)


def test_17_cancel_all_is_content_with_nothing(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        for _ in range(2):
            await rig.rest()
        rig.connector.send(CancelAll(VENUE, adapter.market))
        await rig.until(lambda: rig.open_orders() == 0)
        since = len(rig.told)
        rig.connector.send(CancelAll(VENUE, adapter.market))
        await rig.ask(SyncClock(VENUE), ClockSynced)
        assert rig.all(RequestFailed, since) == []

    run_rig(adapter, main)


def test_18_trades_come_once_from_the_cursor_on(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        for _ in range(3):
            await rig.submit(Side.BUY, "0.1", str(ASK))
        first = (await rig.ask(FetchTrades(adapter.market), TradesSynced))[-1]
        assert isinstance(first, TradesSynced)
        assert first.complete
        assert len({each.trade_id for each in rig.all(Fill)}) == 3
        await rig.submit(Side.SELL, "0.1", str(BID))
        again = await rig.ask(FetchTrades(adapter.market, "", first.cursor), TradesSynced)
        synced = again[-1]
        assert isinstance(synced, TradesSynced)
        assert Side.SELL in {each.side for each in again if isinstance(each, Fill)}
        assert synced.cursor != first.cursor

    run_rig(adapter, main)


def test_19_an_account_that_never_traded_has_a_cursor_too(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        first = (await rig.ask(FetchTrades(adapter.market), TradesSynced))[-1]
        assert isinstance(first, TradesSynced)
        await rig.submit(Side.BUY, "0.1", str(ASK))
        fills = await rig.ask(FetchTrades(adapter.market, "", first.cursor), TradesSynced)
        assert any(isinstance(each, Fill) and each.source is UpdateSource.REST for each in fills)

    run_rig(adapter, main)


def test_20_what_the_venue_cannot_do_is_not_sent(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        if adapter.sheet.dead_man:
            return
        failure = (await rig.ask(ArmDeadMan(VENUE, adapter.market, 60_000), RequestFailed))[-1]
        assert isinstance(failure, RequestFailed)
        assert (failure.action, failure.outcome) == (Action.DEAD_MAN, Outcome.NOT_SENT)

    run_rig(adapter, main)


def test_21_many_orders_at_once(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        requests = [rig.order(Side.BUY, "0.001", "59000") for _ in range(60)]
        for request in requests:
            rig.connector.send(request)
        names = {request.client_order_id for request in requests}

        def answered() -> dict[str, OrderStatus]:
            acks = [each for each in rig.all(OrderUpdate) if each.source is UpdateSource.ACK]
            return {each.client_order_id: each.status for each in acks}

        seconds = await rig.until(lambda: names <= answered().keys())
        assert seconds < 1
        statuses = list(answered().values())
        assert statuses.count(OrderStatus.OPEN) == rig.open_orders() >= adapter.orders_at_once
        assert set(statuses) <= {OrderStatus.OPEN, OrderStatus.REJECTED}

    run_rig(adapter, main)


def test_22_a_fresh_snapshot_on_request(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        await rig.heard(BookSnapshot, lambda each: True)
        since = len(rig.told)
        rig.connector.send(ResyncBook(adapter.market))
        again = await rig.heard(BookSnapshot, lambda each: True, since)
        assert (again.bids[0][0], again.asks[0][0]) == (BID, ASK)

    run_rig(adapter, main)


def test_23_no_secret_is_told(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        await rig.rest()
        adapter.revoke_key(rig.server)
        await rig.submit(Side.BUY, "0.1", "59000")
        text = repr(rig.told)
        assert all(secret not in text for secret in adapter.secrets)
        assert "signature" not in text

    run_rig(adapter, main)


def test_24_cancel_and_lookup_name_the_right_order(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        first, second = await rig.rest("0.1", "59000"), await rig.rest("0.2", "59001")
        await rig.ask(CancelOrder(second.client_order_id, adapter.market, second.venue_order_id))
        await rig.ask(LookupOrder(first.client_order_id, first.venue_order_id, adapter.market))
        (left,) = rig.exchange.open_orders(rig.account)
        assert left.state.quantity == adapter.size("0.1")

    run_rig(adapter, main)
