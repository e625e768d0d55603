"""ccxt as it is, behind the connector, against the served exchanges in virtual time."""

import asyncio
import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest

from connectors.ccxt.build import LiveSettings, Place, addresses, prepare
from connectors.ccxt.exchange import _moved
from connectors.simulated.server.faults import FaultKind
from engine.core.venue_sheet import LookupScope
from engine.model.enums import Action, Channel, Health, OrderStatus, OrderType, Outcome, Side, TimeInForce, UpdateSource
from engine.model.errors import TickwrightError, Unauthorized
from engine.model.event import (
    AccountSnapshot,
    BadMessageSeen,
    ClockSynced,
    ConnectorStatus,
    Fill,
    OrderUpdate,
    RequestFailed,
    TradesSynced,
)
from engine.model.market import BookSnapshot, PublicTrade
from engine.model.request import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Reconnect,
    ResyncBook,
    SyncClock,
)
from tests.contract.adapter import Adapter
from tests.contract.campaign import play
from tests.contract.rig import ASK, BID, Rig, run_rig
from tests.contract.through_ccxt import CCXT_ADAPTERS
from tests.sim.loop.session import MARKET, PAIR, VENUE

pytestmark = pytest.mark.parametrize("adapter", CCXT_ADAPTERS, ids=lambda adapter: adapter.name)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """ccxt warns about objects of processes that were killed."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_market_data(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        (told,) = rig.connector.instruments
        assert (told.instrument_id, told.price_step, told.quantity_step) == (MARKET, Decimal("0.1"), Decimal("0.001"))
        await rig.heard(BookSnapshot, lambda each: bool(each.bids) and each.bids[0][0] == BID)
        await rig.submit(Side.BUY, "0.3", str(ASK))
        await rig.heard(BookSnapshot, lambda each: each.asks == ((ASK, Decimal("0.7")),))
        trade = await rig.heard(PublicTrade, lambda each: True)
        assert (trade.price, trade.quantity, trade.aggressor) == (ASK, Decimal("0.3"), Side.BUY)
        (fresh,) = (await rig.ask(ResyncBook(MARKET), BookSnapshot))[-1:]
        assert isinstance(fresh, BookSnapshot)

    run_rig(adapter, main)


def test_the_life_of_an_order(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        assert (order.quantity, order.filled, order.side) == (Decimal("0.1"), Decimal(0), Side.BUY)
        streamed = await rig.heard(OrderUpdate, lambda each: each.source is UpdateSource.STREAM)
        assert (streamed.client_order_id, streamed.venue_order_id) == (order.client_order_id, order.venue_order_id)
        told = (await rig.ask(FetchOpenOrders(VENUE), AccountSnapshot))[-1]
        assert isinstance(told, AccountSnapshot)
        assert [each.client_order_id for each in told.open_orders or ()] == [order.client_order_id]
        for request in (
            LookupOrder(order.client_order_id, order.venue_order_id, MARKET),
            LookupOrder(order.client_order_id, "", MARKET),
        ):
            found = (await rig.ask(request))[-1]
            assert isinstance(found, OrderUpdate)
            assert (found.status, found.client_order_id) == (OrderStatus.OPEN, order.client_order_id)
        gone = await rig.cancel(order)
        assert isinstance(gone, OrderUpdate)
        assert (gone.status, gone.client_order_id) == (OrderStatus.CANCELED, order.client_order_id)
        ended = (await rig.ask(LookupOrder(order.client_order_id, "", MARKET)))[-1]
        assert isinstance(ended, OrderUpdate)
        assert (ended.status, ended.venue_order_id) == (OrderStatus.CANCELED, order.venue_order_id)
        absent = (await rig.ask(LookupOrder("NEVER00000100001", "", MARKET)))[-1]
        assert isinstance(absent, RequestFailed)
        assert absent.outcome is Outcome.ABSENT

    run_rig(adapter, main)


def test_trades_and_balances(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        first = (await rig.ask(FetchTrades(MARKET), TradesSynced))[-1]
        assert isinstance(first, TradesSynced)
        order = await rig.submit(Side.BUY, "0.2", str(ASK))
        await rig.heard(Fill, lambda each: each.source is UpdateSource.STREAM)
        again = (await rig.ask(FetchTrades(MARKET, "", first.cursor), TradesSynced))[-1]
        await rig.ask(FetchTrades(MARKET, order.venue_order_id), TradesSynced)
        assert isinstance(again, TradesSynced)
        assert again.complete
        assert int(again.cursor) > int(first.cursor)
        fills = rig.all(Fill)
        assert {(each.venue_order_id, each.trade_id) for each in fills} == {(order.venue_order_id, fills[0].trade_id)}
        assert [each.source for each in fills].count(UpdateSource.REST) == 2
        assert {(each.fee, each.fee_asset) for each in fills} == {(Decimal("0.0001"), "BTC")}
        told = (await rig.ask(FetchBalances(VENUE), AccountSnapshot))[-1]
        assert isinstance(told, AccountSnapshot)
        assert {each.asset: each.total for each in told.balances or ()}["BTC"] == Decimal("10.1999")

    run_rig(adapter, main)


def test_kinds_of_orders(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        maker = await rig.submit(Side.BUY, "0.1", str(ASK), post_only=True)
        assert (maker.status, maker.reason) == (OrderStatus.REJECTED, "rejected:would_take")
        rest = await rig.submit(Side.BUY, "1.5", str(ASK), time_in_force=TimeInForce.IOC)
        assert rest.status in (OrderStatus.EXPIRED, OrderStatus.CANCELED)
        assert rest.filled == 1
        nobody = await rig.submit(Side.BUY, "0.1", None)
        assert (nobody.status, nobody.reason) == (OrderStatus.REJECTED, "not_sent:no_price")
        sold = await rig.submit(Side.SELL, "0.1", None)
        assert (sold.status, sold.filled) == (OrderStatus.FILLED, Decimal("0.1"))
        poor = await rig.submit(Side.BUY, "20", str(BID))
        assert (poor.status, poor.reason) == (OrderStatus.REJECTED, "rejected:insufficient_funds")
        rough = await rig.submit(Side.BUY, "0.1", "59000.05")
        assert (rough.status, rough.reason) == (OrderStatus.REJECTED, "not_sent:precision")
        for terms in ({"order_type": OrderType.STOP_MARKET}, {"display_quantity": Decimal("0.01")}):
            request = rig.order(Side.BUY, "0.1", "59000")
            fields = {name: getattr(request, name) for name in request.__struct_fields__} | terms
            answer = (await rig.ask(type(request)(**fields)))[-1]
            assert isinstance(answer, OrderUpdate)
            assert answer.reason == "not_sent:unsupported"

    run_rig(adapter, main)


def test_market_orders_to_buy_have_a_price(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        bought = await rig.submit(Side.BUY, "0.1", None)
        assert (bought.status, bought.filled) == (OrderStatus.FILLED, Decimal("0.1"))

    run_rig(adapter, main)


def test_everything_of_a_market_is_cancelled(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        for _ in range(3):
            await rig.rest()
        rig.connector.send(CancelAll(VENUE, MARKET))
        await rig.until(lambda: rig.open_orders() == 0)
        order = await rig.rest()
        for request in (
            CancelOrder(order.client_order_id, MARKET),
            AmendOrder(order.client_order_id, MARKET, order.venue_order_id, BID, Decimal("0.1")),
        ):
            failure = (await rig.ask(request, RequestFailed))[-1]
            assert isinstance(failure, RequestFailed)
            assert failure.outcome is Outcome.NOT_SENT

    run_rig(adapter, main)


@pytest.mark.parametrize(("kind", "executed"), [(FaultKind.DROP, 0), (FaultKind.LOSE, 1), (FaultKind.TRUNCATE, 1)])
def test_a_lost_answer_means_nothing_and_nothing_is_sent_twice(
    adapter: Adapter, kind: FaultKind, executed: int
) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(kind, "submit")
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason.partition(":")[0]) == (OrderStatus.UNKNOWN, "ambiguous")
        assert rig.open_orders() == executed
        order = await rig.rest()
        rig.arm(FaultKind.LOSE, "cancel")
        answer = await rig.cancel(order)
        assert isinstance(answer, RequestFailed)
        assert answer.outcome is Outcome.AMBIGUOUS

    run_rig(adapter, main)


@pytest.mark.parametrize("body", ["<html>", '{"a": '])
def test_an_answer_that_is_no_json_means_nothing(adapter: Adapter, body: str) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        for where, request in (
            ("clock", SyncClock(VENUE)),
            ("balances", FetchBalances(VENUE)),
            ("open_orders", FetchOpenOrders(VENUE)),
            ("trades", FetchTrades(MARKET)),
            ("lookup", LookupOrder(order.client_order_id, order.venue_order_id, MARKET)),
        ):
            rig.arm(FaultKind.REPLACE, where, status=200, body=body)
            told = (await rig.ask(request, RequestFailed))[-1]
            assert isinstance(told, RequestFailed), request
            assert (told.outcome, told.code) == (Outcome.AMBIGUOUS, "BadResponse")

    run_rig(adapter, main)


def test_an_answer_of_another_shape_means_nothing(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.REPLACE, "clock", status=200, body="{}")
        *_, seen, told = await rig.ask(SyncClock(VENUE), RequestFailed)
        assert isinstance(seen, BadMessageSeen)
        assert isinstance(told, RequestFailed)
        assert (told.action, told.outcome, told.code) == (Action.CLOCK, Outcome.AMBIGUOUS, "bad_message")

    run_rig(adapter, main)


def test_what_cannot_leave_is_not_sent(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        for connection in list(rig.loop.connections):
            rig.loop.reset(connection)
        rig.loop.weather.refused = 1.0
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:not_connected")
        rig.loop.weather.refused = 0.0

    run_rig(adapter, main)


@pytest.mark.parametrize("how", ["reset", "asked"])
def test_streams_come_back(adapter: Adapter, how: str) -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        if how == "asked":
            rig.connector.send(Reconnect(VENUE, Channel.USER))
        else:
            for connection in list(rig.loop.connections):
                rig.loop.reset(connection)
        await rig.down(Channel.USER, since, seconds=30)
        await rig.healthy(Channel.USER, since, seconds=30)
        since = len(rig.told)
        await rig.rest()
        await rig.heard(OrderUpdate, lambda each: each.source is UpdateSource.STREAM, since)

    run_rig(adapter, main)


def test_the_clock_is_the_venues(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.skew_us = -70_000_000
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:timestamp")
        synced = (await rig.ask(SyncClock(VENUE), ClockSynced))[-1]
        assert isinstance(synced, ClockSynced)
        assert abs(synced.offset_us - 70_000_000) < 100_000
        await rig.rest()

    run_rig(adapter, main)


def test_a_refused_key_is_told(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        adapter.revoke_key(rig.server)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert update.status is not OrderStatus.OPEN
        assert not [each for each in rig.told if any(secret in str(each) for secret in adapter.secrets)]

    run_rig(adapter, main)


def test_a_quiet_stream_stays(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        await asyncio.sleep(120)
        assert [each for each in rig.all(ConnectorStatus, since) if each.health is not Health.HEALTHY] == []

    run_rig(adapter, main)


def test_starts_that_fail_say_why(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        place = Place("binance" if "binance" in adapter.name else "gate", "http://127.0.0.1:8070")
        with pytest.raises(TickwrightError, match="does not trade NO-PE now"):
            await prepare(LiveSettings(VENUE, ["NO-PE"], place, None), rig.now_us)
        adapter.revoke_key(rig.server)
        with pytest.raises(Unauthorized, match="refuses the key"):
            await adapter.connect(8070, rig.now_us, 1)
        with pytest.raises(TickwrightError, match="ccxt knows no exchange 'nowhere'"):
            await prepare(LiveSettings(VENUE, [PAIR], Place("nowhere"), None), rig.now_us)

    run_rig(adapter, main)


def test_every_address_moves(adapter: Adapter) -> None:
    moved = _moved({"a": "https://x.com/api/v3", "b": {"c": "wss://y.com:9443/ws", "d": None}}, "http://127.0.0.1:5")
    assert moved == {"a": "http://127.0.0.1:5/api/v3", "b": {"c": "ws://127.0.0.1:5/ws", "d": None}}
    assert addresses("", exchange_id="kraken") == Place("kraken")
    assert adapter.sheet.lookup_scope is LookupScope.OPEN_ONLY


def test_bot_and_venue_agree_after_a_storm(adapter: Adapter) -> None:
    world = play(adapter, 1)
    assert world.differences() == []
    assert world.fills()


def test_long_lists_are_followed_to_both_ends(adapter: Adapter) -> None:
    """More trades and ended orders than one answer holds. Binance begins with the oldest, Gate with the newest."""

    async def main(rig: Rig) -> None:
        first = (await rig.ask(FetchTrades(MARKET), TradesSynced))[-1]
        assert isinstance(first, TradesSynced)
        early = await rig.submit(Side.SELL, "0.001", None)
        exchange = rig.connector.exchange  # type: ignore[attr-defined]
        await exchange.create_order("BTC/USDT", "limit", "buy", "0.1", "59000")
        for _ in range(130):
            await rig.submit(Side.SELL, "0.001", None)
            await asyncio.sleep(0.3)  # what Gate's limit lets pass
        told = await rig.ask(FetchTrades(MARKET, "", first.cursor), TradesSynced, seconds=60)
        synced, fills = told[-1], {each.trade_id for each in told if isinstance(each, Fill)}
        assert isinstance(synced, TradesSynced)
        assert (len(fills), synced.complete) == (131, True)
        found = (await rig.ask(LookupOrder(early.client_order_id, "", MARKET, rig.now_us() - 100_000_000)))[-1]
        assert isinstance(found, OrderUpdate)
        assert (found.status, found.venue_order_id) == (OrderStatus.FILLED, early.venue_order_id)

    run_rig(adapter, main)
