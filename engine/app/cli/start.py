"""`tickwright start`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from engine.app.bot_folder import BotFolder
from engine.app.cli.bot_files import load_bot_files
from engine.app.cli.durations import Duration
from engine.app.cli.output import Output
from engine.app.config.load import LoadedConfig
from engine.app.config.models import BotConfig, RealExchange
from engine.app.config.show import show
from engine.app.detach import start_detached
from engine.app.ending import STOP_TIMEOUT_US, stop_bot
from engine.app.failure import Failure
from engine.app.launch import Run, already_running, run_bot
from engine.app.live_view import show_view
from engine.app.secrets.keys import with_keys
from engine.app.secrets.unlock import hidden_ask
from engine.app.session import Ending, Session
from engine.app.summary import render_summary, summary_of
from engine.model.money import to_text

_CODES = {Ending.STRATEGY: "E-STRATEGY", Ending.DEADLINE: "E-TIMEOUT", Ending.RISK: "R-KILL"}


class Speed(click.ParamType[float]):
    """A factor > 0, or `max` for virtual time, which is 0 here."""

    name = "N|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if value == "max":
            return 0.0
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            self.fail(f"'{value}' is neither a number above 0 nor max", param, ctx)
        return speed


@click.command(help="Run a bot until it is stopped.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("-d", "--detach", is_flag=True, help="In the background; waits until it trades.")
@click.option("--for", "duration_us", type=Duration(), help="End after this time of the bot's clock: 10m.")
@click.option("--speed", type=Speed(), default="1", help="N times as fast; max: in virtual time, without waiting.")
@click.option("--replace", is_flag=True, help="Stop a running bot of the same name first.")
@click.option("--live", is_flag=True, help="Trade with real money, without being asked for the bot's name.")
@click.option("--paper", is_flag=True, help="Simulated fills on live prices, whatever mode the files name.")
@click.option("--accept-withdraw-keys", is_flag=True, help="Trade with keys that may move money away; it is noted.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A setting, over those of the files.")
@click.pass_obj
def command(
    output: Output,
    files: tuple[Path, ...],
    detach: bool,
    duration_us: int | None,
    speed: float,
    replace: bool,
    live: bool,
    paper: bool,
    accept_withdraw_keys: bool,
    overrides: tuple[str, ...],
) -> int:
    """Check the configuration, trade, and end with the summary."""
    overrides += ("mode=paper",) if paper else ()

    def read() -> LoadedConfig:
        return load_bot_files(output, files, overrides)

    loaded = read()
    for problem in loaded.warnings:
        output.warn(f"{problem.place.origin}  {problem.path}: {problem.message}")
    bot = BotFolder(output.userdir, loaded.config.name)
    output.progress(_banner(loaded, files, bot))
    if loaded.config.mode == "live" and not live:
        _confirm_live(loaded.config.name)
    if replace and bot.running():
        stop_bot(bot, STOP_TIMEOUT_US)
    if detach:
        _detach(output, bot, files, duration_us, speed, overrides, accept_withdraw_keys)
        return 0
    loaded = with_keys(loaded, output.userdir, hidden_ask(), output.warn)
    run = Run(loaded, files, output.userdir, speed or None, duration_us, accept_withdraw_keys, read)
    with show_view(output.progress, live=sys.stdout.isatty() and not output.json and output.verbosity >= 0) as view:
        session = run_bot(run, view.attach, view.hear)
    return _answer(output, session)


def _confirm_live(name: str) -> None:
    """Real money needs one word on the command line, or the bot's name."""
    if not sys.stdin.isatty():
        raise Failure(
            "E-USAGE", f"{name} would trade with real money", fix="add --live, or --paper for simulated fills"
        )
    if click.prompt(f"{name} trades with real money. Type its name to go on", err=True) != name:
        raise Failure("E-USAGE", "that is not its name: nothing was started", fix="--paper for simulated fills")


def _detach(
    output: Output,
    bot: BotFolder,
    files: tuple[Path, ...],
    duration_us: int | None,
    speed: float,
    overrides: tuple[str, ...],
    accept_withdraw_keys: bool,
) -> None:
    """The same command in a process of its own, which cannot ask again whether it may be live."""
    if bot.running():
        raise already_running(bot)
    words = ["start", *map(str, files), "--live", "--userdir", str(output.userdir), "--speed", str(speed or "max")]
    words += [] if duration_us is None else ["--for", f"{duration_us // 1000}ms"]
    words += ["--accept-withdraw-keys"] if accept_withdraw_keys else []
    entry = start_detached(bot, [*words, *(word for override in overrides for word in ("--set", override))])
    name = bot.name
    data = {"name": name, "pid": entry.pid, "state": entry.state.value, "session_id": entry.session_id}
    output.result(data, f"started, pid {entry.pid}.  tickwright status {name} --live | tickwright stop {name}")


def _answer(output: Output, session: Session) -> int:
    """The summary; a session that did not end well is a failure."""
    data = summary_of(session)
    assert session.ending is not None, "a session that has run ended somehow"
    code = _CODES.get(session.ending)
    if code is None:
        output.result(data, render_summary(data))
        return int(session.ending.value)
    if not output.json:
        output.result(data, render_summary(data))
    left = ", ".join(data["orders_open"])
    detail = f"{session.reason}; may still be open: {left}" if left else session.reason
    raise Failure(code, detail, where=session.entry.name)


def _banner(loaded: LoadedConfig, files: tuple[Path, ...], bot: BotFolder) -> str:
    config = loaded.config
    kinds = " ".join(each.kind or each.use for each in config.strategies_by_name.values())
    pairs = " ".join(
        f"{name} {' '.join(getattr(each, 'trading_pairs', ()))}" for name, each in config.exchanges.items()
    )
    settings = show(loaded)
    defaults = sum(setting.origin == "default" for setting in settings)
    mode = f" {config.mode.upper()} "
    if config.mode == "live":
        mode = click.style(mode, bg="red", bold=True) + "  " + "  ".join(_accounts(config))
    return (
        f"{mode} {config.name}  {kinds}  {pairs}  tick {config.tick / 1e6:g}s  seed {config.seed}\n"
        f"{' '.join(map(str, files))} ok ({len(settings) - defaults} settings, {defaults} defaults)   "
        f"orders {bot.relative(bot.orders)}   log {bot.relative(bot.log)}"
    )


def _accounts(config: BotConfig) -> Iterator[str]:
    """Whose money it is: exchange, account, the end of the key, and the most that one order may be worth."""
    for name, exchange in config.exchanges.items():
        if isinstance(exchange, RealExchange):
            key = exchange.api_key.get_secret_value()[-4:] if exchange.api_key else "kept"
            yield f"{name} {exchange.account} key …{key}"
    cap = config.risk.max_order_value
    yield f"orders up to {to_text(cap.number)} {cap.asset}".rstrip() if cap else "orders of any value"
