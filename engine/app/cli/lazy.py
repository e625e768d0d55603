"""A click group that knows its commands by name and help, and imports one only when it runs."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import click

from engine.app.cli.output import Output
from engine.app.failure import Failure

EXTRAS = {"polars": "data"}  # optional packages: the extra that brings them


class Entry(NamedTuple):
    """A row of the command table: where the command lives (`package.module:attribute`) and its short help."""

    target: str
    help: str


class LazyGroup(click.Group):
    """The commands of `entries`, whose names are words: `config check` is the command `check` of the group `config`.

    Until a command runs, a stand-in with its short help takes its place, so help, completion and spelling hints need
    no import. A group of several words takes its help from the entry that bears its own name, with an empty target.
    """

    def __init__(self, name: str, entries: Mapping[str, Entry], help: str) -> None:
        super().__init__(name, help=help, params=common_options(), no_args_is_help=False)
        self._targets: dict[str, str] = {}
        for words, entry in entries.items():
            if " " in words:
                continue
            if entry.target:
                self._targets[words] = entry.target
                self.add_command(click.Command(words, help=entry.help))
            else:
                prefix = f"{words} "
                inner = {key.removeprefix(prefix): row for key, row in entries.items() if key.startswith(prefix)}
                self.add_command(LazyGroup(words, inner, entry.help))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command that is named; its context object learns the full name."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in self._targets:
            command = load(self._targets[name])
        if name and isinstance(ctx.obj, Output):
            ctx.obj.command = f"{ctx.obj.command} {name}".strip()
        return name, command, rest


def load(target: str) -> click.Command:
    """Import the command at `package.module:attribute` and give it the options that every command has."""
    module, _, attribute = target.partition(":")
    try:
        command: click.Command = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        if extra is None:
            raise
        detail = f"this command needs the package {error.name}, which is not installed"
        raise Failure("E-EXTRA", detail, fix=f"pip install 'tickwright[{extra}]'") from error
    known = {option.name for option in command.params}
    command.params += [option for option in common_options() if option.name not in known]
    return command


def common_options() -> list[click.Parameter]:
    """Options of every command and group; they act on the `Output` and are not passed to the command."""

    def set_userdir(context: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.obj.userdir = value

    def set_color(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            context.obj.color = False

    def be_quiet(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            context.obj.verbosity = -1

    def be_verbose(context: click.Context, _: click.Parameter, value: int) -> None:
        context.obj.verbosity += value

    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    return [
        # Read from the words of the command line before they are parsed: usage errors are answered in JSON as well.
        click.Option(["--json"], is_flag=True, expose_value=False, help="Answer with one JSON object on stdout."),
        click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=be_quiet, help="No progress."),
        click.Option(["-v", "--verbose"], count=True, expose_value=False, callback=be_verbose, help="More progress."),
        click.Option(["--no-color"], is_flag=True, expose_value=False, callback=set_color, help="Plain text."),
        click.Option(
            ["--userdir"],
            type=folder,
            expose_value=False,
            callback=set_userdir,
            help="Folder with conf/, data/ and logs/ (TICKWRIGHT_HOME; default: the nearest parent with conf/).",
        ),
    ]
