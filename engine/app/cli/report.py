"""`tickwright report RUN`."""

import webbrowser
from pathlib import Path
from typing import Any

import click

from engine.app.backtest_runs import find_run, read_result
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.queue_calibration import calibrate_queue
from engine.app.replaying import find_journal
from engine.backtest.report import write_report
from engine.backtest.tables import write_csv


@click.command(help="Write the report of a backtest: one HTML file.")
@click.argument("run", metavar="RUN")
@click.option("--to", "page", type=click.Path(path_type=Path), help="By default report.html in the folder of the run.")
@click.option("--csv", "tables", type=click.Path(path_type=Path), help="Write fills, orders and equity here as CSV.")
@click.option("--open", "is_open", is_flag=True, help="Show it in the browser.")
@click.option("--queue", "is_queue", is_flag=True, help="RUN is a session: say which queue model fits its fills best.")
@click.pass_obj
def command(output: Output, run: str, page: Path | None, tables: Path | None, is_open: bool, is_queue: bool) -> None:
    """RUN is the name of a run, the beginning of it, or its folder; with --queue a session, a bot or a journal."""
    if is_queue:
        found = calibrate_queue(find_journal(output.userdir, run))
        output.result(found, "\n\n".join(_fits(name, market) for name, market in found.items()))
        return
    folder = find_run(output.userdir, run)
    target = page or folder / "report.html"
    write_report(folder, read_result(folder), target)
    written = write_csv(folder, tables) if tables else []
    if is_open:
        webbrowser.open(target.resolve().as_uri())
    files = [str(target), *map(str, written)]
    output.result({"report": str(target), "tables": files[1:]}, "\n".join(files))


def _fits(name: str, market: dict[str, Any]) -> str:
    """The models, the nearest first, below what happened."""
    real = market["real"]
    if real is None:
        return f"{name}: no order rested in the recorded book"
    rows = [("Queue model", "Filled", "After", "Error an order"), _line("what happened", real)]
    rows += [_line(each["model"], each) for each in market["models"]]
    best = market["models"][0]
    keys = f"queue_model: {best['queue_model']}"
    if best["queue_model"] == "probabilistic":
        shape, exponent = best["queue_shape"], best["queue_exponent"]
        keys += f", backtest.queue_shape: {shape}, backtest.queue_exponent: {exponent:g}"
    as_near = sum(each["error_s"] <= best["error_s"] for each in market["models"]) - 1
    others = f"; {as_near} others are as near: this session cannot tell them apart" if as_near else ""
    return f"{name}: {market['orders']} orders rested\n{table(rows)}\nThe nearest is {keys}{others}"


def _line(name: str, fit: dict[str, Any]) -> tuple[str, ...]:
    after = "-" if fit["fill_s"] is None else f"{fit['fill_s']:.3f} s"
    return name, f"{fit['fill_rate']:.1%}", after, f"{fit['error_s']:.3f} s"
