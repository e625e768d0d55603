"""Expected failures as a user meets them: a code, what happened, where, how to mend it, and an exit status."""

from collections.abc import Sequence

from engine.app.config.problems import ConfigError
from engine.app.config.render import render_json, render_text
from engine.model.errors import Rejected, TickwrightError, Unauthorized

# Code: exit status, title. Every code that a command can end with; others stay inside a running bot.
_CODES = {
    "E-FAILED": (1, "failed"),
    "E-USAGE": (2, "wrong usage"),
    "E-NOTRUNNING": (3, "the bot is not running"),
    "E-CONFIG": (4, "the configuration does not validate"),
    "E-KEY": (4, "a key is wrong or locked"),
    "E-PERM": (4, "a key lacks a permission"),
    "E-WITHDRAW": (4, "a key may withdraw"),
    "E-SECRET": (4, "a secret is written in a configuration file"),
    "E-TIMEOUT": (5, "no answer in time"),
    "E-NOTFOUND": (6, "not found"),
    "R-KILL": (7, "stopped by a risk limit"),
    "R-HALT": (1, "halted until an operator resumes it"),
    "E-STRATEGY": (1, "stopped by an error in a strategy"),
    "E-RUNNING": (1, "already running"),
    "E-VERSION": (1, "written by another version"),
    "E-CONFLICT": (1, "changed by somebody else meanwhile"),
    "E-REJECT": (1, "the venue said no"),
    "E-STORE": (1, "the history cannot be used"),
    "E-DISK": (1, "a file cannot be read or written"),
    "E-DAMAGED": (1, "stored data are not as they were written"),
    "E-EXTRA": (1, "an optional package is missing"),
    "E-INTERRUPTED": (130, "interrupted"),
}
FIX = "\n  fix: "
"""What stands before the way out in the texts of errors from below the application."""


class Failure(TickwrightError):
    """An expected failure with a code of the table above; raise it anywhere below a command.

    `exit` is the status with which the process ends.
    `where` is a file, line, venue or option; `fix` is what the reader can do. `problems` are JSON objects of a report
    with many entries, whose readable form is `detail`.
    """

    def __init__(
        self, code: str, detail: str, *, where: str = "", fix: str = "", problems: Sequence[dict[str, object]] = ()
    ) -> None:
        super().__init__(detail)
        self.exit, self.title = _CODES[code]
        self.code = code
        self.detail = detail
        self.where = where
        self.fix = fix
        self.problems = list(problems)


def as_failure(error: TickwrightError) -> Failure:
    """The same error with a code, for errors that were raised below the application."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, ConfigError):
        sources = [problem.place.source.name for problem in error.problems]
        return Failure("E-CONFIG", render_text(error.problems, sources).rstrip(), problems=render_json(error.problems))
    detail, _, fix = str(error).partition(FIX)
    code = "E-KEY" if isinstance(error, Unauthorized) else "E-REJECT" if isinstance(error, Rejected) else "E-FAILED"
    return Failure(code, detail, fix=fix)
