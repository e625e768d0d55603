"""`tickwright new-strategy NAME`."""

import re
import sys
from pathlib import Path
from string import Template

import click

import engine
from engine.app.cli.output import Output
from engine.app.cli.text import short
from engine.app.failure import Failure
from engine.app.userdir import write_new

APP = Path(engine.__file__).parent / "app"
SHIPPED = APP.parent.parent / "strategies"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


@click.command(help="Write a strategy of your own, and a test of it.")
@click.argument("name")
@click.option("--template", type=click.Choice(["minimal", "full"]), default="minimal", help="By default: minimal.")
@click.pass_obj
def command(output: Output, name: str, template: str) -> None:
    """NAME is that of a Python module: strategies/NAME.py."""
    _check_name(name)
    folder = Path(short(output.userdir / "strategies"))
    files = {folder / f"{name}.py": f"{template}.py.txt", folder / f"test_{name}.py": "test.py.txt"}
    for path in files:
        if path.exists():
            raise Failure("E-FAILED", f"{path} exists; nothing was written", fix="choose another name")
    class_name = "".join(part.capitalize() for part in name.split("_"))
    words = {"name": class_name, "module": name, "folder": f"strategies/test_{name}.py"}
    for path, source in files.items():
        text = (APP / "templates" / source).read_text(encoding="utf-8")
        write_new(path, Template(text).substitute(words))
    use = f"strategies.{name}:{class_name}"
    strategy, test = map(str, files)
    output.result(
        {"strategy": strategy, "test": test, "use": use},
        f"Wrote {strategy} {test}\n"
        f"Test: python -m pytest {test}\n"
        f"Next: tickwright new my-bot --strategy {use} --connector simulated --yes",
    )


def _check_name(name: str) -> None:
    """A module name that hides no other module: tests put the folder of strategies first on the path."""
    if not _NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        fix = f"did you mean {better}?" if _NAME.fullmatch(better) else "use a-z, 0-9 and _, for example my_maker"
        raise Failure("E-USAGE", f"'{name}' is not the name of a module", fix=fix)
    if name in sys.stdlib_module_names or name in sys.modules or (SHIPPED / f"{name}.py").exists():
        raise Failure("E-USAGE", f"'{name}' is the name of another module", fix=f"for example my_{name}")
