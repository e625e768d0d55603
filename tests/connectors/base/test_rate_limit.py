"""Rate limits: no request before its time, cancels always find room, the venue's own count wins."""

import asyncio
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.outcomes import Failed
from connectors.base.rate_limit import GO, Limit, Priority, RateLimiter
from engine.model.enums import Outcome
from tests.sim.loop.simloop import START_US, SimLoop, run

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
CREATE, CANCEL = Priority.CREATE, Priority.CANCEL


class Hand:
    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us


def limiter(limit: Limit, **options: float) -> tuple[RateLimiter, Hand]:
    clock = Hand()
    return RateLimiter({"all": limit}, clock, **options), clock


def test_an_aligned_window_starts_anew_with_the_clock() -> None:
    limits, clock = limiter(Limit(10, MINUTE_US, aligned=True))
    clock.now_us += 50 * SECOND_US
    assert [limits.ask(CANCEL, {"all": 5}) for _ in range(2)] == [GO, GO]
    assert limits.ask(CANCEL, {"all": 1}) == START_US + MINUTE_US
    clock.now_us = START_US + MINUTE_US
    assert limits.ask(CANCEL, {"all": 10}) == GO


def test_a_rolling_window_never_holds_more_than_its_limit() -> None:
    limits, clock = limiter(Limit(4, 2 * SECOND_US))
    passed: list[int] = []
    for _ in range(2_000):
        if limits.ask(CANCEL, {"all": 1}) == GO:
            passed.append(clock.now_us)
        clock.now_us += 10_000
    for at_us in passed:
        assert sum(at_us - 2 * SECOND_US < each <= at_us for each in passed) <= 4
    assert len(passed) == 4 * 10


def test_orders_leave_room_for_cancels() -> None:
    limits, _ = limiter(Limit(10, MINUTE_US, aligned=True))
    orders = [limits.ask(CREATE, {"all": 1}) for _ in range(10)]
    assert orders.count(GO) == 6
    assert [limits.ask(CANCEL, {"all": 1}) for _ in range(4)] == [GO] * 4
    assert limits.ask(CANCEL, {"all": 1}) != GO


def test_a_share_of_the_limit() -> None:
    limits, _ = limiter(Limit(10, MINUTE_US, aligned=True), share=0.5)
    assert [limits.ask(CANCEL, {"all": 1}) for _ in range(6)].count(GO) == 5


def test_several_windows_are_charged_together_or_not_at_all() -> None:
    clock = Hand()
    limits = RateLimiter({"weight": Limit(10, MINUTE_US, True), "orders": Limit(1, MINUTE_US, True)}, clock)
    assert limits.ask(CANCEL, {"weight": 5, "orders": 1}) == GO
    assert limits.ask(CANCEL, {"weight": 5, "orders": 1}) != GO
    assert limits.ask(CANCEL, {"weight": 5}) == GO  # the refused one cost nothing


def test_windows_of_their_own_for_each_market() -> None:
    clock = Hand()
    limits = RateLimiter({"place": Limit(1, MINUTE_US)}, clock)
    assert limits.ask(CANCEL, {"place:BTC-USDT": 1}) == GO
    assert limits.ask(CANCEL, {"place:ETH-USDT": 1}) == GO
    assert limits.ask(CANCEL, {"place:BTC-USDT": 1}) != GO


def test_the_venues_count_wins() -> None:
    limits, _ = limiter(Limit(10, MINUTE_US, aligned=True))
    limits.told("all", 10)
    assert limits.ask(CANCEL, {"all": 1}) != GO
    limits.told("all", 2)
    assert limits.ask(CANCEL, {"all": 8}) == GO
    limits.change("all", Limit(20, MINUTE_US, aligned=True))
    assert limits.ask(CANCEL, {"all": 20}) == GO
    rolling, _ = limiter(Limit(10, MINUTE_US))
    rolling.told("all", 10)
    assert rolling.ask(CANCEL, {"all": 1}) != GO


def test_a_pause_stops_orders_and_slows_cancels() -> None:
    limits, clock = limiter(Limit(100, MINUTE_US, aligned=True))
    limits.pause(clock() + 5 * SECOND_US)
    assert limits.ask(CREATE, {"all": 1}) == clock() + 5 * SECOND_US
    passed = Counter[int]()
    for _ in range(50):
        passed[(clock() - START_US) // SECOND_US] += limits.ask(CANCEL, {"all": 1}) == GO
        clock.now_us += 100_000
    assert passed == {0: 0, 1: 1, 2: 1, 3: 1, 4: 1}
    assert limits.ask(CREATE, {"all": 1}) == GO


def test_too_many_orders_do_not_slow_cancels() -> None:
    limits, clock = limiter(Limit(100, MINUTE_US, aligned=True))
    limits.pause(clock() + 5 * SECOND_US, orders_only=True)
    assert limits.ask(CREATE, {"all": 1}) != GO
    assert [limits.ask(CANCEL, {"all": 1}) for _ in range(9)] == [GO] * 9
    assert limits.ask(Priority.TRADES, {"all": 1}) == GO


@pytest.mark.parametrize("priority", Priority)
def test_during_a_ban_nothing_passes(priority: Priority) -> None:
    limits, clock = limiter(Limit(100, MINUTE_US, aligned=True))
    limits.ban(clock() + 5 * SECOND_US)
    assert limits.ask(priority, {"all": 1}) == clock() + 5 * SECOND_US
    clock.now_us += 5 * SECOND_US
    assert limits.ask(priority, {"all": 1}) == GO


def test_cancels_wait_for_room_and_orders_do_not() -> None:
    loop = SimLoop()
    limits = RateLimiter({"all": Limit(2, 2 * SECOND_US)}, loop.wall_us)

    async def main() -> None:
        await limits.passed(CREATE, {"all": 1})
        with pytest.raises(Failed) as refused:
            await limits.passed(CREATE, {"all": 1}, 60)
        assert (refused.value.outcome, refused.value.code) == (Outcome.NOT_SENT, "rate_limit")
        await limits.passed(CANCEL, {"all": 1})
        assert loop.time() == 0
        await limits.passed(CANCEL, {"all": 1}, 3)
        assert 2 <= loop.time() < 2.01
        with pytest.raises(Failed):
            await asyncio.gather(*(limits.passed(CANCEL, {"all": 1}, 1) for _ in range(5)))

    run(loop, main())


@given(st.integers(0, 10_000), st.booleans())
def test_whatever_happens_no_window_is_overdrawn(seed: int, aligned: bool) -> None:
    chance = Random(f"limits:{seed}")
    limit = Limit(chance.randint(1, 30), chance.randint(1, 5) * SECOND_US, aligned)
    limits, clock = limiter(limit)
    passed: list[tuple[int, int]] = []
    for _ in range(200):
        weight = chance.randint(1, 5)
        if limits.ask(chance.choice(list(Priority)), {"all": weight}) == GO:
            passed.append((clock(), weight))
        clock.now_us += chance.randint(0, SECOND_US)
    for at_us, _ in passed:
        from_us = at_us // limit.interval_us * limit.interval_us if aligned else at_us - limit.interval_us + 1
        assert sum(weight for each_us, weight in passed if from_us <= each_us <= at_us) <= limit.weight
