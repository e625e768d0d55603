"""Commands of the command-line tests."""

import sys
from decimal import Decimal

import click

from engine.app.cli.output import Output
from engine.app.config.problems import ConfigError, Place, Problem, Source
from engine.app.failure import Failure
from engine.model.errors import BadMessage, Rejected, Unauthorized

ERRORS = {
    "bare": Failure("E-DISK", "the disk is full"),
    "full": Failure("E-NOTFOUND", "no bot of that name", where="conf/bot.yml:3", fix="tickwright ps"),
    "report": Failure("E-CONFIG", "2 problems\n…", problems=[{"line": 2}, {"line": 3}]),
    "config": ConfigError([Problem(Place(Source("bot.yml", "tick: 1"), 1, 7), "tick", "'1' has no unit", "write 1s")]),
    "key": Unauthorized("wrong key"),
    "venue": Rejected("-2010", "no money"),
    "protocol": BadMessage("what?"),
    "interrupt": KeyboardInterrupt(),
    "click": click.ClickException("click says no"),
    "bug": ValueError("a bug"),
}


@click.command(help="Answer.")
@click.option("--times", type=int, default=1)
@click.pass_obj
def answer(output: Output, times: int) -> None:
    """Answer this often, with everything that an output can say."""
    output.progress("normal")
    output.progress("more", verbosity=1)
    output.warn("careful")
    for _ in range(times):
        output.result(
            {"price": Decimal("1E-7"), "userdir": str(output.userdir)},
            click.style(f"in {output.userdir}", fg="red"),
        )


@click.command(help="Fail.")
@click.argument("kind")
def fail(kind: str) -> None:
    """Fail like this."""
    raise ERRORS[kind]


@click.command(help="Answer with what JSON cannot say.")
@click.pass_obj
def odd(output: Output) -> None:
    """Answer with a module."""
    output.result(sys, "a module")
