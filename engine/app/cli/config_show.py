"""`tickwright config show FILE…`."""

from dataclasses import asdict
from pathlib import Path

import click

from engine.app.cli.bot_files import load_bot_files
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.config.models import SettingsConfig
from engine.app.config.show import Setting, show


@click.command(help="Show the settings that the files of a bot give together.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a value, for example risk.stale_data=3s."
)
@click.option("--all", "complete", is_flag=True, help="Also defaults, and where every value comes from.")
@click.pass_obj
def command(output: Output, files: tuple[Path, ...], overrides: tuple[str, ...], complete: bool) -> None:
    """One line a setting; secrets are masked."""
    loaded = load_bot_files(output, files, overrides)
    settings = [setting for setting in show(loaded) if complete or setting.origin != "default"]
    settings.sort(key=_is_shared)
    text = table(_row(setting, complete) for setting in settings)
    data = {"hash": loaded.hash, "settings": [asdict(setting) for setting in settings]}
    output.result(data, text)


def _is_shared(setting: Setting) -> bool:
    """Whether it may stand in settings.yml; what is the bot's own comes first."""
    return setting.path.partition(".")[0] in SettingsConfig.model_fields


def _row(setting: Setting, complete: bool) -> tuple[str, ...]:
    if not complete:
        return (setting.path, setting.value)
    return (setting.path, setting.value, setting.origin, "live" if setting.live else "")
