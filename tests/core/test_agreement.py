"""What ends SAFE, what proves a stop, and the dead man's switch: an engine with one watched venue, fed by hand."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from engine.core.books import BookRules
from engine.core.engine import Engine, Settings
from engine.core.limits import RiskLimits
from engine.core.modes import CauseKind, Mode
from engine.core.notice import Notice
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import SECOND_US, LeftoverPolicy, VenueSheet
from engine.model.account import Balance
from engine.model.enums import (
    Action,
    Channel,
    Command,
    Health,
    Liquidity,
    OperatorAction,
    OrderStatus,
    Outcome,
    Side,
    UpdateSource,
)
from engine.model.event import (
    AccountSnapshot,
    ClockSynced,
    ConnectorStatus,
    OperatorCommand,
    OrderUpdate,
    RequestFailed,
    TradesSynced,
)
from engine.model.fill import Fill
from engine.model.market import BookSnapshot
from engine.model.request import (
    ArmDeadMan,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)
from tests.desk import BTC, START_US, instrument

OWN = "TEST000009000001"  # an id of an earlier run


class Watched:
    """Seconds since the start. Answers every question at once, `answering` off: only when told."""

    def __init__(self, controllers: Sequence[object] = (), **sheet: object) -> None:
        facts = {"request_expiry_us": 2 * SECOND_US, **sheet}
        self.sheet = VenueSheet(**facts)  # type: ignore[arg-type]
        self.state = State([instrument()], OrderIds("TEST", 1), {"sim": self.sheet}, START_US)
        self.stream = UserStream("sim", [BTC], self.state.orders.cursors, self.sheet)
        settings = Settings(bot="b", quote="USDT", limits=RiskLimits(stale_data_us=1 << 60))
        self.engine = Engine(self.state, controllers, settings, {"sim": self.stream})  # type: ignore[arg-type]
        self.total = Decimal(100)
        self.open: tuple[OrderUpdate, ...] = ()
        self.answering = True
        self.sent: list[Request] = []
        self.at = 0
        self.engine.apply(ConnectorStatus("sim", Channel.USER, Health.HEALTHY, "connected", START_US))
        self.run(2)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.at += 1
            now_us = START_US + self.at * SECOND_US
            requests = self.engine.tick(now_us)
            self.sent += requests
            for request in requests if self.answering else ():
                self.answer(request, now_us)

    def answer(self, request: Request, now_us: int) -> None:
        told_us = now_us + 1000
        match request:
            case SyncClock():
                self.engine.apply(ClockSynced("sim", 0, 5, told_us))
            case FetchOpenOrders():
                self.engine.apply(AccountSnapshot("sim", now_us, told_us, open_orders=self.open))
            case FetchBalances():
                row = Balance("sim", "USDT", self.total, self.total, now_us)
                self.engine.apply(AccountSnapshot("sim", now_us, told_us, balances=(row,)))
            case FetchTrades():
                self.engine.apply(TradesSynced(request.instrument_id, request.venue_order_id, "7", now_us, told_us))

    def kinds(self) -> list[CauseKind]:
        return [cause.kind for cause in self.engine.halt.causes]

    def count(self, kind: type) -> int:
        return sum(isinstance(request, kind) for request in self.sent)

    def status(self, channel: Channel, health: Health, venue: str = "sim") -> None:
        self.engine.apply(ConnectorStatus(venue, channel, health, "", START_US + self.at * SECOND_US))

    def update(self, status: OrderStatus, source: UpdateSource = UpdateSource.STREAM, filled: str = "0") -> OrderUpdate:
        now_us = START_US + self.at * SECOND_US
        terms = (source, now_us, Side.BUY, Decimal(90), Decimal(1))
        return OrderUpdate(BTC, OWN, "V1", status, Decimal(filled), "", now_us, now_us, *terms)


def test_the_gap_fill_ends_in_run() -> None:
    assert Watched().kinds() == []


@pytest.mark.parametrize(
    ("channel", "venue", "kind"),
    [
        (Channel.ORDER_LOG, "", CauseKind.LOG),
        (Channel.REST, "sim", CauseKind.BANNED),
        (Channel.KEY, "sim", CauseKind.KEY_CHANGED),
    ],
)
def test_a_cause_ends_when_it_is_over_and_everything_was_compared_since(
    channel: Channel, venue: str, kind: CauseKind
) -> None:
    watched = Watched()
    watched.status(channel, Health.DOWN, venue)
    assert watched.kinds() == [kind]
    watched.run(20)
    assert watched.kinds() == [kind]
    watched.answering = False
    watched.status(channel, Health.HEALTHY, venue)
    watched.run(5)
    assert watched.kinds() == [kind]
    watched.answering = True
    watched.run(15)
    assert watched.kinds() == []


def test_a_key_that_may_not_trade_is_tried_again_after_a_while() -> None:
    watched = Watched()
    for second in range(10):
        ids = (BTC, OWN, "V1", Action.CANCEL, Outcome.REJECTED, "unauthorized", "this key may not trade")
        now_us = START_US + watched.at * SECOND_US
        watched.engine.apply(RequestFailed(*ids, now_us, now_us, "sim"))
        assert watched.kinds() == [CauseKind.KEY_CHANGED], second
        watched.run(1)
    assert watched.engine.halt.mode() is Mode.RUN
    assert watched.engine.halt.mode(BTC) is Mode.SAFE
    watched.run(28)
    assert watched.kinds() == [CauseKind.KEY_CHANGED]
    watched.run(15)
    assert watched.kinds() == []


def test_a_wrong_clock_is_asked_again_and_forgiven() -> None:
    watched = Watched()
    watched.engine.apply(ClockSynced("sim", 5 * SECOND_US, 5, START_US + 2 * SECOND_US))
    assert watched.kinds() == [CauseKind.CLOCK]
    asked = watched.count(SyncClock)
    watched.run(40)
    assert watched.kinds() == []
    assert watched.count(SyncClock) == asked + 1


def test_the_same_difference_twice_makes_the_account_unsafe_until_it_is_gone() -> None:
    watched = Watched()
    watched.total = Decimal(99)
    watched.run(62)
    fetched = watched.count(FetchTrades)
    assert watched.kinds() == []
    assert watched.state.orders.cursors[BTC] == "7"
    watched.run(6)
    assert watched.kinds() == [CauseKind.LEDGER]
    assert watched.count(FetchTrades) > fetched
    watched.total = Decimal(100)
    watched.run(70)
    assert watched.kinds() == []


def test_balances_are_not_compared_while_a_fill_may_not_be_in_them() -> None:
    watched = Watched()
    watched.run(54)
    watched.engine.apply(watched.update(OrderStatus.OPEN, UpdateSource.SNAPSHOT))
    now_us = START_US + watched.at * SECOND_US
    watched.engine.apply(
        Fill("1", OWN, "V1", BTC, Side.BUY, *map(Decimal, (90, 1, 0)), "USDT", Liquidity.MAKER, now_us, now_us)
    )
    watched.run(5)
    assert CauseKind.LEDGER not in watched.kinds()


@pytest.mark.parametrize(
    ("leftover", "kinds"), [(LeftoverPolicy.CANCEL, [CauseKind.LEFTOVER]), (LeftoverPolicy.CLAIM, [])]
)
def test_nothing_is_created_beside_a_leftover(leftover: LeftoverPolicy, kinds: list[CauseKind]) -> None:
    """Seed 71: after a loss of the log a slot was filled again while the order before was being cancelled."""
    watched = Watched(leftover=leftover)
    row = watched.update(OrderStatus.OPEN, UpdateSource.SNAPSHOT)
    watched.engine.apply(AccountSnapshot("sim", row.receive_us, row.receive_us, open_orders=(row,)))
    assert watched.kinds() == kinds
    assert (watched.engine.halt.mode(BTC) is Mode.SAFE) is bool(kinds)
    watched.run(3)
    watched.engine.apply(watched.update(OrderStatus.CANCELED))
    watched.run(5)
    assert watched.kinds() == []


def test_lost_candidates_and_unknown_quantities_hold_as_long_as_they_last() -> None:
    watched = Watched()
    row = watched.update(OrderStatus.OPEN, UpdateSource.SNAPSHOT)
    watched.engine.apply(row)
    order = watched.state.orders.by_client_id(OWN)
    assert order is not None
    order.doubt, order.quantity = True, None
    for kind in (CauseKind.LOST_CANDIDATE, CauseKind.QUANTITY_UNKNOWN):
        watched.engine.halt.add(kind, BTC, "test", START_US + watched.at * SECOND_US)
    watched.run(5)
    assert {CauseKind.LOST_CANDIDATE, CauseKind.QUANTITY_UNKNOWN} <= set(watched.kinds())
    watched.engine.apply(watched.update(OrderStatus.CANCELED))
    watched.run(8)
    assert watched.kinds() == []


def test_a_stop_waits_for_two_empty_lists_and_for_requests_to_expire() -> None:
    watched = Watched()
    watched.open = (watched.update(OrderStatus.OPEN, UpdateSource.SNAPSHOT),)
    watched.engine.apply(OperatorCommand(OperatorAction.STOP, "me", "", START_US + 2 * SECOND_US))
    watched.run(3)
    assert not watched.engine.stopped
    watched.engine.apply(watched.update(OrderStatus.CANCELED))
    watched.run(4)
    assert not watched.engine.stopped, "the venue still lists it"
    watched.open = ()
    watched.run(4)
    assert watched.engine.stopped
    watched.engine.apply(watched.update(OrderStatus.CANCELED, filled="1"))
    watched.run(1)
    assert not watched.engine.stopped


def test_a_late_submit_could_still_be_executed() -> None:
    watched = Watched()
    watched.engine.apply(OperatorCommand(OperatorAction.STOP, "me", "", START_US + 2 * SECOND_US))
    watched.engine._facts.stop_proof.note_submit("sim", START_US + 4 * SECOND_US)
    watched.run(3)
    assert not watched.engine.stopped
    watched.run(4)
    assert watched.engine.stopped


def test_the_switch_is_armed_while_trading_is_safe_and_disarmed_at_the_end() -> None:
    watched = Watched(dead_man=True, dedicated=True)
    watched.run(30)
    armed = [request for request in watched.sent if isinstance(request, ArmDeadMan)]
    assert len(armed) in (2, 3)
    assert {request.timeout_ms for request in armed} == {60_000}
    watched.status(Channel.ORDER_LOG, Health.DOWN, "")
    before = watched.count(ArmDeadMan)
    watched.run(30)
    assert watched.count(ArmDeadMan) == before
    watched.engine.apply(OperatorCommand(OperatorAction.STOP, "me", "", START_US + watched.at * SECOND_US))
    watched.run(8)
    assert watched.sent[-1] == ArmDeadMan("sim", BTC, 0) or ArmDeadMan("sim", BTC, 0) in watched.sent
    assert watched.count(ArmDeadMan) == before + 1


def test_there_is_no_switch_where_others_trade() -> None:
    watched = Watched(dead_man=True, dedicated=False)
    watched.run(30)
    assert watched.count(ArmDeadMan) == 0


@pytest.mark.parametrize(
    ("code", "asked"), [("timestamp", SyncClock), ("insufficient_funds", FetchBalances), ("other", None)]
)
def test_some_refusals_are_looked_into(code: str, asked: type | None) -> None:
    watched = Watched()
    watched.run(2)
    watched.sent.clear()
    now_us = START_US + watched.at * SECOND_US
    failure = RequestFailed(BTC, OWN, "", Action.CANCEL, Outcome.NOT_SENT, code, code, now_us, now_us)
    watched.engine.apply(failure)
    watched.run(1)
    assert [type(request) for request in watched.sent] == ([asked] if asked else [])


def test_a_refused_order_is_looked_into_too() -> None:
    watched = Watched()
    watched.run(2)
    request = SubmitOrder(*("TEST000001000001", BTC, Side.BUY, "LIMIT", Decimal(1), Decimal(90)))  # type: ignore[arg-type]
    now_us = START_US + watched.at * SECOND_US
    watched.state.orders.record(request, now_us)
    watched.sent.clear()
    watched.engine.apply(
        OrderUpdate(BTC, "TEST000001000001", "", OrderStatus.REJECTED, None, "rejected:insufficient_funds", 0, now_us)
    )
    watched.run(1)
    assert watched.count(FetchBalances) == 1


def test_a_loop_that_stood_still_is_unsafe() -> None:
    watched = Watched()
    watched.at += 9
    watched.run(1)
    assert watched.kinds() == [CauseKind.LOOP_STALL]
    watched.run(20)
    assert watched.kinds() == []


def test_a_book_that_is_not_the_venues_is_told_of() -> None:
    watched = Watched(books=BookRules(audit_every_us=5 * SECOND_US))
    bids, asks = ((Decimal(90), Decimal(1)),), ((Decimal(91), Decimal(1)),)
    watched.engine.apply(BookSnapshot(BTC, bids, asks, 7, 0, START_US + watched.at * SECOND_US))
    watched.run(6)
    assert watched.count(ResyncBook) == 1
    watched.engine.apply(BookSnapshot(BTC, (), asks, 7, 0, START_US + watched.at * SECOND_US))
    (notice,) = (each for each in watched.engine.take_notices() if isinstance(each, Notice) and each.code == "W-BOOK")
    assert "bid 90: ours 1, theirs 0" in notice.text
    assert watched.state.books.book(BTC).best_bid is None


def test_a_bot_that_is_always_busy_is_compared_too() -> None:
    """An order that is always on its way out does not change what is owned."""
    watched = Watched(leftover=LeftoverPolicy.CANCEL)
    row = watched.update(OrderStatus.OPEN, UpdateSource.SNAPSHOT)
    watched.engine.apply(AccountSnapshot("sim", row.receive_us, row.receive_us, open_orders=(row,)))
    watched.open = (row,)
    watched.total = Decimal(99)
    watched.run(70)
    order = watched.state.orders.by_client_id(OWN)
    assert order is not None
    assert order.command is Command.CANCEL
    assert CauseKind.LEDGER in watched.kinds()


def test_an_order_of_which_nothing_is_proven_leaves_what_it_may_have_moved_open() -> None:
    watched = Watched()
    watched.engine.apply(watched.update(OrderStatus.OPEN, UpdateSource.SNAPSHOT))
    order = watched.state.orders.by_client_id(OWN)
    assert order is not None
    order.venue_filled = Decimal("0.1")  # its trade has not been told yet
    watched.total = Decimal(99)
    watched.run(70)
    assert CauseKind.LEDGER not in watched.kinds()


def test_the_same_difference_after_a_fill_is_another_one() -> None:
    """A fill that is always under way when balances are told is no loss."""
    watched = Watched(leftover=LeftoverPolicy.CLAIM)
    watched.engine.apply(watched.update(OrderStatus.OPEN, UpdateSource.SNAPSHOT))
    watched.answering = False
    for number, told in enumerate((True, True, True, False)):
        watched.total -= 1  # a fill that we have not heard of
        for request in (FetchTrades(BTC), FetchBalances("sim")):
            watched.run(8)
            watched.answer(request, START_US + watched.at * SECOND_US)
        assert CauseKind.LEDGER not in watched.kinds(), number
        if told:
            now_us = START_US + watched.at * SECOND_US
            terms = (BTC, Side.BUY, *map(Decimal, (1, "0.1", "0.9")), "USDT", Liquidity.MAKER, now_us, now_us)
            watched.engine.apply(Fill(str(number), OWN, "V1", *terms))
    for request in (FetchTrades(BTC), FetchBalances("sim")):
        watched.run(8)
        watched.answer(request, START_US + watched.at * SECOND_US)
    assert CauseKind.LEDGER in watched.kinds()


def test_balances_that_come_before_the_trades_are_asked_for_again_at_once() -> None:
    """Not a minute later: by then a busy bot has had another fill, and nothing is ever proven."""
    watched = Watched()
    watched.answering = False
    watched.total = Decimal(99)
    for request, seconds in ((FetchBalances("sim"), 8), (FetchBalances("sim"), 8), (FetchTrades(BTC), 1)):
        watched.run(seconds)
        watched.answer(request, START_US + watched.at * SECOND_US)
    asked = watched.count(FetchBalances)
    watched.run(4)
    assert watched.count(FetchBalances) == asked + 1
    watched.answer(FetchBalances("sim"), START_US + watched.at * SECOND_US)
    assert CauseKind.LEDGER in watched.kinds()


def test_a_venue_that_does_not_tell_its_profits_is_believed_within_a_bound() -> None:
    watched = Watched(believed=Decimal(1))
    watched.total = Decimal("100.9")
    watched.run(70)
    assert watched.kinds() == []
    assert watched.state.portfolio.total("sim", "USDT") == Decimal("100.9")
    watched.total = Decimal(102)
    watched.run(130)
    assert watched.kinds() == [CauseKind.LEDGER]
    assert watched.state.portfolio.total("sim", "USDT") == Decimal("100.9")


def test_what_a_venue_did_not_tell_is_not_believed() -> None:
    portfolio = Watched().state.portfolio
    portfolio.believe("sim", "BTC")
    assert portfolio.total("sim", "BTC") == 0
