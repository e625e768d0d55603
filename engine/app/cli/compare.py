"""`tickwright compare RUN RUN…`."""

import click

from engine.app.backtest_runs import comparison, find_run, read_result
from engine.app.cli.output import Output
from engine.app.cli.text import table


@click.command(help="Show the figures of several backtests side by side.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN…")
@click.pass_obj
def command(output: Output, runs: tuple[str, ...]) -> None:
    """A ≠ marks what differs; equal hashes are equal runs, order by order."""
    results = [read_result(find_run(output.userdir, run)) for run in runs]
    names = ("run", "money", "ratios", "orders", "trading")
    output.result([{name: result[name] for name in names} for result in results], table(comparison(results)))
