"""Both drivers on a simulated venue: grid, early wakes, missed ticks, several venues, the end."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import pytest

from connectors.simulated.connector import SimulatedConnector
from connectors.simulated.venue import SimulatedExchange
from engine.core.clock import WAKE_GAP_US, Clock, run_live, run_virtual, wall_us
from engine.core.driver import Driver
from engine.core.engine import FAR, Engine, Settings, Wake
from engine.core.modes import CauseKind
from engine.core.order_ids import OrderIds
from engine.core.ports import Record
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, OperatorAction, OrderStatus, Outcome, Side
from engine.model.event import OperatorCommand, OrderRecalled, OrderUpdate, RequestFailed
from engine.model.fill import Fill
from engine.model.order import Order
from engine.model.request import AmendOrder, LookupOrder, OrderRequest, RecallOrder, Request, SubmitOrder
from tests.core.scripted import INSTRUMENT, MARKET, SECOND_US, START_US, Scripted, StepMarket, bid, venue

SHEET = VenueSheet(request_expiry_us=SECOND_US, acks_streamed=True)


class Recorded:
    """A driver on one venue, and everything that went through the engine."""

    def __init__(
        self, scripted: Scripted, *venues: SimulatedConnector, grid_us: int = SECOND_US, wake_on: Sequence[Wake] = ()
    ) -> None:
        self.records: list[tuple[int, Record]] = []
        self.committed: list[Request] = []
        self.state = State([INSTRUMENT], OrderIds("TEST", 1), {"sim": SHEET}, START_US)
        streams = {each.venue: UserStream(each.venue, [MARKET], self.state.orders.cursors, SHEET) for each in venues}
        settings = Settings(bot="b", quote="USDT", grid_us=grid_us, wake_on=tuple(wake_on))
        sinks = [lambda now_us, record: self.records.append((now_us, record))]
        self.engine = Engine(self.state, [scripted], settings, streams, sinks)
        self.driver = Driver(self.engine, venues, self.committed.extend)

    def command(self, action: OperatorAction) -> None:
        self.engine.apply(OperatorCommand(action, "test", "", self.state.now_us))


def test_virtual_time_ticks_on_the_grid_and_ends_where_it_was_told() -> None:
    scripted = Scripted(quotes=[bid("98")])
    bot = Recorded(scripted, venue(StepMarket()))
    ticks: list[int] = []
    run_virtual(bot.driver, START_US + 5 * SECOND_US, ticks.append)
    assert [time - START_US for time in ticks if time % SECOND_US == 0] == [n * SECOND_US for n in range(1, 6)]
    assert bot.state.now_us == START_US + 5 * SECOND_US
    assert len(bot.state.orders.active()) == 1
    assert bot.driver.missed == 0
    assert bot.driver.next_venue_us > bot.state.now_us


def test_intents_are_committed_before_they_are_sent() -> None:
    bot = Recorded(Scripted(quotes=[bid("98")]), venue(StepMarket()))
    sent: list[str] = []
    connector = bot.driver._connectors["sim"]
    send = connector.send

    def spy(request: Request) -> None:
        assert request in bot.committed
        sent.append(type(request).__name__)
        send(request)

    connector.send = spy  # type: ignore[method-assign]
    run_virtual(bot.driver, START_US + 3 * SECOND_US)
    assert "SubmitOrder" in sent


def test_without_a_commit_nothing_is_created_or_changed_but_cancels_go_out() -> None:
    bot = Recorded(Scripted(quotes=[bid("98")]), venue(StepMarket()))
    broken = ["", "disk full"]
    bot.driver._commit = lambda requests: broken[-1] if any(isinstance(each, OrderRequest) for each in requests) else ""
    run_virtual(bot.driver, START_US + 3 * SECOND_US)
    assert not bot.state.orders.active()
    assert CauseKind.LOG in [cause.kind for cause in bot.engine.halt.causes]
    refused = [record for _, record in bot.records if isinstance(record, OrderUpdate)]
    assert {update.reason for update in refused} == {"not_sent:order_log"}
    broken.pop()
    run_virtual(bot.driver, START_US + 20 * SECOND_US)
    (order,) = bot.state.orders.active()
    broken.append("disk full")
    amend = AmendOrder(order.client_order_id, MARKET, order.venue_order_id, Decimal(97), Decimal(1))
    bot.state.orders.record(amend, bot.state.now_us)
    bot.driver.send([amend])
    failed = [record for _, record in bot.records if isinstance(record, RequestFailed)]
    assert [(each.action, each.outcome) for each in failed] == [(Action.AMEND, Outcome.NOT_SENT)]
    run_virtual(bot.driver, START_US + 30 * SECOND_US)
    assert not bot.state.orders.active(), "its cancel went out although it could not be noted"


def test_an_order_that_left_the_memory_is_recalled_before_its_event() -> None:
    bot = Recorded(Scripted(quotes=[bid("98")]), venue(StepMarket()))
    asked: list[RecallOrder] = []
    lost: list[Order] = []

    def recall(request: RecallOrder, instrument_id: str) -> list[Order]:
        asked.append(request)
        return lost

    bot.driver._recall = recall
    run_virtual(bot.driver, START_US + 3 * SECOND_US)
    (order,) = bot.state.orders.active()
    bot.command(OperatorAction.PAUSE)
    run_virtual(bot.driver, START_US + 6 * SECOND_US)
    assert order.status is OrderStatus.CANCELED
    assert asked == []
    lost.append(order)
    bot.state.orders.forget(FAR)
    bot.driver.send([LookupOrder(order.client_order_id, order.venue_order_id, MARKET)])
    run_virtual(bot.driver, START_US + 8 * SECOND_US)
    assert [each.client_order_id for each in asked] == [order.client_order_id]
    assert [record.order for _, record in bot.records if isinstance(record, OrderRecalled)] == [order]


def test_a_stop_ends_virtual_time_when_all_is_cancelled() -> None:
    bot = Recorded(Scripted(quotes=[bid("98")]), venue(StepMarket()))
    run_virtual(bot.driver, START_US + 3 * SECOND_US)
    bot.command(OperatorAction.STOP)
    run_virtual(bot.driver, START_US + 60 * SECOND_US)
    assert bot.engine.stopped
    assert bot.state.now_us < START_US + 6 * SECOND_US


@pytest.mark.parametrize(("wake_on", "decided_at_us"), [((), 4_000_000), ((Wake.FILL,), 3_050_000)])
def test_a_fill_brings_the_decision_forward(wake_on: tuple[Wake, ...], decided_at_us: int) -> None:
    scripted = Scripted(quotes=[bid("99.5")])
    market = StepMarket()

    def sell(exchange: SimulatedExchange) -> None:
        exchange.listing(MARKET).engine.take(Side.SELL, 1_000)

    market.at[3] = sell
    bot = Recorded(scripted, venue(market), wake_on=wake_on)
    run_virtual(bot.driver, START_US + 5 * SECOND_US)
    (filled_us,) = [now_us for now_us, record in bot.records if isinstance(record, Fill)]
    assert filled_us <= START_US + 3_010_000
    assert next(time for time in scripted.times if time >= START_US + 3_005_000) == START_US + decided_at_us


def test_events_of_several_venues_are_applied_in_order_of_receipt() -> None:
    class Told:
        """A venue that has written down what it says."""

        request_expiry_us = 0
        finished = False
        instruments = (INSTRUMENT,)

        def __init__(self, name: str, events: list[OperatorCommand]) -> None:
            self.venue, self.now_us, self.next_us, self._events = name, START_US, FAR, events

        def send(self, request: Request) -> None: ...

        def advance(self, now_us: int) -> list[OperatorCommand]:
            due = [each for each in self._events if each.receive_us <= now_us]
            self._events = self._events[len(due) :]
            return due

    def said(name: str, *times: int) -> list[OperatorCommand]:
        return [OperatorCommand(OperatorAction.RESUME, name, "", START_US + time) for time in times]

    bot = Recorded(Scripted())
    bot.driver = Driver(bot.engine, [Told("a", said("a", 1, 5)), Told("b", said("b", 2, 5, 9))], lambda requests: None)
    bot.driver.step(START_US, START_US + 10)
    heard = [record.actor for _, record in bot.records if isinstance(record, OperatorCommand)]
    assert heard == ["a", "b", "a", "b", "b"]
    assert not bot.driver.exhausted


def test_missed_ticks_are_counted() -> None:
    bot = Recorded(Scripted(), venue(StepMarket()))
    bot.driver.step(START_US, START_US + SECOND_US)
    bot.driver.step(START_US + SECOND_US, START_US + 4 * SECOND_US + 700_000)
    assert bot.driver.missed == 2
    assert bot.driver.behind_us_max == 2_700_000


def test_a_venue_without_a_connector_is_a_mistake() -> None:
    bot = Recorded(Scripted())
    assert not bot.driver.exhausted
    assert bot.driver.next_venue_us == FAR
    with pytest.raises(KeyError):
        bot.driver.send([SubmitOrder("X", MARKET, Side.BUY, "LIMIT", Decimal(1))])  # type: ignore[arg-type]


def test_requests_say_when_the_venue_would_ignore_them() -> None:
    connector = venue(StepMarket())
    connector.request_expiry_us = 5 * SECOND_US
    bot = Recorded(Scripted(quotes=[bid("98")]), connector)
    run_virtual(bot.driver, START_US + 2 * SECOND_US)
    (order,) = bot.state.orders.active()
    assert order.expires_us - order.sent_us == 5 * SECOND_US


class SteppedClock(Clock):
    """Waiting is moving on; the first wait that reaches `late_at_us` takes `late_us` longer."""

    def __init__(self, late_at_us: int, late_us: int) -> None:
        super().__init__(start_us=START_US)
        self._now_us = START_US
        self._late_at_us, self._late_us = late_at_us, late_us

    def now_us(self) -> int:
        return self._now_us

    def seconds_until(self, at_us: int) -> float:
        self._now_us = max(self._now_us, at_us)
        if self._now_us >= self._late_at_us:
            self._now_us, self._late_us = self._now_us + self._late_us, 0
        return 0.0


async def test_live_time_ticks_on_the_grid_too_and_counts_what_it_missed() -> None:
    scripted = Scripted(quotes=[bid("98")])
    bot = Recorded(scripted, venue(StepMarket()))
    ticks: list[int] = []
    clock = SteppedClock(late_at_us=START_US + 5 * SECOND_US, late_us=3 * SECOND_US)
    await run_live(bot.driver, clock, asyncio.Event(), START_US + 12 * SECOND_US, ticks.append)
    assert len(bot.state.orders.active()) == 1
    assert bot.driver.missed == 3
    assert all(later - earlier >= WAKE_GAP_US for earlier, later in pairwise(ticks))


async def test_an_operator_ends_the_sleep() -> None:
    bot = Recorded(Scripted(), venue(StepMarket()), grid_us=3600 * SECOND_US)
    wake = asyncio.Event()
    clock = Clock(speed=50.0, start_us=START_US)

    async def operator() -> None:
        await asyncio.sleep(0.01)
        bot.command(OperatorAction.STOP)
        wake.set()

    async with asyncio.timeout(5):
        await asyncio.gather(run_live(bot.driver, clock, wake), operator())
    assert bot.engine.stopped
    assert clock.now_us() < START_US + 3600 * SECOND_US


def test_the_clock_runs_on_monotonic_time() -> None:
    clock = Clock()
    first = clock.now_us()
    assert abs(first - wall_us()) < 5 * SECOND_US
    assert clock.now_us() >= first
    assert clock.seconds_until(first - 1) == 0.0
    assert 0.0 < Clock(speed=10).seconds_until(wall_us() + 10 * SECOND_US) <= 1.0
