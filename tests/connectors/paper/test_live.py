"""A venue on paper: rows from a live market, orders answered in time, nothing of ours sent to the market."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal

from connectors.paper.build import FillRules
from connectors.paper.live import PAPER_RATE, PaperConnector, PaperSettings, put_on_paper, venue_sheet
from connectors.paper.live_rows import LiveMarket
from connectors.paper.words import ASK, BEST_BID, BID, CLEAR, FUNDING, GAP, MARK, SELL_TRADE
from engine.core.books import BookRules
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, Channel, Health, OrderStatus, OrderType, Outcome, Side
from engine.model.event import ClockSynced, ConnectorStatus, Event, MarketEvent, OrderUpdate, RequestFailed
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import BestQuote, BookDelta, BookSnapshot, FundingRate, MarkPrice, PublicTrade
from engine.model.request import FetchBalances, Reconnect, Request, ResyncBook, SubmitOrder, SyncClock
from tests.connectors.paper.markets import INSTRUMENT
from tests.sim.loop.simloop import START_US, SimLoop, run

NAME, VENUE = INSTRUMENT.instrument_id, INSTRUMENT.venue
D = Decimal
NO_CLOCK = RequestFailed("", "", "", Action.CLOCK, Outcome.AMBIGUOUS, "timeout", "", 0, 0)


def snapshot(at_us: int, sequence: int = 1, event_us: int = 0) -> BookSnapshot:
    return BookSnapshot(NAME, ((D("49.5"), D("0.020")),), ((D("50.5"), D("0.030")),), sequence, event_us, at_us)


def delta(at_us: int, sequence: int, bid: str = "49.0", event_us: int | None = None) -> BookDelta:
    when = at_us - 5_000 if event_us is None else event_us
    return BookDelta(NAME, ((D(bid), D("0.010")),), (), sequence, sequence, when, at_us)


def trade(at_us: int, price: str, quantity: str, side: Side = Side.SELL) -> PublicTrade:
    return PublicTrade(NAME, str(at_us), D(price), D(quantity), side, at_us - 5_000, at_us)


def status(at_us: int, health: Health, channel: Channel = Channel.MARKET) -> ConnectorStatus:
    return ConnectorStatus(VENUE, channel, health, "test", at_us)


def kinds(market: LiveMarket, start: int = 0) -> list[int]:
    """Of the rows from a number on."""
    return [row[3] for row in market.rows._rows[start:]]


def test_a_proven_book_becomes_rows_and_a_broken_one_a_gap() -> None:
    market = LiveMarket(INSTRUMENT, BookRules())
    for event in (delta(1_000_000, 1), snapshot(1_010_000, 5), delta(1_100_000, 6), trade(1_150_000, "49.5", "0.001")):
        market.take(event)
    assert kinds(market) == [CLEAR, BID, ASK, BID, SELL_TRADE]
    market.take(delta(1_200_000, 8))  # 7 is missing
    market.take(delta(1_300_000, 9))
    market.take(snapshot(1_400_000, 9))
    assert kinds(market, 5) == [GAP, CLEAR, BID, ASK]
    market.take_status(status(1_500_000, Health.DOWN))
    market.take_status(status(1_600_000, Health.DOWN))
    market.take_status(status(1_700_000, Health.HEALTHY))
    assert kinds(market, 9) == [GAP]


def test_times_are_ours_and_never_run_backwards() -> None:
    market = LiveMarket(INSTRUMENT, BookRules())
    market.take(snapshot(1_000_000))
    assert market.rows.event_us == 999_000, "without the venue's time: just before it came"
    market.offset_us = 50_000  # the venue's clock is ahead
    market.take(trade(1_100_000, "49.5", "0.001"))
    assert market.rows.event_us == 1_045_000
    market.take(trade(1_090_000, "49.5", "0.001"))
    assert (market.rows.event_us, market.late_rows) == (1_045_000, 1)
    market.take(BookDelta(NAME, (), ((D("50.5"), D("0.010")),), 2, 2, 9_000_000, 1_200_000))
    assert market.rows.event_us == 1_199_000, "nothing happens after it is heard"
    assert market.rows.seen_us(1_199_000, 0) == 1_200_000
    assert market.rows.horizon_us(1_300_000, 0) == 1_199_000
    assert market.rows.horizon_us(9_000_000, 0) == 8_500_000


def test_best_quotes_marks_and_funding() -> None:
    market = LiveMarket(INSTRUMENT, BookRules())
    market.take(BestQuote(NAME, D("49.5"), D("0.001"), D("50.5"), D("0.002"), 1, 1_000, 2_000))
    assert kinds(market)[0] == BEST_BID
    market.take(snapshot(10_000))
    count = market.rows.count
    market.take(BestQuote(NAME, D("49.5"), D("0.001"), D("50.5"), D("0.002"), 2, 11_000, 12_000))
    assert market.rows.count == count, "the book shows them"
    market.take(MarkPrice(NAME, D("50.2"), 20_000, 21_000))
    market.take(FundingRate(NAME, D("0.0001"), 30_000, 22_000, 23_000))
    market.take(FundingRate(NAME, D("0.0002"), 60_000, 31_000, 32_000))
    assert market.rows._rows[-2:] == [(20_000, 100, 0, MARK), (31_000, 0, 100_000, FUNDING)]
    market.take(trade(40_000, "49.7", "0.001"))
    assert market.off_grid == 1


def test_rows_that_were_played_are_forgotten() -> None:
    market = LiveMarket(INSTRUMENT, BookRules())
    market.take(snapshot(10_000))
    rows = market.rows
    assert rows.price_at(0) == 99
    assert rows.block(0, 90, 10)[1] == [-90, 9, 11]
    assert [kind >= 16 for kind in rows.block(1, 90, 10)[3]] == [False, True], "outside of the window"
    assert len(rows._rows) == 2
    for number in range(2_000):
        market.take(delta(20_000 + number, 2 + number))
        rows.block(rows.count - 1, 0, 1_000)
    assert len(rows._rows) == 1
    assert len(rows._seen) <= 1_000


class Market:
    """The public side of a venue, told what to say."""

    venue = VENUE
    request_expiry_us = 0
    instruments: Sequence[Instrument] = (INSTRUMENT,)

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self.say: Callable[[Sequence[Event]], None]

    def send(self, request: Request) -> None:
        self.sent.append(request)

    async def run(self, hear: Callable[[Sequence[Event]], None], now_us: Callable[[], int]) -> None:
        self.say = hear
        await asyncio.Event().wait()


def on_paper(market: Market, latency_us: int = 20_000) -> PaperConnector:
    rules = FillRules(kernel="reference")
    settings = PaperSettings(
        balances={"USDT": D(1_000), "BTC": D(1)},
        entry_us=latency_us,
        response_us=10_000,
        sigma=0.0,
        rules=rules,
        maker_rate=None,
        taker_rate=None,
        seed=7,
    )
    return put_on_paper(market, VenueSheet(), settings)


def order(price: str, quantity: str = "0.010") -> SubmitOrder:
    return SubmitOrder("A", NAME, Side.BUY, OrderType.LIMIT, D(quantity), D(price), owner="x", tag="y")


def test_orders_are_answered_and_filled_by_the_market() -> None:
    loop, market, heard = SimLoop(1), Market(), []
    times: list[int] = []

    def hear(events: Sequence[Event]) -> None:
        heard.extend(events)
        times.extend([loop.wall_us()] * len(events))

    async def work() -> None:
        paper = on_paper(market)
        paper.send(FetchBalances(VENUE))  # before it runs: it is not lost
        running = asyncio.create_task(paper.run(hear, loop.wall_us))
        await asyncio.sleep(0.1)
        start_us = loop.wall_us()
        market.say([status(start_us, Health.HEALTHY), snapshot(start_us)])
        paper.send(order("49.5"))
        await asyncio.sleep(1.0)
        now_us = loop.wall_us()
        market.say([trade(now_us, "49.5", "0.025"), trade(now_us + 1, "49.0", "0.100")])
        await asyncio.sleep(0.1)
        market.say(
            [
                status(now_us, Health.STALE, Channel.USER),
                NO_CLOCK,
            ]
        )
        market.say([ClockSynced(VENUE, 7_000, 1_000, now_us)])
        for request in (ResyncBook(NAME), Reconnect(VENUE, Channel.MARKET), Reconnect(VENUE, Channel.USER)):
            paper.send(request)
        await asyncio.sleep(0.1)
        assert paper.markets[NAME].offset_us == 7_000
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    run(loop, work())
    updates = [each for each in heard if isinstance(each, OrderUpdate)]
    assert [each.status for each in updates] == [OrderStatus.OPEN]
    assert updates[0].receive_us - START_US == 130_000, "there in 20 ms, back in 10"
    fills = [(each.price, each.quantity, each.fee) for each in heard if isinstance(each, Fill)]
    assert fills == [
        (D("49.5"), D("0.005"), D("0.2475") * PAPER_RATE),
        (D("49.5"), D("0.005"), D("0.2475") * PAPER_RATE),
    ]
    told = [type(each) for each in market.sent]
    assert told == [SyncClock, ResyncBook, Reconnect], "nothing of ours reaches the market"
    statuses = [(each.channel, each.health) for each in heard if isinstance(each, ConnectorStatus)]
    assert statuses.count((Channel.MARKET, Health.HEALTHY)) == 1, "what the market says of itself"
    assert (Channel.USER, Health.STALE) not in statuses
    assert sum(isinstance(each, MarketEvent) for each in heard) == 3
    assert times == sorted(times)


def test_without_news_a_command_waits_half_a_second() -> None:
    """A live session cannot know that no row comes before a command; after a while it takes it so."""
    loop, market = SimLoop(1), Market()
    answered: list[int] = []

    def hear(events: Sequence[Event]) -> None:
        answered.extend(loop.wall_us() for event in events if isinstance(event, OrderUpdate))

    async def work() -> None:
        paper = on_paper(market)
        running = asyncio.create_task(paper.run(hear, loop.wall_us))
        await asyncio.sleep(0.1)
        market.say([snapshot(loop.wall_us())])
        paper.send(order("49.0"))
        await asyncio.sleep(2.0)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    run(loop, work())
    assert [at_us - START_US for at_us in answered] == [100_000 + 20_000 + 500_000]


def test_the_sheet_proves_books_as_the_market_does() -> None:
    rules = BookRules(stale_after_us=7)
    sheet = venue_sheet(VenueSheet(books=rules), 60_000)
    assert (sheet.books, sheet.in_process, sheet.dedicated) == (rules, True, True)
