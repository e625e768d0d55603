"""The way to a venue and back: commands arrive `entry` later, answers `response` later, both first in, first out.

One book serves both clocks. What we see at `now` is the venue as it was one feed latency ago, and what we send arrives
later than everything we have seen: rows are applied up to what is visible, and commands in between at their arrival.
All instruments of a venue share one queue: before a command is executed, all of them are advanced to its arrival.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat

from connectors.paper.interface import FillKernel
from connectors.paper.latency import Latency
from connectors.paper.words import MARKED, NEVER_US, Outcome

Hear = Callable[[int, int, Outcome], None]
"""(when it is visible to us, number of the kernel, outcome), in venue time, before the next command is executed."""
Act = Callable[..., None]


def _event_us(news: tuple[int, Outcome]) -> int:
    return news[1][0]


class Wire:
    """Between one bot and the `kernels` of one venue, in the order of their instrument ids.

    `late_answers` counts what was told later than it was visible: an answer can depend on rows that are not visible
    yet when `response` is shorter than `feed`.
    """

    def __init__(self, kernels: Sequence[FillKernel], latency: Latency, hear: Hear) -> None:
        self.kernels = kernels
        self.latency = latency
        self.late_answers = 0
        self._hear = hear
        self._commands: deque[tuple[int, Act, tuple[object, ...]]] = deque()
        self._arrived_us = 0  # the latest arrival and the latest answer so far: neither overtakes another
        self._answered_us = 0
        self._run_us = 0  # all kernels have been run up to here
        self._now_us = 0

    def send(self, now_us: int, act: Act, *arguments: object) -> None:
        """`act(arrival, *arguments)` is to be done at the venue."""
        arrive_us = now_us + self.latency.entry(now_us)
        if arrive_us < self._arrived_us:
            arrive_us = self._arrived_us
        self._arrived_us = arrive_us
        self._commands.append((arrive_us, act, arguments))

    def answer_us(self, event_us: int) -> int:
        """When we hear of what happens at the venue at `event_us`."""
        visible_us = event_us + self.latency.response(event_us)
        if visible_us < self._answered_us:
            visible_us = self._answered_us
        self._answered_us = visible_us
        if visible_us <= self._now_us:
            self.late_answers += 1
        return visible_us

    def advance(self, now_us: int) -> None:
        """Everything at the venue that what is visible at `now_us` allows to happen."""
        commands, feed_us = self._commands, self.latency.feed_us
        horizons_us = [kernel.source.horizon_us(now_us, feed_us) for kernel in self.kernels]
        while commands and commands[0][0] <= now_us:
            arrive_us, act, arguments = commands[0]
            if arrive_us > self._run_us:
                self._run(horizons_us, arrive_us)
                self._run_us = min(arrive_us, *horizons_us)
                if arrive_us > self._run_us and any(_may_come(kernel, arrive_us) for kernel in self.kernels):
                    break
            commands.popleft()
            act(arrive_us, *arguments)
            self._collect()
        self._run(horizons_us, NEVER_US - 1)
        self._run_us = min(horizons_us)
        self._now_us = now_us

    def waits_until(self, now_us: int, quiet_us: int) -> int:
        """When the next command arrives; if it waits for rows that may come, when it waits no longer."""
        if not self._commands:
            return NEVER_US
        arrive_us = self._commands[0][0]
        return arrive_us if arrive_us > now_us else arrive_us + quiet_us

    @property
    def idle(self) -> bool:
        """Whether no command is under way."""
        return not self._commands

    @property
    def finished(self) -> bool:
        """Whether nothing more can happen: no command, and every row applied."""
        return not self._commands and all(kernel.next_us == NEVER_US for kernel in self.kernels)

    @property
    def next_us(self) -> int:
        """When the next row becomes visible, or the next command arrives."""
        rows_us = [
            kernel.source.seen_us(kernel.next_us, self.latency.feed_us)
            for kernel in self.kernels
            if kernel.next_us < NEVER_US
        ]
        return min([*rows_us, *(command[0] for command in list(self._commands)[:1])], default=NEVER_US)

    def _run(self, horizons_us: list[int], until_us: int) -> None:
        for kernel, horizon_us in zip(self.kernels, horizons_us, strict=True):
            kernel.run(min(until_us, horizon_us))
        self._collect()

    def _collect(self) -> None:
        """Hear the outcomes of all kernels by (time, instrument); hearing may bring about more of them."""
        while True:
            news: list[tuple[int, Outcome]] = []
            for number, kernel in enumerate(self.kernels):
                told = kernel.told
                if told:
                    kernel.told = []
                    news += zip(repeat(number), told)
            if len(news) > 1:
                news.sort(key=_event_us)
            elif not news:
                return
            for number, outcome in news:
                if outcome[1] < MARKED:
                    self._hear(self.answer_us(outcome[0]), number, outcome)
                else:
                    seen_us = self.kernels[number].source.seen_us(outcome[0], self.latency.feed_us)
                    self._hear(seen_us, number, outcome)


def _may_come(kernel: FillKernel, arrive_us: int) -> bool:
    """Whether rows up to a time are still to come, or nobody knows."""
    return kernel.source.live or kernel.next_us <= arrive_us
