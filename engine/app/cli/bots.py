"""What commands about running bots share."""

import difflib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import click

from engine.app.bot_entry import bot_names
from engine.app.bot_folder import BotFolder
from engine.app.cli.output import Output
from engine.app.failure import Failure

all_option = click.option("--all", "everyone", is_flag=True, help="All bots that run.")


def known_bot(output: Output, name: str) -> BotFolder:
    """The bot of that name, running or not. Raises Failure E-NOTFOUND."""
    names = bot_names(output.userdir)
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        fix = f"did you mean {close[0]}?" if close else "tickwright ps lists those that have run here"
        raise Failure("E-NOTFOUND", f"there is no bot {name}", fix=fix)
    return BotFolder(output.userdir, name)


def running_bots(output: Output) -> list[BotFolder]:
    bots = (BotFolder(output.userdir, name) for name in bot_names(output.userdir))
    return [bot for bot in bots if bot.running()]


def chosen_bots(output: Output, name: str | None, everyone: bool) -> list[BotFolder]:
    """NAME or --all, one of them."""
    if everyone is (name is not None):
        raise click.UsageError("name a bot, or say --all")
    return running_bots(output) if name is None else [known_bot(output, name)]


def for_each(output: Output, bots: list[BotFolder], act: Callable[[BotFolder], tuple[object, str]]) -> int:
    """Answer for all of them together; a failure does not keep the others from their turn. Returns the exit status."""
    if not bots:
        output.result([], "no bot is running")
        return 0
    if len(bots) == 1:
        data, text = act(bots[0])
        output.result([data], text)
        return 0
    done = []
    with ThreadPoolExecutor(max_workers=len(bots)) as pool:  # each mostly waits for its bot
        outcomes = [pool.submit(act, bot) for bot in bots]
    exit_status = 0
    for outcome in outcomes:
        try:
            done.append(outcome.result())
        except Failure as failure:
            output.warn(f"{failure.code:<8} {failure.detail}")
            exit_status = max(exit_status, failure.exit)
    output.result([data for data, _ in done], "\n".join(text for _, text in done))
    return exit_status
