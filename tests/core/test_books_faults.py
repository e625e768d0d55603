"""A lossy, doubling, swapping feed: a book that is not stale is the venue's book as of its sequence."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random

import pytest

from engine.core.books import BookRules, BookTracker, SequenceRule, chained, contiguous
from engine.model.enums import Side
from engine.model.market import BookDelta, BookSnapshot, Level
from engine.model.money import ZERO
from engine.model.request import ResyncBook

X = "x:A-B"
STEP_US = 10_000
LEVELS = 12
ONE_TO_NINE = [Decimal(n) for n in range(10)]


class TrueBook:
    """The venue's book: naive dicts and a middle that walks. Remembers what its best levels were at recent ids."""

    def __init__(self, chance: Random, id_gap: int) -> None:
        self.chance = chance
        self.id_gap = id_gap  # ids that a message may skip, as on futures
        self.middle = 1_000
        self.sides: dict[Side, dict[int, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
        self.sequence = 0
        self.best: dict[int, tuple[Level, ...]] = {}

    def step(self, now_us: int) -> BookDelta:
        """Change some levels; the middle may move, which removes what it runs over."""
        chance = self.chance
        self.middle += chance.choice((-1, 0, 0, 0, 1))
        changed = []
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            levels = self.sides[side]
            changes = {price: ZERO for price in levels if (price - self.middle) * sign <= 0}
            for _ in range(chance.randrange(4)):
                changes[self.middle + sign * chance.randrange(1, LEVELS)] = chance.choice(ONE_TO_NINE)
            for price, quantity in changes.items():
                levels[price] = quantity
                if not quantity:
                    del levels[price]
            changed.append(tuple((Decimal(price), quantity) for price, quantity in changes.items()))
        previous = self.sequence
        self.sequence += 1 + chance.randrange(3)
        first = previous + 1 + chance.randrange(self.id_gap + 1) if self.id_gap else previous + 1
        delta = BookDelta(X, changed[0], changed[1], min(first, self.sequence), self.sequence, now_us, now_us, previous)
        self.best[self.sequence] = self.top()
        if len(self.best) > 100:
            del self.best[next(iter(self.best))]
        return delta

    def top(self) -> tuple[Level, ...]:
        bids, asks = self.sides[Side.BUY], self.sides[Side.SELL]
        chosen = [(p, bids[p]) for p in sorted(bids, reverse=True)[:3]] + [(p, asks[p]) for p in sorted(asks)[:3]]
        return tuple((Decimal(price), quantity) for price, quantity in chosen)

    def snapshot(self, now_us: int) -> BookSnapshot:
        bids, asks = (tuple((Decimal(p), q) for p, q in self.sides[side].items()) for side in Side)
        return BookSnapshot(X, bids, asks, self.sequence, now_us, now_us)


def faulty(delta: BookDelta, held: list[BookDelta], chance: Random) -> Iterator[BookDelta]:
    """The delta lost, doubled, kept for later, or passed on; then what was kept before."""
    fault = chance.random()
    if fault < 0.002:
        return
    if fault < 0.004 and not held:
        held.append(delta)
        return
    yield delta
    if fault < 0.006:
        yield delta
    yield from held
    held.clear()


def run_faulty_feed(rule: SequenceRule, id_gap: int, deltas: int, seed: str) -> dict[str, int]:
    """Feed `deltas` deltas through faults and assert every read. Snapshots asked for come late, some too old."""
    chance = Random(seed)
    venue, tracker = TrueBook(chance, id_gap), BookTracker()
    book = tracker.follow(X, BookRules(rule))
    held: list[BookDelta] = []
    answers: list[tuple[int, BookSnapshot]] = [(5, venue.snapshot(0))]
    checked = asked = 0
    for at in range(deltas):
        now_us = at * STEP_US
        for delta in faulty(venue.step(now_us), held, chance):
            tracker.apply(delta)
        while answers and answers[0][0] <= at:
            tracker.apply(answers.pop(0)[1])
        if tracker.tick(now_us) == [ResyncBook(X)]:
            asked += 1
            answers.append((at + chance.randrange(30), venue.snapshot(now_us)))
        assert not book.crossed
        if not book.stale:
            checked += 1
            shown = tuple(book.levels(Side.BUY, 3) + book.levels(Side.SELL, 3))
            assert shown == venue.best[book.sequence], f"wrong at update {book.sequence}, step {at}"
    return {"checked": checked, "asked": asked, "old": tracker.old, "gaps": tracker.gaps}


@pytest.mark.parametrize(("rule", "id_gap"), [(contiguous, 0), (chained, 2)])
def test_never_a_wrong_or_crossed_read(rule: SequenceRule, id_gap: int) -> None:
    seen = run_faulty_feed(rule, id_gap, 50_000, f"books:{id_gap}")
    assert seen["checked"] > 25_000
    assert seen["gaps"] > 100
    assert seen["asked"] > 100
    assert seen["old"] > 100


def test_the_check_can_fail() -> None:
    """Without a sequence rule the same feed is noticed to be wrong."""
    with pytest.raises(AssertionError, match="wrong at update"):
        run_faulty_feed(
            lambda delta, sequence, bridged: contiguous(delta, delta.sequence_first - 1, True), 0, 5_000, "x"
        )
