"""The transitions by name, as a venue and a network make them happen (cancels and denials: test_order_cancels)."""

import pytest

from engine.model.enums import Action, CloseReason, Command, OrderStatus, Outcome, Phase, UpdateSource
from engine.model.event import ClockSynced, OperatorDecision, RequestSent
from engine.model.request import CancelOrder, LookupOrder
from tests.core.order_support import (
    ACK,
    BTC,
    LOOKUP,
    SHEET,
    STREAM,
    VENUE,
    World,
    alarms,
    dec,
    kinds,
    seen,
    us,
)

OPEN, FILLED, CANCELED, EXPIRED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED
REJECTED, UNKNOWN = OrderStatus.REJECTED, OrderStatus.UNKNOWN


def test_t1_an_intent_becomes_sent() -> None:
    world = World()
    order = world.submit(sent=False)
    assert (order.phase, order.status, order.is_open) == (Phase.INTENT, OrderStatus.PENDING_NEW, True)
    world.tracker.apply_sent(RequestSent(world.cid, Action.SUBMIT, us(0.1), us(5.1)))
    assert (order.phase, order.sent_us, order.expires_us) == (Phase.SENT, us(0.1), us(5.1))


def test_t1_sent_of_unknown_and_of_cancels_changes_nothing() -> None:
    world = World()
    world.tracker.apply_sent(RequestSent("TEST000001ZZZZZZ", Action.SUBMIT, us(0), 0))
    order = world.live()
    world.tracker.apply_sent(RequestSent(world.cid, Action.CANCEL, us(1), 0))
    assert (order.phase, order.sent_us) == (Phase.LIVE, us(0))


def test_t2_the_ack_names_the_venue_order() -> None:
    world = World()
    order = world.submit()
    change = world.update(0.1, OPEN, 0, source=ACK)
    assert seen(change) == (OrderStatus.PENDING_NEW, OPEN)
    assert world.tracker.by_venue_id(VENUE, "V1") is order
    assert order.is_working
    assert world.update(0.2, OPEN, 0) is None  # the stream says the same


@pytest.mark.parametrize(
    ("reason", "close", "text"),
    [
        ("rejected:-2010", CloseReason.REJECTED, "rejected:-2010"),
        ("-2010", CloseReason.REJECTED, "rejected:-2010"),
        ("not_sent:dns", CloseReason.NOT_SENT, "not_sent:dns"),
    ],
)
def test_t3_a_refused_submit_is_dead(reason: str, close: CloseReason, text: str) -> None:
    world = World()
    order = world.submit()
    assert seen(world.update(0.1, REJECTED, reason=reason, source=ACK, vid="")) == (OrderStatus.PENDING_NEW, REJECTED)
    assert (order.close_reason, order.reason, order.settled) == (close, text, True)
    assert len(world.tracker.active()) == 0


def test_t3c_a_rejection_of_a_live_order_is_a_contradiction() -> None:
    world = World()
    order = world.live()
    change = world.update(1, REJECTED, reason="rejected:-2010", source=ACK)
    assert alarms(change) == ["contradiction"]
    assert order.phase is Phase.LIVE
    assert kinds(world.run(1, 2), LookupOrder) == [1]


def test_t3c_also_when_the_rejection_itself_reports_fills() -> None:
    world = World()
    order = world.submit()
    assert alarms(world.update(1, REJECTED, 3, reason="rejected:x", source=ACK)) == ["contradiction"]
    assert order.phase is Phase.SENT


def test_t3_a_told_rejection_with_fills_is_a_cancel() -> None:
    world = World()
    order = world.submit()
    world.update(1, REJECTED, 3, reason="rejected:x", source=STREAM)
    assert (order.close_reason, order.settling, order.venue_filled) == (CloseReason.CANCELED, True, 3)


def test_a_live_order_that_is_rejected_later_with_fills() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 3)
    world.update(2, REJECTED, reason="stp", source=STREAM)
    assert (order.close_reason, order.settling) == (CloseReason.CANCELED, True)  # its cum was not said
    world.live()
    world.update(3, REJECTED, reason="stp", source=STREAM)
    assert (world.order.close_reason, world.order.reason) == (CloseReason.REJECTED, "rejected:stp")


def test_t4_an_ambiguous_answer_is_looked_up() -> None:
    world = World()
    order = world.submit()
    world.update(1, UNKNOWN, reason="ambiguous:timeout", source=ACK, vid="")
    assert (order.phase, order.status) == (Phase.SENT, UNKNOWN)
    lookups = kinds(world.run(1, 22), LookupOrder)
    assert lookups[:5] == [1.5, 2, 3, 5, 10]
    assert lookups[5] == 10.1  # the first one that can count: the quarantine ended at 10
    assert lookups[6:] == [15.1, 20.1]


def test_t4_no_answer_at_all_is_unknown_after_two_seconds() -> None:
    world = World()
    order = world.submit()
    assert order.status is OrderStatus.PENDING_NEW
    assert kinds(world.run(0, 9), LookupOrder) == [2.1, 2.6, 3.6, 5.6]
    [change] = world.tracker.take_changes()
    assert seen(change) == (OrderStatus.PENDING_NEW, UNKNOWN)


def test_t4_a_lookup_names_the_client_id_until_the_venue_id_is_known() -> None:
    world = World()
    world.submit()
    [lookup] = world.tick(2.1)
    assert lookup == LookupOrder(world.cid, "", BTC, us(-60))


def test_t5_a_lookup_finds_it() -> None:
    world = World()
    order = world.submit()
    world.update(1, UNKNOWN, reason="ambiguous:timeout", source=ACK, vid="")
    assert seen(world.update(2, OPEN, 0, source=LOOKUP)) == (UNKNOWN, OPEN)
    assert (order.phase, order.venue_order_id, order.ambiguous) == (Phase.LIVE, "V1", False)


def test_t7_a_fill_before_the_ack() -> None:
    world = World()
    order = world.submit()
    change = world.fill(0.1, "t1", 4)
    assert seen(change) == (OrderStatus.PENDING_NEW, OPEN)
    assert (order.phase, order.venue_order_id, order.filled, order.venue_filled) == (Phase.LIVE, "V1", 4, 4)
    assert world.update(0.2, OPEN, 0, source=ACK) is None  # the older ack takes nothing back


def test_t8_reports_only_go_forward() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 6)
    assert world.update(2, OPEN, 3) is None
    assert order.venue_filled == 6
    world.update(3, EXPIRED, 6)
    assert (order.status, order.close_reason) == (EXPIRED, CloseReason.EXPIRED)
    assert world.update(4, OPEN, 0) is None
    assert world.update(5, CANCELED, 6) is None  # the first ended reason is final
    assert order.status is EXPIRED


def test_t8_a_larger_cumulative_quantity_settles_again() -> None:
    world = World()
    order = world.live()
    world.update(1, CANCELED, 0)
    assert order.status is CANCELED
    assert seen(world.update(2, CANCELED, 4, source=LOOKUP)) == (CANCELED, OrderStatus.PENDING_CANCEL)
    assert list(world.tracker.active()) == [order]
    assert seen(world.fill(3, "t1", 4)) == (OrderStatus.PENDING_CANCEL, CANCELED)
    assert len(world.tracker.active()) == 0


def test_t9_a_dead_order_turns_up_open() -> None:
    world = World()
    order = world.submit()
    world.update(1, REJECTED, reason="not_sent:dns", source=ACK, vid="")
    change = world.update(30, OPEN, 0)
    assert alarms(change) == ["resurrected"]
    assert (order.phase, order.command, order.settled) == (Phase.LIVE, Command.CANCEL, False)
    assert world.tick(30) == [CancelOrder(world.cid, BTC, "V1")]
    world.update(31, CANCELED, 0)
    assert (order.status, order.close_reason) == (CANCELED, CloseReason.CANCELED)


def test_t9_a_dead_order_turns_up_ended() -> None:
    world = World()
    order = world.submit()
    world.update(1, REJECTED, reason="rejected:x", source=ACK, vid="")
    assert alarms(world.update(30, FILLED, 10)) == ["resurrected"]
    assert (order.close_reason, order.settling) == (CloseReason.FILLED, True)
    world.fill(31, "t1", 10)
    assert order.status is FILLED
    assert world.run(31, 40) == []


def test_t9_t10_a_fill_of_a_dead_order() -> None:
    world = World()
    order = world.submit()
    world.update(1, REJECTED, reason="rejected:x", source=ACK, vid="")
    assert alarms(world.fill(30, "t1", 10)) == ["resurrected"]
    assert order.status is FILLED


def test_t10_full_by_fills() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 4)
    assert seen(world.fill(2, "t2", 6)) == (OPEN, FILLED)
    assert (order.filled, order.cost, order.average_price) == (10, 1000, 100)


def test_t10_a_late_fill_counts() -> None:
    world = World()
    order = world.live()
    world.update(1, CANCELED, 0)
    assert alarms(world.fill(2, "t1", 4)) == ["late_fill"]
    assert (order.status, order.filled) == (CANCELED, 4)


def test_t10_overfill_is_booked_and_cried_out() -> None:
    world = World()
    order = world.live()
    assert alarms(world.fill(1, "t1", 11)) == ["overfill"]
    assert (order.filled, order.status) == (11, FILLED)
    assert alarms(world.fill(2, "t2", 1)) == ["late_fill", "overfill"]


def test_t10_a_known_trade_changes_nothing() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 4)
    assert world.fill(2, "t1", 4, source=UpdateSource.REST) is None
    assert (order.filled, list(order.trade_ids)) == (4, ["t1"])


@pytest.mark.parametrize("status", [EXPIRED, CANCELED])
def test_t19_the_venue_ends_it(status: OrderStatus) -> None:
    world = World()
    order = world.live()
    world.update(1, status, 0, reason="liquidation")
    assert (order.status, order.reason) == (status, "liquidation")


def test_t21_a_silent_live_order_is_looked_up() -> None:
    world = World()
    world.live()
    assert kinds(world.run(0, 44), LookupOrder) == [20, 25, 30, 35, 40]
    world.update(44, OPEN, 0, source=LOOKUP)
    assert kinds(world.run(44, 65), LookupOrder) == [64]


def test_t21_every_second_while_degraded() -> None:
    world = World()
    world.live()
    world.submit(0.1, tag="ask")
    world.tracker.set_degraded(VENUE, True, us(0.2))
    world.tracker.set_degraded("other", True, us(0.2))
    requests = world.run(0.2, 1.9)
    assert [at for at, request in requests if request == LookupOrder("TEST000001000001", "V1", BTC, us(-60))] == [1.2]
    world.tracker.set_degraded(VENUE, False, us(2))
    assert kinds(world.run(2, 2), LookupOrder) == [2]  # the unanswered at once


def test_t25_a_bust_is_taken_back() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 4, fee=1)
    change = world.correct(2, "t1", 0)
    assert change is not None
    assert change.reversed is not None
    assert (change.fill, change.reversed.quantity, alarms(change)) == (None, 4, ["corrected"])
    assert (order.filled, order.venue_filled, order.cost, order.fees) == (0, 0, 0, {"USDT": 0})
    assert world.fill(3, "t1", 4, fee=1) is None  # never booked again
    assert world.tracker.exposure(BTC).position == 0


def test_t25_a_correction_is_booked_anew() -> None:
    world = World()
    order = world.live()
    world.fill(1, "t1", 4, fee=1)
    change = world.correct(2, "t1", 3, price=101, fee=2)
    assert change is not None
    assert change.fill is not None
    assert (change.fill.quantity, change.fill.price, order.filled, order.cost) == (3, 101, 3, 303)
    assert order.fees == {"USDT": 2}
    assert world.correct(3, "t1", 3, price=101, fee=2) is None
    assert world.correct(3, "t9", 3) is None


def test_t25_reports_count_what_was_taken_back() -> None:
    """The venue's cumulative quantity does not shrink with a bust: nothing is missing, nothing is inferred."""
    world = World()
    order = world.live()
    world.fill(1, "t1", 4)
    world.correct(2, "t1", 1)
    world.update(3, OPEN, 4)
    assert (order.filled, order.venue_filled) == (1, 1)
    world.update(4, CANCELED, 5)
    assert (order.venue_filled, order.is_open) == (2, True)
    world.fill(5, "t2", 1)
    assert (order.filled, order.status) == (2, CANCELED)


def test_t25_a_correction_that_was_booked_before_a_restart_is_told_again() -> None:
    """Lists of trades repeat it: from them the tracker learns anew what reports count too much."""
    world = World()
    order = world.live()
    world.fill(1, "t1", 4)
    world.correct(2, "t1", 0)
    again = World()
    again.cid = world.cid
    again.tracker.restore([order], us(3))
    again.update(4, OPEN, 4)
    assert (again.order.filled, again.order.venue_filled) == (0, 4)
    again.correct(5, "t1", 0)
    assert again.order.venue_filled == 4  # the venue does not say what it told first
    change = again.correct(6, "t1", 0, told=4)
    assert change is not None
    assert (change.fill, change.reversed, again.order.venue_filled) == (None, None, 0)
    assert again.correct(7, "t1", 0, told=4) is None
    fresh = World()
    fresh.cid = world.cid
    fresh.tracker.restore([order], us(8))
    assert fresh.correct(9, "t1", 0, told=4) is None  # no report has told more yet
    fresh.update(10, OPEN, 4)
    assert fresh.order.venue_filled == 0


def test_t25_of_an_order_nobody_knows() -> None:
    world = World()
    world.cid = "TEST000001ZZZZZZ"
    assert world.correct(1, "t1", 3) is None


def test_t26_a_person_gives_up_an_unanswered_order() -> None:
    world = World()
    order = world.submit()
    change = world.tracker.apply_decision(OperatorDecision(world.cid, "ann", us(90)))
    assert seen(change) == (OrderStatus.PENDING_NEW, EXPIRED)
    assert order.reason == "lost: decided by ann"
    assert world.tracker.apply_decision(OperatorDecision(world.cid, "ann", us(91))) is None
    assert world.tracker.apply_decision(OperatorDecision("TEST000001ZZZZZZ", "ann", us(91))) is None


def test_t26_what_is_missing_is_booked_provisionally_and_may_still_come() -> None:
    world = World()
    order = world.live(price=None)
    world.update(1, OPEN, 4)
    for at in range(10, 81, 5):
        world.absent(at, vid="V1")
        world.synced(at + 1)
        world.snapshot(at + 2)
    assert order.provisional is None  # no price is known
    world.mid = dec(99)
    change = world.tracker.apply_decision(OperatorDecision(world.cid, "ann", us(90)))
    assert change is not None
    assert change.fill is not None
    assert (change.fill.source, change.fill.quantity) == (UpdateSource.PROVISIONAL, 4)
    assert (order.status, order.provisional_filled) == (EXPIRED, 4)
    change = world.fill(100, "t1", 4)
    assert change is not None
    assert change.reversed is not None
    assert (change.reversed.quantity, order.filled, order.command) == (4, 4, Command.CANCEL)


def test_the_clock_error_widens_the_quarantine() -> None:
    world = World(SHEET)
    order = world.submit()
    world.tracker.apply_clock(ClockSynced(VENUE, 0, 3_000_000, us(0)))  # 9 s instead of 2 s
    for at in (11, 13, 15):
        world.absent(at, vid="")
    assert order.phase is Phase.SENT
    world.absent(18, vid="")
    world.absent(20, vid="")
    assert order.close_reason is CloseReason.NEVER_EXISTED


def test_failures_of_other_requests_and_other_orders_are_nobodys() -> None:
    world = World()
    world.live()
    assert world.fail(1, Action.TRADES, Outcome.AMBIGUOUS) is None
    assert world.fail(1, Action.LOOKUP, Outcome.AMBIGUOUS) is None
    assert world.absent(1, vid="V9") is None
    with pytest.raises(AssertionError, match="OrderUpdate"):
        world.fail(1, Action.SUBMIT, Outcome.AMBIGUOUS)


def test_a_cancel_of_an_order_nobody_knows_is_not_sent() -> None:
    world = World()
    assert world.tracker.record(CancelOrder("TEST000001ZZZZZZ", BTC), us(1)) is None


def test_quantities_stay_exact() -> None:
    world = World()
    order = world.live(quantity="0.3", price="0.1")
    for number in range(3):
        world.fill(1, f"t{number}", "0.1", price="0.1")
    assert (order.status, order.cost) == (FILLED, dec("0.03"))
