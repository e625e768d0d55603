"""`tickwright status NAME`."""

import sys
import time

import click
from rich.console import Console
from rich.live import Live

from engine.app.cli.bots import known_bot
from engine.app.cli.output import Output
from engine.app.cli.rendered import as_text
from engine.app.control.client import ask
from engine.app.failure import Failure
from engine.app.status_view import render_status

REFRESH_SECONDS = 0.5


@click.command(help="Show a running bot: markets, assets, performance, orders, warnings.")
@click.argument("name")
@click.option("--live", is_flag=True, help="Keep it on the screen until Ctrl-C.")
@click.pass_obj
def command(output: Output, name: str, live: bool) -> None:
    """Asks the bot itself. `--live` without a terminal, or with --json, answers once a second."""
    bot = known_bot(output, name)
    status = ask(bot, "status")
    if not live:
        output.result(status, as_text(render_status(status), output))
        return
    try:
        if output.json or not sys.stdout.isatty():
            while True:
                output.result(status, as_text(render_status(status), output))
                time.sleep(2 * REFRESH_SECONDS)
                status = ask(bot, "status")
        with Live(render_status(status), console=Console(), auto_refresh=False) as screen:
            while True:
                time.sleep(REFRESH_SECONDS)
                screen.update(render_status(ask(bot, "status")), refresh=True)
    except KeyboardInterrupt:
        return
    except Failure as failure:
        if failure.code != "E-NOTRUNNING":
            raise
        output.progress(failure.detail)  # it has ended while we looked on
