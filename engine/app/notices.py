"""What an operator hears of a bot: in the log and on the screen, each condition at most once a minute."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from engine.app.log_file import Level, LogFile
from engine.app.redaction import Redaction
from engine.core.clock import wall_us
from engine.core.modes import ModeChanged
from engine.core.notice import Notice

REPEAT_US = 60_000_000  # per code and object
SHOWN = 50
EXPECTED = ("R-STOP",)  # asked for by somebody who knows
_LEVELS = {"E": Level.ERROR, "R": Level.WARNING, "W": Level.WARNING, "I": Level.INFO}


class Shown(Struct, frozen=True):
    """A notice as it was let through; `count` says how often its condition was met since the one before."""

    notice: Notice
    count: int


class Notices:
    """Lets notices through to `log` and to `hear`, and keeps the newest ones for the status."""

    def __init__(self, log: LogFile, redaction: Redaction, hear: Callable[[str], None] | None = None) -> None:
        self.log = log
        self.recent: list[Shown] = []
        self._redaction = redaction
        self._hear = hear
        self._last_us: dict[tuple[str, str], int] = {}
        self._held: dict[tuple[str, str], int] = {}
        self._bad: dict[str, int] = {}

    def take(self, notices: Iterable[Notice | ModeChanged], *, ready: bool) -> None:
        """Whatever the engine had to say. Until it is `ready`, streams that are not connected are no news."""
        for notice in notices:
            if isinstance(notice, ModeChanged):
                text = f"{notice.before} → {notice.after}: {notice.cause}"
                self.info("I-MODE", notice.scope, text, notice.at_us)
            elif notice.code in EXPECTED or (notice.code == "E-STREAM" and not ready):
                self.info(notice.code, notice.where, notice.text, notice.at_us)
            else:
                self.tell(notice)

    def take_bad_messages(self, counts: Mapping[str, int], now_us: int) -> None:
        """Messages of venues that could not be understood, counted by venue."""
        for venue, count in counts.items():
            more = count - self._bad.get(venue, 0)
            if more:
                self._bad[venue] = count
                text = f"{more} messages could not be understood and were dropped ({count} since the start)"
                self.tell(Notice("W-MESSAGE", venue, text, "", now_us))

    def tell(self, notice: Notice) -> None:
        """One condition: written and shown, or only counted when it was told within the last minute."""
        key = (notice.code, notice.where)
        last_us = self._last_us.get(key)
        if last_us is not None and notice.at_us - last_us < REPEAT_US:
            self._held[key] = self._held.get(key, 0) + 1
            return
        self._last_us[key] = notice.at_us
        held = self._held.pop(key, 0)
        text = self._redaction.clean(notice.text)
        if held:
            text += f" ({held} more like it in the last minutes)"
        said = Notice(notice.code, notice.where, text, self._redaction.clean(notice.fix), notice.at_us)
        self.recent = [*self.recent[1 - SHOWN :], Shown(said, held + 1)]
        fix = f"\nfix: {said.fix}" if said.fix else ""
        self._write(_LEVELS[notice.code[0]], said, text + fix)
        if self._hear is not None:
            self._hear(said.lines())

    def info(self, code: str, where: str, text: str, at_us: int) -> None:
        """For the log only."""
        self._write(Level.INFO, Notice(code, where, "", "", at_us), self._redaction.clean(text))

    def _write(self, level: Level, notice: Notice, text: str) -> None:
        self.log.write(level, notice.at_us, wall_us(), notice.code, notice.where, text)
