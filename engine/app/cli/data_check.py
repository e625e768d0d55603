"""`tickwright data check DIR`."""

from pathlib import Path

import click

from engine.app.cli.data_list import market_data, market_text
from engine.app.cli.output import Output
from engine.app.failure import Failure
from engine.backtest.check import check_dataset
from engine.backtest.dataset import Dataset

SHOWN = 50


@click.command(help="Check a data set: files, order, prices, books; show its quality.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_obj
def command(output: Output, folder: Path) -> None:
    """Fails when anything is wrong, with file and row."""
    dataset = Dataset.open(folder)
    problems = list(check_dataset(dataset))
    markets = dataset.manifest.markets.values()
    if problems:
        more = [f"… and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        text = "\n".join([*problems[:SHOWN], *more])
        raise Failure("E-FAILED", text, where=str(folder), problems=[{"message": each} for each in problems])
    text = "\n\n".join("\n".join([market_text(folder, each), *each.quality.places]) for each in markets)
    output.result([market_data(folder, market) for market in markets], f"{text}\n\nok")
