"""The absence proof: what counts, what does not, and how long the quarantine is."""

import pytest

from engine.core.absence import AbsenceProof, quarantine_end_us
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import Action, CloseReason, OrderStatus, Outcome, Phase
from engine.model.request import FetchTrades, LookupOrder
from tests.core.order_support import ACK, BTC, LOOKUP, SHEET, World, us

ALL, OPEN_ONLY = LookupScope.ALL, LookupScope.OPEN_ONLY
S = SECOND_US
OPEN_ONLY_SHEET = VenueSheet(request_expiry_us=5 * S, ahead_us=S)


@pytest.mark.parametrize(
    ("sheet", "expires_s", "clock_error_s", "quarantine_s"),
    [
        (SHEET, 0, 2, 10),
        (VenueSheet(), 0, 2, 44),
        (SHEET, 7, 2, 12),  # the deadline that the request carried
        (SHEET, 0, 9, 17),
        (VenueSheet(request_expiry_us=5 * S, margin_us=3 * S), 0, 2, 12),
    ],
    ids=["binance", "no expiry", "own deadline", "bad clock", "margin"],
)
def test_quarantine(sheet: VenueSheet, expires_s: int, clock_error_s: int, quarantine_s: int) -> None:
    expires_us = us(expires_s) if expires_s else 0
    assert quarantine_end_us(us(0), expires_us, sheet, clock_error_s * S) == us(quarantine_s)


@pytest.mark.parametrize(
    ("started", "proven"),
    [
        ([], False),
        ([10.5], False),
        ([10.5, 11.5], True),
        ([10.5, 11.4], False),
        ([10.5, 11.4, 11.5], True),
        ([10, 11, 12], True),
        ([10, 11], False),
        ([9, 10, 10.0], False),
        ([11.5, 10.5], False),
    ],
    ids=lambda value: str(value),
)
def test_two_lookups_that_started_after_the_quarantine(started: list[float], proven: bool) -> None:
    proof = AbsenceProof()
    results = [proof.count_lookup(us(at), us(10), ALL) for at in started]
    assert (bool(results) and results[-1]) is proven


@pytest.mark.parametrize(
    ("parts", "proven"),
    [
        ("L11 L13 L15", False),
        ("T11 T13 T15", False),
        ("L11 T11.1 L12.2 T12.3", True),
        ("L11 T11.1 L12 T12.3", False),  # less than 1 s after the round
        ("T11 L11.1 T12.2 L12.3", True),
        ("L9 T11 L12 T13", False),
        ("L11 T9 T12 L13.1 T13.2", True),
    ],
)
def test_where_lookups_see_open_orders_only_trades_are_part_of_a_round(parts: str, proven: bool) -> None:
    proof = AbsenceProof()
    result = False
    for part in parts.split():
        count = proof.count_lookup if part[0] == "L" else proof.count_trades
        result = count(us(float(part[1:])), us(10), OPEN_ONLY)
    assert result is proven


def test_an_order_that_never_existed() -> None:
    world = World()
    order = world.submit()
    world.update(1, OrderStatus.UNKNOWN, reason="ambiguous:timeout", source=ACK, vid="")
    assert world.absent(9, started=8.9, vid="") is None
    assert world.absent(10.4, started=10.2, vid="") is None
    change = world.absent(11.5, started=11.3, vid="")
    assert change is not None
    assert (order.close_reason, order.status) == (CloseReason.NEVER_EXISTED, OrderStatus.REJECTED)
    assert order.reason.startswith("never_existed:")


def test_the_start_of_the_lookup_counts_not_its_end() -> None:
    world = World()
    order = world.submit()
    for at in (20, 22, 24):
        world.absent(at, started=10, vid="")
    assert order.phase is Phase.SENT


@pytest.mark.parametrize("outcome", [Outcome.AMBIGUOUS, Outcome.NOT_SENT, Outcome.REJECTED])
def test_errors_count_for_nothing(outcome: Outcome) -> None:
    world = World()
    order = world.submit()
    for at in range(11, 40, 2):
        world.fail(at, Action.LOOKUP, outcome, vid="")
    assert order.phase is Phase.SENT


def test_any_finding_resets_and_a_live_order_is_never_closed_by_absence() -> None:
    world = World()
    order = world.submit()
    world.absent(11, vid="")
    world.update(12, OrderStatus.OPEN, 0, source=LOOKUP)
    for at in range(13, 60, 2):
        world.absent(at)
    assert order.phase is Phase.LIVE


def test_an_intent_that_was_never_handed_over_is_not_judged() -> None:
    world = World()
    order = world.submit(sent=False)
    for at in range(11, 60, 2):
        world.absent(at, vid="")
    assert order.phase is Phase.INTENT


def test_the_next_lookup_comes_as_soon_as_it_counts() -> None:
    world = World()
    world.submit()
    found = None
    lookups = []
    for tenth in range(300):
        at = tenth / 10
        for request in world.tick(at):
            if isinstance(request, LookupOrder):
                lookups.append(at)
                found = world.absent(at + 0.05, started=at, vid="") or found
    assert lookups[-2:] == [10.1, 11.2]
    assert found is not None


def test_open_only_rounds_need_trades_too() -> None:
    world = World(OPEN_ONLY_SHEET)
    order = world.submit()
    world.synced(5, cursor="77")
    requests = world.run(0, 16)
    fetches = [(at, request) for at, request in requests if isinstance(request, FetchTrades)]
    assert fetches[0] == (10.1, FetchTrades(BTC, "", "77"))  # with the first lookup that counts
    for at in range(11, 30, 2):
        world.absent(at, vid="")
    assert order.phase is Phase.SENT
    assert world.synced(30) == []
    world.absent(31.5, vid="")
    [change] = world.synced(31.6)
    assert change.order.close_reason is CloseReason.NEVER_EXISTED


def test_open_only_counts_complete_fetches_of_the_instrument_only() -> None:
    world = World(OPEN_ONLY_SHEET)
    order = world.submit()
    for at in range(11, 40, 2):
        world.absent(at, vid="")
        world.synced(at + 0.1, complete=False)
        world.synced(at + 0.2, started=9)
    assert order.phase is Phase.SENT


def test_where_lookups_see_all_trades_are_no_round() -> None:
    world = World()
    order = world.submit()
    assert [world.synced(at) for at in (11, 13, 15)] == [[], [], []]
    assert order.phase is Phase.SENT


def test_open_only_trades_first() -> None:
    world = World(OPEN_ONLY_SHEET)
    order = world.submit()
    for at in (11, 13):
        world.synced(at)
        world.absent(at + 0.5, vid="")
    assert order.close_reason is CloseReason.NEVER_EXISTED


def test_a_trade_of_an_unknown_order_holds_the_proof_back() -> None:
    """Its row names a venue id only, and the answer that would have told us the id was lost."""
    world = World(OPEN_ONLY_SHEET)
    order = world.submit()
    world.fill(11, "t1", 10, cid="")
    for at in (11, 13, 15):
        world.synced(at, cursor="1")
        world.absent(at + 0.5, vid="")
    assert order.phase is Phase.SENT
    assert world.tracker.cursors.get(BTC, "") == ""  # a restart would have to fetch the trade again
    world.update(16, OrderStatus.FILLED, 10, source=LOOKUP)
    assert (order.status, order.filled) == (OrderStatus.FILLED, 10)
    world.synced(17, cursor="1")
    assert world.tracker.cursors[BTC] == "1"


def test_an_order_that_filled_at_once_is_not_declared_dead() -> None:
    """The lookup sees pending orders only; the trades show it."""
    world = World(OPEN_ONLY_SHEET)
    order = world.submit()
    world.absent(11, vid="")
    world.fill(11.2, "t1", 10)
    world.synced(11.3)
    world.absent(13, vid="")
    assert (order.status, order.filled) == (OrderStatus.FILLED, 10)
