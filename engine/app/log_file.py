"""A bot's log: one line an entry, text or JSON, a new file every day and whenever it has grown too large."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO


class Level(IntEnum):
    """How much an entry matters."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


def time_text(at_us: int) -> str:
    """`2026-01-01 12:00:00.250Z`."""
    moment = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_us // 1000 % 1000:03}Z"


class LogFile:
    """Writes `path`; a file that is full or of another day is renamed to `NAME_YYYY-MM-DD.log`, or `…_2.log` and so on.

    `keep` of those stay. Every entry reaches the operating system at once.
    """

    def __init__(self, path: Path, *, level: Level, as_json: bool, size_max: int, keep: int) -> None:
        self.path = path
        self._level, self._as_json, self._size_max, self._keep = level, as_json, size_max, keep
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._size = _open(path)
        self._day = _day(path.stat().st_mtime) if self._size else ""

    def write(self, level: Level, at_us: int, wall_us: int, code: str, where: str, text: str) -> None:
        """Add an entry. `at_us` is the bot's time, which stands in the entry; `wall_us` decides about a new file."""
        if level < self._level:
            return
        today = _day(wall_us / 1e6)
        if self._size and (self._size >= self._size_max or self._day != today):
            self._rotate()
        self._day = today
        if self._as_json:
            entry = {"at_us": at_us, "level": level.name.lower(), "code": code, "where": where, "text": text}
            line = json.dumps(entry, ensure_ascii=False)
        else:
            head = f"{time_text(at_us)} {level.name:<7} {code:<8}"
            line = f"{head} {where}: {text}" if where else f"{head} {text}"
            line = line.replace("\n", "\n    ")
        self._size += self._file.write(line.encode() + b"\n")

    def close(self) -> None:
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        stem = f"{self.path.stem}_{self._day}"
        number, target = 1, self.path.with_name(f"{stem}.log")
        while target.exists():
            number += 1
            target = self.path.with_name(f"{stem}_{number}.log")
        self.path.rename(target)
        old = sorted(rotated(self.path), key=lambda file: file.stat().st_mtime_ns)
        for file in old[: max(0, len(old) - self._keep)]:
            file.unlink()
        self._file, self._size = _open(self.path)


def level_of(line: str) -> Level | None:
    """The level of a line; None for one that goes on with the entry above."""
    if line.startswith("{"):
        return Level[json.loads(line)["level"].upper()]
    words = line.split(maxsplit=3)
    return Level.__members__.get(words[2]) if len(words) > 2 and not line.startswith(" ") else None


def rotated(path: Path) -> Iterator[Path]:
    """The older files of a log."""
    return path.parent.glob(f"{path.stem}_????-??-??*.log")


def last_lines(path: Path, count: int) -> list[str]:
    """The newest lines of a log, oldest first; none if there is no log."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 400 * count))
        return file.read().decode(errors="replace").splitlines()[-count:]


def _open(path: Path) -> tuple[BinaryIO, int]:
    file = path.open("ab", buffering=0)
    return file, file.tell()


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
