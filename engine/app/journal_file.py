"""The journal of a session as a file."""

from pathlib import Path

from engine.core.journal import Header, JournalWriter


class JournalFile:
    """Begins a new file; entries reach the operating system at `flush`."""

    def __init__(self, path: Path, header: Header) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("xb", buffering=0)
        self._writer = JournalWriter(self._file, header)
        self.write = self._writer.write
        self.flush = self._writer.flush
        self._digest = ""

    @property
    def entries(self) -> int:
        return self._writer.entries

    @property
    def digest(self) -> str:
        """SHA-256 of all entries so far, also after `close`."""
        return self._digest or self._writer.digest

    def close(self) -> None:
        """Write the end of a complete journal."""
        self._digest = self._writer.digest
        self._writer.close()
        self._file.close()

    def break_off(self) -> None:
        """Leave the journal without an end: it is not complete."""
        self._file.close()
