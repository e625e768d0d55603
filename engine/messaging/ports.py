"""The seams of messaging: where messages wait, and where they go."""

from collections.abc import Sequence
from typing import Protocol

from engine.messaging.envelope import Message


class Outbox(Protocol):
    """Messages of one log that are durable and have not arrived yet."""

    log_id: str

    def unsent(self, limit: int) -> Sequence[tuple[int, str, str]]:
        """Number, topic and body of those behind the last that was `sent`, in their order, at most `limit`."""
        ...

    def sent(self, seq: int) -> None:
        """All messages up to this one have arrived and may be forgotten."""
        ...


class Publisher(Protocol):
    """Whoever takes messages: a broker, or the bus of this process."""

    async def publish(self, messages: Sequence[Message]) -> int:
        """Send them in this order; returns how many of the first ones have certainly arrived.

        Fewer than all: it does not work just now, and `error` says why.
        """
        ...

    @property
    def error(self) -> str:
        """Why the last messages did not arrive; "" while it works. Never a password."""
        ...

    async def close(self) -> None:
        """Let go of everything; `publish` may open it again."""
        ...
