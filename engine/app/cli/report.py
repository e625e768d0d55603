"""`tickwright report RUN`."""

import webbrowser
from pathlib import Path

import click

from engine.app.backtest_runs import find_run, read_result
from engine.app.cli.output import Output
from engine.backtest.report import write_report
from engine.backtest.tables import write_csv


@click.command(help="Write the report of a backtest: one HTML file.")
@click.argument("run", metavar="RUN")
@click.option("--to", "page", type=click.Path(path_type=Path), help="By default report.html in the folder of the run.")
@click.option("--csv", "tables", type=click.Path(path_type=Path), help="Write fills, orders and equity here as CSV.")
@click.option("--open", "is_open", is_flag=True, help="Show it in the browser.")
@click.pass_obj
def command(output: Output, run: str, page: Path | None, tables: Path | None, is_open: bool) -> None:
    """RUN is the name of a run, the beginning of it, or its folder."""
    folder = find_run(output.userdir, run)
    target = page or folder / "report.html"
    write_report(folder, read_result(folder), target)
    written = write_csv(folder, tables) if tables else []
    if is_open:
        webbrowser.open(target.resolve().as_uri())
    files = [str(target), *map(str, written)]
    output.result({"report": str(target), "tables": files[1:]}, "\n".join(files))
