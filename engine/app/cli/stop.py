"""`tickwright stop`."""

import click

from engine.app.bot_folder import BotFolder
from engine.app.cli.bots import all_option, chosen_bots, for_each
from engine.app.cli.durations import Duration
from engine.app.cli.output import Output
from engine.app.ending import stop_bot
from engine.app.failure import Failure
from engine.app.figures import signed


@click.command(help="Cancel all orders of a bot, wait until that is confirmed, and end it.")
@click.argument("name", required=False)
@all_option
@click.option("--timeout", "timeout_us", type=Duration(), default="60s", help="When to give up.")
@click.pass_obj
def command(output: Output, name: str | None, everyone: bool, timeout_us: int) -> int:
    """Exit 5 when orders may still be open at the deadline."""

    def stop(bot: BotFolder) -> tuple[object, str]:
        data = stop_bot(bot, timeout_us)
        if data["orders_open"]:
            left = ", ".join(data["orders_open"])
            raise Failure(
                "E-TIMEOUT", f"{bot.name} ended with orders that may be open: {left}", fix="look at the exchange"
            )
        return data, (
            f"{bot.name}: cancelled {data['orders_cancelled']} orders ({data['orders_confirmed']} confirmed), "
            f"{data['trades']} trades, total PnL {signed(data['total_pnl'])} {data['quote']}, "
            f"stopped in {float(data['stopped_in_seconds']):.1f} s"
        )

    return for_each(output, chosen_bots(output, name, everyone), stop)
