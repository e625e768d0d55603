"""Who owns time: `run_live` sleeps to the next tick, `run_virtual` steps there. The only reader of the wall clock."""

import asyncio
import time
from collections.abc import Callable

from engine.core.driver import Driver
from engine.core.engine import FAR

WAKE_GAP_US = 100_000  # an off-grid tick comes no sooner than this after the last one

OnTick = Callable[[int], None]


class Clock:
    """Engine time: wall time at the start plus monotonic time since: it never steps. `speed` > 1 runs faster."""

    def __init__(self, speed: float = 1.0, start_us: int | None = None) -> None:
        self._speed = speed
        self._start_us = time.time_ns() // 1_000 if start_us is None else start_us
        self._monotonic_ns = time.monotonic_ns()

    def now_us(self) -> int:
        return self._start_us + int((time.monotonic_ns() - self._monotonic_ns) * self._speed) // 1_000

    def seconds_until(self, at_us: int) -> float:
        """Real seconds until engine time `at_us`, 0 if it has passed."""
        return max(0.0, (at_us - self.now_us()) / 1e6 / self._speed)


def wall_us() -> int:
    """The wall clock, for the edges: log lines, file names, session ids."""
    return time.time_ns() // 1_000


def run_virtual(driver: Driver, end_us: int, on_tick: OnTick | None = None) -> None:
    """Step the driver's venues and engine to `end_us` or until the engine has stopped; time is a loop variable."""
    engine = driver.engine
    now_us = engine.state.now_us
    while now_us < end_us and not engine.stopped:
        if driver.glides:
            now_us = driver.glide(now_us, end_us)
        grid_us = min(driver.next_grid_us(now_us), end_us)
        target_us = min(grid_us, max(engine.due_before(grid_us), now_us + WAKE_GAP_US))
        now_us = driver.step(now_us, target_us)
        if on_tick is not None:
            on_tick(now_us)
        if driver.exhausted:
            return


async def run_live(
    driver: Driver, clock: Clock, wake: asyncio.Event, end_us: int = FAR, on_tick: OnTick | None = None
) -> None:
    """Sleep to the next grid point, deadline or venue event, then step. A late tick is counted, never made up for.

    `wake` is set by connectors' tasks and by operators to end the sleep early.
    """
    engine = driver.engine
    while engine.state.now_us < end_us and not engine.stopped and not driver.exhausted:
        now_us = engine.state.now_us
        target_us = min(driver.next_grid_us(now_us), end_us, max(engine.due_us, now_us + WAKE_GAP_US))
        await _sleep(clock, min(target_us, driver.next_venue_us), wake)
        now_us = clock.now_us()
        if now_us >= target_us or wake.is_set():
            wake.clear()
            driver.step(engine.state.now_us, now_us)
            if on_tick is not None:
                on_tick(now_us)
        else:
            driver.receive(now_us)


async def _sleep(clock: Clock, until_us: int, wake: asyncio.Event) -> None:
    delay = clock.seconds_until(until_us)
    if delay == 0.0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(delay):
            await wake.wait()
    except TimeoutError:
        return
