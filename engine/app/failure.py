"""Expected failures as a user meets them: a code, what happened, where, how to mend it, and an exit status."""

from collections.abc import Sequence

from engine.model.errors import Rejected, TickwrightError, Unauthorized

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

# Code: exit status, title. Every code that a command can end with; others stay inside a running bot.
_CODES = {
    "E-FAILED": (EXIT_FAILURE, "failed"),
    "E-USAGE": (EXIT_USAGE, "wrong usage"),
    "E-NOTRUNNING": (3, "the bot is not running"),
    "E-CONFIG": (4, "the configuration does not validate"),
    "E-KEY": (4, "a key is wrong or locked"),
    "E-PERM": (4, "a key lacks a permission"),
    "E-WITHDRAW": (4, "a key may withdraw"),
    "E-SECRET": (4, "a secret is written in a configuration file"),
    "E-TIMEOUT": (5, "no answer in time"),
    "E-NOTFOUND": (6, "not found"),
    "R-KILL": (7, "stopped by a risk limit"),
    "E-RUNNING": (EXIT_FAILURE, "already running"),
    "E-VERSION": (EXIT_FAILURE, "written by another version"),
    "E-CONFLICT": (EXIT_FAILURE, "changed by somebody else meanwhile"),
    "E-REJECT": (EXIT_FAILURE, "the venue said no"),
    "E-DISK": (EXIT_FAILURE, "a file cannot be read or written"),
    "E-EXTRA": (EXIT_FAILURE, "an optional package is missing"),
    "E-INTERRUPTED": (EXIT_INTERRUPTED, "interrupted"),
}


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
    if isinstance(error, Unauthorized):
        return Failure("E-KEY", str(error))
    if isinstance(error, Rejected):
        return Failure("E-REJECT", str(error))
    return Failure("E-FAILED", str(error))
