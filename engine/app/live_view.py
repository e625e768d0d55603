"""What a terminal shows while a bot runs: the live view, or lines where nothing can be redrawn."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from engine.app.session import Session
from engine.app.status import status_of
from engine.app.status_view import render_line, render_status

LINE_SECONDS = 5.0


class LineView:
    """One line every few seconds, and every notice."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._due = time.monotonic() + LINE_SECONDS

    def attach(self, session: Session) -> None:
        session.show = self._show

    def hear(self, text: str) -> None:
        self._say(text)

    def _show(self, session: Session) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_SECONDS
            self._say(render_line(status_of(session)))


class TerminalView:
    """The status, redrawn in place. Notices stand in it as warnings."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def attach(self, session: Session) -> None:
        session.show = self._show

    def hear(self, text: str) -> None:
        """Nothing to do: the status has it."""

    def _show(self, session: Session) -> None:
        self._live.update(render_status(status_of(session)), refresh=True)


View = LineView | TerminalView


@contextmanager
def show_view(say: Callable[[str], None], *, live: bool) -> Iterator[View]:
    """A view to attach to a session; `say` takes lines where there is no terminal to draw on."""
    if not live:
        yield LineView(say)
        return
    with Live(console=Console(), auto_refresh=False) as screen:
        yield TerminalView(screen)
