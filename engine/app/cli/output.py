"""What a command says: one JSON object on stdout with `--json`, otherwise text; progress and warnings go to stderr."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import click

from engine.app.failure import Failure
from engine.model.money import to_text


@dataclass
class Output:
    """The answer of one command; click hands it to the command as its context object.

    `verbosity` is -1 with `-q`, 0 normally, 1 or 2 with `-v`, `-vv`. `color` is None where the terminal decides.
    """

    userdir: Path
    json: bool = False
    color: bool | None = None
    verbosity: int = 0
    command: str = ""
    warnings: list[str] = field(default_factory=list)

    def result(self, data: object, text: str) -> None:
        """Answer with success; a streaming command calls it once a line. Decimals in `data` become text."""
        if self.json:
            self._json({"ok": True, "command": self.command, "data": data, "warnings": self.warnings})
        else:
            click.echo(text, color=self.color)

    def progress(self, text: str, verbosity: int = 0) -> None:
        """Tell on stderr what is going on, from this verbosity on."""
        if self.verbosity >= verbosity:
            click.echo(text, err=True, color=self.color)

    def warn(self, text: str) -> None:
        """Add a warning to the answer; `-q` does not silence it."""
        self.warnings.append(text)
        self.progress(text, verbosity=-1)

    def failure(self, failure: Failure) -> None:
        """Answer with a failure: on stdout with `--json`, else on stderr."""
        if self.json:
            members = ("code", "title", "detail", "where", "fix", "problems")
            error = {name: getattr(failure, name) for name in members}
            self._json({"ok": False, "command": self.command, "exit": failure.exit, "error": error})
        else:
            click.echo(describe(failure), err=True, color=self.color)

    def _json(self, answer: dict[str, object]) -> None:
        click.echo(json.dumps(answer, ensure_ascii=False, default=_money))


def describe(failure: Failure) -> str:
    """A failure as text: code, where, what, and the way out on a line of its own. A report of problems stands alone."""
    if failure.problems:
        return failure.detail
    place = f"{failure.where}: " if failure.where else ""
    fix = f"\n{'':<9}fix: {failure.fix}" if failure.fix else ""
    return f"{failure.code:<8} {place}{failure.detail}{fix}"


def find_userdir(start: Path) -> Path:
    """The folder that holds the user's `conf/`, `data/` and `logs/`: the nearest parent with `conf/`, else `start`."""
    return next((folder for folder in (start, *start.parents) if (folder / "conf").is_dir()), start)


def _money(value: object) -> str:
    if isinstance(value, Decimal):
        return to_text(value)
    raise TypeError(f"no JSON for {type(value).__name__}: convert it in the command")
