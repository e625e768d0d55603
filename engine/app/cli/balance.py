"""`tickwright balance`."""

from typing import Any

import click

from engine.app.bot_folder import BotFolder
from engine.app.cli.bots import for_each, known_bot, running_bots
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.control.client import ask
from engine.app.figures import amount, percent, quantity
from engine.app.log_file import time_text
from engine.app.registry import load
from engine.model.money import to_text

LAST = "engine.app.cli.last_balances:last_balances"  # imports SQLAlchemy: not before it is needed


@click.command(help="Show what a bot owns, or all that run.")
@click.argument("name", required=False)
@click.pass_obj
def command(output: Output, name: str | None) -> int:
    """By the bot's own ledger; of one that does not run, what the history saw last."""
    bots = running_bots(output) if name is None else [known_bot(output, name)]
    if name is not None and not bots[0].running() and (rows := load(LAST)(output, name)):
        return _last(output, name, rows)
    return for_each(output, bots, _balances)


def _last(output: Output, name: str, rows: list[dict[str, Any]]) -> int:
    at_us = rows[0]["ts"]
    data = [{"exchange": row["venue"], **{key: row[key] for key in ("asset", "total", "free")}} for row in rows]
    cells = [(row["venue"], row["asset"], quantity(to_text(row["total"]))) for row in rows]
    text = f"{name} does not run; at {time_text(at_us)} it had\n{table(cells, '  ')}"
    output.result({"name": name, "at_us": at_us, "balances": data}, text)
    return 0


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
