"""What is wrong with a configuration, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.model.errors import TickwrightError

Path = tuple[str | int, ...]


def path_text(path: Path) -> str:
    """`("strategy", "bid_spread")` as it is written for people."""
    return ".".join(str(part) for part in path)


@dataclass(eq=False, slots=True)
class Source:
    """Something that gives values: a file, a variable of the environment, or an option of the command line.

    `title` heads a problem of a source that has no lines. `hidden` are the stretches (line, first column, last column)
    that hold secrets: they are blotted out wherever the line is shown.
    """

    name: str
    text: str = ""
    title: str = ""
    hidden: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a source; line and column count from 1, line 0 where the source has no lines."""

    source: Source
    line: int = 0
    column: int = 0
    width: int = 1

    @property
    def origin(self) -> str:
        """Where the value came from in a few characters: `conf/base.yml:12`, `environment`, `--set`."""
        return f"{self.source.name}:{self.line}" if self.line else self.source.name


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `message` is a whole sentence; `value` is the offending text, None in secret fields."""

    place: Place
    path: str
    message: str
    hint: str = ""
    value: str | None = None


class ConfigError(TickwrightError):
    """The configuration cannot be used; `problems` is everything that is wrong with it, in the order of the files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)
