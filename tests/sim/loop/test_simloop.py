"""The loop alone: time, order, limits, what goes wrong unheard, and processes that are killed."""

import asyncio
import weakref
from contextlib import suppress
from typing import Any

import pytest

from tests.sim.loop.simloop import START_US, Deadlock, LimitReached, Process, SimLoop, UnhandledErrors, run


def test_time_jumps_to_the_next_timer_and_is_exact() -> None:
    loop = SimLoop()
    seen: list[tuple[int, int]] = []

    async def main() -> str:
        for seconds in (86_400, 0.000001, 0.1, 0.2):
            await asyncio.sleep(seconds)
            seen.append((loop.elapsed_us, loop.wall_us() - START_US))
        return "done"

    assert run(loop, main()) == "done"
    assert [elapsed for elapsed, _ in seen] == [86_400_000_000, 86_400_000_001, 86_400_100_001, 86_400_300_001]
    assert all(elapsed == wall for elapsed, wall in seen)
    assert loop.steps < 20


def test_a_cancelled_timer_does_not_fire_and_moves_no_time() -> None:
    loop = SimLoop()
    fired: list[str] = []

    async def main() -> None:
        loop.call_later(5, fired.append, "late").cancel()
        loop.call_later(1, fired.append, "one")
        loop.call_at(loop.time() + 0.5, fired.append, "half")
        loop.call_at(loop.time() - 0.5, fired.append, "past")
        loop.call_soon_threadsafe(fired.append, "now")
        async with asyncio.timeout(60):
            await asyncio.sleep(2)

    run(loop, main())
    assert fired == ["now", "past", "half", "one"]
    assert loop.elapsed_us == 3_000_000  # and the second that the run leaves for closing


def order_of(seed: int, *, shuffled: bool) -> list[int]:
    order: list[int] = []

    async def one(number: int) -> None:
        await asyncio.sleep(1)
        order.append(number)

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(20)))

    run(SimLoop(seed, shuffled=shuffled), main())
    return order


def test_order_is_that_of_arrival_or_drawn_from_the_seed() -> None:
    assert order_of(1, shuffled=False) == list(range(20))
    drawn = order_of(1, shuffled=True)
    assert drawn != sorted(drawn)
    assert drawn == order_of(1, shuffled=True)
    assert drawn != order_of(2, shuffled=True)


def test_sets_of_tasks_and_futures_are_iterated_in_the_order_of_creation() -> None:
    loop = SimLoop()

    async def main() -> None:
        tasks = {asyncio.create_task(asyncio.sleep(0)) for _ in range(50)}
        names = [task.get_name() for task in tasks]
        assert names == sorted(names, key=lambda name: int(name.removeprefix("Task-")))
        futures = [loop.create_future() for _ in range(50)]
        assert list(set(futures)) == futures
        done, _ = await asyncio.wait(tasks)
        assert len(done) == 50

    run(loop, main())


def test_a_deadlock_names_who_waits() -> None:
    async def forgotten() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await asyncio.gather(forgotten(), asyncio.sleep(3))

    with pytest.raises(Deadlock, match=r"3\.000000 s.*main.*forgotten"):
        run(SimLoop(), main())


def test_limits_end_a_run_that_would_not_end() -> None:
    async def busy() -> None:
        await asyncio.sleep(0)
        asyncio.get_running_loop().create_task(busy())

    async def patient() -> None:
        for _ in range(1000):
            await asyncio.sleep(1)

    with pytest.raises(LimitReached, match="1000 steps"):
        run(SimLoop(steps_max=1000), busy())
    with pytest.raises(LimitReached, match="5000000"):
        run(SimLoop(us_max=5_000_000), patient())


def test_what_would_run_in_a_thread_runs_at_once() -> None:
    def fails() -> None:
        raise ValueError("no")

    async def main() -> list[int]:
        done: list[int] = []
        future = asyncio.get_running_loop().run_in_executor(None, done.append, 1)
        assert done == [1]
        await future
        await asyncio.to_thread(done.append, 2)
        with pytest.raises(ValueError, match="no"):
            await asyncio.to_thread(fails)
        return done

    assert run(SimLoop(), main()) == [1, 2]


def test_an_error_that_nobody_caught_fails_the_run() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)

    with pytest.raises(UnhandledErrors, match="ZeroDivisionError"):
        run(SimLoop(), main())


def test_a_task_that_is_left_running_fails_the_run_and_is_closed() -> None:
    closed: list[str] = []
    tasks: list[Any] = []

    async def service() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            tasks.append(asyncio.create_task(asyncio.sleep(1)))  # ignored: it is over
            closed.append("closed")
            await asyncio.sleep(1)

    async def main() -> None:
        tasks.append(asyncio.create_task(service()))
        await asyncio.sleep(1)

    with pytest.raises(UnhandledErrors, match=r"left running: .*service"):
        run(SimLoop(), main())
    assert closed == ["closed"]


# ---- processes


class Witness:
    """What code of a process did."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def work(self, rounds: int = 1000) -> None:
        token = Token(self)
        child = asyncio.create_task(self.child())
        try:
            for number in range(rounds):
                self.said.append(f"step {number}")
                await asyncio.sleep(1)
        except BaseException as error:
            self.said.append(f"except {error!r}")
            raise
        finally:
            self.said.append("finally")
            child.cancel()
            with suppress(asyncio.CancelledError):
                await child
            del token

    async def child(self) -> None:
        try:
            async for _ in self.numbers():
                await asyncio.sleep(0.4)
        finally:
            self.said.append("finally of the child")

    async def numbers(self) -> Any:
        try:
            while True:
                yield 1
                await asyncio.sleep(0.1)
        finally:
            self.said.append("finally of the generator")


class Token:
    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def __del__(self) -> None:
        self._witness.said.append("__del__")


ENDINGS = ("except", "finally", "__del__")


def test_a_killed_process_runs_nothing_any_more() -> None:
    loop = SimLoop()
    witness = Witness()
    heard: list[str] = []

    async def main() -> list[str]:
        process = Process("victim")
        loop.killed.append(lambda dead: heard.append(dead.name))
        loop.spawn(process, witness.work)
        await asyncio.sleep(3.5)
        loop.kill(process)
        steps = process.steps
        await asyncio.sleep(3600)
        assert process.steps == steps
        return list(witness.said)

    said = run(loop, main())
    assert said == [f"step {number}" for number in range(4)]
    assert heard == ["victim"]


def test_a_process_that_is_cancelled_ends_in_order() -> None:
    loop = SimLoop()
    witness = Witness()

    async def main() -> None:
        task = loop.spawn(Process("service"), witness.work)
        await asyncio.sleep(3.5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    run(loop, main())
    assert {word for word in ENDINGS if any(said.startswith(word) for said in witness.said)} == set(ENDINGS)


def test_a_process_dies_at_the_resumption_it_was_told() -> None:
    """Whatever it did before is what it does without a crash, and nothing follows."""

    def live(crash_at: int | None) -> tuple[list[str], Process]:
        loop = SimLoop()
        witness = Witness()
        process = Process("victim", crash_at)

        async def main() -> list[str]:
            loop.spawn(process, witness.work, 5)
            await asyncio.sleep(10)
            return list(witness.said)

        return run(loop, main()), process

    whole, process = live(None)
    assert process.alive
    assert process.steps > 20
    for number in range(1, process.steps + 1):
        said, victim = live(number)
        assert not victim.alive
        assert victim.steps == number
        assert said == whole[: len(said)]
    assert live(1)[0] == []
    assert live(process.steps + 1)[0] == whole


def test_each_process_has_its_wall_clock() -> None:
    loop = SimLoop()

    async def now_us() -> int:
        await asyncio.sleep(1)
        return loop.wall_us()

    async def main() -> tuple[int, int]:
        fast, right = Process("fast", skew_us=2_500_000), Process("right")
        one, other = loop.spawn(fast, now_us), loop.spawn(right, now_us)
        return await one, await other

    assert run(loop, main()) == (START_US + 3_500_000, START_US + 1_000_000)


class Round:
    """Only the garbage collector can free it."""

    def __init__(self) -> None:
        self.me = self


def test_nothing_of_the_dead_is_left_when_the_loop_is_closed() -> None:
    """What is collected later warns in the middle of some other test."""
    loop, held = SimLoop(), list[weakref.ref[Round]]()

    async def live() -> None:
        mine = Round()
        held.append(weakref.ref(mine))
        loop.call_later(2, print, mine)

    async def main() -> None:
        process = Process("dead")
        loop.spawn(process, live)
        await asyncio.sleep(1)
        loop.kill(process)
        await asyncio.sleep(2)

    run(loop, main())
    assert [each() for each in held] == [None]
