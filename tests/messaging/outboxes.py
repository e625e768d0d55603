"""An outbox in memory, and a publisher that does as it is told."""

from collections.abc import Sequence

from engine.messaging.envelope import Message


class MemoryOutbox:
    """Messages numbered from 1."""

    log_id = "a-log"

    def __init__(self, count: int = 0, topic: str = "order.open.bot") -> None:
        self.rows = [(number, topic, f'{{"number":{number}}}') for number in range(1, count + 1)]
        self.arrived = 0

    def unsent(self, limit: int) -> list[tuple[int, str, str]]:
        return self.rows[self.arrived :][:limit]

    def sent(self, seq: int) -> None:
        assert seq > self.arrived
        self.arrived = seq


class MovingPublisher:
    """Takes what it is given; `answers` say how many of the next messages are confirmed, None for all of them.

    All messages that were sent are in `heard`, also those that were not confirmed.
    """

    def __init__(self, answers: Sequence[int | None] = ()) -> None:
        self.heard: list[Message] = []
        self.closed = 0
        self.error = ""
        self._answers = list(answers)

    async def publish(self, messages: Sequence[Message]) -> int:
        self.heard += messages
        answer = self._answers.pop(0) if self._answers else None
        self.error = "" if answer is None else "it is gone"
        return len(messages) if answer is None else min(answer, len(messages))

    async def close(self) -> None:
        self.closed += 1
