"""A year of one-minute candles through the whole framework: engine, checks, order tracker, executor, paper venue.

Prints one JSON object. The strategy is S2 of the backtest benchmarks: long one unit while the average of 20 closes is
above that of 100, decided on a close and traded at the next open. `--every-tick` has each candle go through the engine.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.paper.build import FillRules, build_venue, venue_sheet
from connectors.paper.candle_rows import CandleFile, CandleRows
from connectors.paper.latency import Latency, constant
from engine.backtest.recording import Recording
from engine.backtest.run import play
from engine.core.driver import Driver
from engine.core.engine import Engine, Settings
from engine.core.limits import RiskLimits
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.model.enums import Side
from engine.model.instrument import Instrument
from strategies.signal_follower import SignalFollower, SignalFollowerConfig

MINUTE_US = 60_000_000
INSTRUMENT = Instrument(
    instrument_id="paper:BTC-USDT",
    venue="paper",
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.5"),
    quantity_step=Decimal("0.001"),
    taker_rate=Decimal("0.0004"),
)
BASE, QUOTE = Decimal(100), Decimal(10_000_000)
CROSSING = SignalFollowerConfig(
    exchange="paper", trading_pair="BTC-USDT", quantity=Decimal(1), fast=20, slow=100, slippage_max=Decimal("0.05")
)


def load_candles(path: Path) -> CandleRows:
    """W3 of the benchmark generator in whole steps; there is always enough volume."""
    with np.load(path) as data:
        steps = {name: np.rint(data[name] / 0.5).astype(np.int64) for name in ("open", "high", "low", "close")}
        columns: Mapping[str, NDArray[np.int64]] = {
            "open_us": data["open_us"],
            **steps,
            "volume": np.full(len(data["open_us"]), 10_000_000),
        }
    return CandleRows(MINUTE_US, [CandleFile(len(columns["open_us"]), int(columns["open_us"][0]), lambda: columns)])


def main(arguments: argparse.Namespace, folder: Path) -> None:
    begin = time.process_time()
    rows = load_candles(arguments.data / "w3.npz")
    start_us = rows.candle(0)[0]
    rules = FillRules(half_spread=Decimal(0), slippage=Decimal(0))
    balances = {"USDT": QUOTE, "BTC": BASE}
    venue = build_venue("paper", [(INSTRUMENT, rows)], balances, Latency(0, constant(0), constant(0)), start_us, rules)
    sheets = {"paper": venue_sheet(0)}
    state = State([INSTRUMENT], OrderIds("BNCH", 1), sheets, start_us)
    venue.install(state)
    streams = {"paper": UserStream("paper", [INSTRUMENT.instrument_id], state.orders.cursors, sheets["paper"])}
    settings = Settings(bot="bench", quote="USDT", grid_us=MINUTE_US, limits=RiskLimits(stale_data_us=10 * MINUTE_US))
    recording = Recording(folder, "USDT")
    engine = Engine(state, [SignalFollower("s2", CROSSING)], settings, streams, [recording.hear], recording.changed)
    recording.follow(engine)
    glide = None if arguments.every_tick else recording.following(venue.glide)
    driver = Driver(engine, [venue], lambda requests: "", glide=glide)
    load_cpu_s = time.process_time() - begin
    begin = time.process_time()
    candles = min(rows.count, arguments.candles)
    end_us = rows.candle(candles - 1)[0] + MINUTE_US
    play(driver, recording, end_us, lambda: venue.listings[0].kernel.rows_applied, lambda *_: True)
    cpu_s = time.process_time() - begin
    fills = [each.fill for each in recording.booked if each.fill is not None]
    signs = [1 if fill.side is Side.BUY else -1 for fill in fills]
    cash = sum(-sign * fill.price * fill.quantity for sign, fill in zip(signs, fills, strict=True))
    result = {
        "engine": "tickwright" + (" every tick" if arguments.every_tick else ""),
        "workload": "w3",
        "strategy": "s2",
        "cpu_s": round(cpu_s, 4),
        "us_per_bar": round(cpu_s / candles * 1e6, 2),
        "load_cpu_s": round(load_cpu_s, 3),
        "rows": venue.listings[0].kernel.rows_applied,
        "orders": recording.orders.submitted,
        "fills": len(fills),
        "position": float(sum(sign * fill.quantity for sign, fill in zip(signs, fills, strict=True))),
        "cash": float(cash),
        "fees": round(float(sum(fill.fee for fill in fills)), 2),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with w3.npz")
    parser.add_argument("--candles", type=int, default=1 << 40, help="only so many")
    parser.add_argument("--every-tick", action="store_true")
    with tempfile.TemporaryDirectory() as folder_name:
        main(parser.parse_args(), Path(folder_name))
