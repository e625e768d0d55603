"""The paper venue as a bot sees it: events, answers to every request, money in the venue's time."""

import random
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from connectors.paper.build import FillRules, build_venue, venue_sheet
from connectors.paper.latency import Latency, constant
from connectors.paper.venue import PaperVenue
from connectors.paper.words import ASK, BID, BUY_TRADE, CLEAR, GAP, NEVER_US, SELL_TRADE
from engine.core.clock import run_virtual
from engine.core.driver import Driver
from engine.core.engine import Engine, Settings
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.model.account import Balance
from engine.model.enums import (
    Action,
    Channel,
    OrderStatus,
    OrderType,
    Outcome,
    Side,
    TimeInForce,
    UpdateSource,
)
from engine.model.event import (
    AccountSnapshot,
    ClockSynced,
    ConnectorStatus,
    Event,
    OrderUpdate,
    RequestFailed,
    TradesSynced,
)
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import Candle
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Reconnect,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)
from scripts.play_s1m import Quoter
from tests.connectors.paper.markets import BOOK, INSTRUMENT, Row, candle_rows, rows_of
from tests.connectors.paper.test_kernel_properties import market

NAME = INSTRUMENT.instrument_id
START_US = 1_000_000_000
PLAIN = FillRules(kernel="reference")
BALANCES = {"USDT": Decimal(1_000), "BTC": Decimal(1)}


def spot(instrument_id: str, base: str = "BTC", **changes: object) -> Instrument:
    fields = {name: getattr(INSTRUMENT, name) for name in INSTRUMENT.__slots__}
    return Instrument(**{**fields, "instrument_id": instrument_id, "base": base, **changes})


def venue_of(
    *rows: Row,
    instrument: Instrument = INSTRUMENT,
    balances: dict[str, Decimal] | None = None,
    delay: int = 0,
    leverage: int = 1,
) -> PaperVenue:
    market = [(instrument, rows_of([*BOOK, *rows]))]
    latency = Latency(delay, constant(2 * delay), constant(delay))
    money = BALANCES if balances is None else balances
    venue = build_venue("paper", market, money, latency, 0, PLAIN, Decimal(leverage))
    venue.advance(1 + delay)
    return venue


def order(name: str, side: Side, quantity: str, price: str | None, **more: object) -> SubmitOrder:
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    wanted = SubmitOrder(name, NAME, side, kind, Decimal(quantity), None if price is None else Decimal(price))
    return changed(wanted, **more)


def ask(venue: PaperVenue, *requests: Request, at_us: int | None = None) -> list[Event]:
    """Send and hear what comes at once."""
    venue.advance(venue.now_us if at_us is None else at_us)
    for request in requests:
        venue.send(request)
    return [*venue.advance(venue.now_us)]


def kinds(events: list[Event]) -> list[object]:
    return [event.status if isinstance(event, OrderUpdate) else type(event) for event in events]


def test_an_order_lives_and_dies() -> None:
    venue = venue_of((5, SELL_TRADE, 99, 25), delay=10)
    venue.send(order("A", Side.BUY, "0.010", "49.5"))
    assert venue.next_us == 15  # a row that may fill it
    told = venue.advance(60)
    assert told[0] == OrderUpdate(
        NAME, "A", "1", OrderStatus.OPEN, Decimal(0), "", 31, 41, UpdateSource.ACK, 11, Side.BUY, Decimal("49.5"),
        Decimal("0.010"), None,
    )  # fmt: skip
    venue.send(CancelOrder("A", NAME))
    (cancelled,) = venue.advance(100)
    assert isinstance(cancelled, OrderUpdate)
    assert (cancelled.status, cancelled.event_us, cancelled.receive_us) == (OrderStatus.CANCELED, 80, 90)
    assert venue.finished


def test_fills_pay_fees_and_tell_balances() -> None:
    venue = venue_of((5, SELL_TRADE, 99, 25))
    assert kinds(ask(venue, order("A", Side.BUY, "0.010", "49.5"))) == [OrderStatus.OPEN]
    fill, quote, base = sorted(venue.advance(9), key=lambda each: (not isinstance(each, Fill), str(each))[0])
    assert isinstance(fill, Fill)
    assert (fill.price, fill.quantity) == (Decimal("49.5"), Decimal("0.005"))
    assert (fill.fee, fill.fee_asset) == (Decimal("0.00002475"), "USDT")
    balances = {each.asset: each for each in (quote, base) if isinstance(each, Balance)}
    assert balances["BTC"].total == Decimal("1.005")
    assert balances["USDT"].total == Decimal(1_000) - Decimal("0.2475") - fill.fee
    assert balances["USDT"].free == balances["USDT"].total - Decimal("0.2475") * Decimal("1.0004")
    told = ask(venue, CancelOrder("A", NAME), at_us=10)
    assert isinstance(told[0], OrderUpdate)
    assert (told[0].status, told[0].filled, told[0].average_price) == (
        OrderStatus.CANCELED,
        Decimal("0.005"),
        Decimal("49.5"),
    )
    assert isinstance(told[1], Balance)  # what was told as reserved is free again
    assert told[1].free == told[1].total
    assert venue.ledger.reserved["USDT"] == 0


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (order("A", Side.BUY, "0.0105", "49.5"), "filter_failure"),
        (order("A", Side.BUY, "0.010", "49.7"), "filter_failure"),
        (order("A", Side.BUY, "0.000", "49.5"), "filter_failure"),
        (order("A", Side.BUY, "100", "49.5"), "insufficient_balance"),
        (order("A", Side.SELL, "1.001", "51"), "insufficient_balance"),
        (order("A", Side.BUY, "0.010", "51", post_only=True), "would_take"),
        (order("A", Side.BUY, "0.010", "49.5", list_id="oco"), "unsupported_order"),
        (order("A", Side.SELL, "1.5", "51", reduce_only=True), "reduce_only"),
        (
            order("A", Side.BUY, "0.010", "49.5", order_type=OrderType.STOP_LIMIT, stop_price=Decimal("50.1")),
            "filter_failure",
        ),
    ],
)
def test_rejections(request_: SubmitOrder, reason: str) -> None:
    venue = venue_of()
    (told,) = ask(venue, request_)
    assert isinstance(told, OrderUpdate)
    assert (told.status, told.reason) == (OrderStatus.REJECTED, f"rejected:{reason}")
    assert venue.ledger.reserved == {"BTC": 0, "USDT": 0}
    assert not venue.orders.open


def test_market_orders_are_checked_against_the_book() -> None:
    venue = venue_of()
    assert kinds(ask(venue, order("A", Side.BUY, "0.031", None)))[:3] == [OrderStatus.OPEN, Fill, Balance]
    assert venue.ledger.reserved["USDT"] == 0
    (told,) = ask(venue_of((2, ASK, 101, 0), (2, ASK, 103, 0)), order("A", Side.BUY, "0.031", None), at_us=2)
    assert isinstance(told, OrderUpdate)
    assert told.reason == "rejected:no_market"


def test_stops_and_expiry_are_told_on_the_stream() -> None:
    stop = order("A", Side.BUY, "0.010", None, order_type=OrderType.STOP_MARKET, stop_price=Decimal(51))
    dated = order("B", Side.BUY, "0.010", "49.5", time_in_force=TimeInForce.GTD, expire_us=7)
    venue = venue_of((5, BUY_TRADE, 102, 1), (9, BID, 1, 1))
    assert kinds(ask(venue, stop, dated)) == [OrderStatus.OPEN, OrderStatus.OPEN]
    told = [*venue.advance(9)]
    assert kinds(told) == [OrderStatus.OPEN, Fill, Balance, Balance, OrderStatus.EXPIRED, Balance]
    assert [each.source for each in told if isinstance(each, OrderUpdate)] == [UpdateSource.STREAM] * 2
    assert venue.ledger.reserved["USDT"] == 0


def test_amend() -> None:
    venue = venue_of()
    ask(venue, order("A", Side.BUY, "0.010", "49.5", post_only=True))
    (told,) = ask(venue, AmendOrder("A", NAME, "1", Decimal(49), Decimal("0.020")))
    assert isinstance(told, OrderUpdate)
    assert (told.status, told.price, told.quantity) == (OrderStatus.OPEN, Decimal(49), Decimal("0.020"))
    assert venue.ledger.reserved["USDT"] == Decimal("0.98") * Decimal("1.0004")
    refused = {
        AmendOrder("A", NAME, "", Decimal(51), Decimal("0.020")): "would_take",
        AmendOrder("A", NAME, "", Decimal("49.1"), Decimal("0.020")): "filter_failure",
        AmendOrder("A", NAME, "", Decimal(49), Decimal(999)): "insufficient_balance",
        AmendOrder("B", NAME, "", Decimal(49), Decimal(1)): "unknown_order",
    }
    for request, code in refused.items():
        (failed,) = ask(venue, request)
        assert isinstance(failed, RequestFailed)
        assert (failed.action, failed.code) == (Action.AMEND, code)
    assert venue.ledger.reserved["USDT"] == Decimal("0.98") * Decimal("1.0004")


def test_every_request_is_answered() -> None:
    venue = venue_of((5, SELL_TRADE, 99, 25))
    venue.advance(4)
    ask(venue, order("A", Side.BUY, "0.010", "49.5"), order("B", Side.BUY, "0.010", "49"))
    venue.advance(9)
    (known,) = ask(venue, LookupOrder("A", "", NAME))
    assert isinstance(known, OrderUpdate)
    assert (known.source, known.filled) == (UpdateSource.LOOKUP, Decimal("0.005"))
    for unknown in (LookupOrder("C", "", NAME), LookupOrder("A", "99", NAME), LookupOrder("A", "x", NAME)):
        (absent,) = ask(venue, unknown)
        assert isinstance(absent, RequestFailed)
        assert absent.outcome is Outcome.ABSENT
    (listed,) = ask(venue, FetchOpenOrders("paper"))
    assert isinstance(listed, AccountSnapshot)
    assert [row.client_order_id for row in listed.open_orders or ()] == ["A", "B"]
    fill, synced = ask(venue, FetchTrades(NAME))
    assert isinstance(fill, Fill)
    assert (fill.source, isinstance(synced, TradesSynced) and synced.cursor) == (UpdateSource.REST, "1")
    assert kinds(ask(venue, FetchTrades(NAME, "", "1"))) == [TradesSynced]
    assert kinds(ask(venue, FetchTrades(NAME, "2"))) == [TradesSynced]
    (money,) = ask(venue, FetchBalances("paper"))
    assert isinstance(money, AccountSnapshot)
    assert {balance.asset for balance in money.balances or ()} == {"BTC", "USDT"}
    assert kinds(ask(venue, SyncClock("paper"))) == [ClockSynced]
    assert kinds(ask(venue, Reconnect("paper", Channel.USER))) == [ConnectorStatus]
    assert ask(venue, ArmDeadMan("paper", NAME, 1_000), ResyncBook(NAME)) == []
    told = ask(venue, CancelAll("paper", NAME))
    assert [each.client_order_id for each in told if isinstance(each, OrderUpdate)] == ["A", "B"]
    (late,) = ask(venue, CancelOrder("A", NAME, "1"))
    assert isinstance(late, RequestFailed)
    assert (late.outcome, late.reason) == (Outcome.ABSENT, "it is CANCELED")
    assert venue.next_us == NEVER_US
    assert venue.finished


def test_funds_in_venue_time() -> None:
    """A sale in one market that happens after a purchase in another arrives does not pay for it."""
    first, second = spot("paper:ETH-USDT", "ETH"), spot("paper:BTC-USDT")
    sale = [(1, CLEAR, 0, 0), (1, BID, 98, 5), (1, ASK, 101, 5), (50, BUY_TRADE, 120, 500), (99, BID, 98, 6)]
    market = [(1, CLEAR, 0, 0), (1, BID, 98, 5), (1, ASK, 101, 500), (99, BID, 98, 6)]
    for arrives_us, bought in ((40, False), (60, True)):
        latency = Latency(0, lambda now_us: 0, constant(0))
        markets = [(first, rows_of(sale)), (second, rows_of(market))]
        venue = build_venue("paper", markets, {"ETH": Decimal(1)}, latency, 0, FillRules(kernel="reference"))
        venue.advance(2)
        venue.send(changed(order("A", Side.SELL, "0.1", "55"), instrument_id=first.instrument_id))
        venue.advance(arrives_us - 1)
        venue.now_us = arrives_us
        venue.send(order("B", Side.BUY, "0.1", "50.5"))
        told = [each for each in venue.advance(90) if isinstance(each, OrderUpdate) and each.client_order_id == "B"]
        assert (told[0].status is OrderStatus.OPEN) is bought


def test_the_book_is_the_kernel_in_decimal() -> None:
    venue = venue_of((5, GAP, 0, 0))
    state = State([INSTRUMENT], OrderIds("TEST", 1), {"paper": venue_sheet(0)})
    venue.install(state)
    book = state.book(NAME)
    assert (book.best_bid, book.best_ask) == (Decimal("49.5"), Decimal("50.5"))
    assert (book.mid, book.spread) == (Decimal(50), Decimal(1))
    assert book.levels(Side.BUY, 9) == [(Decimal("49.5"), Decimal("0.020")), (Decimal(49), Decimal("0.050"))]
    assert book.quantity_at(Side.SELL, Decimal("50.5")) == Decimal("0.030")
    assert book.quantity_at(Side.SELL, Decimal("50.7")) == 0
    assert book.vwap(Side.BUY, Decimal("0.060")) == 51
    assert book.vwap(Side.BUY, Decimal("0.080")) is None
    assert book.vwap(Side.BUY, Decimal(0)) is None
    assert book.microprice == Decimal("49.9")
    assert book.imbalance(1) == Decimal("-0.2")
    assert (book.event_us, book.receive_us, book.stale) == (1, 1, "")
    venue.advance(5)
    assert book.stale
    empty = build_venue("paper", [(INSTRUMENT, rows_of([(9, BID, 1, 0)]))], {}, Latency(0, constant(0), constant(0)), 0)
    book = empty.listings[0].book
    assert (book.best_bid, book.best_ask, book.mid, book.spread, book.microprice, book.imbalance(3)) == (None,) * 6
    assert (book.stale, book.receive_us) == ("no data yet", 0)


def test_a_fee_may_be_paid_in_what_is_received() -> None:
    venue = venue_of(instrument=spot(NAME, fee_asset="BTC"))
    told = ask(venue, order("A", Side.BUY, "0.030", "50.5"), order("B", Side.SELL, "0.010", "49.5"))
    assert [(each.fee, each.fee_asset) for each in told if isinstance(each, Fill)] == [
        (Decimal("0.030") * Decimal("0.0004"), "BTC"),
        (Decimal("0.010") * Decimal("49.5") * Decimal("0.0004"), "USDT"),
    ]


def test_candles_are_told_when_they_close_and_fill_what_was_there() -> None:
    columns = [np.array(each) for each in ((100, 100), (104, 110), (96, 90), (100, 105), (1_000, 1_000))]
    rows = candle_rows(60, np.array([0, 60]), *columns)
    venue = build_venue("paper", [(INSTRUMENT, rows)], BALANCES, Latency(5, constant(0), constant(7)), 0)
    assert kinds([*venue.advance(64)]) == [ConnectorStatus] * 3
    (candle,) = venue.advance(65)
    assert isinstance(candle, Candle)
    assert (candle.open_us, candle.close_us, candle.receive_us, candle.closed) == (0, 60, 65, True)
    assert [candle.open, candle.high, candle.low, candle.close] == [Decimal(each) for each in (50, 52, 48, 50)]
    book = venue.listings[0].book
    assert (book.best_bid, book.best_ask, book.stale) == (Decimal("49.5"), Decimal("50.5"), "")
    venue.send(order("A", Side.BUY, "0.010", "49.5"))
    assert kinds([*venue.advance(130)]) == [OrderStatus.OPEN, Candle]
    assert venue.finished


@given(st.integers(0, 1 << 30))
@settings(max_examples=20)
def test_the_engine_and_the_venue_agree_about_the_money(seed: int) -> None:
    """A quoting bot on a random market with latencies: both ledgers are equal when everything has been told."""
    wild = market(random.Random(seed), False, 200)
    rows = rows_of((START_US + us * 100_000, kind, ticks, lots) for us, kind, ticks, lots in wild)
    latency = Latency(10_000, constant(20_000), constant(10_000))
    money = {"USDT": Decimal(10_000), "BTC": Decimal(10)}
    venue = build_venue("paper", [(INSTRUMENT, rows)], money, latency, START_US, PLAIN)
    sheets = {"paper": venue_sheet(30_000)}
    state = State([INSTRUMENT], OrderIds("TEST", 1), sheets, START_US)
    venue.install(state)
    streams = {"paper": UserStream("paper", [NAME], state.orders.cursors, sheets["paper"])}
    engine = Engine(state, [Quoter()], Settings(bot="test", quote="USDT", grid_us=100_000), streams)
    run_virtual(Driver(engine, [venue], lambda requests: ""), START_US + 60_000_000)
    assert venue.orders_received > 20
    assert {name: account.total for (_, name), account in state.portfolio.accounts.items()} == venue.ledger.totals
    open_here = sorted(order.client_order_id for order in state.orders.active())
    assert open_here == sorted(order.request.client_order_id for order in venue.orders.open.values())
