"""`tickwright balance`."""

from typing import Any

import click

from engine.app.bot_folder import BotFolder
from engine.app.cli.bots import for_each, known_bot, running_bots
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.control.client import ask
from engine.app.figures import amount, percent, quantity


@click.command(help="Show what a bot owns, or all that run.")
@click.argument("name", required=False)
@click.pass_obj
def command(output: Output, name: str | None) -> int:
    """By the bot's own ledger."""
    return for_each(output, running_bots(output) if name is None else [known_bot(output, name)], _balances)


def _balances(bot: BotFolder) -> tuple[Any, str]:
    rows = ask(bot, "balances")
    cells = [
        (
            row["exchange"],
            row["asset"],
            quantity(row["total"]),
            quantity(row["available"]),
            amount(row["value"]),
            percent(row["share"]),
        )
        for row in rows
    ]
    head = (bot.name, "ASSET", "TOTAL", "AVAILABLE", "VALUE", "SHARE")
    return {"name": bot.name, "balances": rows}, table([head, *cells])
