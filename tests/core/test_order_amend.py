"""Amend in place (T17) and cancel with replace (T18)."""

from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, Command, OrderStatus, Outcome, Phase
from engine.model.order import Order
from engine.model.request import AmendOrder, CancelOrder, LookupOrder
from tests.core.order_support import ACK, BTC, LOOKUP, World, dec, kinds, us

OPEN, FILLED, CANCELED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED


def amended(price: object = 99, quantity: object = 12) -> tuple[World, Order]:
    """A live order of 10 @ 100 with an amend under way."""
    world = World()
    order = world.live()
    assert world.tracker.record(AmendOrder(world.cid, BTC, "V1", dec(price), dec(quantity)), us(1)) is order
    return world, order


def test_the_larger_terms_count_until_it_is_decided() -> None:
    world, order = amended()
    assert (order.command, order.status, order.is_working) == (Command.AMEND, OPEN, False)
    assert (order.price, order.quantity, order.reserved_quantity, order.reserved_price) == (100, 10, 12, 100)
    assert world.tracker.exposure(BTC).open_buy == 12


def test_the_target_shown_is_the_new_truth() -> None:
    world, order = amended()
    change = world.update(1.1, OPEN, 0, source=ACK, price=99, quantity=12)
    assert change is not None
    assert (order.price, order.quantity, order.command, order.amend_price) == (99, 12, Command.NONE, None)
    assert world.run(1, 19) == []


def test_old_terms_on_the_stream_decide_nothing() -> None:
    world, order = amended()
    assert world.update(1.1, OPEN, 0, price=100, quantity=10) is None
    assert order.command is Command.AMEND


def test_rejected_keeps_the_old_terms() -> None:
    world, order = amended()
    change = world.fail(1.1, Action.AMEND, Outcome.REJECTED)
    assert change is not None
    assert (order.price, order.quantity, order.command) == (100, 10, Command.NONE)
    assert world.run(1, 19) == []


def test_lost_is_looked_up_and_only_then_sent_again() -> None:
    world, order = amended()
    world.fail(1.1, Action.AMEND, Outcome.AMBIGUOUS)
    requests = world.run(1.1, 6)
    assert [(at, type(request)) for at, request in requests] == [
        (1.1, LookupOrder),
        (3.1, LookupOrder),
        (5.1, LookupOrder),
    ]
    world.update(6, OPEN, 0, source=LOOKUP, price=100, quantity=10)
    assert world.tick(6) == [AmendOrder(world.cid, BTC, "V1", dec(99), dec(12), order.side)]
    assert order.attempts == 2
    world.update(6.1, OPEN, 0, source=LOOKUP, price=99, quantity=12)
    assert (order.price, order.command) == (99, Command.NONE)


def test_no_answer_at_all_is_looked_up() -> None:
    world, _ = amended()
    assert kinds(world.run(1, 4), LookupOrder) == [3]


def test_a_rejected_repeat_may_mean_that_the_first_one_was_executed() -> None:
    world, order = amended()
    world.fail(1.1, Action.AMEND, Outcome.NOT_SENT)
    world.tick(1.1)
    world.update(2, OPEN, 0, source=LOOKUP, price=100, quantity=10)
    world.tick(2)
    assert world.fail(3, Action.AMEND, Outcome.REJECTED) is None
    assert order.command is Command.AMEND
    assert kinds(world.run(3, 3), LookupOrder) == [3]
    world.update(4, OPEN, 0, source=LOOKUP, price=100, quantity=10)
    assert (order.command, order.price) == (Command.NONE, 100)


def test_absent_proves_nothing() -> None:
    world, order = amended()
    assert world.fail(1.1, Action.AMEND, Outcome.ABSENT) is None
    assert order.command is Command.AMEND
    assert kinds(world.run(1, 1.2), LookupOrder) == [1.1]


def test_crossed_by_a_fill() -> None:
    world, order = amended()
    world.fill(1.1, "t1", 10)
    assert (order.phase, order.filled) == (Phase.LIVE, 10)  # full only if the amend failed
    world.update(1.2, OPEN, 10, price=99, quantity=12)
    assert (order.quantity, order.status) == (12, OPEN)
    world.fill(1.3, "t2", 2)
    assert order.status is FILLED


def test_crossed_by_a_fill_and_refused() -> None:
    world, order = amended()
    world.fill(1.1, "t1", 10)
    world.update(1.2, FILLED, 10)
    assert (order.status, order.quantity, order.command, order.amend_quantity) == (FILLED, 10, Command.NONE, None)


def test_filled_by_the_new_terms_before_anything_was_said() -> None:
    world, order = amended()
    world.fill(1.1, "t1", 12)
    assert (order.status, order.quantity) == (FILLED, 12)


def test_cancel_wins_over_amend() -> None:
    world, order = amended()
    assert world.cancel(1.1) is order
    assert (order.command, order.amend_price) == (Command.CANCEL, None)
    assert world.fail(1.2, Action.AMEND, Outcome.REJECTED) is None
    world.fail(1.2, Action.AMEND, Outcome.AMBIGUOUS)
    assert order.command is Command.CANCEL


def test_only_a_working_order_where_the_venue_can() -> None:
    world, _ = amended()
    again = AmendOrder(world.cid, BTC, "V1", dec(98), dec(12))
    assert world.tracker.record(again, us(2)) is None
    other = World(VenueSheet())
    other.live()
    assert other.tracker.record(AmendOrder(other.cid, BTC, "V1", dec(99), dec(12)), us(2)) is None


def test_t18_both_legs_are_judged_apart() -> None:
    world = World(VenueSheet(cancel_replace=True))
    old = world.live()
    new = world.submit(1, parent=old.client_order_id)
    assert (old.command, old.status) == (Command.CANCEL, OrderStatus.PENDING_CANCEL)
    assert world.tracker.slot("pmm", BTC, "bid") is old
    world.update(1.1, OPEN, 0, vid="V2", source=ACK)
    assert new.is_working
    requests = [request for _, request in world.run(1, 5)]
    assert requests == [
        LookupOrder(old.client_order_id, "V1", BTC, us(-60)),
        CancelOrder(old.client_order_id, BTC, "V1"),
    ]
    world.update(5, CANCELED, 0, cid=old.client_order_id)
    assert world.tracker.slot("pmm", BTC, "bid") is new


def test_t18_cancel_ok_and_new_failed_leaves_the_slot_empty() -> None:
    world = World(VenueSheet(cancel_replace=True))
    old = world.live()
    world.submit(1, parent=old.client_order_id)
    world.update(1.1, CANCELED, 0, cid=old.client_order_id)
    world.update(1.1, OrderStatus.REJECTED, reason="rejected:x", vid="", source=ACK)
    assert world.tracker.slot("pmm", BTC, "bid") is None


def test_a_parent_means_nothing_where_the_venue_cannot_replace() -> None:
    world = World(VenueSheet())
    old = world.live()
    world.submit(1, parent=old.client_order_id)
    world.submit(1, parent="TEST00000100000Z")
    assert old.command is Command.NONE
