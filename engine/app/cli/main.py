"""The command `tickwright`: its table of commands, and how expected failures leave the process."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from engine.app.cli.lazy import Entry, LazyGroup
from engine.app.cli.output import Output, find_userdir
from engine.app.failure import Failure, as_failure
from engine.model.errors import TickwrightError

COMMANDS = {
    "audit": Entry("", "The log of who changed what."),
    "audit verify": Entry("engine.app.cli.db_check:verify", "Walk the hash chain of the audit log."),
    "balance": Entry("engine.app.cli.balance:command", "Show what a bot owns, or all that run."),
    "backtest": Entry("engine.app.cli.backtest:command", "Play recorded data through a bot."),
    "compare": Entry("engine.app.cli.compare:command", "Show the figures of several backtests side by side."),
    "completion": Entry("engine.app.cli.completion:command", "Print the completion script of a shell."),
    "config": Entry("", "Check, show and change configuration files."),
    "config check": Entry(
        "engine.app.cli.config_check:command", "Check the files of a bot; every problem is shown at once."
    ),
    "config schema": Entry("engine.app.cli.config_schema:command", "Print the JSON Schema of a kind of file."),
    "config set": Entry("engine.app.cli.config_set:command", "Change one setting of a bot, also while it runs."),
    "config show": Entry(
        "engine.app.cli.config_show:command", "Show the settings that the files of a bot give together."
    ),
    "data": Entry("", "Data sets: import, record, simulate, list, check, convert."),
    "data check": Entry(
        "engine.app.cli.data_check:command", "Check a data set: files, order, prices, books; show its quality."
    ),
    "data convert": Entry(
        "engine.app.cli.data_convert:command", "Write a data set as files for other programs, one a day."
    ),
    "data record": Entry("engine.app.cli.data_record:command", "Record a live market into a data set, without a key."),
    "data from-history": Entry(
        "engine.app.cli.data_from_history:command", "Make a recording of stored trades, to be repeated."
    ),
    "data import": Entry(
        "engine.app.cli.data_import:command", "Make a data set from files of venues and of other programs."
    ),
    "data list": Entry("engine.app.cli.data_list:command", "List data sets."),
    "data simulate": Entry("engine.app.cli.data_simulate:command", "Make a data set from a synthetic market."),
    "db": Entry("", "The database of the history: upgrade, status, check, backup, export, prune."),
    "db backup": Entry("engine.app.cli.db:backup", "Copy the history and the order logs of all bots."),
    "db check": Entry("engine.app.cli.db_check:check", "Check the order logs of all bots and the history."),
    "db export": Entry("engine.app.cli.db:export", "Write every table of the history as a file."),
    "db prune": Entry("engine.app.cli.db:prune", "Delete market data that are older than store.retention."),
    "db status": Entry("engine.app.cli.db:status", "Show what the history holds, its size, and how far it is behind."),
    "db upgrade": Entry("engine.app.cli.db:upgrade_", "Make the tables of the history, or bring them up to date."),
    "doctor": Entry(
        "engine.app.cli.doctor:command", "Look for what could go wrong on this machine and in this folder."
    ),
    "exchanges": Entry("engine.app.cli.exchanges:command", "List the exchanges, or the settings of one."),
    "export": Entry("engine.app.cli.export:command", "Write what the history has of a bot as a file."),
    "history": Entry(
        "engine.app.cli.history:command", "Show what a bot traded, what it owns, and the lives of its orders."
    ),
    "init": Entry("engine.app.cli.init:command", "Make a folder for bots, with sample configurations."),
    "keys": Entry("", "Keys of exchanges, encrypted in one file."),
    "keys add": Entry("engine.app.cli.keys:add", "Keep the keys of an account, encrypted."),
    "keys list": Entry("engine.app.cli.keys:list_", "List the accounts whose keys are kept."),
    "keys test": Entry("engine.app.cli.keys_test:command", "Ask the exchange what a kept key may do."),
    "keys remove": Entry("engine.app.cli.keys:remove", "Forget the keys of an account."),
    "kill": Entry("engine.app.cli.kill:command", "End a bot in whatever state it is."),
    "logs": Entry("engine.app.cli.logs:command", "Show the newest lines of a bot's log."),
    "new": Entry("engine.app.cli.new:command", "Write the configuration file of a new bot, conf/NAME.yml."),
    "new-strategy": Entry("engine.app.cli.new_strategy:command", "Write a strategy of your own, and a test of it."),
    "orderbook": Entry("engine.app.cli.orderbook:command", "Show the order book as a bot sees it."),
    "pause": Entry("engine.app.cli.pause:command", "Cancel a bot's quotes until it is resumed."),
    "ps": Entry("engine.app.cli.ps:command", "List the bots of this folder."),
    "replay": Entry("engine.app.cli.replay:command", "Repeat a recorded session and compare every request."),
    "resume": Entry("engine.app.cli.resume:command", "Let a paused bot go on, or a halted one start again."),
    "report": Entry("engine.app.cli.report:command", "Write the report of a backtest: one HTML file."),
    "simulate": Entry("engine.app.cli.simulate:command", "Run a synthetic market alone, for a look or a benchmark."),
    "start": Entry("engine.app.cli.start:command", "Run a bot until it is stopped."),
    "status": Entry("engine.app.cli.status:command", "Show a running bot."),
    "stop": Entry("engine.app.cli.stop:command", "Cancel all orders of a bot and end it."),
    "strategies": Entry("engine.app.cli.strategies:command", "List the strategies, or the settings of one."),
    "symbols": Entry(
        "engine.app.cli.symbols:command", "List what is traded on an exchange, or on those of a file, and its rules."
    ),
    "venue": Entry("engine.app.cli.venue:command", "Run a simulated exchange as a process of its own."),
    "version": Entry("engine.app.cli.version:command", "Print the version."),
}


class Program(LazyGroup):
    """The outermost group: it ends the process with the exit status of the outcome and never with a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command that `args` (default: the process's) names; none is a request for help."""
        words = list(sys.argv[1:] if args is None else args) or ["--help"]
        home = os.environ.get("TICKWRIGHT_HOME")
        output = Output(
            userdir=Path(home) if home else find_userdir(Path.cwd()),
            json="--json" in words,
            color=False if os.environ.get("NO_COLOR") else None,
        )
        try:
            sys.exit(super().main(words, prog_name, complete_var, standalone_mode=False, obj=output, **extra))
        except click.UsageError as error:
            failure = _usage(error)
        except click.ClickException as error:
            failure = Failure("E-FAILED", error.format_message())
        except click.Abort:
            failure = Failure("E-INTERRUPTED", "interrupted")
        except TickwrightError as error:
            failure = as_failure(error)
        output.failure(failure)
        sys.exit(failure.exit)


def _usage(error: click.UsageError) -> Failure:
    """Click's message; the way out is the help of the command that was meant."""
    path = error.ctx.command_path if error.ctx else "tickwright"
    return Failure("E-USAGE", error.format_message(), fix=f"{path} --help")


main = Program("tickwright", COMMANDS, help="Trading bots: simulated, backtested, on paper and live.")
