"""`tickwright kill`."""

import sys

import click

from engine.app.bot_folder import BotFolder
from engine.app.cli.bots import all_option, chosen_bots, for_each
from engine.app.cli.output import Output
from engine.app.ending import STOP_TIMEOUT_US, kill_bot
from engine.app.failure import Failure


@click.command(help="End a bot in whatever state it is: dead, deaf or well. It starts again only after resume.")
@click.argument("name", required=False)
@all_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(output: Output, name: str | None, everyone: bool, yes: bool) -> int:
    """A bot that answers cancels its orders; one that does not for 5 s is killed."""
    bots = chosen_bots(output, name, everyone)
    names = ", ".join(bot.name for bot in bots)
    if bots and not yes:
        if not sys.stdin.isatty():
            raise Failure("E-CONFIG", f"nobody to ask whether to kill {names}: stdin is not a terminal", fix="--yes")
        click.confirm(f"Kill {names}?", abort=True, err=True)

    def kill(bot: BotFolder) -> tuple[object, str]:
        done = kill_bot(bot, STOP_TIMEOUT_US)
        return {"name": bot.name, "done": done}, f"{bot.name}: {done}"

    return for_each(output, bots, kill)
