"""An asyncio event loop without selector, sockets, threads or signals, on virtual time, and the same in every run.

Time is an int counter of microseconds that moves only when nothing is ready, to the next timer. Simulated processes can
be killed as `kill -9` does it: nothing of theirs ever runs again, no `finally`, `except` or `__del__`.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

START_US = 1_767_225_600_000_000  # 2026-01-01 UTC
STEPS_MAX = 50_000_000
COLLECT_STEPS = 100_000  # the garbage collector runs at these steps, not when it pleases


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set: the tasks named here wait for ever."""


class LimitReached(RuntimeError):
    """The run took more steps or virtual time than it was allowed."""


class UnhandledErrors(AssertionError):
    """Errors that nobody caught, as told to the loop's exception handler."""


class Process:
    """A simulated process: everything that was started by it. `steps` counts its resumptions.

    At the `crash_at`-th of them, 1 for the first, it is killed instead; None: never. Its wall clock is `skew_us` ahead.
    """

    def __init__(self, name: str, crash_at: int | None = None, skew_us: int = 0) -> None:
        self.name = name
        self.crash_at = crash_at
        self.skew_us = skew_us
        self.alive = True
        self.steps = 0


PROCESS: ContextVar[Process | None] = ContextVar("PROCESS", default=None)


class SimFuture(asyncio.Future[Any]):
    """Hashed by its number, so that sets of futures have the same order in every run. aiohttp wakes such a set."""

    def __init__(self, loop: SimLoop, number: int) -> None:
        self.number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class SimTask(asyncio.Task[Any]):
    """The same for tasks."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, loop: SimLoop, number: int, **options: Any) -> None:
        self.number = number  # asyncio hashes the task while it initialises it
        context = options.get("context")
        self.process = PROCESS.get() if context is None else context.get(PROCESS)
        super().__init__(coro, loop=loop, **options)

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.BaseEventLoop):
    """`shuffled`: what is ready at the same time runs in an order drawn from the seed instead of the order of arrival.

    `killed` are told of every killed process, from outside of it.
    """

    _ready: deque[Any]
    _stopping: bool

    def __init__(self, seed: int = 0, *, shuffled: bool = False, steps_max: int = STEPS_MAX, us_max: int = 1 << 62):
        super().__init__()
        self.elapsed_us = 0
        self.steps = 0
        self.errors: list[str] = []
        self.killed: list[Callable[[Process], None]] = []
        self._chance = Random(f"loop:{seed}") if shuffled else None
        self._steps_max = steps_max
        self._us_max = us_max
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._number = count(1).__next__
        self._buried: list[object] = []  # what must not be collected, because it would run code of the dead
        self._over = False
        self._collect_at = min(COLLECT_STEPS, steps_max + 1)
        self._clock_resolution = 1e-6
        self.set_exception_handler(self._note_error)

    # ---- time

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.elapsed_us * 1e-6

    def wall_us(self) -> int:
        """The wall clock of the current process, µs since the epoch."""
        process = PROCESS.get()
        return START_US + self.elapsed_us + (0 if process is None else process.skew_us)

    # ---- what is to run

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = events.Handle(callback, args, self, context)
        if not self._over:
            self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at_us(round(when * 1e6), callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at_us(self.elapsed_us + round(delay * 1e6), callback, *args, context=context)

    def call_at_us(self, at_us: int, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        """`call_at` in microseconds of `elapsed_us`."""
        handle = events.TimerHandle(at_us * 1e-6, callback, args, self, context)
        if not self._over:
            heappush(self._timers, (at_us, self._number(), handle))
        return handle

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """There are no threads: run it now."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # handled: whoever awaits the future gets it
            future.set_exception(error)
        return future

    def create_future(self) -> asyncio.Future[Any]:
        return SimFuture(self, self._number())

    def create_task(self, coro: Any, *, name: str | None = None, **options: Any) -> asyncio.Task[Any]:  # type: ignore[override]
        number = self._number()
        return SimTask(coro, loop=self, number=number, name=name or f"Task-{number}", **options)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    # ---- processes

    def spawn(self, process: Process, main: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> asyncio.Task[Any]:
        """Start a task of this process; whatever it starts belongs to the process too."""
        context = copy_context()
        context.run(PROCESS.set, process)
        return self.create_task(context.run(main, *args), context=context)

    def kill(self, process: Process) -> None:
        """kill -9."""
        process.alive = False
        for task in self._tasks():
            if _process_of(task) is process:
                self.bury(task)
        for hear in self.killed:
            hear(process)

    def living(self) -> list[asyncio.Task[Any]]:
        """Tasks that have not ended, oldest first."""
        return [task for task in self._tasks() if (process := _process_of(task)) is None or process.alive]

    def _tasks(self) -> list[asyncio.Task[Any]]:
        return sorted(asyncio.all_tasks(self), key=lambda task: getattr(task, "number", 0))

    def bury(self, remains: object) -> None:
        """Keep an object of a dead process until the loop is closed: collecting it would run its code."""
        self._buried.append(remains)

    # ---- running

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        if not ready:
            if self._stopping:
                return
            self._wake(self._next_us())
        elif timers and timers[0][0] <= self.elapsed_us:
            self._wake(self.elapsed_us)
        batch = len(ready)
        if self._chance is not None and batch > 1:
            shuffled = list(ready)
            self._chance.shuffle(shuffled)
            ready.clear()
            ready.extend(shuffled)
        self.steps += batch
        if self.steps >= self._collect_at:
            self._housekeep()
        for _ in range(batch):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)
            if process is not None:
                if not process.alive:
                    self._buried.append(handle)
                    continue
                process.steps += 1
                if process.steps == process.crash_at:
                    self._buried.append(handle)
                    self.kill(process)
                    continue
            handle._run()

    def _wake(self, now_us: int) -> None:
        """Move the clock to `now_us` and the timers that are due to what is ready."""
        timers = self._timers
        self.elapsed_us = now_us
        while timers and timers[0][0] <= now_us:
            handle = heappop(timers)[2]
            if not handle._cancelled:
                self._ready.append(handle)

    def _next_us(self) -> int:
        timers = self._timers
        while timers and timers[0][2]._cancelled:
            heappop(timers)
        if not timers:
            raise Deadlock(f"nothing will ever happen after {self.time():.6f} s, and these wait: {self._names()}")
        at_us = max(self.elapsed_us, timers[0][0])
        if at_us > self._us_max:
            raise LimitReached(f"more than {self._us_max} µs of virtual time")
        return at_us

    def _housekeep(self) -> None:
        self._collect_at = min(self.steps + COLLECT_STEPS, self._steps_max + 1)
        if self.steps > self._steps_max:
            raise LimitReached(f"more than {self._steps_max} steps, at {self.time():.6f} s")
        gc.collect()

    def _names(self) -> str:
        return "; ".join(f"{task.get_name()} {getattr(task.get_coro(), '__qualname__', '?')}" for task in self.living())

    def _note_error(self, loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        if not self._over:
            self.errors.append(f"{told.get('message')}: {told.get('exception')!r}")

    # ---- the end

    def check(self) -> None:
        """Raise UnhandledErrors if anything went wrong unheard, or if a task of the living was left."""
        if self.living():
            self.errors.append(f"left running: {self._names()}")
        if self.errors:
            raise UnhandledErrors("\n".join(self.errors))

    def close(self) -> None:
        """Close what is left, the dead included, while everything that they still want to start is ignored."""
        self._over = True
        self._buried += self._tasks()
        self._ready.clear()
        self._timers.clear()
        with warnings.catch_warnings():
            if self._buried:
                warnings.simplefilter("ignore")  # the dead closed nothing and awaited nothing
            events._set_running_loop(self)
            _end_all(self._buried)
            _end_all(self._tasks())
            events._set_running_loop(None)
            self._buried.clear()
            gc.collect()
        super().close()


def run(loop: SimLoop, main: Coroutine[Any, Any, Any]) -> Any:
    """Run `main` to its end on a fresh loop, check it and close it. Whatever `main` closes has a second to end."""
    collects = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        result = loop.run_until_complete(main)
        loop.run_until_complete(asyncio.sleep(1))
        loop.check()
        return result
    finally:
        loop.close()
        gc.unfreeze()
        if collects:
            gc.enable()


def _process_of(task: asyncio.Task[Any]) -> Process | None:
    """Python 3.12 has libraries that make their tasks themselves."""
    return task.process if isinstance(task, SimTask) else task.get_context().get(PROCESS)  # type: ignore[attr-defined]


def _end_all(remains: Iterable[object]) -> None:
    """Nothing of them stays in a variable of who collects them: the last one would be collected by some other test."""
    for each in remains:
        if isinstance(each, asyncio.Task):
            _end(each)


def _end(task: Any) -> None:
    task._log_destroy_pending = False
    try:
        task.get_coro().close()
    except (Exception, BaseExceptionGroup):  # handled: what it wants in its `finally` is gone, and nobody needs it
        return
