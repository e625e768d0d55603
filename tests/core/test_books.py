"""Which updates a book takes, when it is stale, and what is asked for then."""

from decimal import Decimal

import pytest

from engine.core.book import L2Book
from engine.core.books import (
    BUFFER_MAX,
    NEVER_US,
    BookRules,
    BookTracker,
    SequenceRule,
    Verdict,
    chained,
    contiguous,
)
from engine.model.enums import Channel, Health, Side
from engine.model.event import ConnectorStatus
from engine.model.market import BookDelta, BookSnapshot, Level
from engine.model.request import ResyncBook

X, Y = "x:A-B", "y:A-B"
SECOND_US = 1_000_000
NEXT, OLD, GAP = Verdict.NEXT, Verdict.OLD, Verdict.GAP


def level(price: int, quantity: int) -> tuple[Level, ...]:
    return ((Decimal(price), Decimal(quantity)),)


def delta(
    first: int, last: int, previous: int = 0, at_us: int = 0, bid: int = 10, ask: int = 20, instrument_id: str = X
) -> BookDelta:
    """A delta whose bid quantity is its last id, so that a book shows what it contains."""
    return BookDelta(instrument_id, level(bid, last), level(ask, 1), first, last, 0, at_us, previous)


def snapshot(sequence: int, at_us: int = 0, bid: int = 10, ask: int = 20, instrument_id: str = X) -> BookSnapshot:
    return BookSnapshot(instrument_id, level(bid, sequence), level(ask, 1), sequence, 0, at_us)


def tracker_of(rules: BookRules, *events: BookSnapshot | BookDelta) -> tuple[BookTracker, L2Book]:
    tracker = BookTracker()
    book = tracker.follow(X, rules)
    for event in events:
        tracker.apply(event)
    return tracker, book


SPOT, FUTURES = BookRules(contiguous), BookRules(chained)


@pytest.mark.parametrize(
    ("rule", "first", "last", "previous", "bridged", "verdict"),
    [
        # the book is at 100
        (contiguous, 101, 101, 0, False, NEXT),
        (contiguous, 101, 105, 0, True, NEXT),
        (contiguous, 99, 101, 0, False, NEXT),  # the event that bridges the snapshot
        (contiguous, 99, 101, 0, True, NEXT),  # an overlap: quantities are totals
        (contiguous, 99, 100, 0, True, OLD),
        (contiguous, 100, 100, 0, False, OLD),
        (contiguous, 50, 60, 0, True, OLD),
        (contiguous, 102, 105, 0, True, GAP),
        (contiguous, 102, 105, 0, False, GAP),  # the snapshot is older than the stream
        (chained, 103, 105, 100, True, NEXT),  # ids of futures jump; `pu` tells
        (chained, 103, 105, 100, False, NEXT),
        (chained, 95, 105, 94, False, NEXT),  # bridges the snapshot
        (chained, 95, 100, 94, False, NEXT),  # ends exactly at it
        (chained, 100, 105, 94, False, NEXT),
        (chained, 95, 99, 94, False, OLD),
        (chained, 95, 99, 94, True, OLD),
        (chained, 95, 100, 94, True, OLD),  # a duplicate
        (chained, 95, 105, 94, True, GAP),
        (chained, 101, 105, 101, True, GAP),
        (chained, 101, 105, 99, False, GAP),
    ],
)
def test_verdict(rule: SequenceRule, first: int, last: int, previous: int, bridged: bool, verdict: Verdict) -> None:
    assert rule(delta(first, last, previous), 100, bridged) is verdict


@pytest.mark.parametrize(
    ("events", "sequence", "old"),
    [
        pytest.param([snapshot(5)], 5, 0, id="snapshot"),
        pytest.param([snapshot(5), delta(6, 6), delta(7, 9)], 9, 0, id="in order"),
        pytest.param([delta(4, 4), delta(5, 6), delta(7, 7), snapshot(5)], 7, 1, id="buffered before the snapshot"),
        pytest.param([delta(4, 4), delta(5, 5), snapshot(9)], 9, 2, id="buffer older than the snapshot"),
        pytest.param([snapshot(5), delta(6, 6), delta(6, 6), delta(7, 7)], 7, 1, id="duplicate"),
        pytest.param([snapshot(5), delta(6, 7), delta(6, 6), delta(8, 8)], 8, 1, id="late older"),
        pytest.param([snapshot(5), delta(6, 7), delta(7, 8)], 8, 0, id="overlap"),
        pytest.param([snapshot(5), delta(6, 7), snapshot(6), delta(8, 8)], 8, 1, id="late older snapshot"),
        pytest.param([snapshot(5), snapshot(9), delta(8, 9), delta(10, 10)], 10, 1, id="fresh snapshot while good"),
        pytest.param([snapshot(5), delta(7, 7), snapshot(6)], 7, 0, id="gap healed through the buffer"),
        pytest.param([snapshot(5), delta(7, 7), snapshot(8)], 8, 1, id="gap healed beyond the buffer"),
        pytest.param([snapshot(5), delta(7, 7), delta(6, 6), snapshot(7)], 7, 2, id="out of order"),
        pytest.param([snapshot(5), delta(7, 7), snapshot(5), snapshot(6)], 7, 0, id="first snapshot still too old"),
    ],
)
def test_good_after(events: list[BookSnapshot | BookDelta], sequence: int, old: int) -> None:
    tracker, book = tracker_of(SPOT, *events)
    assert (book.stale, book.sequence, tracker.old) == ("", sequence, old)
    assert book.quantity_at(Side.BUY, Decimal(10)) == sequence


@pytest.mark.parametrize(
    ("rules", "events", "reason", "gaps"),
    [
        pytest.param(SPOT, [], "no snapshot yet", 0, id="nothing"),
        pytest.param(SPOT, [delta(6, 6)], "no snapshot yet", 0, id="no snapshot"),
        pytest.param(SPOT, [snapshot(5), delta(7, 8)], "gap: at update 5, got 7 … 8", 1, id="gap"),
        pytest.param(SPOT, [snapshot(5), delta(7, 8), delta(9, 9)], "gap: at update 5, got 7 … 8", 1, id="stays stale"),
        pytest.param(SPOT, [delta(7, 8), snapshot(5)], "gap: at update 5, got 7 … 8", 0, id="snapshot too old"),
        pytest.param(SPOT, [delta(6, 6), delta(8, 8), snapshot(5)], "gap: at update 6, got 8 … 8", 0, id="gap inside"),
        pytest.param(FUTURES, [snapshot(5), delta(7, 8, 6)], "gap: at update 5, got 7 … 8", 1, id="futures gap"),
        pytest.param(
            SPOT, [snapshot(5), delta(6, 6, bid=20)], "crossed: bid 20 meets ask 20 at update 6", 1, id="crossed"
        ),
        pytest.param(SPOT, [snapshot(5, bid=21)], "crossed: bid 21 meets ask 20 at update 5", 0, id="crossed snapshot"),
    ],
)
def test_stale_after(rules: BookRules, events: list[BookSnapshot | BookDelta], reason: str, gaps: int) -> None:
    tracker, book = tracker_of(rules, *events)
    assert (book.stale, tracker.gaps) == (reason, gaps)
    assert not book.crossed


def test_futures_chain_jumps_over_ids() -> None:
    _, book = tracker_of(FUTURES, delta(90, 99, 80), delta(101, 110, 99), snapshot(105), delta(200, 210, 110))
    assert (book.stale, book.sequence) == ("", 210)


def test_a_gap_is_asked_for_once_then_with_growing_patience() -> None:
    tracker, book = tracker_of(SPOT, snapshot(5), delta(7, 7, at_us=10 * SECOND_US))
    asked = [at for at in range(9, 80) if tracker.tick(at * SECOND_US) == [ResyncBook(X)]]
    assert asked == [10, 11, 13, 17, 25, 41, 73]
    tracker.apply(snapshot(6, 80 * SECOND_US))
    assert book.stale == ""
    assert tracker.tick(NEVER_US - 1) == []


def test_never_asked_twice_within_a_second_even_when_answers_are_too_old() -> None:
    tracker, _ = tracker_of(SPOT, snapshot(5), delta(7, 7))
    assert tracker.tick(0) == [ResyncBook(X)]
    tracker.apply(snapshot(5, 200_000))
    assert tracker.tick(999_999) == []
    assert tracker.tick(1_000_000) == [ResyncBook(X)]
    tracker.apply(snapshot(6, 1_100_000))
    tracker.apply(delta(9, 9, at_us=1_200_000))
    assert tracker.tick(1_999_999) == []
    assert tracker.tick(2_000_000) == [ResyncBook(X)]


def test_the_first_snapshot_is_waited_for_a_second() -> None:
    tracker, _ = tracker_of(SPOT, delta(7, 7, at_us=5 * SECOND_US), delta(8, 8, at_us=5 * SECOND_US))
    assert tracker.tick(6 * SECOND_US - 1) == []
    assert tracker.tick(6 * SECOND_US) == [ResyncBook(X)]


def test_a_lost_head_of_the_buffer_is_a_gap() -> None:
    tracker, book = tracker_of(SPOT, *(delta(at, at) for at in range(1, BUFFER_MAX + 2)))
    tracker.apply(snapshot(0))
    assert book.stale == "gap: at update 0, got 2 … 2"
    tracker.apply(snapshot(1))
    assert (book.stale, book.sequence) == ("", BUFFER_MAX + 1)


def test_age_makes_stale_and_the_next_update_good_again() -> None:
    tracker, book = tracker_of(BookRules(stale_after_us=2 * SECOND_US), snapshot(5), delta(6, 6, at_us=SECOND_US))
    assert (tracker.tick(3 * SECOND_US - 1), book.stale) == ([], "")
    assert (tracker.tick(3 * SECOND_US), book.stale) == ([], "no update for 2 s")
    tracker.apply(delta(6, 6, at_us=4 * SECOND_US))  # a duplicate is no update
    assert book.stale == "no update for 2 s"
    tracker.apply(delta(7, 7, at_us=5 * SECOND_US))
    assert book.stale == ""
    assert (tracker.tick(7 * SECOND_US), book.stale) == ([], "no update for 2 s")
    tracker.apply(snapshot(7, 8 * SECOND_US))
    assert book.stale == ""


def test_checksum() -> None:
    def best_bid(book: L2Book) -> int:
        return int(book.best_bid or 0)

    tracker, book = tracker_of(BookRules(checksum=best_bid), snapshot(5))
    good = BookDelta(X, level(11, 1), (), 6, 6, 0, 0, checksum=11)
    tracker.apply(good)
    assert book.stale == ""
    tracker.apply(BookDelta(X, level(12, 1), (), 7, 7, 0, 0, checksum=13))
    assert book.stale == "wrong checksum at update 7"
    assert book.best_bid is None
    assert tracker.tick(0) == [ResyncBook(X)]


def status(
    health: Health, instrument_id: str = "", channel: Channel = Channel.MARKET, at_us: int = 0
) -> ConnectorStatus:
    return ConnectorStatus("x", channel, health, "silence", at_us, instrument_id)


def test_a_stale_channel_keeps_the_book_and_healthy_shows_it_again() -> None:
    tracker, book = tracker_of(SPOT, snapshot(5))
    tracker.apply_status(status(Health.STALE))
    tracker.apply(delta(6, 6))
    assert book.stale == "market channel STALE: silence"
    tracker.apply_status(status(Health.HEALTHY))
    assert (book.stale, book.sequence) == ("", 6)


def test_after_down_only_a_new_snapshot_helps() -> None:
    tracker, book = tracker_of(SPOT, snapshot(5))
    tracker.apply_status(status(Health.DOWN))
    assert tracker.tick(NEVER_US - 1) == []
    tracker.apply_status(status(Health.HEALTHY, at_us=10 * SECOND_US))
    assert book.stale == "no snapshot since the market channel was down"
    assert tracker.tick(11 * SECOND_US) == [ResyncBook(X)]
    tracker.apply(delta(6, 6))
    tracker.apply(snapshot(6))
    assert book.stale == ""


@pytest.mark.parametrize(
    ("told", "stale"),
    [
        (status(Health.STALE, X), True),
        (status(Health.STALE, "x:C-D"), False),
        (status(Health.STALE, channel=Channel.USER), False),
    ],
)
def test_whom_a_status_concerns(told: ConnectorStatus, stale: bool) -> None:
    tracker = BookTracker([X, Y])
    for instrument_id in (X, Y):
        tracker.apply(snapshot(5, instrument_id=instrument_id))
    tracker.apply_status(told)
    assert (tracker.book(X).stale != "", tracker.book(Y).stale) == (stale, "")


def test_each_instrument_has_its_venue_and_its_own_state() -> None:
    tracker = BookTracker([X, Y], {"y": FUTURES})
    for instrument_id in (X, Y):
        tracker.apply(snapshot(5, instrument_id=instrument_id))
        tracker.apply(delta(7, 8, 5, instrument_id=instrument_id))
    assert tracker.book(X).stale.startswith("gap")
    assert tracker.book(Y).stale == ""
    assert tracker.tick(0) == [ResyncBook(X)]


def test_installed_views_are_shown_as_they_are() -> None:
    tracker, _ = tracker_of(SPOT, snapshot(5))
    own = L2Book(X)
    tracker.install(X, own)
    tracker.apply(snapshot(9))
    assert tracker.book(X) is own
    assert (own.sequence, tracker.ignored) == (0, 1)


def test_unknown_instruments_are_counted_and_have_no_book() -> None:
    tracker = BookTracker()
    tracker.apply(snapshot(5))
    assert tracker.ignored == 1
    with pytest.raises(KeyError):
        tracker.book(X)


def test_a_snapshot_from_before_the_reconnect_is_not_believed() -> None:
    """It was asked for on the old connection: what changed until the new one began is in neither."""
    tracker, book = tracker_of(SPOT, snapshot(100))
    tracker.apply_status(status(Health.DOWN))
    tracker.apply(snapshot(105))
    tracker.apply_status(status(Health.HEALTHY, at_us=SECOND_US))
    assert book.stale == "no update since the market channel was down"
    assert tracker.tick(2 * SECOND_US) == [ResyncBook(X)]
    tracker.apply(snapshot(110))
    assert book.stale == ""


def test_a_book_that_was_followed_while_a_part_of_the_channel_was_down_is_believed() -> None:
    """Another connection of the same channel carries the deltas."""
    tracker, book = tracker_of(SPOT, snapshot(100))
    tracker.apply_status(status(Health.DOWN))
    tracker.apply(snapshot(105))
    tracker.apply(delta(106, 106))
    tracker.apply_status(status(Health.HEALTHY))
    assert book.stale == ""
