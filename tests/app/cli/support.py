"""Commands of the program in this process, in a user's folder."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from engine.app.cli.main import main


def run(*words: str, cwd: Path | None = None, **settings: Any) -> Result:
    """What the command says; stdin is no terminal. Anything but an ordinary end is a bug and raises."""
    words = (*words, "--userdir", str(cwd)) if cwd else words
    result = CliRunner().invoke(main, words, prog_name="tickwright", **settings)
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    return result


def ok(*words: str, **settings: Any) -> Any:
    """The data of a command that succeeds."""
    result = run(*words, "--json", **settings)
    answer = json.loads(result.stdout)
    assert answer["ok"], answer
    assert result.exit_code == 0
    return answer["data"]


def failed(*words: str, **settings: Any) -> tuple[int, dict[str, Any]]:
    """Exit status and error of a command that fails."""
    result = run(*words, "--json", **settings)
    answer = json.loads(result.stdout)
    assert not answer["ok"], answer
    assert answer["exit"] == result.exit_code
    return result.exit_code, answer["error"]
