"""What can go wrong with the order log, by who must act."""

import sqlite3
from pathlib import Path

from engine.model.errors import TickwrightError

_FIXES = {
    "SQLITE_FULL": "free space on this disk",
    "SQLITE_BUSY": "end the other program that writes to this file; only the bot itself may",
    "SQLITE_READONLY": "make the file and its folder writable for this user",
    "SQLITE_CANTOPEN": "make the folder writable for this user",
    "SQLITE_IOERR": "check the disk and its free space",
}


class OrderLogError(TickwrightError):
    """Says what, where and how to mend it."""

    def __init__(self, what: str, where: Path, fix: str) -> None:
        super().__init__(f"{where}: {what}\n  fix: {fix}")


class LogInUse(OrderLogError):
    """Another process holds the lock: this bot is running already."""


class LogVersion(OrderLogError):
    """The file was written by another version of the program."""


class LogMismatch(OrderLogError):
    """The file belongs to a bot with another order tag."""


class LogDamaged(OrderLogError):
    """The file is no order log, or not as it was written."""


class LogFailed(OrderLogError):
    """Nothing was written. What was to be written is kept, and goes with the next commit that succeeds."""


def failed(error: sqlite3.Error, path: Path) -> LogFailed:
    """The error of a write, with its remedy."""
    name = getattr(error, "sqlite_errorname", "")  # errors of the Python module itself have none
    fix = next((fix for prefix, fix in _FIXES.items() if name.startswith(prefix)), "tickwright doctor checks the file")
    return LogFailed(f"the order log cannot be written: {error}; no new order is sent", path, fix)
