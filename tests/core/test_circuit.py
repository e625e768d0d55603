"""Slot circuits: waits after failures, a circuit after three equal ones, patience with post-only orders."""

import pytest

from engine.core.circuit import REASONS_KEPT, SLOTS_KEPT, SlotCircuits

S = 1_000_000
SLOT = ("mm/q", "sim:BTC-USDT", "bid_1")


def failures(*script: tuple[float, str]) -> tuple[SlotCircuits, list[float], list[bool]]:
    """The circuits after failures at (seconds, reason); how long the slot waited after each; whether it was told."""
    circuits, waits, told = SlotCircuits(), [], []
    for at_s, reason in script:
        now_us = int(at_s * S)
        told.append(circuits.note(*SLOT, reason, now_us) is not None)
        waits.append((max(circuits.until_us(*SLOT), now_us) - now_us) / S)
    return circuits, waits, told


@pytest.mark.parametrize(
    ("script", "waits", "told"),
    [
        ([(0, "a"), (1, "b"), (3, "a"), (7, "b"), (15, "c")], [1, 2, 4, 8, 16], 0),
        ([(0, "a"), (1, "b"), (3, "a"), (7, "b"), (15, "a")], [1, 2, 4, 8, 60], 1),
        ([(0, "a"), (30, "b"), (60, "c"), (90, "d"), (120, "e"), (150, "f"), (180, "g")], [1, 2, 4, 8, 16, 32, 60], 0),
        ([(0, "a"), (62, "b")], [1, 1], 0),
        ([(0, "a"), (1, "a"), (3, "a")], [1, 2, 60], 1),
        ([(0, "a"), (31, "a"), (61, "a")], [1, 2, 4], 0),
        ([(0, "a"), (30, "a"), (60, "a"), (121, "a"), (242, "a")], [1, 2, 60, 120, 240], 1),
        ([(0, "a"), (1, "a"), (3, "a"), (64, "b")], [1, 2, 60, 8], 1),
        ([(0, "a"), (1, "a"), (3, "a"), (124, "a")], [1, 2, 60, 1], 1),
        ([(0, "rejected:would_take"), (1, "rejected:would_take"), (2, "rejected:would_take")], [0, 0, 0], 0),
        ([(n, "rejected:would_take") for n in (0, 1, 2, 3, 20)], [0, 0, 0, 1, 0], 0),
        ([(n, "rejected:would_take") for n in (0, 1, 2, 3, 5, 9)], [0, 0, 0, 1, 2, 60], 1),
    ],
    ids=[
        "doubling",
        "equal failures count although others come in between",
        "at most a minute",
        "afresh after a quiet minute",
        "third equal failure opens",
        "three in more than a minute do not",
        "doubles while it goes on, told once",
        "another reason closes the circuit",
        "quiet closes the circuit",
        "three free post-only crossings",
        "free again after ten seconds",
        "then like any failure",
    ],
)
def test_waits(script: list[tuple[float, str]], waits: list[float], told: int) -> None:
    _, waited, was_told = failures(*script)
    assert (waited, sum(was_told)) == (waits, told)


def test_open_time_ends_at_a_quarter_of_an_hour() -> None:
    at, script = 3.0, [(0.0, "a"), (1.0, "a"), (3.0, "a")]
    for open_s in (60, 120, 240, 480, 900, 900):
        at += open_s + 1
        script.append((at, "a"))
    _, waits, told = failures(*script)
    assert waits == [1, 2, 60, 120, 240, 480, 900, 900, 900]
    assert sum(told) == 1


def test_hb462_a_hundred_thousand_orders_a_day() -> None:
    """A strategy that tries every second while the balance is short sends about a hundred orders a day."""
    circuits, sent = SlotCircuits(), 0
    for now_s in range(86_400):
        if not circuits.blocked(*SLOT, now_s * S):
            sent += 1
            circuits.note(*SLOT, "funds", now_s * S)
    assert 90 <= sent <= 110


def test_blocked_until_the_wait_is_over() -> None:
    circuits, _, _ = failures((10, "a"))
    assert circuits.blocked(*SLOT, 11 * S - 1)
    assert not circuits.blocked(*SLOT, 11 * S)
    assert not circuits.blocked("mm/q", "sim:BTC-USDT", "ask_1", 10 * S)


def test_no_failures_at_all() -> None:
    assert not SlotCircuits().blocked(*SLOT, 0)


def test_the_slot_that_failed_longest_ago_is_forgotten() -> None:
    circuits = SlotCircuits()
    for number in range(SLOTS_KEPT):
        circuits.note("mm", "i", str(number), "a", 0)
    circuits.note("mm", "i", "0", "b", 0)  # fails again: now the newest
    circuits.note("mm", "i", "new", "a", 0)
    assert [circuits.until_us("mm", "i", tag) for tag in ("0", "1", "new")] == [2 * S, 0, S]


def test_notice_says_where_and_how_often() -> None:
    circuits = SlotCircuits()
    circuits.note(*SLOT, "funds", 0)
    circuits.note(*SLOT, "funds", S)
    notice = circuits.note(*SLOT, "funds", 3 * S)
    assert notice is not None
    assert notice.lines() == (
        "E-REJECT sim:BTC-USDT: slot bid_1 of mm/q: 3 times funds in 60 s (limit 3); closed for 60 s, doubling to 900 s"
        " while it goes on\n         fix: mend the cause that the reason names"
    )


def test_only_the_latest_reasons_of_a_slot_are_remembered() -> None:
    circuits = SlotCircuits()
    for number in (0, 0, *range(1, REASONS_KEPT + 1), 0):
        assert circuits.note(*SLOT, f"reason {number}", 1_000_000) is None
