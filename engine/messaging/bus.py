"""The bus of this process: what a broker is between programs, between parts of one program."""

from collections.abc import Callable, Sequence

from engine.messaging.envelope import Message
from engine.messaging.topics import matches

Handler = Callable[[Message], None]


class Bus:
    """Hands every message to all who subscribed to its topic. `failed` is told when one of them raises."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._handlers: list[tuple[str, Handler]] = []
        self.error = ""

    def __bool__(self) -> bool:
        """Whether anybody listens."""
        return bool(self._handlers)

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """`handler` is called for every message whose topic fits; it must not block. `#` fits all."""
        self._handlers.append((pattern, handler))

    async def publish(self, messages: Sequence[Message]) -> int:
        """Everything arrives: a handler that raises has had its message, and the others still get theirs."""
        for message in messages:
            for pattern, handler in self._handlers:
                if matches(pattern, message.topic):
                    try:
                        handler(message)
                    except Exception as error:  # handled: the operator is told; trading and other listeners go on
                        self._failed(f"a listener failed on {message.topic}: {type(error).__name__}: {error}")
        return len(messages)

    async def close(self) -> None:
        """Nothing is open."""
