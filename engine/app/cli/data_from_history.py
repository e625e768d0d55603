"""`tickwright data from-history`."""

from pathlib import Path

import click

from engine.app.cli.output import Output
from engine.app.cli.store import TimeUs, with_store
from engine.app.cli.text import count
from engine.app.failure import Failure
from engine.app.log_file import time_text
from engine.app.tick_recording import Recorded, write_recording
from engine.store.history import queries, upgrade
from engine.store.history.column_types import LATEST_US
from engine.store.history.connection import Store


@click.command(help="Make a recording of stored trades, which a simulated exchange can repeat.")
@click.argument("instrument")
@click.option("--session", default="", help="Of this session; simulated markets belong to one.")
@click.option("--start", type=TimeUs(), default=0, help="Not before.")
@click.option("--end", type=TimeUs(), default=LATEST_US, help="Before.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file, for market.path.")
@click.pass_obj
def command(output: Output, instrument: str, session: str, start: int, end: int, out: Path) -> None:
    """INSTRUMENT is `binance:BTC-USDT`. Play it with `market: {model: replay, path: FILE}` and `start --speed N`."""

    async def record(store: Store) -> Recorded:
        await upgrade.check(store)
        row, start_us, end_us = await _market(store, instrument, session, start, end)
        return await write_recording(out, row, queries.ticks(store, row["instrument_key"], start_us, end_us))

    made = with_store(output, record)
    for begin_us, end_us in made.gaps:
        output.warn(f"no trades from {time_text(begin_us)} to {time_text(end_us)}")
    data = {"path": str(out), "trades": made.trades, "start_us": made.first_us, "end_us": made.last_us}
    output.result({**data, "gaps": made.gaps}, f"{out}: {count(made.trades, 'trade')}")


async def _market(store: Store, name: str, session: str, start_us: int, end_us: int) -> tuple[queries.Row, int, int]:
    """The market that is meant, and the time: a session of a real one is the time that it took."""
    found = await queries.instruments(store, name)
    if session:
        own = [row for row in found if row["session_id"] == session]
        if not own:
            times = [row for row in await queries.sessions(store) if row["session_id"] == session]
            if not times:
                raise Failure("E-NOTFOUND", f"there is no session {session}", fix="tickwright export events NAME")
            start_us = max(start_us, times[0]["started_at"])
            end_us = min(end_us, times[0]["ended_at"] or end_us)
            own = [row for row in found if not row["session_id"]]
        found = own
    if len(found) != 1:
        problem = f"{len(found)} markets are called {name}" if found else f"nothing is known of {name}"
        sessions = ", ".join(row["session_id"] for row in found if row["session_id"])
        raise Failure("E-NOTFOUND", problem, fix=f"name one with --session: {sessions}" if found else "")
    return found[0], start_us, end_us
