"""What signals do to a running session."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def handled(
    loop: asyncio.AbstractEventLoop,
    interrupt: Callable[[], None],
    terminate: Callable[[], None],
    reload: Callable[[], None] | None = None,
) -> Iterator[None]:
    """SIGINT calls `interrupt` in the loop, and again raises KeyboardInterrupt wherever the program is.

    SIGTERM calls `terminate`, however often it comes, SIGHUP `reload`. A handler runs even while the loop is kept busy.
    """
    interrupted = False

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True
        loop.call_soon_threadsafe(interrupt)

    before = signal.signal(signal.SIGINT, on_interrupt)
    loop.add_signal_handler(signal.SIGTERM, terminate)
    if reload is not None:
        loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        if reload is not None:
            loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGINT, before)
