"""A book that is followed by deltas is compared with a fresh snapshot now and then: when, how, and what follows."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.book import L2Book
from engine.core.book_audit import DELTAS_MAX, LEVELS
from engine.core.books import AUDIT_EVERY_US, AUDIT_GAP_US, BookRules, BookTracker
from engine.model.enums import Channel, Health, Side
from engine.model.event import ConnectorStatus
from engine.model.market import BookDelta, BookSnapshot, Level
from engine.model.request import ResyncBook

X, Y = "x:A-B", "x:C-D"
RULES = BookRules(audit_every_us=AUDIT_EVERY_US)


def level(price: int, quantity: int) -> Level:
    return Decimal(price), Decimal(quantity)


def snapshot(sequence: int, bids: Sequence[Level], asks: Sequence[Level], at_us: int = 0) -> BookSnapshot:
    return BookSnapshot(X, tuple(bids), tuple(asks), sequence, 0, at_us)


def delta(first: int, last: int, bids: Sequence[Level] = (), asks: Sequence[Level] = ()) -> BookDelta:
    return BookDelta(X, tuple(bids), tuple(asks), first, last, 0, 0)


class Watched:
    """A tracker of one book at 10: bids 9 and 8, asks 11 and 12; what it complained about."""

    def __init__(self) -> None:
        self.tracker = BookTracker([X], {"x": RULES})
        self.complaints: list[str] = []
        self.tracker.on_mismatch = lambda instrument_id, difference, now_us: self.complaints.append(difference)
        self.tracker.apply(snapshot(10, self.bids, self.asks))

    bids = (level(9, 1), level(8, 1))
    asks = (level(11, 1), level(12, 1))

    def asked(self) -> "Watched":
        assert self.tracker.tick(AUDIT_EVERY_US) == [ResyncBook(X)]
        return self

    @property
    def book(self) -> L2Book:
        book = self.tracker.book(X)
        assert isinstance(book, L2Book)
        return book


def test_each_good_book_is_asked_about_every_ten_minutes_one_after_the_other() -> None:
    tracker = BookTracker([X, Y], {"x": RULES})
    for instrument_id in (X, Y):
        tracker.apply(BookSnapshot(instrument_id, Watched.bids, Watched.asks, 10, 0, 1))
    assert tracker.tick(AUDIT_EVERY_US) == []
    begun_us = AUDIT_EVERY_US + 1
    assert tracker.tick(begun_us) == [ResyncBook(X)]
    assert tracker.tick(begun_us + AUDIT_GAP_US - 1) == []
    assert tracker.tick(begun_us + AUDIT_GAP_US) == [ResyncBook(Y)]
    assert tracker.tick(begun_us + AUDIT_EVERY_US - 1) == []
    assert tracker.tick(begun_us + AUDIT_EVERY_US) == [ResyncBook(X)]


def test_without_the_rule_nobody_asks() -> None:
    tracker = BookTracker([X])
    tracker.apply(snapshot(10, Watched.bids, Watched.asks))
    assert tracker.tick(10 * AUDIT_EVERY_US) == []


@pytest.mark.parametrize(
    ("sequence", "bids", "asks"),
    [
        (10, Watched.bids, Watched.asks),
        (11, ((9, 5), (8, 1)), Watched.asks),  # after the first of the next delta's two changes
        (12, ((9, 5), (8, 1)), ((11, 1), (12, 1), (13, 2))),
        (13, ((9, 5), (8, 1)), ((11, 1), (13, 2))),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_book_that_is_the_venues_at_any_moment(
    sequence: int, bids: Sequence[Level], asks: Sequence[Level], first: bool
) -> None:
    """Whether the snapshot is told before the deltas that it contains, or after those that it does not."""
    watched = Watched().asked()
    told = snapshot(sequence, bids, asks)
    deltas = [delta(11, 12, [level(9, 5)], [level(13, 2)]), delta(13, 13, asks=[level(12, 0)])]
    for event in (told, *deltas) if first else (*deltas, told):
        watched.tracker.apply(event)
    assert watched.complaints == []
    assert watched.tracker.mismatches == 0
    assert (watched.book.sequence, watched.book.stale) == (13, "")


@pytest.mark.parametrize(
    ("bids", "asks", "complaint"),
    [
        (((9, 2), (8, 1)), Watched.asks, "bid 9: ours 1, theirs 2"),
        (((9, 1),), Watched.asks, ""),  # the snapshot may reach less deep
        (((8, 1),), Watched.asks, "bid 9: ours 1, theirs 0"),
        (Watched.bids, ((11, 1), (12, 1), (13, 4)), "ask 13: ours 0, theirs 4"),
        (Watched.bids, ((12, 1),), "ask 11: ours 1, theirs 0"),
        (Watched.bids, (), "ask 11: ours 1, theirs 0"),
    ],
)
def test_a_book_that_is_wrong_is_replaced_at_once(
    bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]], complaint: str
) -> None:
    watched = Watched().asked()
    watched.tracker.apply(delta(11, 12, [level(7, 3)]))
    told = snapshot(10, [level(*each) for each in bids], [level(*each) for each in asks])
    watched.tracker.apply(told)
    assert watched.complaints == [complaint] * bool(complaint)
    assert (watched.book.sequence, watched.book.stale) == (12, "")
    if complaint:
        assert watched.book.levels(Side.BUY, 9) == [*told.bids, level(7, 3)]
        assert watched.book.levels(Side.SELL, 9) == [*told.asks]
    assert watched.tracker.tick(AUDIT_EVERY_US + 1) == []
    watched.tracker.apply(delta(13, 13, [level(9, 4)]))
    assert watched.book.best_bid == 9


def test_only_the_best_levels_count() -> None:
    watched = Watched()
    many = [level(11 + number, 1) for number in range(LEVELS + 5)]
    watched.tracker.apply(snapshot(11, Watched.bids, many))
    watched.asked().tracker.apply(snapshot(11, Watched.bids, [*many[:-1], level(5_000, 1)]))
    assert watched.complaints == []


def test_an_answer_that_is_older_than_the_question_says_nothing() -> None:
    watched = Watched().asked()
    watched.tracker.apply(snapshot(9, (), ()))
    watched.tracker.apply(delta(11, 11, [level(9, 5)]))
    assert watched.complaints == []
    watched.tracker.apply(snapshot(11, Watched.bids, Watched.asks))
    assert watched.complaints == ["bid 9: ours 5, theirs 1"]


def test_an_answer_that_does_not_come_is_given_up() -> None:
    watched = Watched().asked()
    for number in range(DELTAS_MAX):
        watched.tracker.apply(delta(11 + number, 11 + number))
    watched.tracker.apply(snapshot(11, (), ()))
    assert watched.complaints == []
    assert watched.tracker.old == 1
    assert watched.tracker.tick(2 * AUDIT_EVERY_US) == [ResyncBook(X)]


@pytest.mark.parametrize(
    "event", [delta(20, 20), ConnectorStatus("x", Channel.MARKET, Health.DOWN, "gone", AUDIT_EVERY_US)]
)
def test_a_book_that_lost_its_proof_meanwhile_begins_with_the_snapshot(event: BookDelta | ConnectorStatus) -> None:
    watched = Watched().asked()
    if isinstance(event, BookDelta):
        watched.tracker.apply(event)
    else:
        watched.tracker.apply_status(event)
    watched.tracker.apply(snapshot(30, (level(9, 7),), Watched.asks))
    assert watched.complaints == []
    assert watched.book.levels(Side.BUY, 9) == [level(9, 7)]


@given(st.data())
def test_whatever_the_moment_a_true_book_is_never_blamed_and_a_false_one_is(data: st.DataObject) -> None:
    """Changes are told in deltas of one to three; the snapshot is of any change's moment, and comes at any time."""
    changes = data.draw(
        st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=12)
    )
    moments = [({Decimal(5): Decimal(1)}, {Decimal(15): Decimal(1)})]
    for side, step, quantity in changes:
        bids, asks = (dict(each) for each in moments[-1])
        one, price = (bids, Decimal(5 + step)) if side is Side.BUY else (asks, Decimal(15 - step))
        one[price] = Decimal(quantity)
        moments.append(tuple({p: q for p, q in each.items() if q} for each in (bids, asks)))  # type: ignore[arg-type]
    watched = Watched()
    watched.tracker.apply(snapshot(10, [*moments[0][0].items()], [*moments[0][1].items()]))
    watched.asked()
    wrong = data.draw(st.booleans())
    if wrong:
        watched.book.apply(delta(10, 10, [level(3, 1)]))  # an update that the venue never made
    told_at = data.draw(st.integers(0, len(changes)))
    moment = data.draw(st.integers(0, len(changes)))
    at = 0
    while at < len(changes) or told_at is not None:
        if told_at is not None and (at >= told_at):
            bids, asks = moments[moment]
            shown = [*bids.items(), level(1, 1)] if wrong else [*bids.items()]
            watched.tracker.apply(snapshot(10 + moment, shown, [*asks.items()]))
            told_at = None  # type: ignore[assignment]
            continue
        size = data.draw(st.integers(1, min(3, len(changes) - at)))
        part = changes[at : at + size]
        named = {
            side: {Decimal(5 + step if side is Side.BUY else 15 - step): 0 for each, step, _ in part if each is side}
            for side in Side
        }
        bids, asks = moments[at + size]
        watched.tracker.apply(
            delta(
                11 + at,
                10 + at + size,
                [(price, bids.get(price, Decimal(0))) for price in named[Side.BUY]],
                [(price, asks.get(price, Decimal(0))) for price in named[Side.SELL]],
            )
        )
        at += size
    assert watched.tracker.mismatches == wrong
    book = {price: quantity for price, quantity in watched.book.levels(Side.BUY, 99) if price not in (1, 3)}
    assert (book, dict(watched.book.levels(Side.SELL, 99))) == moments[-1]
