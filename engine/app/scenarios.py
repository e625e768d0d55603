"""Scenario files by name: those of the user's folder, and behind them those that come with the program."""

from pathlib import Path
from typing import Any

import engine
from engine.app.config.load import load_file
from engine.app.failure import Failure
from engine.app.registry import load

SHIPPED_CONF = Path(engine.__file__).parent.parent / "conf"
FOLDER = "scenarios"
_MODEL = "connectors.simulated.scenario:Scenario"


def scenario_files(userdir: Path) -> dict[str, Path]:
    """Files by name, which is the file's without `.yml`; the user's replace ours."""
    folders = (SHIPPED_CONF / FOLDER, userdir / "conf" / FOLDER)
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.yml"))}


def find_scenario(userdir: Path, text: str) -> Path:
    """The file that `text` names: a path that ends with .yml, or a name. Raises Failure when there is none."""
    known = scenario_files(userdir)
    found = Path(text) if text.endswith(".yml") else known.get(text)
    if found is None or not found.is_file():
        raise Failure("E-NOTFOUND", f"there is no scenario '{text}'", fix=f"one of: {', '.join(sorted(known))}")
    return found


def load_scenario(file: Path) -> Any:
    """The `Scenario` of a file. Raises ConfigError with all of its problems."""
    return load_file(file, load(_MODEL))


def load_scenarios(userdir: Path) -> dict[str, Any]:
    """Every known scenario by name, for `market: {scenario: NAME}`. Raises ConfigError about the first bad file."""
    return {name: load_scenario(file) for name, file in scenario_files(userdir).items()}
