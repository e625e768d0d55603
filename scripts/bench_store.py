"""How fast the history takes market data and facts, and how fast candles come out, beside the raw drivers in one run.

`python scripts/bench_store.py --json` measures SQLite in a temporary folder, and each database whose address is given:
`--url postgresql://…` (tables are made in it and stay). Rates are per second of this process's CPU and of the wall.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.app.history import History
from engine.model.enums import Side
from engine.model.market import PublicTrade
from engine.store.history import tables
from engine.store.history.bulk import insert_rows, sqlite_insert
from engine.store.history.candle_queries import candles
from engine.store.history.column_types import moment
from engine.store.history.connection import Store
from engine.store.history.exporter import Exporter
from engine.store.history.feed import Feed
from engine.store.history.instruments import InstrumentKeys
from engine.store.history.log_reader import LogReader
from engine.store.history.market_writer import POSTGRES_BATCH, SQLITE_BATCH
from engine.store.history.progress import Plan
from engine.store.history.rollups import recompute
from engine.store.history.timescale import INTERVALS_S
from engine.store.history.upgrade import upgrade
from engine.store.order_log import OrderLog
from scripts.calibrate import calibration

START_US = 1_795_219_200_000_000
DAY_US = 86_400_000_000
PRICE = Decimal("50000.1")
RAW_POSTGRES = """INSERT INTO price_tick SELECT * FROM
    unnest($1::int4[], $2::timestamptz[], $3::int8[], $4::float8[], $5::float8[], $6::int2[]) ON CONFLICT DO NOTHING"""
Row = tuple[Any, ...]
Insert = Callable[[list[Row]], Awaitable[None]]


def ticks(key: int, count: int) -> list[Row]:
    """A day of them."""
    step = DAY_US // count
    return [
        (key, START_US + n * step, n, 50_000.0 + n % 997, 0.001 * (n % 50 + 1), n % 2 * 2 - 1) for n in range(count)
    ]


async def rates(rows: list[Row], insert: Insert, batch: int) -> dict[str, float]:
    """Rows a second of CPU and wall, and how long a batch takes."""
    durations = []
    cpu, wall = time.process_time(), time.perf_counter()
    for start in range(0, len(rows), batch):
        begun = time.perf_counter()
        await insert(rows[start : start + batch])
        durations.append(time.perf_counter() - begun)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    durations.sort()
    return {
        "rows_per_cpu_s": round(len(rows) / cpu),
        "rows_per_wall_s": round(len(rows) / wall),
        "batch_p50_ms": round(durations[len(durations) // 2] * 1e3, 2),
        "batch_p99_ms": round(durations[int(len(durations) * 0.99)] * 1e3, 2),
    }


async def ingest(store: Store, url: str, count: int) -> dict[str, Any]:
    """Ours and the raw driver's, by turns so that both meet the same machine; the better of three."""

    async def ours(rows: list[Row]) -> None:
        async with store.engine.begin() as connection:
            if store.postgres:
                await connection.exec_driver_sql("SELECT")
            await insert_rows(store, connection, tables.price_tick, rows)

    batch = POSTGRES_BATCH if store.postgres else SQLITE_BATCH
    best: dict[str, Any] = {"batch": batch}
    for turn in range(3):
        for name, insert, close in (("ours", ours, None), ("raw", *await raw_insert(store, url))):
            key = 1_000 * (turn + 1) + (name == "raw")
            found = await rates(ticks(key, count), insert, batch)
            if found["rows_per_cpu_s"] > best.get(name, {"rows_per_cpu_s": 0})["rows_per_cpu_s"]:
                best[name] = found
            if close is not None:
                await close()
    for unit in ("cpu", "wall"):
        best[f"ratio_{unit}"] = round(best["ours"][f"rows_per_{unit}_s"] / best["raw"][f"rows_per_{unit}_s"], 2)
    return best


async def raw_insert(store: Store, url: str) -> tuple[Insert, Callable[[], Awaitable[None]]]:
    if store.postgres:
        connection = await asyncpg.connect(url)

        async def insert(rows: list[Row]) -> None:
            dated = [(row[0], moment(row[1]), *row[2:]) for row in rows]
            async with connection.transaction():
                await connection.execute(RAW_POSTGRES, *(list(column) for column in zip(*dated, strict=True)))

        return insert, connection.close
    file = sqlite3.connect(store.where, isolation_level=None)
    file.execute("PRAGMA synchronous=NORMAL")
    statement = sqlite_insert(tables.price_tick)

    async def insert_in_file(rows: list[Row]) -> None:
        file.execute("BEGIN IMMEDIATE")
        file.executemany(statement, rows)
        file.execute("COMMIT")

    async def close() -> None:
        file.close()

    return insert_in_file, close


async def facts(store: Store, folder: Path, count: int) -> dict[str, Any]:
    """An order and its fill: written to the order log, then seen in the history."""
    log = OrderLog.open(folder)
    log.begin_session(START_US, "BENC", {"session_id": f"bench-{time.time_ns()}", "mode": "live"})
    reader, exporter = LogReader(log.path), Exporter(store, InstrumentKeys(store), "bench")
    durations = []
    for number in range(count):
        begun = time.perf_counter()
        log.note_event("BENCH", {"number": number}, START_US + number)
        log.commit(START_US + number)
        await exporter.export(reader)
        durations.append(time.perf_counter() - begun)
    for number in range(5_000):
        log.note_event("BENCH", {"number": number}, START_US + number)
    log.commit(START_US)
    cpu = time.process_time()
    cursor = 0
    while cursor < reader.last_seq():
        cursor = await exporter.export(reader)
    cpu = time.process_time() - cpu
    reader.close()
    log.close()
    durations.sort()
    return {
        "event_p50_ms": round(durations[count // 2] * 1e3, 2),
        "event_p99_ms": round(durations[int(count * 0.99)] * 1e3, 2),
        "caught_up_per_cpu_s": round(5_000 / cpu),
    }


async def reading(store: Store) -> dict[str, Any]:
    """A day of candles: made from ticks, then read."""
    begun = time.perf_counter()
    async with store.engine.begin() as connection:
        for interval_s in INTERVALS_S:
            await recompute(store, connection, interval_s, 1_000, START_US, START_US + DAY_US)
    rolled = time.perf_counter() - begun
    durations, cpu = [], time.process_time()
    for _ in range(20):
        begun = time.perf_counter()
        found = await candles(store, 1_000, 60, START_US, START_US + DAY_US)
        durations.append(time.perf_counter() - begun)
    assert len(found) == 1440, len(found)
    return {
        "rollup_day_s": round(rolled, 3),
        "day_of_minutes_p50_ms": round(sorted(durations)[10] * 1e3, 2),
        "day_of_minutes_cpu_ms": round((time.process_time() - cpu) / 20 * 1e3, 2),
    }


async def lateness(seconds: float, feed: Feed | None) -> dict[str, float]:
    """How late a loop wakes that ticks every 5 ms, while 5,000 trades a second go into `feed`."""
    late: list[float] = []
    number = 0
    end = time.perf_counter() + seconds
    while (due := time.perf_counter() + 0.005) < end:
        await asyncio.sleep(0.005)
        late.append(time.perf_counter() - due)
        if feed is not None:
            for _ in range(25):
                number += 1
                feed.hear(0, PublicTrade("sim:X-Y", str(number), PRICE, PRICE, Side.BUY, START_US + number, START_US))
    late.sort()
    return {"p50_ms": round(late[len(late) // 2] * 1e3, 2), "p99_ms": round(late[int(len(late) * 0.99)] * 1e3, 2)}


def jitter(folder: Path) -> dict[str, Any]:
    """Of a loop without a history, beside one that writes, beside one whose database is away: the median of five."""
    found: dict[str, list[dict[str, float]]] = {"control": [], "writing": [], "away": []}
    addresses = {"control": "", "writing": "sqlite:///jitter.sqlite", "away": "postgresql://x@127.0.0.1:1/x"}
    for turn in range(5):
        for name, url in addresses.items():
            log = OrderLog.open(folder / f"jitter-{turn}-{name}")
            log.begin_session(START_US, "BENC", {})
            plan = Plan(url, folder, "bench", f"{turn}", False, log.path, folder / "past")
            history = History(plan, Feed()) if url else None
            if history is not None:
                history.start()
                time.sleep(1)  # it has imported what it needs and made its tables
            found[name].append(asyncio.run(lateness(3.0, history and history.feed)))
            if history is not None:
                history.close()
            log.close()
    return {name: sorted(turns, key=lambda turn: turn["p99_ms"])[2] for name, turns in found.items()}


async def bench(url: str, folder: Path, count: int) -> dict[str, Any]:
    store = Store.open(url, folder)
    try:
        level = (await upgrade(store)).level
        async with store.engine.begin() as connection:
            for table in (tables.price_tick, tables.market_data_history):
                await connection.execute(sa.delete(table))
        result = {"timescale": level.value, "ingest": await ingest(store, url, count)}
        return result | {
            "facts": await facts(store, folder / f"log-{time.time_ns()}", 200),
            "read": await reading(store),
        }
    finally:
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", action="append", default=[], help="of a PostgreSQL or TimescaleDB to measure too")
    parser.add_argument("--ticks", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="the only form there is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        late = jitter(Path(folder))
        results = {
            "sqlite" if not number else sa.make_url(url).set(password=None).render_as_string(): asyncio.run(
                bench(url, Path(folder), options.ticks)
            )
            for number, url in enumerate(["sqlite:///bench.sqlite", *options.url])
        }
    print(json.dumps({**calibration(), "ticks": options.ticks, "results": results, "tick_lateness": late}))


if __name__ == "__main__":
    main()
