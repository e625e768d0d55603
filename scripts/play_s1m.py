"""One day of market making through the whole framework: engine, checks, order tracker, executor, Decimal, paper venue.

Prints one JSON object. The strategy is S1m of the backtest benchmarks: each second a post-only bid and ask of 0.010 at
the mid ∓ 5 bp, replaced only where the price moved or the order is gone.
"""

import argparse
import gc
import json
import resource
import sys
import time
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.paper.build import FillRules, build_venue, venue_sheet
from connectors.paper.latency import Latency, constant
from connectors.paper.rows import Rows
from connectors.paper.words import ASK, BEST_ASK, BEST_BID, BID, BUY_TRADE, SELL_TRADE
from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.clock import run_virtual
from engine.core.driver import Driver
from engine.core.engine import Engine, Settings
from engine.core.executors.quote_settings import AmendMode, QuoteSettings
from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.model.enums import Side
from engine.model.instrument import Instrument
from engine.model.quote import Quote

TICK_US = 1_000_000
TICKS = 86_399
LOW, HIGH = Decimal("0.9995"), Decimal("1.0005")
QUANTITY = Decimal("0.010")
INSTRUMENT = Instrument(
    instrument_id="paper:BTC-USDT",
    venue="paper",
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.5"),
    quantity_step=Decimal("0.001"),
    quantity_min=Decimal("0.001"),
    notional_min=Decimal(5),
    maker_rate=Decimal("0.0001"),
    taker_rate=Decimal("0.0004"),
)
EXECUTOR = QuoteSettings(
    order_refresh_time_us=0,
    max_order_age_us=1 << 60,
    filled_order_delay_us=0,
    wait_for_cancel=False,
    amend=AmendMode.NEVER,
)


def load_rows(path: Path) -> tuple[Rows, int]:
    """W1 or W2 of the benchmark generator, and when its day begins."""
    with np.load(path) as data:
        trade_kind = np.where(data["trade_side"] > 0, BUY_TRADE, SELL_TRADE)
        if "quote_us" in data:
            ticks = np.stack([data["bid_ticks"], data["ask_ticks"]], 1).ravel()
            lots = np.stack([data["bid_lots"], data["ask_lots"]], 1).ravel()
            kind = np.tile([BEST_BID, BEST_ASK], len(data["quote_us"]))
            event_us = np.repeat(data["quote_us"], 2)
        else:
            ticks, lots, event_us = data["row_ticks"], data["row_lots"], data["row_us"]
            kind = np.where(data["row_side"] > 0, BID, ASK)
        columns = {
            "ticks": np.concatenate([ticks, data["trade_ticks"]]),
            "lots": np.concatenate([lots, data["trade_lots"]]),
            "kind": np.concatenate([kind, trade_kind]),
            "event_us": np.concatenate([event_us, data["trade_us"]]),
        }
        start_us = int(data["start_us"])
    order = np.argsort(columns["event_us"], kind="stable")
    return Rows.of({name: column[order] for name, column in columns.items()}), start_us


class Quoter:
    """S1m as a controller."""

    name = "s1m"

    def __init__(self) -> None:
        self._mid: Decimal | None = None
        self._started = False

    def decide(self, state: State) -> Sequence[Action]:
        """Both quotes around the mid; the same ones while it stays."""
        mid = state.mid(INSTRUMENT.instrument_id)
        if mid is None or mid == self._mid:
            return ()
        self._mid = mid
        name, step = INSTRUMENT.instrument_id, INSTRUMENT.price_step
        bid = (mid * LOW / step).to_integral_value(ROUND_HALF_EVEN) * step
        ask = (mid * HIGH / step).to_integral_value(ROUND_HALF_EVEN) * step
        quotes = (Quote(name, Side.BUY, bid, QUANTITY, "bid"), Quote(name, Side.SELL, ask, QUANTITY, "ask"))
        wanted = SetQuotes("s1m/quotes", quotes)
        if self._started:
            return (wanted,)
        self._started = True
        return (StartExecutor("s1m/quotes", "quote", EXECUTOR), wanted)


class Tally:
    """Of all fills."""

    def __init__(self) -> None:
        self.fills = 0
        self.position = self.cash = self.fees = Decimal(0)

    def hear(self, change: Change) -> None:
        """Add the fill of a change."""
        fill = change.fill
        if fill is not None:
            sign = 1 if fill.side is Side.BUY else -1
            self.fills += 1
            self.position += sign * fill.quantity
            self.cash -= sign * fill.quantity * fill.price
            self.fees += fill.fee


def main(arguments: argparse.Namespace) -> None:
    begin = time.process_time()
    rows, start_us = load_rows(arguments.data / f"{arguments.workload}.npz")
    rules = FillRules(partial_fills=False, deep_queue="ahead", kernel=arguments.kernel)
    latency = Latency(arguments.feed_us, constant(arguments.entry_us), constant(arguments.response_us))
    balances = {"USDT": Decimal(1_000_000), "BTC": Decimal(100)}
    venue = build_venue("paper", [(INSTRUMENT, rows)], balances, latency, start_us, rules)
    sheets = {"paper": venue_sheet(arguments.entry_us + arguments.response_us)}
    state = State([INSTRUMENT], OrderIds("BNCH", 1), sheets, start_us)
    venue.install(state)
    streams = {"paper": UserStream("paper", [INSTRUMENT.instrument_id], state.orders.cursors, sheets["paper"])}
    tally = Tally()
    engine = Engine(state, [Quoter()], Settings(bot="bench", quote="USDT"), streams, on_change=tally.hear)
    driver = Driver(engine, [venue], lambda requests: "")
    load_cpu_s = time.process_time() - begin
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    begin = time.process_time()
    run_virtual(driver, start_us + TICKS * TICK_US)
    cpu_s = time.process_time() - begin
    result = {
        "engine": f"tickwright {type(venue.listings[0].kernel).__module__.rpartition('.')[0].rpartition('.')[2]}",
        "workload": arguments.workload,
        "strategy": "s1m",
        "cpu_s": round(cpu_s, 4),
        "load_cpu_s": round(load_cpu_s, 3),
        "rows": venue.listings[0].kernel.rows_applied,
        "orders": venue.orders_received,
        "fills": tally.fills,
        "position": float(tally.position),
        "cash": float(tally.cash),
        "fees": round(float(tally.fees), 4),
        "refusals": engine.refusals,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "causes": [str(each) for each in engine.halt.causes],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=["w1", "w2"])
    parser.add_argument("--data", type=Path, required=True, help="folder with w1.npz and w2.npz")
    parser.add_argument("--kernel", choices=["auto", "reference", "fast"], default="auto")
    for name in ("feed", "entry", "response"):
        parser.add_argument(f"--{name}-us", type=int, default=0)
    main(parser.parse_args())
