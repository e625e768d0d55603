"""`tickwright logs NAME`."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click

from engine.app.cli.bots import known_bot
from engine.app.cli.output import Output
from engine.app.log_file import Level, level_of

POLL_SECONDS = 0.2


@click.command(help="Show the newest lines of a bot's log.")
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="And the ones to come, until Ctrl-C.")
@click.option("--level", type=click.Choice([level.name.lower() for level in Level]), default="debug", help="At least.")
@click.option("--lines", type=click.IntRange(0, 100_000), default=50, help="How many.")
@click.pass_obj
def command(output: Output, name: str, follow: bool, level: str, lines: int) -> None:
    """With --json one object a line."""
    path = known_bot(output, name).log
    least, wanted = Level[level.upper()], True
    try:
        for line in _lines(path, lines, follow):
            found = level_of(line)
            wanted = wanted if found is None else found >= least  # a line without a level goes on with the one before
            if wanted:
                output.result({"line": line}, line)
    except KeyboardInterrupt:
        return


def _lines(path: Path, count: int, follow: bool) -> Iterator[str]:
    """The newest lines, then those that are written from now on, also when the file is rotated."""
    if not path.exists():
        return
    file = path.open(encoding="utf-8", errors="replace")
    try:
        yield from (line.rstrip("\n") for line in deque(file, maxlen=count))
        while follow:
            line = file.readline()
            if line:
                yield line.rstrip("\n")
                continue
            time.sleep(POLL_SECONDS)
            if path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = path.open(encoding="utf-8", errors="replace")
    finally:
        file.close()
