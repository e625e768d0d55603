"""`tickwright completion SHELL`."""

import click
from click.shell_completion import get_completion_class

from engine.app.cli.output import Output


@click.command(help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Answer with a script for the shell's start file, for example `eval "$(tickwright completion bash)"`."""
    output = context.find_object(Output)
    completion = get_completion_class(shell)
    assert output is not None
    assert completion is not None, "click knows these three shells"
    script = completion(context.find_root().command, {}, "tickwright", "_TICKWRIGHT_COMPLETE").source()
    output.result({"shell": shell, "script": script}, script)
