"""What the order log of the last session means for the next one.

A simulated account ends with its process, so its orders are over and every session begins a new log. The old one stays
readable in `past/`. Where the account lives on, so does the log. What must not be forgotten is a HALT: nothing starts
until an operator has looked.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from engine.app.bot_folder import BotFolder
from engine.app.failure import Failure
from engine.core.clock import wall_us
from engine.store.connection import Durability, FileLock, open_reader
from engine.store.order_log import OrderLog
from engine.store.schema import read_meta


def retire_log(bot: BotFolder, keep_us: int) -> int:
    """Put the last session's log aside, and drop what is older than `keep_us`. Returns how many orders it left open.

    The bot's lock is taken meanwhile. Raises Failure when the last session was halted, LogInUse when the bot runs.
    """
    bot.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(bot.folder)
    try:
        left = _retire(bot) if bot.orders.exists() else 0
        _drop_old_files(bot, keep_us)
    finally:
        lock.release()
    return left


def continue_log(bot: BotFolder, keep_us: int, durability: Durability) -> OrderLog:
    """Open the log where the last session left it, without what was over `keep_us` ago. Raises OrderLogError."""
    log = OrderLog.open(bot.folder, durability)
    while log.prune(wall_us() - keep_us):
        pass
    _drop_old_files(bot, keep_us)
    return log


def refuse_halted(bot: BotFolder, latch: str) -> None:
    """Nothing starts after a HALT until an operator has looked. Raises Failure R-HALT unless `latch` is empty."""
    if latch:
        fix = f"review, then tickwright resume {bot.name}"
        raise Failure("R-HALT", f"was halted and may not start: {latch}", where=bot.name, fix=fix)


def _drop_old_files(bot: BotFolder, keep_us: int) -> None:
    oldest_us = wall_us() - keep_us
    for file in (*bot.past.glob("orders_*.sqlite"), *bot.journals.glob("*.twj")):
        if file.stat().st_mtime_ns // 1000 < oldest_us:
            file.unlink()


def _retire(bot: BotFolder) -> int:
    connection = open_reader(bot.orders)
    try:
        latch = read_meta(connection).get("halt_latch", "")
        (left,) = connection.execute("SELECT count(*) FROM orders WHERE settled = 0").fetchone()
    finally:
        connection.close()
    refuse_halted(bot, latch)
    _fold_write_ahead(bot.orders)
    bot.past.mkdir(mode=0o700, exist_ok=True)
    moment = datetime.fromtimestamp(wall_us() // 1_000_000, UTC)
    bot.orders.rename(bot.past / f"orders_{moment:%Y%m%d-%H%M%S}_{wall_us() % 1_000_000:06}.sqlite")
    return int(left)


def _fold_write_ahead(path: Path) -> None:
    """Bring everything into the one file that is moved: closing the last connection would, but a crash never does."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    finally:
        connection.close()
