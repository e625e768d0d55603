"""Bringing other processes' bots to their end: politely, and otherwise."""

import os
import signal
import time
from typing import Any

from engine.app.bot_entry import BotEntry, process_started, read_entry, stopped, write_entry
from engine.app.bot_folder import BotFolder
from engine.app.control.client import TIMEOUT_SECONDS, ask
from engine.app.failure import Failure
from engine.core.clock import wall_us
from engine.store.order_history import OrderHistory
from engine.store.order_log import OrderLog

STOP_TIMEOUT_US = 60_000_000
GONE_SECONDS = 5.0  # a process that has said its last word, or was killed, gives its lock back
KILLED = 137  # the exit status of a process that was killed


def stop_bot(bot: BotFolder, timeout_us: int) -> dict[str, Any]:
    """Its summary, when it has ended. Raises Failure as `ask` does, E-TIMEOUT when orders may be left."""
    data: dict[str, Any] = ask(bot, "stop", {"timeout_us": timeout_us}, timeout_us / 1e6 + TIMEOUT_SECONDS)
    _wait_gone(bot)
    return data


def kill_bot(bot: BotFolder, timeout_us: int) -> str:
    """End a bot in whatever state it is, and leave nothing of it running. Returns what was done.

    A bot that answers cancels its orders itself. What a dead process of a simulated exchange had open died with it.
    """
    entry = read_entry(bot.entry)
    if entry is None:
        raise Failure("E-NOTFOUND", f"there is no bot {bot.name}", fix="tickwright ps")
    if not bot.running():
        return _clean(bot, entry, "it was not running", halt=False)
    try:
        ask(bot, "performance")
        data = ask(bot, "kill", timeout=timeout_us / 1e6 + TIMEOUT_SECONDS)
    except Failure as failure:
        if failure.code not in ("E-TIMEOUT", "E-NOTRUNNING"):
            raise
    else:
        _wait_gone(bot)
        return f"cancelled {data['orders_cancelled']} orders ({data['orders_confirmed']} confirmed)"
    if process_started(entry.pid) != entry.pid_started:
        raise Failure("E-FAILED", f"process {entry.pid} is not the bot; somebody else holds {bot.folder}")
    os.kill(entry.pid, signal.SIGKILL)
    _wait_gone(bot)
    return _clean(bot, entry, "it did not answer and was killed; its simulated exchange ended with it", halt=True)


def clear_latch(bot: BotFolder) -> str:
    """Let a halted bot start again. Returns why it was halted, "" if it was not."""
    if not bot.orders.exists():
        return ""
    with OrderHistory(bot.orders) as history:
        reason = history.halt_latch
    if reason:
        _set_latch(bot, "")
    return reason


def _clean(bot: BotFolder, entry: BotEntry, text: str, *, halt: bool) -> str:
    """The registry as after an orderly end."""
    if entry.exit is None:
        write_entry(bot.entry, stopped(entry, KILLED, text, wall_us()))
    bot.socket.unlink(missing_ok=True)
    if halt:
        _set_latch(bot, "killed by the operator")
    return text


def _set_latch(bot: BotFolder, reason: str) -> None:
    log = OrderLog.open(bot.folder)
    try:
        log.set_halt_latch(reason, wall_us())
    finally:
        log.close()


def _wait_gone(bot: BotFolder) -> None:
    until = time.monotonic() + GONE_SECONDS
    while bot.running():
        if time.monotonic() > until:
            raise Failure("E-TIMEOUT", f"{bot.name} does not end", fix=f"tickwright kill {bot.name}")
        time.sleep(0.01)
