"""The registry entry of a bot: what any shell can read about it while it runs, and afterwards how it ended."""

import os
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.app.bot_folder import BotFolder, run_folder
from engine.model.errors import TickwrightError


class BotState(StrEnum):
    """The life of a bot. CRASHED is never written: the entry says that it runs, and nobody holds its lock."""

    STARTING = "STARTING"
    RECONCILING = "RECONCILING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    CRASHED = "CRASHED"


class Exit(Struct, frozen=True):
    """How the process ended: its exit status, why, and when by the wall clock."""

    code: int
    reason: str
    at_us: int


class BotEntry(Struct, kw_only=True, frozen=True):
    """`pid_started` is the kernel's start time of the process: a process number is used again, the pair is not."""

    name: str
    session_id: str
    mode: str
    state: BotState
    pid: int
    pid_started: int
    host: str
    user: str
    version: str
    protocol: int
    socket: str
    config_files: list[str]
    config_hash: str
    strategies: list[str]
    instruments: list[str]
    started_us: int
    exit: Exit | None = None


_decoder = msgspec.json.Decoder(BotEntry)


def write_entry(path: Path, entry: BotEntry) -> None:
    """Replace the entry: readers see the old one or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(entry)))
    temporary.rename(path)


def read_entry(path: Path) -> BotEntry | None:
    """The entry, None if there is none. Raises TickwrightError when it cannot be understood."""
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise TickwrightError(
            f"{path} is no registry entry: {error}\n  fix: delete it if the bot is stopped"
        ) from error


def stopped(entry: BotEntry, code: int, reason: str, at_us: int) -> BotEntry:
    """The same entry after the end."""
    return replace(entry, state=BotState.STOPPED, exit=Exit(code, reason, at_us))


def bot_names(userdir: Path) -> list[str]:
    """Every bot that has an entry."""
    return sorted(path.stem for path in run_folder(userdir).glob("*.json"))


def state_of(entry: BotEntry, bot: BotFolder) -> BotState:
    """The state as it is, also when the process died without a word."""
    if entry.state is not BotState.STOPPED and not bot.running():
        return BotState.CRASHED
    return entry.state


def process_started(pid: int) -> int:
    """The kernel's start time of a process in its ticks since boot; 0 when there is no such process, or no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[19])
