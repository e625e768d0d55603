"""The folder of a bot: nothing lies in it but the lock that keeps a second process out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from engine.store.connection import FileLock
from engine.store.errors import LogInUse


class NoLock:
    """Where nobody else would want it."""

    def release(self) -> None: ...


class Folder:
    """`contested`: others want it too, so that there is a folder, with the product's own lock."""

    def __init__(self, *, contested: bool) -> None:
        self._place = TemporaryDirectory() if contested else None
        self._lock: FileLock | NoLock = NoLock()

    def lock(self) -> FileLock | NoLock:
        """For a process that starts."""
        if self._place is not None:
            self._lock = FileLock(Path(self._place.name))
        return self._lock

    def unlock(self) -> None:
        """Its process has ended, in whatever way."""
        self._lock.release()
        self._lock = NoLock()

    def keeps_out(self) -> bool:
        """Whether another process is refused now."""
        assert self._place is not None
        try:
            FileLock(Path(self._place.name)).release()
        except LogInUse:
            return True
        return False

    def close(self) -> None:
        self.unlock()
        if self._place is not None:
            self._place.cleanup()
