"""What a check looks at and what it says."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: a user's folder, and the configuration files of one bot, if any."""

    userdir: Path
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what was seen, with numbers; `fix` what to do, "" if nothing."""

    state: State
    text: str
    fix: str = ""
