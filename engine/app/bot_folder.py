"""Where a bot keeps its files, and whether it runs: the kernel's lock says so, never a process number."""

import fcntl
import os
from pathlib import Path

from engine.store.connection import FILE_NAME, LOCK_NAME

SOCKET_PATH_MAX = 100  # bytes: the kernel takes hardly more


class BotFolder:
    """The files of the bot `name` of a user's folder. Nothing is made here."""

    def __init__(self, userdir: Path, name: str) -> None:
        self.userdir = userdir
        self.name = name
        self.folder = userdir / "data" / "bots" / name
        self.orders = self.folder / FILE_NAME
        self.past = self.folder / "past"  # order logs of accounts that ended with their session
        self.journals = self.folder / "journal"
        self.entry = run_folder(userdir) / f"{name}.json"
        self.log = userdir / "logs" / f"{name}.log"

    @property
    def socket(self) -> Path:
        """The control socket: beside the registry entry, or in the session's folder where that path is too long."""
        beside = self.entry.with_suffix(".sock").absolute()
        if len(os.fsencode(beside)) <= SOCKET_PATH_MAX:
            return beside
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        return runtime / "tickwright" / f"{self.userdir.absolute().stat().st_ino}-{self.name}.sock"

    def journal(self, session_id: str) -> Path:
        return self.journals / f"{session_id}.twj"

    def relative(self, path: Path) -> str:
        """A path as it is shown: from the user's folder on."""
        return str(path.relative_to(self.userdir)) if path.is_relative_to(self.userdir) else str(path)

    def running(self) -> bool:
        """Whether a process holds the bot's lock."""
        try:
            descriptor = os.open(self.folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def run_folder(userdir: Path) -> Path:
    """The folder of the registry entries."""
    return userdir / "data" / "run"
