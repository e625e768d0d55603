"""One run: drive the engine over the data, let it end in order, and keep what it leaves behind."""

import gc
from collections.abc import Callable
from typing import Protocol

from engine.backtest.recording import DAY_US, Recording
from engine.core.actions import StopHow
from engine.core.clock import WAKE_GAP_US, run_virtual
from engine.core.driver import Driver
from engine.core.engine import FAR
from engine.model.enums import OperatorAction
from engine.model.event import OperatorCommand

CLOSING_US = 60_000_000  # the time that the last cancels have
TURN_TICKS = 60  # how often somebody may look at the run, and stop it; candles without ticks are played day by day


class Progress(Protocol):
    """Hears how far a run is, and how many rows it has played. Returns False to stop it there."""

    def __call__(self, now_us: int, end_us: int, rows: int) -> bool: ...


def play(
    driver: Driver,
    recording: Recording,
    end_us: int,
    rows: Callable[[], int],
    progress: Progress,
    *,
    flatten: bool = False,
) -> bool:
    """Run to `end_us` or to the end of the data. Returns whether nobody stopped it before.

    With `flatten` what the executors hold is closed then, by taking from the last book.
    """
    engine = driver.engine
    stop = False
    gc.collect()
    gc.freeze()
    gc.disable()  # the engine's records hold no cycles; what does is collected at each turn
    try:
        while not stop and engine.state.now_us < end_us and not engine.stopped and not driver.exhausted:
            now_us = engine.state.now_us
            day_end_us = (now_us // DAY_US + 1) * DAY_US  # the books of that moment are kept
            turn_us = min(end_us, day_end_us, FAR if driver.glides else now_us + TURN_TICKS * engine.grid_us)
            run_virtual(driver, turn_us, recording.ticked)
            gc.collect(0)
            stop = not progress(engine.state.now_us, end_us, rows())
    finally:
        gc.enable()
        gc.unfreeze()
    if flatten:
        _flatten(driver, recording)
    _close(driver, recording)
    return not stop


def _flatten(driver: Driver, recording: Recording) -> None:
    """Until every executor has nothing left, or the time for that is over."""
    engine = driver.engine
    until_us = engine.state.now_us + CLOSING_US
    for executor in engine.state.executors.values():
        executor.stop(StopHow.FLATTEN)
    while not engine.stopped and engine.state.now_us < until_us:
        if all(executor.done for executor in engine.state.executors.values()):
            return
        driver.step(engine.state.now_us, driver.next_grid_us(engine.state.now_us))
        recording.ticked(engine.state.now_us)


def _close(driver: Driver, recording: Recording) -> None:
    """Open orders are cancelled, positions stay and are marked."""
    engine = driver.engine
    if engine.ending is None:
        engine.apply(OperatorCommand(OperatorAction.STOP, "backtest", "the data ended", engine.state.now_us))
    until_us = engine.state.now_us + CLOSING_US
    while not engine.stopped and engine.state.now_us < until_us:
        driver.step(engine.state.now_us, engine.state.now_us + WAKE_GAP_US)
        recording.ticked(engine.state.now_us)
    recording.close()
