"""`tickwright config check FILE…`."""

from pathlib import Path

import click

from engine.app.cli.bot_files import extent, load_bot_files, must_exist
from engine.app.cli.output import Output
from engine.app.config.load import SETTINGS_FILE, load_file
from engine.app.config.models import SettingsConfig
from engine.app.config.problems import ConfigError, Problem
from engine.app.scenarios import FOLDER, load_scenario


@click.command(help="Check the files of a bot; every problem is shown at once.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings are problems too.")
@click.pass_obj
def command(output: Output, files: tuple[Path, ...], strict: bool) -> None:
    """Several files are one bot, later over earlier, as in `start`. Scenarios and settings.yml stand alone."""
    data: dict[str, object] = {"files": [str(file) for file in files]}
    text = " + ".join(map(str, files))
    if len(files) == 1 and _is_part(files[0]):
        output.result(data, f"{text} ok")
        return
    loaded = load_bot_files(output, files)
    if strict and loaded.warnings:
        raise ConfigError(loaded.warnings)
    for warning in loaded.warnings:
        output.warn(_sentence(warning))
    counts, counted = extent(loaded)
    data |= {"name": loaded.config.name, "mode": loaded.config.mode, "hash": loaded.hash, **counts}
    output.result(data, f"{text} ok {counted}")


def _is_part(file: Path) -> bool:
    """Whether it is settings.yml or a scenario, which then has no problem."""
    if file.name == SETTINGS_FILE:
        must_exist([file])
        load_file(file, SettingsConfig)
        return True
    if file.resolve().parent.name == FOLDER:
        must_exist([file])
        load_scenario(file)
        return True
    return False


def _sentence(warning: Problem) -> str:
    return f"warning: {warning.place.origin}  {warning.path}: {warning.message}; {warning.hint}".removesuffix("; ")
