"""The private stream: gap fill before health, the schedule, silence that is noticed."""

import pytest

from engine.core.user_stream import UserStream, pause_us
from engine.core.venue_sheet import VenueSheet
from engine.model.account import Balance
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, UpdateSource
from engine.model.event import AccountSnapshot, ClockSynced, ConnectorStatus, OrderUpdate, RequestFailed, TradesSynced
from engine.model.request import FetchBalances, FetchOpenOrders, FetchTrades, Reconnect, Request, SyncClock
from tests.core.order_support import BTC, VENUE, World, us

BALANCES = (Balance(VENUE, "USDT", 1, 1),)  # type: ignore[arg-type]
GAP = [SyncClock(VENUE), FetchOpenOrders(VENUE), FetchTrades(BTC, "", "c7"), FetchBalances(VENUE)]


class Line:
    """A user stream and the answers to it."""

    def __init__(self, acks_streamed: bool = True) -> None:
        self.stream = UserStream(VENUE, [BTC], {BTC: "c7"}, VenueSheet(acks_streamed=acks_streamed))

    def status(self, at: float, health: Health, channel: Channel = Channel.USER) -> None:
        self.stream.apply_status(ConnectorStatus(VENUE, channel, health, "", us(at)))

    def answer(self, at: float, *actions: Action, complete: bool = True, started: float | None = None) -> None:
        begin = us(at if started is None else started)
        answers = {
            Action.CLOCK: ClockSynced(VENUE, 0, 0, us(at)),
            Action.OPEN_ORDERS: AccountSnapshot(VENUE, begin, us(at), complete, open_orders=()),
            Action.BALANCES: AccountSnapshot(VENUE, begin, us(at), complete, balances=BALANCES),
            Action.TRADES: TradesSynced(BTC, "", "c8", begin, us(at), complete),
        }
        for action in actions or answers:
            self.stream.apply_answer(answers[action])

    def fail(self, at: float, action: Action, instrument_id: str = "", venue: str = VENUE) -> None:
        failure = RequestFailed(instrument_id, "", "", action, Outcome.AMBIGUOUS, "", "", us(at), us(at), venue)
        self.stream.apply_answer(failure)

    def tick(self, at: float) -> list[Request]:
        return self.stream.tick(us(at))

    def healthy(self, at: float = 0) -> None:
        self.status(at, Health.HEALTHY)
        self.tick(at)
        self.answer(at)
        assert self.stream.health is Health.HEALTHY

    def run(self, begin: int, end: int) -> list[tuple[int, Request]]:
        return [(at, request) for at in range(begin, end) for request in self.tick(at)]


def test_connected_is_not_healthy_before_the_gap_is_filled() -> None:
    line = Line()
    line.status(0, Health.HEALTHY)
    assert line.stream.health is Health.STALE
    assert line.tick(0) == GAP
    for action in (Action.CLOCK, Action.OPEN_ORDERS, Action.TRADES):
        line.answer(1, action)
        assert line.stream.health is Health.STALE
    line.answer(1, Action.BALANCES)
    assert (line.stream.health, line.stream.lost_us) == (Health.HEALTHY, 0)


def test_other_channels_are_not_the_private_stream() -> None:
    line = Line()
    line.status(0, Health.HEALTHY, Channel.MARKET)
    assert line.stream.health is Health.DOWN


def test_an_answer_to_an_older_question_fills_no_gap() -> None:
    line = Line()
    line.status(0, Health.HEALTHY)
    line.answer(0)  # to questions from before
    line.tick(1)
    line.answer(2, started=0.5)
    assert line.stream.health is Health.STALE
    line.answer(2)
    assert line.stream.health is Health.HEALTHY


def test_incomplete_and_failed_answers_are_asked_again() -> None:
    line = Line()
    line.status(0, Health.HEALTHY)
    line.tick(0)
    line.answer(1, complete=False)
    line.fail(1, Action.TRADES, "sim:ETH-USDT")
    line.fail(1, Action.TRADES, BTC, venue="other")
    assert line.stream.due_us == us(1.5)
    assert line.tick(1.5) == GAP[1:]
    line.fail(2, Action.OPEN_ORDERS)
    line.fail(2, Action.TRADES, BTC)
    assert line.tick(3) == GAP[1:3]
    line.answer(4)
    assert line.stream.health is Health.HEALTHY


def test_no_answer_at_all_is_asked_again() -> None:
    line = Line()
    line.status(0, Health.HEALTHY)
    line.tick(0)
    assert line.run(1, 11) == [(10, request) for request in GAP]


def test_trades_of_one_order_are_no_answer() -> None:
    line = Line()
    line.status(0, Health.HEALTHY)
    line.tick(0)
    line.answer(1, Action.CLOCK, Action.OPEN_ORDERS, Action.BALANCES)
    line.stream.apply_answer(TradesSynced(BTC, "V1", "", us(1), us(1)))
    assert line.stream.health is Health.STALE


ACTION = {
    SyncClock: Action.CLOCK,
    FetchOpenOrders: Action.OPEN_ORDERS,
    FetchTrades: Action.TRADES,
    FetchBalances: Action.BALANCES,
}


def test_the_schedule() -> None:
    line = Line()
    line.healthy()
    asked: dict[Action, list[int]] = {action: [] for action in Action}
    for at in range(1, 1_205):
        for request in line.tick(at):
            action = ACTION[type(request)]
            asked[action].append(at)
            line.answer(at, action)
    assert asked[Action.OPEN_ORDERS] == asked[Action.TRADES] == list(range(30, 1_205, 30))
    assert asked[Action.BALANCES] == list(range(60, 1_205, 60))
    assert asked[Action.CLOCK] == [600, 1_200]


def test_at_once_when_wanted() -> None:
    line = Line()
    line.healthy()
    line.stream.want(Action.BALANCES, us(3))
    assert line.tick(3) == [FetchBalances(VENUE)]


def test_a_stale_stream_is_reconnected_with_a_back_off() -> None:
    line = Line()
    line.healthy()
    line.status(5, Health.STALE)
    assert (line.stream.health, line.stream.lost_us, line.stream.due_us) == (Health.STALE, us(5), us(5))
    tries = [at for at, request in line.run(5, 100) if isinstance(request, Reconnect)]
    assert tries == [5, 6, 8, 12, 20, 36, 66, 96]
    line.status(100, Health.HEALTHY)
    assert line.stream.lost_us == us(5)
    assert not any(isinstance(request, Reconnect) for request in line.tick(100))
    line.answer(100)
    assert line.stream.health is Health.HEALTHY


def test_a_closed_stream_reconnects_by_itself() -> None:
    line = Line()
    line.healthy()
    line.status(5, Health.DOWN)
    assert line.stream.health is Health.DOWN
    assert line.run(5, 25) == []


def test_the_clock_is_not_asked_again_within_ten_minutes() -> None:
    line = Line()
    line.healthy()
    line.status(5, Health.STALE)
    line.status(6, Health.HEALTHY)
    assert line.tick(6) == GAP[1:]


def ack(at: float, vid: str, source: UpdateSource = UpdateSource.ACK) -> OrderUpdate:
    return OrderUpdate(BTC, f"c{vid}", vid, OrderStatus.OPEN, None, "", us(at), us(at), source)


@pytest.mark.parametrize("told_first", [True, False])
def test_acks_that_the_stream_tells_too(told_first: bool) -> None:
    line = Line()
    line.healthy()
    for number in range(20):
        events = [ack(number, f"V{number}"), ack(number, f"V{number}", UpdateSource.STREAM)]
        for event in reversed(events) if told_first else events:
            line.stream.apply_order_event(event)
        line.tick(number + 0.5)
    line.tick(29)
    assert line.stream.health is Health.HEALTHY


def test_a_mute_stream_is_noticed_by_its_second_miss() -> None:
    line = Line()
    line.healthy()
    line.stream.apply_order_event(ack(1, "V1"))
    assert line.stream.due_us == us(4)
    assert line.tick(4) == []
    line.stream.apply_order_event(ack(5, "V2"))
    assert line.tick(8) == [Reconnect(VENUE, Channel.USER)]
    assert line.stream.health is Health.STALE


def test_one_lost_event_is_not_mute() -> None:
    line = Line()
    line.healthy()
    line.stream.apply_order_event(ack(1, "V1"))
    line.tick(4)
    line.stream.apply_order_event(ack(5, "V2", UpdateSource.STREAM))
    line.stream.apply_order_event(ack(6, "V3"))
    line.tick(9.5)
    assert line.stream.health is Health.HEALTHY


def test_fetched_fills_count_unless_they_are_older_than_the_connection() -> None:
    world = World()
    world.live()
    fills = []
    for number, at in enumerate((1, 11, 12)):
        change = world.fill(at, f"t{number}", 1, source=UpdateSource.REST)
        assert change is not None
        assert change.fill is not None
        fills.append(change.fill)
    line = Line()
    line.healthy(10)
    line.stream.apply_order_event(fills[0])
    line.stream.apply_order_event(fills[1])
    line.tick(14)
    assert line.stream.health is Health.HEALTHY
    line.stream.apply_order_event(fills[2])
    line.tick(15)
    assert line.stream.health is Health.STALE


def test_a_venue_that_streams_no_acks_is_never_mute() -> None:
    line = Line(acks_streamed=False)
    line.healthy()
    for number in range(9):
        line.stream.apply_order_event(ack(number, f"V{number}"))
    line.tick(20)
    assert line.stream.health is Health.HEALTHY


def test_nothing_is_expected_without_a_connection_or_a_venue_id() -> None:
    line = Line()
    line.stream.apply_order_event(ack(1, "V1"))
    line.healthy(2)
    line.stream.apply_order_event(ack(3, ""))
    assert line.stream.due_us > us(20)


def test_the_memory_of_echoes_is_limited() -> None:
    line = Line()
    line.healthy()
    for number in range(3_000):
        line.stream.apply_order_event(ack(1, f"V{number}", UpdateSource.STREAM))
        line.stream.apply_order_event(ack(1, f"W{number}"))
    assert len(line.stream._told) == len(line.stream._expected) == 1_000


def test_pauses_double_up_to_their_bound() -> None:
    assert [pause_us((1, 30), failures) for failures in (1, 2, 3, 5, 6, 100)] == [1, 2, 4, 16, 30, 30]
