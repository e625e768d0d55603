"""`tickwright replay`."""

from pathlib import Path
from typing import Any

import click

from engine.app.cli.output import Output
from engine.app.cli.text import count, table
from engine.app.failure import Failure
from engine.app.log_file import time_text
from engine.app.registry import add_strategies
from engine.app.replaying import as_data, explain, find_journal, replay_journal


@click.command(help="Repeat a recorded session and compare every request, bit for bit.")
@click.argument("session")
@click.option("--explain", "order", metavar="ORDER", help="Instead show everything about one order, with its causes.")
@click.pass_obj
def command(output: Output, session: str, order: str | None) -> None:
    """SESSION is a session's name, a bot (its newest session) or a journal file. Exit 1 at the first difference."""
    path = find_journal(output.userdir, session)
    if order is not None:
        lines = explain(path, order)
        output.result(
            lines, table((time_text(line["at_us"]), line["type"], line["cause"], _facts(line)) for line in lines)
        )
        return
    add_strategies(output.userdir / "strategies")
    _compare(output, path)


def _compare(output: Output, path: Path) -> None:
    report = replay_journal(path)
    result = report.result
    assert result is not None
    difference = result.first_difference
    if difference is not None:
        at, expected, got = time_text(difference.at_us), _show(difference.expected), _show(difference.got)
        text = f"entry {difference.index} at {at} differs: expected {expected}, got {got}"
        raise Failure("E-FAILED", text, where=str(path))
    data = {
        "journal": str(path),
        "session_id": report.header.session_id,
        "identical": True,
        "ticks": report.ticks,
        "requests": result.requests,
        "entries": result.entries,
        "digest": report.digest,
        "cut": result.cut,
    }
    how = f"digest {report.digest}" if report.digest else f"the session did not end well ({result.cut})"
    output.result(data, f"identical: {count(report.ticks, 'tick')}, {count(result.requests, 'request')}, {how}")


def _show(request: Any) -> str:
    return (
        "nothing" if request is None else _facts(as_data(request)).replace("  ", " ") + f" ({type(request).__name__})"
    )


def _facts(line: dict[str, Any]) -> str:
    return "  ".join(f"{key} {value}" for key, value in line.items() if key not in ("at_us", "type", "cause"))
