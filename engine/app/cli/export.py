"""`tickwright export`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import click

from engine.app.cli.output import Output
from engine.app.cli.store import TimeUs, with_store
from engine.app.table_files import FORMATS, Format, write_table
from engine.store.history import queries, upgrade
from engine.store.history.column_types import LATEST_US
from engine.store.history.connection import Store
from engine.store.history.queries import Page, Row, Span

Query = Callable[[Store, Span, Sequence[Any] | None], Awaitable[Page]]
KINDS: dict[str, Query] = {
    "trades": queries.trades,
    "orders": queries.orders_of,
    "balances": queries.balances,
    "transfers": queries.transfers,
    "events": queries.events,
}


@click.command(help="Write what the history has of a bot as a file: CSV, JSON lines or Parquet.")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", help="Of the file.")
@click.option("--out", type=click.Path(path_type=Path), help="The file; left out: reports/NAME-KIND.FORMAT.")
@click.option("--start", type=TimeUs(), default=0, help="Not before.")
@click.option("--end", type=TimeUs(), default=LATEST_US, help="Before.")
@click.option("--session", default="", help="Of this session only.")
@click.pass_obj
def command(
    output: Output, kind: str, name: str, form: Format, out: Path | None, start: int, end: int, session: str
) -> None:
    """Money is text with all its digits, times are microseconds since 1970, UTC."""
    path = out or output.userdir / "reports" / f"{name}-{kind}.{form}"
    span = Span(bot=name, session=session, start_us=start, end_us=end)

    async def write(store: Store) -> int:
        await upgrade.check(store)
        return await write_table(path, form, _pages(store, KINDS[kind], span))

    rows = with_store(output, write)
    output.result({"path": str(path), "rows": rows}, f"{path}: {rows:,} {kind}")


async def _pages(store: Store, query: Query, span: Span) -> AsyncIterator[list[Row]]:
    after: list[Any] | None = None
    while True:
        page = await query(store, span, after)
        yield page.rows
        if page.next is None:
            return
        after = page.next
