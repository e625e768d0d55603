"""`tickwright ps`."""

from typing import Any

import click

from engine.app.bot_entry import BotState, bot_names, read_entry, state_of
from engine.app.bot_folder import BotFolder
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.control.client import ask
from engine.app.failure import Failure
from engine.app.figures import clock, signed
from engine.core.clock import wall_us

ANSWER_SECONDS = 1.0
ENDED = (BotState.STOPPED, BotState.CRASHED)
COLUMNS = ("NAME", "STATE", "MODE", "SYMBOLS", "PNL", "ORDERS", "WARNINGS", "UP")


@click.command(help="List the bots of this folder.")
@click.option("--prune", is_flag=True, help="Forget those that do not run.")
@click.pass_obj
def command(output: Output, prune: bool) -> None:
    """One row a bot; what only a running bot knows is asked for."""
    rows = [row for name in bot_names(output.userdir) if (row := _row(BotFolder(output.userdir, name))) is not None]
    if prune:
        gone = [row["name"] for row in rows if row["state"] in ENDED]
        for name in gone:
            BotFolder(output.userdir, name).entry.unlink(missing_ok=True)
        rows = [row for row in rows if row["name"] not in gone]
        output.progress(f"forgot {', '.join(gone) or 'nothing'}")
    if rows:
        output.result(rows, table([COLUMNS, *(_cells(row) for row in rows)]))
    else:
        output.result(rows, "no bot has run here: tickwright start FILE")


def _row(bot: BotFolder) -> dict[str, Any] | None:
    entry = read_entry(bot.entry)
    if entry is None:
        return None
    state = state_of(entry, bot)
    row: dict[str, Any] = {
        "name": entry.name,
        "state": state.value,
        "mode": entry.mode,
        "instruments": entry.instruments,
        "pid": entry.pid,
        "session_id": entry.session_id,
        "started_us": entry.started_us,
        "exit": None if entry.exit is None else {"code": entry.exit.code, "reason": entry.exit.reason},
        "up_us": None if state in ENDED else wall_us() - entry.started_us,
        "total_pnl": None,
        "quote": "",
        "orders": None,
        "warnings": None,
    }
    if state in ENDED:
        return row
    try:
        status = ask(bot, "status", timeout=ANSWER_SECONDS)
    except Failure as failure:
        return {**row, "warnings": failure.detail}
    row |= {"state": status["state"], "total_pnl": status["performance"]["total_pnl"], "quote": status["quote"]}
    return {**row, "orders": len(status["orders"]), "warnings": len(status["warnings"])}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    pnl = "" if row["total_pnl"] is None else f"{signed(row['total_pnl'])} {row['quote']}"
    counts = ("" if row[name] is None else str(row[name]) for name in ("orders", "warnings"))
    symbols = " ".join(row["instruments"])
    return (row["name"], row["state"], row["mode"], symbols, pnl, *counts, _up(row))


def _up(row: dict[str, Any]) -> str:
    if row["up_us"] is None:
        return "" if row["exit"] is None else f"exit {row['exit']['code']}: {row['exit']['reason']}"
    return clock(row["up_us"])
