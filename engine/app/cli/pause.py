"""`tickwright pause NAME`."""

import click

from engine.app.cli.bots import known_bot
from engine.app.cli.output import Output
from engine.app.control.client import ask


@click.command(help="Cancel a bot's quotes and place no new ones until it is resumed.")
@click.argument("name")
@click.pass_obj
def command(output: Output, name: str) -> None:
    """It stays connected, and its ledger stays right."""
    data = ask(known_bot(output, name), "pause")
    output.result(data, f"{name} is {data['state']}: quotes are being cancelled.  tickwright resume {name}")
