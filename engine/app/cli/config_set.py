"""`tickwright config set NAME KEY VALUE`."""

import shutil
import sys
from pathlib import Path

import click

from engine.app.bot_entry import read_entry
from engine.app.bot_folder import BotFolder
from engine.app.cli.bot_files import load_bot_files
from engine.app.cli.output import Output
from engine.app.config.edit import CannotEdit, replace_value
from engine.app.config.show import Setting, show
from engine.app.control.client import ask
from engine.app.failure import Failure


@click.command(help="Change one setting of a bot: in its file, and at once where it runs and the setting is live.")
@click.argument("name")
@click.argument("key")
@click.argument("value")
@click.option("--yes", is_flag=True, help="Change what guards real money without being asked.")
@click.pass_obj
def command(output: Output, name: str, key: str, value: str, yes: bool) -> None:
    """NAME is a bot, or the file of one. Everything is checked before anything is changed; comments stay."""
    files = _files(output, name)
    loaded = load_bot_files(output, files, (f"{key}={value}",))
    setting = next((each for each in show(load_bot_files(output, files)) if each.path == key), None)
    file = _file_of(setting, files)
    text = file.read_text(encoding="utf-8")
    try:
        path = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
        changed = replace_value(text, path, value)
    except CannotEdit as error:
        raise Failure("E-CONFIG", str(error), where=str(file)) from None
    if loaded.config.mode == "live" and key.startswith("risk.") and not yes:
        _confirm(loaded.config.name, key)
    bot = BotFolder(output.userdir, loaded.config.name)
    running = bot.running()
    changes = ask(bot, "config.set", {"changes": {key: value}})["changes"] if running else []
    live = running and all(each["live"] for each in changes)
    _write(file, text, changed)
    when = "live, from the next tick" if live else "needs a new start" if running else "from the next start on"
    before = setting.value if setting else "null"
    data = {"path": key, "before": before, "after": value, "live": live, "file": str(file)}
    output.result(data, f"{key} {before} -> {value}   {when}   ({file} updated, comments kept)")


def _files(output: Output, name: str) -> list[Path]:
    """Those that the bot was started with, or conf/NAME.yml, or the file itself."""
    if Path(name).is_file():
        return [Path(name)]
    entry = read_entry(BotFolder(output.userdir, name).entry)
    if entry is None:
        return [output.userdir / "conf" / f"{name}.yml"]
    paths = [Path(file) for file in entry.config_files]
    return [path if path.exists() else output.userdir / path for path in paths]


def _file_of(setting: Setting | None, files: list[Path]) -> Path:
    """Where the value is written, or where a new one belongs."""
    if setting is None or setting.origin == "default":
        return files[-1]
    file = Path(setting.origin.rpartition(":")[0])
    if not file.is_file():
        raise Failure("E-USAGE", f"{setting.path} does not come from a file but from: {setting.origin}")
    return file


def _confirm(name: str, key: str) -> None:
    if not sys.stdin.isatty():
        raise Failure("E-USAGE", f"{name} trades with real money, and {key} guards it", fix="add --yes")
    click.confirm(f"{name} trades with real money. Change {key}?", abort=True, err=True)


def _write(file: Path, before: str, after: str) -> None:
    """At once, and not over what somebody else has written meanwhile."""
    try:
        if file.read_text(encoding="utf-8") != before:
            raise Failure("E-CONFLICT", "somebody else has changed the file", where=str(file), fix="ask again")
        new = file.with_name(file.name + ".new")
        new.write_text(after, encoding="utf-8")
        shutil.copymode(file, new)
        new.replace(file)
    except OSError as error:
        raise Failure("E-DISK", f"cannot be written: {error.strerror}", where=str(file)) from error
