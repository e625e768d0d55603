"""The engine's two doors, its order of work, and what it does when somebody misbehaves."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core.actions import Action, AdoptPosition, ChangeExecutor, StartExecutor, StopExecutor
from engine.core.dead_man import DeadMan
from engine.core.engine import EXECUTOR_KEPT_US, FAR, Engine, Settings, Wake
from engine.core.executors.flatten import FlattenSettings
from engine.core.halt import Halt
from engine.core.limits import RiskLimits
from engine.core.modes import CauseKind, Mode
from engine.core.notice import Notice
from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.ports import Record
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import VenueSheet
from engine.model.account import Balance
from engine.model.enums import Action as Asked
from engine.model.enums import Channel, Health, Liquidity, OperatorAction, OrderStatus, Outcome, Side
from engine.model.event import (
    AccountSnapshot,
    BadMessageSeen,
    ClockSynced,
    ConnectorStatus,
    FillCorrected,
    OperatorCommand,
    OperatorDecision,
    OrderUpdate,
    RequestFailed,
    RulesChanged,
    Tick,
    TradesSynced,
    TransferSeen,
)
from engine.model.fill import Fill
from engine.model.market import Candle, FundingRate, MarkPrice
from engine.model.quote import Refused
from engine.model.request import (
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    Request,
    SubmitOrder,
    SyncClock,
)
from tests.core.scripted import INSTRUMENT, MARKET, SECOND_US, START_US, Scripted, bid
from tests.desk import BTC, Desk


def desk(*controllers: Scripted, **options: object) -> Desk:
    return Desk(*controllers, **options)  # type: ignore[arg-type]


def command(desk: Desk, action: OperatorAction) -> None:
    desk.engine.apply(OperatorCommand(action, "test", "because", desk.state.now_us))


def test_a_quote_becomes_an_order_that_is_recorded_before_it_is_returned() -> None:
    traded = desk(Scripted(quotes=[bid("99")]))
    (submit,) = traded.tick()
    assert isinstance(submit, SubmitOrder)
    assert traded.shown() == ["bid_1 1@99"]
    assert traded.state.portfolio.reserved("sim", "USDT") == 99


def test_time_never_runs_backwards() -> None:
    traded = desk(Scripted())
    traded.tick()
    with pytest.raises(AssertionError, match="backwards"):
        traded.engine.tick(traded.state.now_us - 1)


def test_controllers_decide_on_the_grid_only() -> None:
    scripted = Scripted()
    traded = desk(scripted)
    for seconds in (0.5, 0.25, 0.25, 0.5, 0.5):
        traded.tick(seconds)
    begin = START_US
    assert [time - begin for time in scripted.times] == [500_000, 1_000_000, 2_000_000]


@pytest.mark.parametrize(("wake_on", "decisions"), [((), 1), ((Wake.FILL,), 2)])
def test_a_fill_wakes_the_controller_that_asked_for_it(wake_on: tuple[Wake, ...], decisions: int) -> None:
    scripted = Scripted(quotes=[bid("99")])
    traded = desk(scripted)
    engine = Engine(traded.state, [scripted], Settings(bot="b", quote="USDT", wake_on=wake_on, wake_gap_us=50_000), {})
    traded.engine = engine
    traded.tick(1)
    assert engine.wake_us == FAR
    traded.fill(traded.orders()["bid_1"], "0.5")
    wake_us = engine.wake_us
    if wake_on:
        assert wake_us == traded.state.now_us + 50_000 == engine.due_us
    engine.tick(traded.state.now_us + 50_000)
    assert len(scripted.times) == decisions


def test_sinks_hear_everything_in_order() -> None:
    heard: list[Record] = []
    changes: list[Change] = []
    scripted = Scripted(quotes=[bid("99"), bid("99.1", "bid_2", "500")])
    traded = desk(scripted)
    settings = Settings(bot="b", quote="USDT")
    traded.engine = Engine(
        traded.state, [scripted], settings, {}, [lambda now_us, record: heard.append(record)], changes.append
    )
    traded.tick()
    kinds = [type(each).__name__ for each in heard if not isinstance(each, Balance)]
    assert kinds == ["Tick", "Refused", "SubmitOrder", "RequestSent", "OrderUpdate"]
    assert isinstance(heard[0], Tick)
    assert isinstance(heard[1], Refused)
    assert heard[1].rule == "funds"
    assert [each.order.status for each in changes] == [OrderStatus.OPEN]
    assert traded.engine.refusals == 1


def test_pause_withdraws_and_resume_quotes_again() -> None:
    traded = desk(Scripted(quotes=[bid("99")]))
    traded.tick()
    command(traded, OperatorAction.PAUSE)
    (cancel,) = traded.tick()
    assert isinstance(cancel, CancelOrder)
    assert traded.engine.halt.mode() is Mode.PAUSED
    assert traded.tick() == []
    assert not traded.engine.stopped
    command(traded, OperatorAction.RESUME)
    assert len(traded.tick()) == 1


@pytest.mark.parametrize(
    ("action", "cause"), [(OperatorAction.STOP, CauseKind.STOP), (OperatorAction.KILL, CauseKind.KILL_SWITCH)]
)
def test_stop_and_kill_cancel_and_end_once_nothing_is_open(action: OperatorAction, cause: CauseKind) -> None:
    traded = desk(Scripted(quotes=[bid("99")]))
    traded.tick()
    traded.answering = False
    assert traded.engine.ending is None
    command(traded, action)
    (cancel,) = traded.tick()
    assert isinstance(cancel, CancelOrder)
    assert traded.engine.ending is not None
    assert traded.engine.ending.kind is cause
    assert not traded.engine.stopped
    traded.update(traded.orders()["bid_1"], OrderStatus.CANCELED)
    assert traded.engine.stopped


def test_a_strategy_that_raises_is_paused_and_said_where() -> None:
    broken, healthy = Scripted("broken", [bid("98")]), Scripted("fine", [bid("99")])
    traded = desk(broken, healthy)
    traded.tick()

    def fails(state: State) -> Sequence[Action]:
        return [] if state.now_us < 0 else [1 / 0]  # type: ignore[list-item]

    broken.act = fails
    traded.tick()
    (cancel,) = traded.tick()
    assert isinstance(cancel, CancelOrder)
    assert traded.shown() == ["bid_1 1@99"]
    texts = [each.text for each in traded.engine.take_notices() if hasattr(each, "text")]
    assert any("ZeroDivisionError: division by zero at" in text and "test_engine.py" in text for text in texts)
    assert traded.engine.take_notices() == []
    assert traded.engine.ending is None


def test_when_every_strategy_has_failed_the_session_ends() -> None:
    broken = Scripted("broken")
    broken.act = lambda state: [1 / 0]  # type: ignore[list-item]
    traded = desk(broken)
    traded.tick()
    assert traded.engine.ending is not None
    assert "strategy error: ZeroDivisionError" in traded.engine.ending.text
    assert traded.engine.stopped


def test_many_rejections_pause_the_strategy() -> None:
    scripted = Scripted("s", [bid("99", f"bid_{number}", "0.1") for number in range(20)])
    traded = desk(scripted)
    traded.tick(1)
    for order in list(traded.state.orders.active()):
        traded.update(order, OrderStatus.CANCELED)
    traded.answering = False
    traded.tick(61)
    for order in list(traded.orders().values()):
        traded.reject(order, "banned")
    assert traded.engine.halt.mode(strategy="s") is Mode.PAUSED


def test_a_rejected_slot_backs_off_and_its_open_circuit_is_told() -> None:
    traded = desk(Scripted(quotes=[bid("99")]))
    traded.answering = False
    told = []
    for _ in range(8):
        traded.tick(1)
        for order in traded.orders().values():
            traded.reject(order, "not_today")
        told += [each.code for each in traded.engine.take_notices() if hasattr(each, "code")]
    assert told == ["E-REJECT"]
    assert traded.state.slot_blocked("s/quotes", BTC, "bid_1")


def test_an_order_too_large_is_refused_and_the_slot_waits() -> None:
    traded = desk(Scripted(quotes=[bid("99", quantity="1000")]))
    for _ in range(10):
        assert traded.tick() == []
    assert 3 <= traded.engine.refusals <= 5


def test_new_trading_rules_hold_for_new_orders() -> None:
    scripted = Scripted(quotes=[bid("99.5")])
    traded = desk(scripted)
    traded.tick()
    old = traded.state.instruments[BTC]
    new = replace(old, price_step=Decimal(1), notional_min=Decimal(20))
    traded.engine.apply(RulesChanged(new, traded.state.now_us))
    (notice,) = [each for each in traded.engine.take_notices() if isinstance(each, Notice)]
    assert (notice.code, notice.text) == (
        "W-RULES",
        f"other trading rules: price_step {old.price_step} → 1, notional_min {old.notional_min} → 20",
    )
    scripted.quotes = (bid("99.5"), bid("98.5", "bid_2"), bid("98", "bid_3"))
    traded.tick(1)
    assert traded.engine.refusals == 1
    assert traded.shown() == ["bid_1 1@99.5", "bid_3 1@98"]  # one of them rests already
    traded.engine.apply(RulesChanged(replace(new, instrument_id="sim:ETH-USDT"), traded.state.now_us))  # not ours
    assert traded.engine.take_notices() == []


def test_the_kill_switch_fires_on_marked_equity() -> None:
    traded = desk(Scripted(quotes=[bid("99")]))
    traded.engine = Engine(
        *(traded.state, [Scripted(quotes=[bid("99")])]),
        *(Settings(bot="b", quote="USDT", limits=RiskLimits(kill_switch=Decimal("0.005"))), {}),
    )
    traded.tick()
    traded.book(90, 91)
    traded.tick()
    assert traded.engine.halt.mode() is Mode.HALT
    traded.tick()
    assert traded.engine.stopped


def test_actions_reach_their_executors() -> None:
    scripted = Scripted(quotes=[bid("99")])
    traded = desk(scripted)
    traded.tick()
    scripted.act = lambda state: [
        ChangeExecutor("s/quotes", {"post_only": False}),
        AdoptPosition("s/quotes", BTC, Decimal(2), Decimal(90)),
        StartExecutor("s/out", "flatten", FlattenSettings(BTC, "s/quotes")),
    ]
    traded.tick()
    assert traded.state.executors["s/quotes"].settings.post_only is False
    assert traded.state.portfolio.position(BTC, "s/quotes") == 2
    assert "s/out" in traded.state.executors
    scripted.act = lambda state: [StopExecutor("s/out")]
    traded.tick()
    for order in list(traded.orders().values()):
        if order.tag == "flatten":
            traded.update(order, OrderStatus.CANCELED)
    traded.tick(2)
    assert traded.state.executors["s/out"].done
    scripted.act = lambda state: []
    traded.tick(1)
    traded.tick(EXECUTOR_KEPT_US // SECOND_US + 1)
    assert "s/out" not in traded.state.executors


class Streamed:
    """An engine with one watched private stream, and nothing else."""

    def __init__(self, scripted: Scripted) -> None:
        sheet = VenueSheet(request_expiry_us=2 * SECOND_US)
        self.state = State([INSTRUMENT], OrderIds("TEST", 1), {"sim": sheet}, START_US)
        self.stream = UserStream("sim", [MARKET], self.state.orders.cursors, sheet)
        self.engine = Engine(self.state, [scripted], Settings(bot="b", quote="USDT"), {"sim": self.stream})

    def apply(self, *events: object) -> None:
        for event in events:
            self.engine.apply(event)  # type: ignore[arg-type]


def test_nothing_is_created_before_the_private_stream_is_healthy() -> None:
    watched = Streamed(Scripted(quotes=[bid("99")]))
    now_us = START_US + SECOND_US
    assert watched.engine.halt.mode(MARKET) is Mode.DEGRADED
    watched.apply(ConnectorStatus("sim", Channel.USER, Health.HEALTHY, "connected", now_us))
    asked = [type(each) for each in watched.engine.tick(now_us)]
    assert asked[:2] == [SyncClock, FetchOpenOrders]
    assert FetchBalances in asked
    later = now_us + 10
    watched.apply(
        ClockSynced("sim", 0, 5, later),
        AccountSnapshot("sim", now_us, later, open_orders=()),
        AccountSnapshot("sim", now_us, later, balances=(Balance("sim", "USDT", Decimal(10), Decimal(10)),)),
        RequestFailed(MARKET, "", "", Asked.TRADES, Outcome.NOT_SENT, "x", "x", now_us, later),
    )
    assert watched.engine.halt.mode(MARKET) is Mode.DEGRADED
    retry = watched.engine.due_us
    (trades,) = watched.engine.tick(retry)
    assert isinstance(trades, FetchTrades)
    watched.apply(TradesSynced(trades.instrument_id, "", "", retry, retry + 1))
    assert watched.engine.halt.mode("sim:ANY") is Mode.RUN
    watched.apply(ConnectorStatus("sim", Channel.USER, Health.DOWN, "closed", retry + 2))
    assert watched.engine.halt.mode("sim:ANY") is Mode.DEGRADED


def test_a_wrong_clock_makes_the_venue_unsafe() -> None:
    watched = Streamed(Scripted())
    watched.apply(ClockSynced("sim", 5 * SECOND_US, 10, START_US), ClockSynced("elsewhere", 9**9, 1, START_US))
    assert watched.engine.halt.mode(MARKET) is Mode.SAFE


def test_an_executor_may_ask_questions_too() -> None:
    class Asks:
        """Wants to know the balances."""

        executor_id, done = "s/asks", False

        def step(self, state: State) -> list[Request]:
            return [FetchBalances("sim")]

    traded = desk(Scripted())
    traded.state.executors["s/asks"] = Asks()
    assert traded.engine.tick(traded.state.now_us + SECOND_US) == [FetchBalances("sim")]


def test_a_correction_of_an_unknown_trade_changes_nothing() -> None:
    traded = desk(Scripted())
    now_us = traded.state.now_us
    traded.engine.apply(FillCorrected("T1", "X", "V1", BTC, Decimal(0), Decimal(1), Decimal(0), now_us))
    assert traded.engine.take_notices() == []


def test_a_dead_man_s_switch_that_is_not_due_is_left_alone() -> None:
    switch = DeadMan([BTC], {"sim": VenueSheet()}, {}, Halt(RiskLimits(), "b", "USDT"))
    assert switch.tick(START_US) == []


def test_other_facts_are_kept() -> None:
    traded = desk(Scripted())
    now_us = traded.state.now_us
    for event in (
        MarkPrice(BTC, Decimal(100), now_us, now_us),
        FundingRate(BTC, Decimal("0.0001"), now_us, now_us, now_us),
        Candle(BTC, 60, 0, 60, *([Decimal(1)] * 5), True, now_us),
        BadMessageSeen("sim", Channel.MARKET, "bad", "x", now_us),
        TransferSeen("sim", "USDT", Decimal(5), "deposit", "1", now_us, now_us),
        OperatorDecision("nobody", "me", now_us),
        ConnectorStatus("sim", Channel.USER, Health.HEALTHY, "", now_us),
        RequestFailed("", "", "", *("BALANCES", "NOT_SENT", "x", "x", now_us, now_us, "sim")),  # type: ignore[arg-type]
    ):
        traded.engine.apply(event)
    assert traded.state.bad_messages == {"sim": 1}
    assert traded.state.portfolio.total("sim", "USDT") == 10_005
    assert traded.state.funding[BTC].rate == Decimal("0.0001")
    assert traded.state.last_trade(BTC) is None


def test_orders_on_markets_of_others_are_told_once_and_left_alone() -> None:
    traded = desk(Scripted())
    now_us = traded.state.now_us
    row = OrderUpdate("sim:DOGE-USDT", "their-1", "V9", OrderStatus.OPEN, Decimal(0), "", now_us, now_us)
    fill = Fill(
        *("T9", "their-1", "V9", "sim:DOGE-USDT", Side.BUY, Decimal(1), Decimal(1)),
        *(Decimal(0), "USDT", Liquidity.MAKER, now_us, now_us),
    )
    for event in (row, fill, AccountSnapshot("sim", now_us, now_us, open_orders=(row, row))):
        traded.engine.apply(event)
    (notice,) = traded.engine.take_notices()
    assert "their-1 is on a market that this bot does not know" in notice.text  # type: ignore[union-attr]
    assert not traded.state.orders.active()


def test_an_unknown_own_order_in_a_snapshot_is_adopted_and_cancelled() -> None:
    traded = desk(Scripted())
    now_us = traded.tick() or traded.state.now_us
    row = OrderUpdate(
        *(BTC, OrderIds("TEST", 99).new(), "V1", OrderStatus.OPEN, Decimal(0), "", now_us, now_us),
        side=Side.BUY,
        price=Decimal(90),
        quantity=Decimal(1),
    )
    traded.engine.apply(AccountSnapshot("sim", now_us, now_us, open_orders=(row,)))  # type: ignore[arg-type]
    requests = traded.engine.tick(traded.state.now_us + SECOND_US)
    assert [type(each) for each in requests] == [CancelOrder]
    codes = [each.text for each in traded.engine.take_notices() if hasattr(each, "text")]
    assert any("adopted" in text for text in codes)
