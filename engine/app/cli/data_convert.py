"""`tickwright data convert DIR`."""

from pathlib import Path

import click

from engine.app.cli.output import Output
from engine.app.failure import Failure
from engine.backtest.convert import FORMS, convert
from engine.backtest.dataset import Dataset


@click.command(help="Write a data set as files for other programs, one a day.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--form", type=click.Choice(list(FORMS)), default="csv", help="csv by default.")
@click.option("--symbol", help="Of several markets in the set.")
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="A folder for the files.")
@click.pass_obj
def command(output: Output, folder: Path, form: str, symbol: str | None, target: Path) -> None:
    """A set of one market needs no --symbol."""
    dataset = Dataset.open(folder)
    symbols = list(dataset.manifest.markets)
    if symbol is None and len(symbols) != 1:
        raise Failure("E-USAGE", f"{folder} has several markets: {', '.join(symbols)}", fix="--symbol BTC-USDT")
    files = convert(dataset, symbol or symbols[0], target, form)
    output.result({"files": [str(file) for file in files]}, "\n".join(map(str, files)))
