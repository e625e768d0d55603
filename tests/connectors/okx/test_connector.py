"""OKX's connector at the served exchange in virtual time: what is OKX's own beside the contract of all connectors."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from connectors.base.credentials import Credentials, Secret
from connectors.okx.build import LiveSettings, Urls, addresses, prepare
from connectors.okx.sheet import DEMO, LIVE
from connectors.simulated.server.faults import Fault, FaultKind
from engine.core.books import BookTracker
from engine.model.enums import Action, Channel, Health, OrderStatus, OrderType, Outcome, Side
from engine.model.errors import TickwrightError, Unauthorized
from engine.model.event import (
    AccountSnapshot,
    BadMessageSeen,
    ConnectorStatus,
    Event,
    Fill,
    OrderUpdate,
    RequestFailed,
    TradesSynced,
)
from engine.model.greeting import KeyRights
from engine.model.market import BookDelta, BookSnapshot
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    FetchOpenOrders,
    FetchTrades,
    Reconnect,
    SubmitOrder,
)
from tests.contract.adapter import PORT
from tests.contract.okx import KEY, PASSPHRASE, SECRET, OkxAdapter
from tests.contract.rig import ASK, BID, Rig, run_rig
from tests.sim.loop.session import MARKET, PAIR, VENUE

OKX = OkxAdapter()
DAY_MS = 86_400_000
GOOD = Credentials(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE))


def statuses(rig: Rig, since: int, channel: Channel) -> list[tuple[str, Health]]:
    told = [each for each in rig.all(ConnectorStatus, since) if each.channel is channel]
    return [(each.instrument_id, each.health) for each in told]


def test_announced_maintenance_leaves_no_gap() -> None:
    """The successor is ready before the old connection ends; its books begin anew within one batch."""

    async def main(rig: Rig) -> None:
        books = BookTracker([MARKET], {VENUE: OKX.sheet.books})
        since = len(rig.told)
        rig.server._door.announce()  # type: ignore[attr-defined]
        await asyncio.sleep(10)
        order = await rig.rest()
        await rig.heard(BookDelta, lambda each: bool(each.bids), since)
        assert statuses(rig, since, Channel.USER) == []
        assert statuses(rig, since, Channel.MARKET) == [(MARKET, Health.DOWN), (MARKET, Health.HEALTHY)]
        gaps = 0
        for event in rig.told:
            if isinstance(event, BookSnapshot | BookDelta):
                books.apply(event)
            elif isinstance(event, ConnectorStatus):
                books.apply_status(event)
            gaps = max(gaps, books.gaps)
        assert (gaps, books.book(MARKET).stale) == (0, "")
        assert order.price is not None
        assert books.book(MARKET).quantity_at(Side.BUY, order.price) == Decimal("0.1")

    run_rig(OKX, main)


def test_a_lost_update_is_noticed_and_mended() -> None:
    async def main(rig: Rig) -> None:
        books = BookTracker([MARKET], {VENUE: OKX.sheet.books})
        await rig.rest("0.1", "59000")
        await asyncio.sleep(1)
        rig.arm(FaultKind.MUTE, "market")
        await rig.rest("0.2", "59001")
        await asyncio.sleep(1)
        await rig.rest("0.3", "59002")
        await asyncio.sleep(1)
        for event in rig.told:
            if isinstance(event, BookSnapshot | BookDelta):
                books.apply(event)
        assert books.gaps == 1
        (request,) = books.tick(rig.now_us())
        since = len(rig.told)
        rig.connector.send(request)
        books.apply(await rig.heard(BookSnapshot, lambda each: True, since))
        assert books.book(MARKET).stale == ""
        assert books.book(MARKET).quantity_at(Side.BUY, Decimal(59001)) == Decimal("0.2")

    run_rig(OKX, main)


def test_a_refused_log_in_is_tried_again_with_the_venues_time() -> None:
    async def main(rig: Rig) -> None:
        rig.skew_us = -90_000_000
        since = len(rig.told)
        rig.connector.send(Reconnect(VENUE, Channel.USER))
        await rig.down(Channel.USER, since)
        bad = await rig.heard(BadMessageSeen, lambda each: each.channel is Channel.USER, since)
        assert bad.reason == "60009: Login failed."
        await rig.healthy(Channel.USER, since)

    run_rig(OKX, main)


@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": OrderType.STOP_LIMIT, "price": Decimal(100), "stop_price": Decimal(100)},
        {"order_type": OrderType.STOP_MARKET, "stop_price": Decimal(100)},
        {"order_type": OrderType.LIMIT, "price": Decimal(100), "display_quantity": Decimal("0.01")},
        {"order_type": OrderType.LIMIT, "price": Decimal(100), "list_id": "a"},
        {"order_type": OrderType.LIMIT, "price": Decimal(100), "reduce_only": True},
        {"order_type": OrderType.LIMIT},
    ],
)
def test_what_cannot_be_said_here_is_rejected(terms: dict[str, Any]) -> None:
    async def main(rig: Rig) -> None:
        request = SubmitOrder("RIGS000001900000", MARKET, Side.BUY, quantity=Decimal("0.1"), **terms)
        update = (await rig.ask(request))[-1]
        assert isinstance(update, OrderUpdate)
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "rejected:unsupported")

    run_rig(OKX, main)


def test_price_and_total_are_amended_in_place() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest("0.1", "59000")
        request = AmendOrder(order.client_order_id, MARKET, order.venue_order_id, Decimal(59001), Decimal("0.4"))
        rig.connector.send(request)
        amended = await rig.heard(OrderUpdate, lambda each: each.quantity == Decimal("0.4"))
        assert (amended.venue_order_id, amended.price) == (order.venue_order_id, Decimal(59001))
        too_much = AmendOrder(order.client_order_id, MARKET, order.venue_order_id, Decimal(59001), Decimal(400))
        *_, failure = await rig.ask(too_much, RequestFailed)
        assert isinstance(failure, RequestFailed)
        assert (failure.outcome, failure.code) == (Outcome.REJECTED, "insufficient_funds")

    run_rig(OKX, main)


def test_the_switch_cancels_when_we_are_silent() -> None:
    """Armed again in time it does nothing; `dead_man` is the reason when it fires."""

    async def main(rig: Rig) -> None:
        await rig.rest()
        for _ in range(3):
            rig.connector.send(ArmDeadMan(VENUE, MARKET, 60_000))
            await asyncio.sleep(45)
        assert rig.open_orders() == 1
        await asyncio.sleep(30)
        assert rig.open_orders() == 0
        assert rig.all(OrderUpdate)[-1].reason == "dead_man"
        await rig.rest()
        rig.connector.send(ArmDeadMan(VENUE, MARKET, 1_000))
        await asyncio.sleep(2)
        rig.connector.send(ArmDeadMan(VENUE, MARKET, 0))
        await asyncio.sleep(60)
        assert rig.open_orders() == 1
        assert rig.all(RequestFailed) == []

    run_rig(OKX, main)


async def many(rig: Rig, count: int, price: str | None) -> None:
    """So many small orders, as fast as the limits allow."""
    for number in range(count):
        rig.connector.send(rig.order(Side.BUY, "0.001", price))
        if number % 30 == 29:
            await asyncio.sleep(2)
    await asyncio.sleep(2)


def test_lists_are_read_to_their_end() -> None:
    """More open orders than a page, and more than a batch of cancels; more trades than a page, each told once."""

    async def main(rig: Rig) -> None:
        await many(rig, 130, "59000")
        (snapshot,) = await rig.ask(FetchOpenOrders(VENUE), AccountSnapshot)
        assert isinstance(snapshot, AccountSnapshot)
        assert snapshot.open_orders is not None
        assert len({each.venue_order_id for each in snapshot.open_orders}) == rig.open_orders() == 130
        rig.connector.send(CancelAll(VENUE, MARKET))
        await rig.until(lambda: rig.open_orders() == 0)
        await many(rig, 130, str(ASK))
        since = len(rig.told)
        *_, synced = await rig.ask(FetchTrades(MARKET), TradesSynced)
        assert isinstance(synced, TradesSynced)
        assert synced.complete
        ids = [each.trade_id for each in rig.all(Fill, since)]
        assert ids == sorted(set(ids), key=int)
        assert len(ids) == 130

    run_rig(OKX, main)


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [
        ({"status": 200, "body": '{"code":"2","msg":"","data":[{"sCode":"0"},{"sCode":"51400","sMsg":"gone"}]}'}, []),
        ({"status": 503, "body": ""}, [Outcome.AMBIGUOUS]),
    ],
)
def test_a_batch_of_cancels_that_fails_does_not_spare_the_rest(answer: dict[str, Any], outcomes: list[Outcome]) -> None:
    """The first of two batches is carried out, but answered like this."""

    async def main(rig: Rig) -> None:
        await many(rig, 30, "59000")
        rig.server.world.wire.arm(Fault(FaultKind.REPLACE, "cancel-batch-orders", count=1, **answer))
        rig.connector.send(CancelAll(VENUE, MARKET))
        await rig.until(lambda: rig.open_orders() == 0)
        await asyncio.sleep(1)
        failures = rig.all(RequestFailed)
        assert [each.outcome for each in failures] == outcomes
        assert {each.action for each in failures} <= {Action.CANCEL_ALL}

    run_rig(OKX, main)


def test_old_trades_come_from_the_archive() -> None:
    """`fills` remembers three days: an older cursor, or the trades of one order, ask for the history."""

    async def main(rig: Rig) -> None:
        order = await rig.submit(Side.SELL, "0.1", str(BID))
        old = rig.now_us() // 1_000 - 3 * DAY_MS
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "GET /api/v5/trade/fills?"))
        for request in (FetchTrades(MARKET, "", str(old)), FetchTrades(MARKET, order.venue_order_id)):
            since = len(rig.told)
            *_, synced = await rig.ask(request, TradesSynced)
            assert isinstance(synced, TradesSynced)
            assert [each.venue_order_id for each in rig.all(Fill, since)] == [order.venue_order_id]
        (failure,) = await rig.ask(FetchTrades(MARKET), RequestFailed)
        assert isinstance(failure, RequestFailed)
        assert failure.outcome is Outcome.AMBIGUOUS

    run_rig(OKX, main)


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("submit", '{"code":"0","msg":"","data":[]}'),
        ("submit", "null"),
        ("submit", '{"code":"1","msg":"All operations failed","data":[]}'),
    ],
)
def test_an_answer_without_sense_means_nothing(where: str, body: str) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.REPLACE, where, status=200, body=body)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert update.status is OrderStatus.UNKNOWN
        assert rig.open_orders() == 1

    run_rig(OKX, main)


def test_a_lookup_that_finds_nothing_or_two_means_nothing() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        rig.arm(FaultKind.REPLACE, "lookup", status=200, body='{"code":"0","msg":"","data":[]}')
        failure = await rig.look(order)
        assert isinstance(failure, RequestFailed)
        assert (failure.outcome, failure.code) == (Outcome.AMBIGUOUS, "bad_message")

    run_rig(OKX, main)


# ---- the start


def settings(credentials: Credentials | None) -> LiveSettings:
    urls = Urls(f"http://127.0.0.1:{PORT}", f"ws://127.0.0.1:{PORT}/ws/v5")
    return LiveSettings(VENUE, [PAIR], urls, credentials)


def config(level: str, permissions: str) -> str:
    return f'{{"code":"0","msg":"","data":[{{"acctLv":"{level}","perm":"{permissions}"}}]}}'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (config("3", "read_only,trade"), r"in a wrong mode\n  fix: use an account in spot mode"),
        ('{"code":"0","msg":"","data":[]}', "does not tell what it trades: 0 accounts"),
        ('{"code":"50001","msg":"busy","data":[]}', "does not tell what it trades"),
    ],
)
def test_accounts_that_are_not_traded_with(body: str, says: str) -> None:
    async def main(rig: Rig) -> None:
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "account/config", status=200, body=body))
        with pytest.raises(TickwrightError, match=says):
            await prepare(settings(GOOD), rig.now_us)

    run_rig(OKX, main)


@pytest.mark.parametrize(
    ("body", "rights"),
    [
        (config("1", "read_only,withdraw,trade"), KeyRights(True, True)),
        (config("1", "read_only").replace("}", ',"ip":""}', 1), KeyRights(False, False, False)),
        (config("2", "read_only,trade").replace("}", ',"ip":"10.0.0.1"}', 1), KeyRights(True, False, True)),
    ],
)
def test_what_a_key_may_do(body: str, rights: KeyRights) -> None:
    async def main(rig: Rig) -> None:
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "account/config", status=200, body=body))
        greeting = (await prepare(settings(GOOD), rig.now_us)).greeting
        assert greeting.rights == rights
        assert greeting.clock is not None
        assert abs(greeting.clock.offset_us) < 1_000

    run_rig(OKX, main)


def test_a_right_that_appears_while_the_bot_runs() -> None:
    async def main(rig: Rig) -> None:
        connector = await prepare(settings(GOOD), rig.now_us)
        body = config("1", "read_only,trade,withdraw")
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "account/config", status=200, body=body, count=1))
        told: list[Event] = []
        running = asyncio.create_task(connector.run(told.extend, rig.now_us))
        await asyncio.sleep(90)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        words = [each for each in told if isinstance(each, ConnectorStatus) and each.channel is Channel.KEY]
        assert [each.health for each in words] == [Health.DOWN, Health.HEALTHY]
        assert "may withdraw or transfer" in words[0].reason

    run_rig(OKX, main)


def test_a_wrong_key_and_a_market_that_is_not_there() -> None:
    async def main(rig: Rig) -> None:
        wrong = Credentials(Secret(KEY), Secret("wrong"), Secret(PASSPHRASE))
        with pytest.raises(Unauthorized, match=r"refuses the key: 50113 Invalid Sign\n  fix: tickwright keys add"):
            await prepare(settings(wrong), rig.now_us)
        with pytest.raises(Unauthorized, match=r"sim: the key has no passphrase\n  fix: tickwright keys add"):
            await prepare(settings(Credentials(Secret(KEY), Secret(SECRET))), rig.now_us)
        rig.exchange.halt(MARKET)
        with pytest.raises(TickwrightError, match=r"sim does not trade BTC-USDT now\n  fix:"):
            await prepare(settings(GOOD), rig.now_us)

    run_rig(OKX, main)


def test_without_a_key_only_the_market_is_heard() -> None:
    async def main(rig: Rig) -> None:
        listener = await prepare(settings(None), rig.now_us)
        told: list[Event] = []
        running = asyncio.create_task(listener.run(told.extend, rig.now_us))
        await rig.until(lambda: any(isinstance(each, BookSnapshot) for each in told))
        listener.send(rig.order(Side.BUY, "0.1", "59000"))
        await rig.until(lambda: isinstance(told[-1], OrderUpdate))
        assert told[-1].reason == "not_sent:no_key"  # type: ignore[union-attr]
        assert {each.channel for each in told if isinstance(each, ConnectorStatus)} == {Channel.MARKET}
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    run_rig(OKX, main)


def test_addresses() -> None:
    assert (addresses(""), addresses("", testnet=True)) == (LIVE, DEMO)
    assert addresses("http://127.0.0.1:8070") == Urls("http://127.0.0.1:8070", "ws://127.0.0.1:8070/ws/v5")
    assert DEMO.demo
    assert not LIVE.demo
