"""Connectors at work: their tasks begin and end with the session."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from engine.core.ports import LiveConnector
from engine.model.event import Event


@asynccontextmanager
async def connected(
    connectors: Sequence[LiveConnector], hear: Callable[[Sequence[Event]], None], now_us: Callable[[], int]
) -> AsyncIterator[None]:
    """While the block runs. What `hear` raises, or a connector, ends the block and is raised from it."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(connector.run(hear, now_us)) for connector in connectors]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as errors:
        raise _first(errors) from None


def _first(error: BaseException) -> BaseException:
    """The error inside groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
