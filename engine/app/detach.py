"""Starting a bot as a process of its own, that outlives the shell."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine.app.bot_entry import BotEntry, BotState, read_entry
from engine.app.bot_folder import BotFolder
from engine.app.failure import Failure
from engine.app.log_file import last_lines

READY_SECONDS = 15.0
READY = (BotState.RUNNING, BotState.PAUSED)
LINES = 10
_MAIN = "from engine.app.cli.main import main; main()"


def start_detached(bot: BotFolder, words: Sequence[str]) -> BotEntry:
    """Run `tickwright WORDS` in a session of its own and wait until the bot trades. Returns its entry.

    What the process says goes to a file beside its order log. Raises Failure with the last lines: E-FAILED when it
    ended, E-TIMEOUT when it is not ready in time.
    """
    bot.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = bot.folder / "output.txt"
    pid = _spawn([sys.executable, "-P", "-c", _MAIN, *words], said)
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        entry = read_entry(bot.entry)
        if entry is not None and entry.pid == pid and entry.state in READY:
            return entry
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if entry is not None and entry.pid == pid and code == 0:
                return entry  # it was over before we could look
            raise Failure("E-FAILED", f"{bot.name} ended with exit {code}:\n{_tail(said, bot)}")
        time.sleep(0.02)
    text = f"{bot.name} (pid {pid}) is not ready after {READY_SECONDS:g} s:\n{_tail(said, bot)}"
    raise Failure("E-TIMEOUT", text, fix=f"tickwright logs {bot.name} -f, or tickwright kill {bot.name}")


def _spawn(program: list[str], said: Path) -> int:
    """Start a process that has its own session, imports from where we do, and reads nothing. Returns its number."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(said), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(program[0], program, environment, file_actions=files, setsid=True)


def _tail(said: Path, bot: BotFolder) -> str:
    return "\n".join([*last_lines(said, LINES), *last_lines(bot.log, LINES)])
