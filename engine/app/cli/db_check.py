"""`tickwright db check` and `tickwright audit verify`: whether what is stored is as it was written."""

import click

from engine.app.cli.output import Output
from engine.app.cli.store import with_store
from engine.app.failure import Failure
from engine.store import verify as order_logs
from engine.store.history import audit, upgrade
from engine.store.history.connection import Store

FIX = "keep a copy of the file, and ask who could write to it"


@click.command(help="Check the order logs of all bots and the history: pages, hash chains, sums. Bots may run.")
@click.pass_obj
def check(output: Output) -> None:
    """Everything that contradicts itself, in one run."""
    logs = sorted((output.userdir / "data" / "bots").glob("*/orders.sqlite"))
    problems = {str(path): order_logs.verify(path) for path in logs}
    where, found = with_store(output, _history)
    _answer(output, problems | {where: found})


@click.command(help="Walk the hash chain of the audit log: whether rows were changed or deleted.")
@click.pass_obj
def verify(output: Output) -> None:
    """Of the history; the order log of each bot has a chain of its own, which `db check` walks."""

    async def walk(store: Store) -> tuple[str, list[str]]:
        await upgrade.check(store)
        return store.where, await _audited(store)

    where, found = with_store(output, walk)
    _answer(output, {where: found})


async def _history(store: Store) -> tuple[str, list[str]]:
    await upgrade.check(store)
    damaged = [] if store.postgres else await _pages(store)
    return store.where, damaged or await _audited(store)


async def _pages(store: Store) -> list[str]:
    """What SQLite finds wrong with its file."""
    with store.guarded():
        async with store.engine.connect() as connection:
            rows = (await connection.exec_driver_sql("PRAGMA integrity_check(10)")).scalars()
            return [f"damaged pages: {text}" for text in rows if text != "ok"]


async def _audited(store: Store) -> list[str]:
    problem = await audit.verify(store)
    return [problem] if problem else []


def _answer(output: Output, problems: dict[str, list[str]]) -> None:
    """Raises Failure E-DAMAGED when something was found."""
    lines = [f"{where}: {text}" for where, found in problems.items() for text in found]
    if lines:
        entries: list[dict[str, object]] = [
            {"where": where, "detail": text} for where, found in problems.items() for text in found
        ]
        raise Failure("E-DAMAGED", "\n".join(lines), fix=FIX, problems=entries)
    output.result(list(problems), "\n".join(f"{where}: sound" for where in problems))
