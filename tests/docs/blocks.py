"""Code blocks of the documentation, and how each kind is tried.

- `python`: runs; the blocks of a page share their names. With a path in a first-line comment (`# strategies/mine.py`)
  the block is that file instead: it is compiled and written to the page's folder for the blocks below.
- `yaml`: likewise a file when its first line is such a comment; with `name:` it must pass `tickwright config check`.
- `json`: must parse. `text`, `mermaid`: not code.
- `console run`: every `$ tickwright …` runs in the page's folder and must succeed; output shown below it must be what
  it prints, where `…` stands for anything.
- `console manual`: cannot run in a test; its commands and make targets must at least exist.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.app.cli.main import COMMANDS
from tests.support import ROOT

FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
FILE_COMMENT = re.compile(r"# ([\w./-]+\.(?:py|ya?ml))\n")
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@dataclass(frozen=True)
class Block:
    """`kind` is what follows the opening backticks, `place` is file and line for messages."""

    kind: str
    text: str
    place: str


@dataclass
class Page:
    """What the blocks of one page share: a folder and the names of its Python."""

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})


def blocks(text: str, name: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        yield Block(match[1].strip(), match[2], f"{name}:{line}")


def try_block(block: Block, page: Page) -> None:
    """Try a block; raises AssertionError, or what its Python raises."""
    assert block.kind in KINDS, (
        f"{block.place}: '{block.kind}' is none of {', '.join(KINDS)}: nothing would try this block"
    )
    KINDS[block.kind](block, page)


def _python(block: Block, page: Page) -> None:
    code = compile(block.text, block.place, "exec")
    if not _save(block, page):
        exec(code, page.names)


def _yaml(block: Block, page: Page) -> None:
    path = _save(block, page)
    if "name" in (yaml.load(block.text, yaml.BaseLoader) or ()):
        if path is None:
            path = page.folder / "block.yml"
            path.write_text(block.text)
        _run(f"tickwright config check {shlex.quote(str(path))}", block, page)


def _run(command: str, block: Block, page: Page) -> str:
    words = shlex.split(command)
    start = 2 if words[:2] == ["python", "bot.py"] else 1
    assert start == 2 or words[0] == "tickwright", (
        f"{block.place}: only tickwright runs here, mark it manual: {command}"
    )
    result = subprocess.run(
        [sys.executable, ROOT / "bot.py", *words[start:]],
        cwd=page.folder,
        env=os.environ | {"TICKWRIGHT_HOME": str(page.folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, f"{block.place}: {command}\n{result.stdout}"
    return result.stdout.strip()


def _console_run(block: Block, page: Page) -> None:
    for command, shown in _commands(block):
        output = _run(command, block, page)
        pattern = re.escape(shown).replace("…", ".*")
        assert not shown or re.fullmatch(pattern, output, re.DOTALL), f"{block.place}: {command} prints\n{output}"


def _console_manual(block: Block, page: Page) -> None:
    for command, _ in _commands(block):
        words = shlex.split(command)
        if words[0] == "make":
            assert set(words[1:]) <= TARGETS, f"{block.place}: no such target: {command}"
        elif words[0] == "tickwright" or words[:2] == ["python", "bot.py"]:
            names = words[1:3] if words[0] == "tickwright" else words[2:4]
            assert {" ".join(names), names[0]} & COMMANDS.keys(), f"{block.place}: no such command: {command}"


def _commands(block: Block) -> list[tuple[str, str]]:
    """Every command with the output that is shown below it."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{block.place}: write commands as `$ command`"
    assert len(parts) > 1, f"{block.place}: no command"
    return [(head.strip(), shown.strip()) for head, _, shown in (part.partition("\n") for part in parts[1:])]


def _save(block: Block, page: Page) -> Path | None:
    """Write the block to the file that its first line names, if it does."""
    match = FILE_COMMENT.match(block.text)
    if not match:
        return None
    path = page.folder / match[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
    return path


KINDS: dict[str, Callable[[Block, Page], object]] = {
    "python": _python,
    "yaml": _yaml,
    "json": lambda block, _: json.loads(block.text),
    "text": lambda *_: None,
    "mermaid": lambda *_: None,
    "console run": _console_run,
    "console manual": _console_manual,
}
