"""Many days as one source: the same as all their rows at once, with little in memory."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.paper.day_rows import Day, DayRows
from connectors.paper.kernel import Kernel
from connectors.paper.rows import Rows

DAY_US = 1_000
Columns = dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"]


def columns_of(days: int, recorded: bool, late_us: int = 0) -> Columns:
    """Ten rows a day, 100 µs apart; each is received 7 µs later, or `late_us` more."""
    event_us = np.arange(days * 10) * 100 + 50
    columns = {
        "event_us": event_us,
        "kind": np.arange(days * 10) % 4,
        "ticks": 1_000 + np.arange(days * 10) % 4 * 2,
        "lots": np.arange(days * 10) % 7 + 1,
    }
    return columns | ({"receive_us": event_us + 7 + late_us} if recorded else {})


def split(columns: Columns, days: int, loads: list[int]) -> DayRows:
    def load(number: int) -> Rows:
        loads.append(number)
        return Rows.of({name: column[number * 10 : number * 10 + 10] for name, column in columns.items()})

    return DayRows([Day(10, number * DAY_US + 50, partial(load, number)) for number in range(days)])


@given(st.integers(1, 4), st.booleans(), st.sampled_from([0, 120, 900]), st.integers(0, 4_200))
def test_same_as_all_rows_at_once(days: int, recorded: bool, late_us: int, now_us: int) -> None:
    columns = columns_of(days, recorded, late_us)
    whole, parts = Rows.of(columns), split(columns, days, [])
    assert parts.count == whole.count
    assert (parts.has_levels, parts.has_best) == (whole.has_levels, whole.has_best)
    first = min(parts.horizon_us(now_us, 30), int(columns["event_us"][-1]))
    assert first == min(whole.horizon_us(now_us, 30), int(columns["event_us"][-1]))
    for row in range(whole.count):
        at_us = int(columns["event_us"][row])
        assert parts.seen_us(at_us, 30) == whole.seen_us(at_us, 30)


def test_kernel_plays_both_alike() -> None:
    columns = columns_of(3, recorded=False)
    digests = []
    for source in (Rows.of(columns), split(columns, 3, [])):
        kernel = Kernel(source, 1 << 12)
        steps = []
        for until_us in range(0, 3_200, 130):
            kernel.run(until_us)
            steps.append((kernel.best_bid, kernel.best_ask, kernel.event_us, kernel.rows_applied))
        digests.append(steps)
    assert digests[0] == digests[1]


def test_days_are_read_once_and_forgotten() -> None:
    loads: list[int] = []
    parts = split(columns_of(5, recorded=True), 5, loads)
    kernel = Kernel(parts)
    for until_us in range(0, 5_200, 50):
        parts.horizon_us(until_us, 0)
        kernel.run(until_us)
    assert loads == [0, 1, 2, 3, 4]
    assert len(parts._held) == 1, "the day that is over is let go"


def test_days_follow_each_other() -> None:
    day = Day(10, 0, lambda: Rows.of(columns_of(1, recorded=False)))
    for days in ([], [day, day]):
        with pytest.raises(ValueError, match="days have to follow each other"):
            DayRows(days)
