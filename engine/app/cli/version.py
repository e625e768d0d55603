"""`tickwright version`."""

import platform
from pathlib import Path

import click

import engine
from engine.app.cli.output import Output


@click.command(help="Print the version.")
@click.pass_obj
def command(output: Output) -> None:
    """Answer with what a bug report needs: our version, Python's, and the folder that this program runs from."""
    folder = str(Path(engine.__file__).parent.parent)
    data = {"version": engine.__version__, "python": platform.python_version(), "folder": folder}
    output.result(data, f"tickwright {data['version']} (Python {data['python']}, {folder})")
