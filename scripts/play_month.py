"""Many days of a made-up book through a whole backtest: memory has to stay flat, however many days there are.

    python scripts/play_month.py --days 30 --rows 2000000

Makes the data set in a temporary folder (about 7 bytes a row) by a process of its own, then runs. Prints one JSON
object: rows, CPU seconds, and the resident memory after each tenth of the days and at the peak.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.app.backtest import run_backtest
from engine.app.backtest_runs import read_result
from engine.app.config.load import load_bot
from engine.backtest.columns import ROW_COLUMNS, Columns, RowKind, file_digest, write_columns
from engine.backtest.dataset import DAY_US, Dataset, Manifest, Market, Part
from engine.model.instrument import Instrument
from scripts.calibrate import calibration

START_US = 1_767_225_600_000_000
MID, DEPTH = 600_000, 50
INSTRUMENT = Instrument(
    instrument_id="made:BTC-USDT",
    venue="made",
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.1"),
    quantity_step=Decimal("0.001"),
)
BOT = """
name: month
mode: backtest
tick: 1m
exchanges: {{made: {{connector: recorded, balances: {{BTC: 10, USDT: 1000000}}}}}}
strategy: {{kind: pure_market_making, exchange: made, trading_pair: BTC-USDT, bid_spread: 0.01bps, ask_spread: 0.01bps,
  order_amount: 0.01, order_refresh_time: 10m}}
risk: {{stale_data: 10m}}
data: {{path: {data}}}
"""


def day(number: int, rows: int) -> Columns:
    """A book of 50 levels a side whose quantities change, and a trade in ten rows."""
    chance = np.random.default_rng([7, number])
    event_us = START_US + number * DAY_US + np.sort(chance.integers(0, DAY_US, rows))
    side = chance.integers(0, 2, rows)
    level = chance.integers(1, DEPTH + 1, rows)
    trade = chance.random(rows) < 0.1
    level[trade] = 1
    kind = np.where(
        trade, np.where(side == 0, RowKind.SELL, RowKind.BUY), np.where(side == 0, RowKind.BID, RowKind.ASK)
    )
    columns = {
        "event_us": event_us,
        "receive_us": event_us + 5_000,
        "kind": kind,
        "ticks": np.where(side == 0, MID - level, MID + level),
        "lots": chance.integers(1, 2_000, rows),
        "message": np.arange(rows),
        "sequence": np.arange(rows),
    }
    kind[0] = RowKind.CLEAR
    return {name: columns[name] for name in ROW_COLUMNS}


def make(folder: Path, days: int, rows: int) -> None:
    """The data set."""
    parts = []
    for number in range(days):
        columns = day(number, rows)
        name = f"BTC-USDT/rows/{datetime.fromtimestamp((START_US + number * DAY_US) // 10**6, UTC):%Y-%m-%d}.parquet"
        write_columns(folder / name, columns)
        times, digest = columns["event_us"], file_digest(folder / name)
        parts.append(Part(file=name, rows=rows, first_us=int(times[0]), last_us=int(times[-1]), digest=digest))
    market = Market(instrument=INSTRUMENT, receive_times=True, rows=parts)
    Dataset(folder, Manifest(venue="made", markets={"BTC-USDT": market})).save()


def resident_mb() -> int:
    """Memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20


def play(folder: Path, days: int) -> dict[str, object]:
    """Run the bot over the data."""
    bot = folder / "bot.yml"
    bot.write_text(BOT.format(data=folder / "set"), encoding="utf-8")
    memory: list[int] = []

    def look(now_us: int, end_us: int, rows: int) -> bool:
        if (now_us - START_US) * 10 // (days * DAY_US) > len(memory):
            memory.append(resident_mb())
        return True

    begin = time.process_time()
    result = read_result(run_backtest(load_bot([bot]), folder, look))
    return {
        "days": days,
        "rows": result["run"]["rows"],
        "cpu_s": round(time.process_time() - begin, 2),
        "fills": result["orders"]["fills"],
        "memory_mb": memory,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "calibration": calibration(),
    }


def main(arguments: argparse.Namespace) -> None:
    if arguments.make:
        make(arguments.make, arguments.days, arguments.rows)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = ["--days", str(arguments.days), "--rows", str(arguments.rows)]
        subprocess.run([sys.executable, __file__, *size, "--make", str(folder / "set")], check=True)
        print(json.dumps(play(folder, arguments.days)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rows", type=int, default=2_000_000, help="a day")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    main(parser.parse_args())
