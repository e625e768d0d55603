"""The transitions of cancels and denials by name: T11 to T16, T27, T28."""

import pytest

from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, Command, OrderStatus, Outcome, Phase
from engine.model.request import CancelAll, CancelOrder, FetchTrades, LookupOrder
from tests.core.order_support import (
    ACK,
    BTC,
    LOOKUP,
    World,
    alarms,
    kinds,
    seen,
    us,
)

OPEN, FILLED, CANCELED, UNKNOWN = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.UNKNOWN


def test_t11_t12_cancel_and_its_ack() -> None:
    world = World()
    order = world.live()
    assert world.cancel(1) is order
    assert (order.status, order.command, order.attempts) == (OrderStatus.PENDING_CANCEL, Command.CANCEL, 1)
    assert world.cancel(1.5) is None  # it repeats itself
    assert seen(world.update(1.1, CANCELED, 0, source=ACK)) == (OrderStatus.PENDING_CANCEL, CANCELED)
    assert world.run(1, 30) == []


def test_t12_a_cancel_ack_with_more_than_we_know_settles_first() -> None:
    world = World()
    order = world.live()
    world.cancel(1)
    world.update(1.1, CANCELED, 4, source=ACK)
    assert (order.status, order.settling) == (OrderStatus.PENDING_CANCEL, True)
    fetches = [(at, request) for at, request in world.run(1, 30) if isinstance(request, FetchTrades)]
    assert [at for at, _ in fetches] == [1.3, 2.1, 3.1, 6.1, 16.1, 26.1]
    assert fetches[0][1] == FetchTrades(BTC, "V1")
    world.fill(30, "t1", 4)
    assert order.status is CANCELED


def test_t13_unknown_order_on_cancel_is_not_a_close() -> None:
    world = World()
    order = world.live()
    world.cancel(1)
    assert world.fail(1.1, Action.CANCEL, Outcome.ABSENT) is None
    assert order.phase is Phase.LIVE
    assert world.tick(1.1) == [LookupOrder(world.cid, "V1", BTC, us(-60)), FetchTrades(BTC, "V1")]
    world.fill(1.2, "t1", 10)
    assert order.status is FILLED


def test_t13_a_lookup_denies_a_live_order_for_a_minute() -> None:
    world = World()
    order = world.live()
    changes = []
    for at in range(10, 81, 5):
        changes.append(world.absent(at))
        world.synced(at + 1, vid="V1")
        world.snapshot(at + 2)
    doubted = [change for change in changes if change is not None]
    assert [alarms(change) for change in doubted] == [["lost_candidate"]]
    assert doubted[0].order.updated_us == us(70)
    assert (order.doubt, order.status, order.phase) == (True, UNKNOWN, Phase.LIVE)
    assert seen(world.update(90, OPEN, 0, source=LOOKUP)) == (UNKNOWN, OPEN)
    assert not order.doubt


@pytest.mark.parametrize("without", ["trades", "open orders"])
def test_t13_one_place_that_was_not_asked_is_no_consistent_denial(without: str) -> None:
    world = World()
    order = world.live()
    for at in range(10, 121, 5):
        world.absent(at)
        if without != "trades":
            world.synced(at + 1)
        if without != "open orders":
            world.snapshot(at + 2)
    assert not order.doubt


@pytest.mark.parametrize("sign", ["report", "fill"])
def test_t13_any_sign_of_life_begins_the_minute_anew(sign: str) -> None:
    world = World()
    order = world.live()
    for at in range(10, 121, 5):
        if at % 50 == 0:
            world.update(at, OPEN, 0) if sign == "report" else world.fill(at, f"t{at}", 1)
        world.absent(at + 1)
        world.synced(at + 2)
        world.snapshot(at + 4.5)
    assert not order.doubt


def test_t13_a_fill_ends_the_doubt() -> None:
    world = World()
    order = world.live()
    for at in range(10, 81, 5):
        world.absent(at)
        world.synced(at + 1)
        world.snapshot(at + 2)
    assert order.doubt
    world.fill(90, "t1", 1)
    assert (order.doubt, order.status) == (False, OPEN)


def test_t14_cancel_until_it_is_gone() -> None:
    world = World()
    order = world.live()
    world.cancel(1)
    world.fail(1.1, Action.CANCEL, Outcome.AMBIGUOUS)
    requests = world.run(1, 75)
    cancels = kinds(requests, CancelOrder)
    assert cancels == [4.1, 9.1, 18.1, 29.1, 40.1, 51.1, 62.1, 73.1]
    lookups = kinds(requests, LookupOrder)
    assert set(lookups) >= {round(at - 1, 1) for at in cancels}  # each after a lookup
    assert kinds(requests, CancelAll) == []  # not on a shared account
    told = [kind for change in world.tracker.take_changes() for kind in alarms(change)]
    assert told == ["cancel_slow"]
    assert (order.attempts, order.status) == (9, OrderStatus.PENDING_CANCEL)


def test_t14_a_lookup_that_shows_it_live_brings_the_next_cancel() -> None:
    world = World()
    world.live()
    world.cancel(1)
    world.fail(1.1, Action.CANCEL, Outcome.NOT_SENT)
    assert kinds(world.run(1, 3.2), LookupOrder) == [3.1]
    world.update(3.3, OPEN, 0, source=LOOKUP)
    assert world.tick(3.3) == [CancelOrder(world.cid, BTC, "V1")]


def test_t14_cancel_all_only_on_a_dedicated_account() -> None:
    world = World(VenueSheet(dedicated=True))
    world.live()
    world.cancel(1)
    assert min(kinds(world.run(1, 80), CancelAll)) >= 61


def test_t14_the_failure_of_a_cancel_nobody_wants_changes_nothing() -> None:
    world = World()
    order = world.live()
    world.fail(1, Action.CANCEL, Outcome.REJECTED)
    assert (order.command, world.run(1, 5)) == (Command.NONE, [])


def test_t15_fill_while_cancelling() -> None:
    world = World()
    order = world.live()
    world.cancel(1)
    world.fill(1.1, "t1", 4)
    assert (order.command, order.status) == (Command.CANCEL, OrderStatus.PENDING_CANCEL)
    world.fill(1.2, "t2", 6)
    assert order.status is FILLED


def test_t16_a_cancel_waits_for_the_proof() -> None:
    world = World()
    order = world.submit()
    assert world.cancel(0.5) is None
    assert world.cancel(0.6) is None
    assert order.status is OrderStatus.PENDING_CANCEL
    assert kinds(world.run(0.5, 1), CancelOrder) == []
    world.update(1.1, OPEN, 0, source=ACK)
    assert world.tick(1.1) == [CancelOrder(world.cid, BTC, "V1")]
    assert order.attempts == 1


def test_t16_at_once_by_client_id_where_the_venue_allows_it() -> None:
    world = World(VenueSheet(cancel_by_client_id=True))
    order = world.submit()
    assert world.cancel(0.5) is order
    assert world.fail(0.6, Action.CANCEL, Outcome.ABSENT, vid="") is None  # proves nothing
    assert order.phase is Phase.SENT
    requests = world.run(0.6, 6)
    assert kinds(requests, LookupOrder)[0] == 0.6
    assert kinds(requests, CancelOrder) == [3.5]


def test_t27_aged_out_where_the_venue_forgets() -> None:
    world = World(VenueSheet(unfilled_kept_us=7200 * 1_000_000))
    order = world.live()
    late = 7300
    assert world.absent(late) is None
    world.synced(late + 1)
    world.snapshot(late + 2)
    assert world.absent(late + 3) is None  # one snapshot is not enough
    world.snapshot(late + 2.5)
    assert world.absent(late + 3) is None  # nor are two within a second
    world.snapshot(late + 4)
    change = world.absent(late + 5)
    assert seen(change) == (OPEN, CANCELED)
    assert order.reason.startswith("aged_out")


@pytest.mark.parametrize(
    ("kept_s", "at", "filled"), [(0, 7300, 0), (7200, 100, 0), (7200, 7300, 1)], ids=["for ever", "young", "traded"]
)
def test_t27_not_otherwise(kept_s: int, at: float, filled: int) -> None:
    world = World(VenueSheet(unfilled_kept_us=kept_s * 1_000_000))
    order = world.live()
    if filled:
        world.fill(1, "t1", filled)
    world.absent(at)
    for number in range(3):
        world.synced(at + 1 + number)
        world.snapshot(at + 2 + number)
    world.absent(at + 6)
    assert order.phase is Phase.LIVE


def test_t28_a_denied_ended_order_only_lacks_its_trades() -> None:
    world = World()
    order = world.live()
    world.update(1, CANCELED, 4)
    world.run(1, 7)
    world.absent(8)
    assert world.tick(8) == [FetchTrades(BTC, "V1")]
    assert order.settling
