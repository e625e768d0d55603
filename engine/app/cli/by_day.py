"""`tickwright history NAME --by-day`."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from engine.app.cli.output import Output
from engine.app.cli.store import with_store
from engine.app.cli.text import table
from engine.app.figures import amount
from engine.core.clock import wall_us
from engine.store.history import queries, upgrade
from engine.store.history.column_types import moment
from engine.store.history.connection import Store
from engine.store.history.pnl import DayPnl, pnl_by_day
from engine.store.history.queries import Span

DAY_US = 86_400_000_000


def show(output: Output, name: str, days: float, zone_name: str) -> None:
    """The newest `days`, counted from the newest session's end: its time may be virtual."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.UsageError(f"'{zone_name}' is no time zone: write Europe/Berlin or UTC") from None

    async def read(store: Store) -> list[DayPnl]:
        await upgrade.check(store)
        newest = (await queries.sessions(store, name))[:1]
        end_us = max((row["ended_at"] or wall_us() for row in newest), default=wall_us())
        first = moment(max(0, end_us - int(days * DAY_US))).astimezone(zone)
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
        return await pnl_by_day(store, Span(bot=name, start_us=int(midnight.timestamp()) * 1_000_000), zone)

    found = with_store(output, read)
    rows = [
        {
            "day": day.day.isoformat(),
            "asset": day.asset,
            "trades": day.trades,
            "volume": day.volume,
            "realized": day.realized,
            "fees": day.fees,
            "funding": day.funding,
            "total": day.total,
            "unpriced_fees": day.unpriced_fees,
        }
        for day in found
    ]
    head = ("DAY", "ASSET", "TRADES", "VOLUME", "REALIZED", "FEES", "FUNDING", "TOTAL")
    cells = [
        (
            day.day.isoformat(),
            day.asset,
            str(day.trades),
            *(amount(format(value, "f")) for value in (day.volume, day.realized, day.fees, day.funding, day.total)),
        )
        for day in found
    ]
    output.result(rows, table([head, *cells]) if cells else f"{name} has not traded in {days:g} days")
