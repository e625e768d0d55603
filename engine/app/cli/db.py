"""`tickwright db upgrade`, `status`, `backup`, `export` and `prune`."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from engine.app.bot_entry import bot_names
from engine.app.bot_folder import BotFolder
from engine.app.cli.output import Output
from engine.app.cli.store import settings_of, with_store
from engine.app.cli.text import count, table
from engine.app.failure import Failure
from engine.app.history import retention_of
from engine.app.table_files import FORMATS, Format, write_table
from engine.core.clock import wall_us
from engine.store.errors import OrderLogError
from engine.store.history import maintenance, queries, upgrade
from engine.store.history.connection import Store
from engine.store.history.inventory import Inventory, metrics_text, take_inventory
from engine.store.history.log_reader import LogReader
from engine.store.history.tables import metadata

PAGE = 5_000


@click.command(help="Make the tables of the history, or bring them up to date.")
@click.pass_obj
def upgrade_(output: Output) -> None:
    """Bots do it too when they start, unless `store.auto_upgrade` is false."""
    wanted = settings_of(output).store.timescale == "auto"
    done = with_store(output, lambda store: upgrade.upgrade(store, timescale=wanted), reader=False)
    text = "up to date" if done.before == done.after else f"upgraded from {done.before or 'nothing'}"
    data = {"before": done.before, "after": done.after, "level": done.level.value}
    output.result(data, f"revision {done.after}, {text}, TimescaleDB: {done.level.value}")


@click.command(help="Show what the history holds, its size, and how far it is behind.")
@click.option("--metrics", "metrics", type=click.Path(path_type=Path), help="Write Prometheus' text format there.")
@click.pass_obj
def status(output: Output, metrics: Path | None) -> None:
    """The lag is that of the present order log of each bot."""
    found = with_store(output, take_inventory)
    lags = dict(_lags(output.userdir, found))
    if metrics is not None:
        _replace(metrics, metrics_text(found, lags))
    data = {
        "where": found.where,
        "timescale": found.level,
        "revision": found.revision,
        "newest": found.newest,
        "size_bytes": found.size_bytes,
        "rows": found.rows,
        "lag_entries": lags,
    }
    lines = [f"{found.where}: revision {found.revision or 'none'}, {found.size_bytes / 1e6:.1f} MB"]
    lines.append(table([("TABLE", "ROWS"), *((name, f"{rows:,}") for name, rows in found.rows.items())], "  "))
    lines += [f"  {bot}: {count(lag, 'entry') if lag == 1 else f'{lag:,} entries'} behind" for bot, lag in lags.items()]
    output.result(data, "\n".join(lines))


@click.command(help="Copy the history and the order logs of all bots, also while they run.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_obj
def backup(output: Output, folder: Path) -> None:
    """Into FOLDER, one file each."""
    moment = datetime.fromtimestamp(wall_us() // 1_000_000, UTC).strftime("%Y%m%d-%H%M%S")

    async def copy(store: Store) -> Path:
        if store.postgres:
            fix = "pg_dump --format=custom copies it; the order logs of the bots are copied already"
            raise Failure("E-USAGE", "this database has a backup of its own", where=store.where, fix=fix)
        target = folder / f"history-{moment}.sqlite"
        with store.guarded():
            await store.vacuum("VACUUM INTO ?", str(target))
        return target

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure("E-DISK", f"cannot be made: {error.strerror}", where=str(folder)) from error
    files = [_copy_log(BotFolder(output.userdir, name), folder, moment) for name in bot_names(output.userdir)]
    files = [file for file in files if file is not None]
    files.append(with_store(output, copy, reader=False))
    output.result([str(file) for file in files], "\n".join(str(file) for file in files))


@click.command(help="Write every table of the history as a file.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", help="Of the files.")
@click.pass_obj
def export(output: Output, folder: Path, form: Format) -> None:
    """Into FOLDER, one file a table."""

    async def dump(store: Store) -> dict[str, int]:
        await upgrade.check(store)
        done = {}
        for each in metadata.sorted_tables:
            done[each.name] = await write_table(folder / f"{each.name}.{form}", form, _pages(store, each))
        return done

    done = with_store(output, dump)
    output.result(done, table([("TABLE", "ROWS"), *((name, f"{rows:,}") for name, rows in done.items())]))


@click.command(help="Delete market data that are older than store.retention.")
@click.pass_obj
def prune(output: Output) -> None:
    """Bots do it too, once a minute. Orders, trades and candles stay."""

    async def work(store: Store) -> dict[str, int]:
        await upgrade.check(store)
        return await maintenance.prune(store, retention_of(settings_of(output)))

    deleted = with_store(output, work, reader=False)
    text = ", ".join(f"{rows:,} rows of {name}" for name, rows in deleted.items())
    output.result(deleted, f"deleted {text}")


async def _pages(store: Store, each: sa.Table) -> AsyncIterator[list[queries.Row]]:
    with store.guarded():
        async with store.engine.connect() as connection:
            query = sa.select(each).order_by(*each.primary_key).execution_options(yield_per=PAGE)
            async for rows in (await connection.stream(query)).mappings().partitions():
                yield [dict(row) for row in rows]


def _lags(userdir: Path, inventory: Inventory) -> Any:
    known = {cursor.log_id: cursor.log_sequence for cursor in inventory.cursors}
    for name in bot_names(userdir):
        try:
            log = LogReader(BotFolder(userdir, name).orders)
        except OrderLogError:  # handled: a bot that has not run yet, or `history` tells what is wrong with the file
            continue
        if log.wanted:
            yield name, log.last_seq() - known.get(log.log_id, 0)
        log.close()


def _copy_log(bot: BotFolder, folder: Path, moment: str) -> Path | None:
    if not bot.orders.exists():
        return None
    target = folder / f"{bot.name}-orders-{moment}.sqlite"
    connection = sqlite3.connect(bot.orders)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise Failure("E-DISK", f"cannot be copied: {error}", where=str(bot.orders)) from error
    finally:
        connection.close()
    return target


def _replace(path: Path, text: str) -> None:
    """At once, so that whoever reads it never sees half of it."""
    try:
        temporary = path.with_name(path.name + ".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise Failure("E-DISK", f"cannot be written: {error.strerror}", where=str(path)) from error
