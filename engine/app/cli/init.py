"""`tickwright init [DIR]`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from engine.app.cli.output import Output
from engine.app.userdir import FOLDERS, make_userdir


@click.command(help="Make a folder for bots, with sample configurations.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.pass_obj
def command(output: Output, folder: Path) -> None:
    """DIR is the current folder by default. What is there already is kept as it is, and named."""
    written = make_userdir(folder)
    for name in written.kept:
        output.warn(f"kept {folder / name}, which differs from the sample")
    made = ("Created", written.folders) if written.folders else ("Complete:", FOLDERS)
    lines = [" ".join([made[0], *(str(folder / name) for name in made[1])])]
    lines += _list("Sample configs:", "conf/", [name for name in written.files if name.count("/") == 1])
    lines += _list("Scenarios:     ", "conf/scenarios/", written.files)
    lines.append("Next: tickwright start conf/pmm_sim.yml")
    output.result({"folder": str(folder), **asdict(written)}, "\n".join(lines))


def _list(title: str, prefix: str, files: Sequence[str]) -> list[str]:
    """A line with the files of a folder, the first with its path; none if there are none."""
    names = [name.removeprefix(prefix) for name in files if name.startswith(prefix)]
    return [f"{title} {prefix}{' '.join(names)}"] if names else []
