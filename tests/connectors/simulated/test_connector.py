"""The simulated venue as the driver sees it: latencies, streams, answers."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from connectors.simulated.connector import SimulatedConnector
from connectors.simulated.market import Market
from connectors.simulated.venue import SimulatedExchange
from engine.core.ports import VirtualVenue
from engine.model.account import Balance
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, Side, UpdateSource
from engine.model.event import (
    AccountSnapshot,
    ClockSynced,
    ConnectorStatus,
    Event,
    Fill,
    OrderUpdate,
    RequestFailed,
    TradesSynced,
)
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
    RecallOrder,
    Reconnect,
    Request,
    ResyncBook,
    SyncClock,
)
from tests.connectors.simulated.builders import BTC, ETH, ScriptedMarket, instrument, money, order, quotes

BUY, SELL = Side.BUY, Side.SELL
FEED, ENTRY, RESPONSE = 100, 200, 150


def connect(*markets: Market, **latencies: int) -> SimulatedConnector:
    """A connector at 0; the start-up events are taken off."""
    exchange = SimulatedExchange("sim", [instrument(), instrument(ETH)])
    account = exchange.open_account("us", money(USDT=10_000, BTC=50))
    times = {"feed_us": FEED, "entry_us": ENTRY, "response_us": RESPONSE} | latencies
    connector = SimulatedConnector(exchange, account, markets, start_us=0, **times)
    connector.advance(0)
    return connector


def opened(*steps: ScriptedMarket) -> SimulatedConnector:
    """The same with an opened BTC book of 100 at 99 and 101, at 1000."""
    connector = connect(ScriptedMarket((0, quotes(99, 101))), *steps)
    connector.advance(1000)
    return connector


def ask(connector: SimulatedConnector, request: Request, after_us: int = 1000) -> list[Event]:
    """Everything heard within `after_us` of sending a request."""
    connector.send(request)
    return list(connector.advance(connector.now_us + after_us))


def test_it_starts_healthy_with_balances_and_then_snapshots() -> None:
    exchange = SimulatedExchange("sim", [instrument()])
    account = exchange.open_account("us", money(USDT=5))
    connector: VirtualVenue = SimulatedConnector(
        exchange, account, [ScriptedMarket((10, quotes(99, 101)))], start_us=10, feed_us=FEED, response_us=RESPONSE
    )
    assert connector.next_us == 10
    first = connector.advance(10)
    assert [(e.channel, e.health) for e in first if isinstance(e, ConnectorStatus)] == [
        (channel, Health.HEALTHY) for channel in (Channel.MARKET, Channel.USER, Channel.REST)
    ]
    assert connector.next_us == 10 + FEED
    assert connector.advance(109) == []
    levels = ((Decimal(99), Decimal(100)),), ((Decimal(101), Decimal(100)),)
    assert connector.advance(110) == [BookSnapshot(BTC, *levels, sequence=1, event_us=10, receive_us=110)]
    assert not connector.finished
    assert connector.advance(160) == [Balance("sim", "USDT", Decimal(5), Decimal(5), 10, 160)]
    assert connector.finished
    assert [i.instrument_id for i in connector.instruments] == [BTC]


def test_one_delta_an_instant_and_its_trades() -> None:
    def busy(exchange: SimulatedExchange) -> None:
        engine = exchange.listing(BTC).engine
        engine.add(BUY, 98, 5)
        engine.take(SELL, 3)
        engine.add(BUY, 98, 5)
        engine.take(BUY, 100)

    market = ScriptedMarket((0, quotes(99, 101)), (500, busy), (600, lambda exchange: None), (700, quotes(98, 102)))
    connector = connect(market)
    connector.advance(550)
    assert connector.advance(650) == [
        BookDelta(
            BTC,
            ((Decimal(98), Decimal(10)), (Decimal(99), Decimal(97))),
            ((Decimal(101), Decimal(0)),),
            sequence_first=2,
            sequence_last=2,
            event_us=500,
            receive_us=600,
            sequence_previous=1,
        ),
        PublicTrade(BTC, "1", Decimal(99), Decimal(3), SELL, 500, 600),
        PublicTrade(BTC, "2", Decimal(101), Decimal(100), BUY, 500, 600),
    ]
    [delta] = connector.advance(900)
    assert isinstance(delta, BookDelta)
    assert (delta.sequence_first, delta.sequence_previous, delta.event_us) == (3, 2, 700)


def test_a_submit_arrives_later_and_is_answered_later_still() -> None:
    connector = opened()
    connector.send(order("a", BUY, 10, 101))
    assert connector.next_us == 1000 + ENTRY + FEED
    assert connector.advance(1299) == []
    heard = connector.advance(1350)
    assert [type(event) for event in heard] == [
        BookDelta,
        PublicTrade,
        OrderUpdate,
        OrderUpdate,
        Fill,
        OrderUpdate,
        Balance,
        Balance,
    ]
    ack, opening, fill, done = heard[2:6]
    assert isinstance(ack, OrderUpdate)
    assert (ack.source, ack.started_us, ack.event_us, ack.receive_us) == (UpdateSource.ACK, 1000, 1200, 1350)
    assert (ack.status, ack.filled, ack.average_price) == (OrderStatus.FILLED, 10, 101)
    assert isinstance(opening, OrderUpdate)
    assert (opening.source, opening.status, opening.filled) == (UpdateSource.STREAM, OrderStatus.OPEN, 0)
    assert isinstance(fill, Fill)
    assert (fill.price, fill.quantity, fill.receive_us, fill.source) == (101, 10, 1350, UpdateSource.STREAM)
    assert isinstance(done, OrderUpdate)
    assert (done.status, done.filled, done.started_us) == (OrderStatus.FILLED, 10, None)


REFUSALS = [
    (order("x", BUY, 1000, 100), OrderStatus.REJECTED, "rejected:insufficient_funds"),
    (order("x", BUY, 1, 101, post_only=True), OrderStatus.REJECTED, "rejected:would_take"),
    (order("open", BUY, 1, 90), OrderStatus.UNKNOWN, "ambiguous:duplicate_client_order_id"),
    (order("x", BUY, 1, 90, instrument_id="sim:XRP-USDT"), OrderStatus.REJECTED, "rejected:unknown_instrument"),
]


@pytest.mark.parametrize(("request_", "status", "reason"), REFUSALS)
def test_refused_submits(request_: Request, status: OrderStatus, reason: str) -> None:
    connector = opened()
    ask(connector, order("open", BUY, 1, 90))
    update, *rest = ask(connector, request_)
    assert all(isinstance(event, Balance) for event in rest)
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.reason, update.filled, update.venue_order_id) == (status, reason, None, "")


FAILURES = [
    (CancelOrder("never", BTC), Action.CANCEL, Outcome.ABSENT, "unknown_order"),
    (LookupOrder("never", "", BTC), Action.LOOKUP, Outcome.ABSENT, "unknown_order"),
    (AmendOrder("never", BTC, "", Decimal(1), Decimal(1)), Action.AMEND, Outcome.ABSENT, "unknown_order"),
    (AmendOrder("open", BTC, "", Decimal(90), Decimal(9999)), Action.AMEND, Outcome.REJECTED, "insufficient_funds"),
    (CancelAll("sim", "sim:X-Y"), Action.CANCEL_ALL, Outcome.REJECTED, "unknown_instrument"),
    (FetchTrades("sim:X-Y"), Action.TRADES, Outcome.REJECTED, "unknown_instrument"),
    (ArmDeadMan("sim", "sim:X-Y", 5), Action.DEAD_MAN, Outcome.REJECTED, "unknown_instrument"),
]


@pytest.mark.parametrize(("request_", "action", "outcome", "code"), FAILURES)
def test_failed_requests(request_: Request, action: Action, outcome: Outcome, code: str) -> None:
    connector = opened()
    ask(connector, order("open", BUY, 1, 90))
    started_us = connector.now_us
    [failed] = ask(connector, request_)
    assert isinstance(failed, RequestFailed)
    assert (failed.action, failed.outcome, failed.code) == (action, outcome, code)
    assert (failed.started_us, failed.receive_us, failed.venue) == (started_us, started_us + ENTRY + RESPONSE, "sim")


def updates(events: Sequence[Event], source: UpdateSource) -> list[tuple[str, OrderStatus, Decimal | None]]:
    found = [event for event in events if isinstance(event, OrderUpdate) and event.source is source]
    return [(event.client_order_id, event.status, event.price) for event in found]


def test_orders_are_amended_looked_up_listed_and_cancelled() -> None:
    connector = opened()
    ask(connector, order("a", BUY, 5, 90))
    ask(connector, order("b", BUY, 5, 91))
    amended = ask(connector, AmendOrder("a", BTC, "", Decimal(92), Decimal(6)))
    assert updates(amended, UpdateSource.ACK) == [("a", OrderStatus.OPEN, 92)]
    assert updates(amended, UpdateSource.STREAM) == [("a", OrderStatus.OPEN, 92)]
    [found] = ask(connector, LookupOrder("a", "", BTC))
    assert updates([found], UpdateSource.LOOKUP) == [("a", OrderStatus.OPEN, 92)]
    [snapshot] = ask(connector, FetchOpenOrders("sim"))
    assert isinstance(snapshot, AccountSnapshot)
    assert updates(snapshot.open_orders or (), UpdateSource.SNAPSHOT) == [
        ("a", OrderStatus.OPEN, 92),
        ("b", OrderStatus.OPEN, 91),
    ]
    assert snapshot.balances is None
    cancelled = ask(connector, CancelOrder("a", BTC))
    assert updates(cancelled, UpdateSource.ACK) == [("a", OrderStatus.CANCELED, 92)]
    swept = ask(connector, CancelAll("sim", BTC))
    assert updates(swept, UpdateSource.ACK) == [("b", OrderStatus.CANCELED, 91)]
    assert updates(swept, UpdateSource.STREAM) == [("b", OrderStatus.CANCELED, 91)]


def test_trades_are_fetched_from_a_cursor() -> None:
    connector = opened()
    ask(connector, order("a", BUY, 5, 101))
    ask(connector, order("b", BUY, 5, 101))
    *fills, synced = ask(connector, FetchTrades(BTC))
    assert [(f.client_order_id, f.source) for f in fills if isinstance(f, Fill)] == [
        ("a", UpdateSource.REST),
        ("b", UpdateSource.REST),
    ]
    assert isinstance(synced, TradesSynced)
    assert (synced.cursor, synced.complete) == ("2", True)
    assert len(ask(connector, FetchTrades(BTC, "", "1"))) == 2
    [nothing] = ask(connector, FetchTrades(BTC, "", "2"))
    assert isinstance(nothing, TradesSynced)
    assert nothing.cursor == "2"


def test_balances_clock_book_and_channels() -> None:
    connector = opened()
    ask(connector, order("a", BUY, 1, 90))
    [snapshot] = ask(connector, FetchBalances("sim"))
    assert isinstance(snapshot, AccountSnapshot)
    assert [(b.asset, b.total, b.free) for b in snapshot.balances or ()] == [("BTC", 50, 50), ("USDT", 10_000, 9_910)]
    assert ask(connector, SyncClock("sim")) == [
        ClockSynced("sim", 0, (ENTRY + RESPONSE) // 2, connector.now_us - 1000 + ENTRY + RESPONSE)
    ]
    [book] = ask(connector, ResyncBook(BTC))
    assert isinstance(book, BookSnapshot)
    assert (book.sequence, book.bids[0]) == (2, (99, 100))
    status, again = ask(connector, Reconnect("sim", Channel.MARKET))
    assert isinstance(status, ConnectorStatus)
    assert (status.channel, status.health) == (Channel.MARKET, Health.HEALTHY)
    assert isinstance(again, BookSnapshot)
    assert [type(event) for event in ask(connector, Reconnect("sim", Channel.USER))] == [ConnectorStatus]
    with pytest.raises(AssertionError, match="answered by the driver"):
        connector.send(RecallOrder("a"))


def test_the_dead_man_fires_at_its_time() -> None:
    connector = opened()
    ask(connector, order("a", BUY, 1, 90))
    assert ask(connector, ArmDeadMan("sim", BTC, 2)) == []
    assert connector.advance(connector.next_us - 1) == []
    heard = connector.advance(connector.next_us + RESPONSE)
    [update] = [event for event in heard if isinstance(event, OrderUpdate)]
    assert (update.status, update.reason, update.event_us) == (OrderStatus.CANCELED, "dead_man", 2000 + ENTRY + 2000)


def test_a_cut_loses_the_streams_but_not_the_requests() -> None:
    cut = ScriptedMarket((2000, lambda exchange: exchange.disconnect(5000)), (3000, quotes(98, 102)))
    connector = opened(cut)
    down = connector.advance(2500)
    assert [(e.channel, e.health) for e in down if isinstance(e, ConnectorStatus)] == [
        (Channel.MARKET, Health.DOWN),
        (Channel.USER, Health.DOWN),
    ]
    [ack] = ask(connector, order("a", BUY, 1, 101))
    assert isinstance(ack, OrderUpdate)
    assert ack.source is UpdateSource.ACK
    [still_down] = ask(connector, Reconnect("sim", Channel.USER), 500)
    assert isinstance(still_down, ConnectorStatus)
    assert still_down.health is Health.DOWN
    assert ask(connector, ResyncBook(BTC), 500) == []
    back = connector.advance(5000 + FEED)
    assert [type(event) for event in back] == [ConnectorStatus, BookSnapshot, ConnectorStatus]
    assert isinstance(back[1], BookSnapshot)
    assert back[1].sequence == 3
    connector.send(order("b", BUY, 1, 101))
    delta = connector.advance(6000)[0]
    assert isinstance(delta, BookDelta)
    assert delta.sequence_previous == 3


def session(seed: int, steps: Sequence[int]) -> list[Event]:
    """A random session, advanced in strides of the given lengths."""
    chance = Random(seed)

    def trade(exchange: SimulatedExchange) -> None:
        engine = exchange.listing(BTC).engine
        engine.add(chance.choice((BUY, SELL)), chance.randint(95, 105), chance.randint(1, 9))
        engine.take(chance.choice((BUY, SELL)), chance.randint(1, 9))

    market = ScriptedMarket((0, quotes(99, 101)), *((at_us, trade) for at_us in range(300, 20_000, 70)))
    connector = connect(market)
    requests = Random(seed + 1)
    heard: list[Event] = []
    for number, now_us in enumerate(range(1000, 20_000, 1000)):
        for part in steps:
            heard += connector.advance(now_us - 1000 + part)
        connector.send(order(f"c{number}", requests.choice((BUY, SELL)), 2, requests.randint(97, 103)))
    heard += connector.advance(30_000)
    return heard


def test_the_stride_of_the_driver_changes_nothing() -> None:
    assert session(5, [1000]) == session(5, [1, 17, 333, 900, 1000])
    assert session(5, [1000]) != session(6, [1000])


def test_receipt_is_in_order_and_sequences_are_contiguous() -> None:
    heard = session(7, [500, 1000])
    assert len(heard) > 700
    received = [event.receive_us for event in heard]  # type: ignore[union-attr]
    assert received == sorted(received)
    deltas = [event for event in heard if isinstance(event, BookDelta)]
    assert all(after.sequence_first == before.sequence_last + 1 for before, after in pairwise(deltas))
