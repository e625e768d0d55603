"""Contract, part 3: streams, books, clocks and markets that cannot be trusted are seen and mended."""

import asyncio
from decimal import Decimal

import pytest

from connectors.simulated.server.faults import FaultKind
from engine.core.books import BookTracker
from engine.model.enums import Channel, Health, OrderStatus, Side, UpdateSource
from engine.model.event import (
    BadMessageSeen,
    ClockSynced,
    ConnectorStatus,
    Fill,
    OrderUpdate,
    TradesSynced,
)
from engine.model.market import BookDelta, BookSnapshot
from engine.model.request import FetchTrades, Reconnect, ResyncBook, SubmitOrder, SyncClock
from tests.contract.adapter import Adapter
from tests.contract.adapters import ADAPTERS, PERPETUALS
from tests.contract.rig import BID, Rig, run_rig, unknown
from tests.sim.loop.session import VENUE

pytestmark = pytest.mark.parametrize("adapter", [*ADAPTERS, *PERPETUALS], ids=lambda adapter: adapter.name)


@pytest.mark.parametrize("channel", ["user", "market"])
def test_43_a_cut_stream_comes_back(adapter: Adapter, channel: str) -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.arm(FaultKind.CUT, channel)
        await rig.rest()
        await rig.down(Channel[channel.upper()], since)
        await rig.healthy(Channel[channel.upper()], since, seconds=3)

    run_rig(adapter, main)


def test_44_what_a_stream_missed_is_found_by_the_cursor(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        cursor = (await rig.ask(FetchTrades(adapter.market), TradesSynced))[-1]
        assert isinstance(cursor, TradesSynced)
        order = await rig.rest("0.1", str(BID))
        rig.arm(FaultKind.MUTE, "user", count=0)
        other = rig.exchange.open_account("other", adapter.money)
        rig.exchange.submit(other, rig.order(Side.SELL, "1.1", str(BID)))
        await asyncio.sleep(1)
        assert not rig.all(Fill)
        rig.server.world.wire.heal()
        found = await rig.ask(FetchTrades(adapter.market, "", cursor.cursor), TradesSynced)
        (fill,) = (each for each in found if isinstance(each, Fill))
        assert (fill.venue_order_id, fill.quantity) == (order.venue_order_id, adapter.size("0.1"))

    run_rig(adapter, main)


@pytest.mark.parametrize("channel", ["user", "market"])
def test_45_a_dead_connection_is_noticed_within_fifteen_seconds(adapter: Adapter, channel: str) -> None:
    async def main(rig: Rig) -> None:
        since, begun = len(rig.told), rig.loop.time()
        rig.arm(FaultKind.HALF_OPEN, channel)
        await rig.rest()
        await rig.down(Channel[channel.upper()], since)
        assert rig.loop.time() - begun <= 15
        await rig.healthy(Channel[channel.upper()], since, seconds=5)
        assert rig.loop.time() - begun <= 20

    run_rig(adapter, main)


def test_46_a_quiet_stream_stays(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        await asyncio.sleep(300)
        assert rig.all(ConnectorStatus, since) == []

    run_rig(adapter, main)


def test_47_a_new_connection_brings_a_new_snapshot(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        await rig.heard(BookSnapshot, lambda each: True)
        since = len(rig.told)
        rig.connector.send(Reconnect(VENUE, Channel.MARKET))
        await rig.healthy(Channel.MARKET, since)
        await rig.heard(BookSnapshot, lambda each: True, since, seconds=2)

    run_rig(adapter, main)


def test_48_a_gap_in_the_book_is_seen_and_mended(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        books = BookTracker([adapter.market])
        await rig.heard(BookSnapshot, lambda each: True)
        rig.arm(FaultKind.MUTE, "market", count=0)
        await rig.rest("0.1", "59980")
        await asyncio.sleep(1)
        rig.server.world.wire.heal()
        await rig.rest("0.1", "59981")
        await asyncio.sleep(1)
        for event in rig.told:
            if isinstance(event, BookSnapshot | BookDelta):
                books.apply(event)
        assert "gap" in books.book(adapter.market).stale
        since = len(rig.told)
        rig.connector.send(ResyncBook(adapter.market))
        books.apply(await rig.heard(BookSnapshot, lambda each: True, since))
        assert not books.book(adapter.market).stale
        assert [price for price, _ in books.book(adapter.market).levels(Side.BUY, 3)] == [
            BID,
            Decimal(59981),
            Decimal(59980),
        ]

    run_rig(adapter, main)


def test_49_messages_without_sense_are_counted_and_end_nothing(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        for channel in ("user", "market"):
            rig.arm(FaultKind.GARBLE, channel, body='{"e":"novelty","stream":"x@novelty","data":{}}')
        await rig.rest()
        channels = {Channel.USER, Channel.MARKET}
        await rig.until(lambda: {each.channel for each in rig.all(BadMessageSeen, since)} == channels)
        assert rig.all(ConnectorStatus, since) == []

    run_rig(adapter, main)


def test_50_an_answer_without_sense_means_nothing(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.REPLACE, "submit", status=200, body="<html>welcome</html>")
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert unknown(update)
        assert rig.open_orders() == 1

    run_rig(adapter, main)


def test_51_a_clock_that_is_wrong_is_found_out(adapter: Adapter) -> None:
    """Without a measurement requests are refused as too old; after one they pass."""

    async def main(rig: Rig) -> None:
        rig.skew_us = -90_000_000
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:timestamp")
        synced = (await rig.ask(SyncClock(VENUE), ClockSynced))[-1]
        assert isinstance(synced, ClockSynced)
        assert abs(synced.offset_us - 90_000_000) < 100_000
        await rig.rest()

    run_rig(adapter, main)


def test_52_a_market_that_closes_is_told(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.exchange.halt(adapter.market)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert update.status is OrderStatus.REJECTED
        status = await rig.heard(ConnectorStatus, lambda each: each.instrument_id == adapter.market, seconds=2_000)
        assert status.health is Health.STALE
        rig.exchange.resume(adapter.market)
        await rig.heard(
            ConnectorStatus,
            lambda each: each.instrument_id == adapter.market and each.health is Health.HEALTHY,
            seconds=2_000,
        )

    run_rig(adapter, main)


def test_53_a_venue_that_does_not_answer_gets_no_more_orders_until_it_does(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.REFUSE, "submit", count=0)
        reasons = [(await rig.submit(Side.BUY, "0.1", "59000")).reason for _ in range(7)]
        assert all(each.startswith("ambiguous:") for each in reasons[:5])
        assert reasons[5:] == ["not_sent:breaker"] * 2
        rig.server.world.wire.heal()
        await rig.ask(SyncClock(VENUE), ClockSynced)
        await asyncio.sleep(2)
        await rig.rest()

    run_rig(adapter, main)


def test_54_a_shutdown_that_is_announced_loses_nothing(adapter: Adapter) -> None:
    """The venue closes every connection and serves on: both channels come back, the orders are still there."""

    async def main(rig: Rig) -> None:
        await rig.rest()
        since = len(rig.told)
        await rig.server.stop()
        await rig.down(Channel.USER, since)
        await rig.server.start(port=8070)
        await rig.healthy(Channel.USER, since, seconds=60)
        await rig.healthy(Channel.MARKET, since, seconds=60)
        await rig.rest()

    run_rig(adapter, main)


def test_55_one_request_is_answered_once(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        orders = min(10, adapter.orders_at_once)
        requests: list[SubmitOrder] = [rig.order(Side.BUY, "0.1", "59000") for _ in range(orders)]
        rig.arm(FaultKind.LOSE, "submit", count=3)
        for request in requests:
            rig.connector.send(request)
        await asyncio.sleep(20)
        acks = [each.client_order_id for each in rig.all(OrderUpdate) if each.source is UpdateSource.ACK]
        assert sorted(acks) == sorted(request.client_order_id for request in requests)
        assert rig.open_orders() == orders

    run_rig(adapter, main)
