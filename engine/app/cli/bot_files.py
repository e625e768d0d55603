"""The configuration files that a command was given."""

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.app.cli.output import Output
from engine.app.cli.text import count
from engine.app.config.load import LoadedConfig, load_bot
from engine.app.config.show import show
from engine.app.failure import Failure
from engine.app.registry import add_strategies
from engine.app.secrets.file import kept_accounts


def load_bot_files(output: Output, files: Sequence[Path], overrides: Iterable[str] = ()) -> LoadedConfig:
    """The bot that these files describe together, with the environment and the user's own strategies.

    Raises Failure for a file that is not there, ConfigError with every problem of those that are.
    """
    must_exist(files)
    add_strategies(output.userdir / "strategies")
    return load_bot(files, overrides, os.environ, kept=kept_accounts(output.userdir))


def must_exist(files: Iterable[Path]) -> None:
    """Raises Failure about the first that is no file."""
    for file in files:
        if not file.is_file():
            others = [str(other) for other in sorted(file.parent.glob("*.yml"))]
            close = difflib.get_close_matches(str(file), others, 1)
            raise Failure("E-NOTFOUND", f"there is no file {file}", fix=f"did you mean {close[0]}?" if close else "")


def extent(loaded: LoadedConfig) -> tuple[dict[str, object], str]:
    """How many settings the files give and how many are defaults, as JSON and as text."""
    settings = show(loaded)
    defaults = sum(setting.origin == "default" for setting in settings)
    given = len(settings) - defaults
    return {"settings": given, "defaults": defaults}, f"({count(given, 'setting')}, {count(defaults, 'default')})"
