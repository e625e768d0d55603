"""`tickwright new NAME`."""

import sys
from pathlib import Path

import click

from engine.app.cli.bot_files import extent, load_bot_files
from engine.app.cli.output import Output
from engine.app.cli.text import short
from engine.app.config.problems import ConfigError
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN, NOT_BUILT, add_strategies
from engine.app.starter import Question, complete, draft, file_text, put, questions, strategy_model
from engine.app.userdir import SCHEMA_FOLDER, schema_line, write_new
from engine.schema.values import BadValue

_STRATEGY = Question("--strategy", "pure_market_making", "a kind of strategy: tickwright strategies")
_CONNECTOR = Question("--connector", "simulated", "where it trades: tickwright exchanges")


@click.command(help="Write the configuration file of a new bot, conf/NAME.yml.")
@click.argument("name")
@click.option("--strategy", metavar="KIND", help="How it decides: a kind, or package.module:Class of your own.")
@click.option("--connector", metavar="NAME", help="Where it trades.")
@click.option(
    "--set", "given", multiple=True, metavar="KEY=VALUE", help="A setting, for example strategy.bid_spread=0.1%."
)
@click.option("--yes", is_flag=True, help="Take the suggestion wherever nothing was given.")
@click.pass_obj
def command(
    output: Output, name: str, strategy: str | None, connector: str | None, given: tuple[str, ...], yes: bool
) -> None:
    """Asks only for what is missing, and only on a terminal."""
    path = Path(short(output.userdir / "conf" / f"{name}.yml"))
    if Path(name).name != name:
        raise Failure("E-USAGE", f"'{name}' is not a name", fix="use a-z, 0-9 and -, for example btc-maker")
    if path.exists():
        raise Failure("E-FAILED", f"{path} exists; it was not changed", fix="choose another name, or edit the file")
    add_strategies(output.userdir / "strategies")
    asks = sys.stdin.isatty() and not yes
    missing = [question for question, answer in ((_STRATEGY, strategy), (_CONNECTOR, connector)) if answer is None]
    if asks:
        strategy = strategy or _ask(_STRATEGY)
        connector = connector or _ask(_CONNECTOR)
    strategy, connector = strategy or _STRATEGY.suggestion, connector or _CONNECTOR.suggestion
    _check_choices(strategy, connector)
    tree = draft(name, strategy, connector, given)
    open_questions = questions(tree)
    if not asks and not yes and (missing or open_questions):
        raise _unanswered([*missing, *open_questions])
    for question in open_questions:
        put(tree, question.path, _ask(question) if asks else question.suggestion)
    complete(tree)
    _write(output, path, file_text(tree))


def _ask(question: Question) -> str:
    """On stderr: stdout is for the answer of the command."""
    text = f"{question.path.removeprefix('--')} ({question.doc})"
    return str(click.prompt(text, default=question.suggestion or None, err=True))


def _unanswered(asked: list[Question]) -> Failure:
    options = " ".join(
        f"{each.path} {each.suggestion}" if each.path.startswith("--") else f"--set {each.path}={each.suggestion}"
        for each in asked
    )
    names = ", ".join(each.path for each in asked)
    return Failure("E-CONFIG", f"nobody to ask for {names}: stdin is not a terminal", fix=f"--yes, or {options}")


def _check_choices(strategy: str, connector: str) -> None:
    if BUILT_IN.connectors.get(connector, NOT_BUILT) == NOT_BUILT:
        known = ", ".join(each for each, path in BUILT_IN.connectors.items() if path != NOT_BUILT)
        raise Failure("E-NOTFOUND", f"connector '{connector}' is not part of this version", fix=f"one of: {known}")
    try:
        strategy_model(strategy)
    except BadValue as reason:
        raise Failure("E-NOTFOUND", f"strategy '{strategy}' {reason.message}", fix=reason.hint) from reason


def _write(output: Output, path: Path, text: str) -> None:
    """Write the file and check it; what does not validate does not stay."""
    if (path.parent / SCHEMA_FOLDER).is_dir():
        text = schema_line("bot") + text
    write_new(path, text)
    try:
        loaded = load_bot_files(output, [path])
    except ConfigError:
        path.unlink()
        raise
    counts, counted = extent(loaded)
    output.result({"file": str(path), **counts}, f"Wrote {path} {counted}\nNext: tickwright start {path}")
