"""Slot circuits: after a refusal or rejection a slot waits, so that no order is sent again and again.

A wait of 1, 2, 4 … 60 s after each failure; the third equal one within 60 s opens the circuit for 60 s, doubling up to
15 min. "Would take" of a post-only order is how making a market works: three of them in 10 s cost no wait.
"""

from collections import deque

from engine.core.notice import Notice, show_seconds

SECOND_US = 1_000_000
BACKOFF_US_MAX = 60 * SECOND_US
EQUAL_FAILURES = 3
REASONS_KEPT = 8
EQUAL_WITHIN_US = 60 * SECOND_US
OPEN_FIRST_US = 60 * SECOND_US
OPEN_US_MAX = 900 * SECOND_US
POST_ONLY_FREE = 3
POST_ONLY_WITHIN_US = 10 * SECOND_US
QUIET_US = 60 * SECOND_US  # without a failure for this long after its wait, a slot starts afresh
WOULD_TAKE = "would_take"  # in the reason of a post-only order that crossed, at every venue
SLOTS_KEPT = 4_096  # beyond it the slot that failed longest ago is forgotten

Slot = tuple[str, str, str]  # owner, instrument id, tag


class _Failures:
    """What a slot has failed with lately."""

    __slots__ = ("crossed", "open_us", "reason", "times", "until_us", "wait_us")

    def __init__(self) -> None:
        self.until_us = 0  # nothing is sent before
        self.wait_us = 0  # the last wait
        self.open_us = 0  # how long the circuit was open the last time
        self.reason = ""
        self.times: dict[str, deque[int]] = {}  # by reason, the latest REASONS_KEPT: others may come in between
        self.crossed: deque[int] = deque(maxlen=POST_ONLY_FREE)  # times of post-only orders that would have taken


class SlotCircuits:
    """The failures of all slots. A slot that never failed is not in here."""

    def __init__(self) -> None:
        self._slots: dict[Slot, _Failures] = {}

    def blocked(self, owner: str, instrument_id: str, tag: str, now_us: int) -> bool:
        """Whether the slot has to wait."""
        return now_us < self.until_us(owner, instrument_id, tag)

    def note(self, owner: str, instrument_id: str, tag: str, reason: str, now_us: int) -> Notice | None:
        """A request of the slot was refused or rejected. Returns what to tell when its circuit opens."""
        slot = (owner, instrument_id, tag)
        failures = self._slots.pop(slot, None) or _Failures()
        if len(self._slots) >= SLOTS_KEPT:
            del self._slots[next(iter(self._slots))]
        self._slots[slot] = failures
        if WOULD_TAKE in reason:
            crossed = failures.crossed
            free = len(crossed) < POST_ONLY_FREE or now_us - crossed[0] > POST_ONLY_WITHIN_US
            crossed.append(now_us)
            if free:
                return None
        if _wait(failures, reason, now_us):
            text = f"slot {tag} of {owner}: {EQUAL_FAILURES} times {reason} in {show_seconds(EQUAL_WITHIN_US)}"
            text += f" (limit {EQUAL_FAILURES}); closed for {show_seconds(OPEN_FIRST_US)}, doubling to"
            text += f" {show_seconds(OPEN_US_MAX)} while it goes on"
            return Notice("E-REJECT", instrument_id, text, "mend the cause that the reason names", now_us)
        return None

    def until_us(self, owner: str, instrument_id: str, tag: str) -> int:
        """When the slot may be used again; 0 if it never failed."""
        failures = self._slots.get((owner, instrument_id, tag)) if self._slots else None
        return 0 if failures is None else failures.until_us


def _wait(failures: _Failures, reason: str, now_us: int) -> bool:
    """Decide how long the slot waits. True when its circuit opens for the first time."""
    if now_us > failures.until_us + QUIET_US:
        failures.wait_us = failures.open_us = 0
    if reason != failures.reason:
        failures.reason = reason
        failures.open_us = 0
    times = failures.times.pop(reason, None) or deque(maxlen=EQUAL_FAILURES)
    if len(failures.times) >= REASONS_KEPT:
        del failures.times[next(iter(failures.times))]
    failures.times[reason] = times
    times.append(now_us)
    failures.wait_us = min(max(SECOND_US, 2 * failures.wait_us), BACKOFF_US_MAX)
    opened_before = failures.open_us > 0
    equal = len(times) == EQUAL_FAILURES and now_us - times[0] <= EQUAL_WITHIN_US
    if opened_before or equal:
        failures.open_us = min(max(OPEN_FIRST_US, 2 * failures.open_us), OPEN_US_MAX)
    failures.until_us = now_us + max(failures.wait_us, failures.open_us)
    return equal and not opened_before
