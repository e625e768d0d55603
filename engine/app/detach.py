"""Starting a bot as a process of its own, that outlives the shell."""

import os
import subprocess
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
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with said.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _MAIN, *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environment,
            start_new_session=True,
        )
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        entry = read_entry(bot.entry)
        if entry is not None and entry.pid == process.pid and entry.state in READY:
            return entry
        if process.poll() is not None:
            if entry is not None and entry.pid == process.pid and entry.exit is not None and not entry.exit.code:
                return entry  # it was over before we could look
            raise Failure("E-FAILED", f"{bot.name} ended with exit {process.returncode}:\n{_tail(said, bot)}")
        time.sleep(0.02)
    text = f"{bot.name} (pid {process.pid}) is not ready after {READY_SECONDS:g} s:\n{_tail(said, bot)}"
    raise Failure("E-TIMEOUT", text, fix=f"tickwright logs {bot.name} -f, or tickwright kill {bot.name}")


def _tail(said: Path, bot: BotFolder) -> str:
    return "\n".join([*last_lines(said, LINES), *last_lines(bot.log, LINES)])
