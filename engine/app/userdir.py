"""The user's folder: where configurations, data, logs, reports and own strategies lie."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from engine.app.config.json_schema import SchemaName, json_schema
from engine.app.failure import Failure
from engine.app.scenarios import FOLDER, SHIPPED_CONF

FOLDERS = ("conf", "data", "logs", "reports", "strategies")
SCHEMA_FOLDER = "schema"
_IGNORED = "data/\nlogs/\n"


@dataclass(slots=True)
class Written:
    """Paths relative to the folder. `kept` were there before, with other content, and were not touched."""

    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def make_userdir(folder: Path) -> Written:
    """Make the folder complete: what is there stays as it is, but for the schemas, which are those of this version.

    Raises Failure when something cannot be written.
    """
    written = Written()
    try:
        for name in FOLDERS:
            if not (folder / name).is_dir():
                (folder / name).mkdir(parents=True)
                written.folders.append(name)
        for schema in get_args(SchemaName):
            path = folder / "conf" / SCHEMA_FOLDER / f"{schema}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(json_schema(schema), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        for name, text in _files():
            path = folder / name
            if not path.exists():
                write_new(path, text)
                written.files.append(name)
            elif path.read_text(encoding="utf-8") != text:
                written.kept.append(name)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("E-DISK", f"cannot make the folder: {error}", where=str(folder)) from error
    return written


def write_new(path: Path, text: str) -> None:
    """Write a file that does not exist yet; raises Failure if it does, or if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Failure("E-DISK", f"cannot be written: {error.strerror}", where=str(path)) from error


def _files() -> Iterator[tuple[str, str]]:
    """Every sample by its path in the folder. They begin with the line by which editors find their schema."""
    for file in sorted(SHIPPED_CONF.glob("*.yml")):
        yield (
            f"conf/{file.name}",
            schema_line("settings" if file.stem == "settings" else "bot") + file.read_text("utf-8"),
        )
    for file in sorted((SHIPPED_CONF / FOLDER).glob("*.yml")):
        yield f"conf/{FOLDER}/{file.name}", schema_line("scenario", os.pardir) + file.read_text("utf-8")
    yield ".gitignore", _IGNORED


def schema_line(schema: SchemaName, up: str = os.curdir) -> str:
    """The comment for editors at the top of a file in conf/, or in a folder of it."""
    return f"# yaml-language-server: $schema={up}/{SCHEMA_FOLDER}/{schema}.json\n"
