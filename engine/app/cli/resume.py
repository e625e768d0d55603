"""`tickwright resume NAME`."""

import click

from engine.app.cli.bots import known_bot
from engine.app.cli.output import Output
from engine.app.control.client import ask
from engine.app.ending import clear_latch


@click.command(help="Let a paused bot go on, or a halted one start again.")
@click.argument("name")
@click.option(
    "--adopt-balances",
    is_flag=True,
    help="Where the ledger and the balances differ, the exchange is right: money came or went without a trade.",
)
@click.pass_obj
def command(output: Output, name: str, *, adopt_balances: bool) -> None:
    """A bot that does not run was halted by its kill switch, or needs nothing."""
    bot = known_bot(output, name)
    if bot.running():
        data = ask(bot, "resume", {"adopt_balances": adopt_balances})
        output.result(data, f"{name} is {data['state']}")
        return
    reason = clear_latch(bot)
    said = f"it was halted: {reason}" if reason else "it was not halted"
    output.result({"state": "STOPPED", "halted": reason}, f"{name} may start; {said}")
