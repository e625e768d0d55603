"""`tickwright backtest`."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import click

from engine.app.backtest import CONFIG, run_backtest
from engine.app.backtest_runs import RESULT, read_result, result_text, time_text
from engine.app.cli.bot_files import load_bot_files
from engine.app.cli.output import Output
from engine.app.failure import Failure
from engine.app.messaging.backtests import tell_failure, tell_result
from engine.app.registry import load
from engine.backtest.report import write_report
from engine.model.errors import TickwrightError
from engine.schema.values import BadValue, parse_time

KEEP = "engine.app.backtest_history:keep_backtest"  # imports SQLAlchemy: not before it is needed
SHOW_SECONDS = 1.0
INTERRUPTED = 130


class TimeRange(click.ParamType[tuple[str, str]]):
    """`2025-10-01..2025-11-30`, either end may be missing."""

    name = "A..B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        first, dots, last = str(value).partition("..")
        if not dots:
            self.fail(f"'{value}' is not a range: write 2025-10-01..2025-11-30", param, ctx)
        for text in (first, last):
            try:
                if text:
                    parse_time(text)
            except BadValue as reason:
                self.fail(f"'{text}' {reason}", param, ctx)
        return first, last


@click.command(help="Play recorded data through a bot.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--timerange", type=TimeRange(), help="2025-10-01..2025-11-30, instead of data.start and data.end.")
@click.option("--bounds", is_flag=True, help="Run with queue models none and through too: the range of the profit.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A setting, over those of the files.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the report here as well.")
@click.pass_obj
def command(
    output: Output,
    files: tuple[Path, ...],
    timerange: tuple[str, str] | None,
    bounds: bool,
    overrides: tuple[str, ...],
    report: Path | None,
) -> int:
    """Ctrl-C ends the run and keeps what it has; a second one ends the program."""
    start, end = timerange or ("", "")
    options = {"data.start": start, "data.end": end, "backtest.bounds": "true" if bounds else ""}
    given = (*overrides, *(f"{key}={text}" for key, text in options.items() if text))
    loaded = load_bot_files(output, files, given)
    if loaded.config.mode != "backtest":
        raise Failure("E-USAGE", f"mode: {loaded.config.mode} is not for backtests", fix="write mode: backtest")
    for problem in loaded.warnings:
        output.warn(f"{problem.place.origin}  {problem.path}: {problem.message}")
    watch = Watch(output)
    before = signal.signal(signal.SIGINT, watch.interrupt)
    try:
        folder = run_backtest(loaded, output.userdir, watch)
    except TickwrightError as error:
        tell_failure(loaded, output.userdir, str(error))
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    result = read_result(folder)
    if waiting := tell_result(loaded, output.userdir, result):
        output.warn(f"the broker did not take {waiting} messages in time; the next backtest sends them")
    for warning in result["warnings"]:
        output.warn(warning)
    configured = Path(loaded.config.report) if loaded.config.report else None
    pages = [folder / "report.html", *(page for page in (report, _below(output.userdir, configured)) if page)]
    for page in pages:
        write_report(folder, result, page)
    if loaded.config.store.enabled:
        problem = load(KEEP)(loaded, output.userdir, result, pages[-1])
        if problem:
            output.warn(problem)
    files_text = f"results {folder} ({RESULT}, {CONFIG}, Parquet tables)\nreport  {pages[-1]}"
    output.result(result | {"folder": str(folder), "report": str(pages[-1])}, f"{result_text(result)}\n{files_text}")
    return 0 if result["run"]["complete"] else INTERRUPTED


class Watch:
    """Shows how far the run is, once a second, and hears Ctrl-C."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._stop = False
        self._begun = self._shown = time.monotonic()
        self._first_us = 0

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """SIGINT: first a clean end, then a hard one."""
        if self._stop:
            raise KeyboardInterrupt
        self._stop = True

    def __call__(self, now_us: int, end_us: int, rows: int) -> bool:
        self._first_us = self._first_us or now_us
        now = time.monotonic()
        if now - self._shown >= SHOW_SECONDS:
            self._shown = now
            done = (now_us - self._first_us) / max(1, end_us - self._first_us)
            left_s = (now - self._begun) * (1 - done) / done if done else 0.0
            rate = rows / (now - self._begun)
            self._output.progress(f"{time_text(now_us)}  {done:4.0%}  {rate:,.0f} events/s  {left_s:,.0f} s left")
        return not self._stop


def _below(userdir: Path, path: Path | None) -> Path | None:
    return None if path is None else path if path.is_absolute() else userdir / path
