"""CPU time of one tick through the whole framework: simulated venue, engine, pure market making, quote executor.

Three levels a side, 10 s refresh, one book diff and two trades a tick, no participants. Prints one JSON object.
"""

import argparse
import gc
import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.simulated.connector import SimulatedConnector
from connectors.simulated.venue import SimulatedExchange
from engine.app.build import build_engine
from engine.app.config.models import BotConfig
from engine.core.clock import run_virtual
from engine.core.driver import Driver
from engine.core.order_ids import OrderIds
from engine.model.enums import Side
from engine.model.instrument import Instrument
from scripts.calibrate import calibration

TICK_US = 1_000_000
START_US = 1_767_225_600_000_000
LEVELS = 10
BUY, SELL = Side.BUY, Side.SELL
MID = 600_000  # in price steps
CONFIG = {
    "name": "bench",
    "exchanges": {
        "sim": {
            "connector": "simulated",
            "trading_pairs": ["BTC-USDT"],
            "market": {"model": "brownian", "start_price": "60000"},
            "balances": {"BTC": "5", "USDT": "300000"},
            "latency": "0ms",
        }
    },
    "strategy": {
        "kind": "pure_market_making",
        "exchange": "sim",
        "trading_pair": "BTC-USDT",
        "bid_spread": "0.1%",
        "ask_spread": "0.1%",
        "order_amount": "0.01",
        "order_levels": "3",
        "order_level_spread": "0.05%",
        "order_refresh_time": "10s",
        "filled_order_delay": "0s",
    },
    "risk": {"max_drawdown": "50%", "max_order_value": "10000 USDT"},
}


class ScriptedMarket:
    """One step a tick: both best quantities change, every fourth tick both best prices move; two trades are printed."""

    def __init__(self) -> None:
        self.next_us = START_US
        self._step = 0
        self._bid = self._ask = 0

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        """The mid follows a triangle wave; our quotes are never reached."""
        book = exchange.listing("sim:BTC-USDT").engine
        self.next_us = now_us + TICK_US
        self._step += 1
        if self._step == 1:
            for level in range(2, LEVELS + 2):
                book.set_level(BUY, MID - 20 * level, 100_000)
                book.set_level(SELL, MID + 200 + 20 * level, 100_000)
        phase = self._step // 4 % 400
        mid = MID + (phase if phase < 200 else 400 - phase)
        if mid - 5 != self._bid:
            if self._bid:
                book.set_level(BUY, self._bid, 0)
                book.set_level(SELL, self._ask, 0)
            self._bid, self._ask = mid - 5, mid + 5
        book.set_level(BUY, self._bid, 50_000 + self._step % 7)
        book.set_level(SELL, self._ask, 50_000 + self._step % 5)
        book.print_trade(self._bid, 1_000, SELL)
        book.print_trade(self._ask, 1_000, BUY)


def make() -> tuple[Driver, SimulatedConnector]:
    """A bot on the scripted market."""
    config = BotConfig.model_validate(CONFIG)
    instrument = Instrument(
        instrument_id="sim:BTC-USDT",
        venue="sim",
        symbol="BTC-USDT",
        base="BTC",
        quote="USDT",
        price_step=Decimal("0.1"),
        quantity_step=Decimal("0.00001"),
        quantity_min=Decimal("0.00001"),
        notional_min=Decimal(5),
        maker_rate=Decimal("0.0002"),
        taker_rate=Decimal("0.0005"),
    )
    exchange = SimulatedExchange("sim", [instrument])
    account = exchange.open_account("bot", config.exchanges["sim"].balances)  # type: ignore[attr-defined]
    venue = SimulatedConnector(exchange, account, [ScriptedMarket()], start_us=START_US)
    engine = build_engine(config, [instrument], OrderIds("BNCH", 1), START_US)
    return Driver(engine, [venue], lambda requests: None), venue


def main() -> None:
    """Chunks of ticks and of empty calls in turn, so that both see the same machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=1_000, help="of a chunk")
    parser.add_argument("--chunks", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="always on; for symmetry with the other benchmarks")
    options = parser.parse_args()
    driver, _ = make()
    state = driver.engine.state
    run_virtual(driver, START_US + 100 * TICK_US)
    gc.collect()
    tick_us: list[float] = []
    calls: list[float] = []
    for _ in range(options.chunks):
        begin = time.process_time()
        run_virtual(driver, state.now_us + options.ticks * TICK_US)
        tick_us.append((time.process_time() - begin) / options.ticks * 1e6)
        calls.append(tick_us[-1] * 1000 / calibration(50_000, 1)["empty_call_ns"])
    print(
        json.dumps(
            {
                "ticks": options.ticks * options.chunks,
                "tick_us_best": round(min(tick_us), 2),
                "tick_us_median": round(median(tick_us), 2),
                "ticks_per_cpu_s_best": round(1e6 / min(tick_us)),
                "empty_calls_per_tick_median": round(median(calls)),
                "orders": int(state.new_id()[10:], 36) - 1,
                "open_orders": len(state.orders.active()),
                "refusals": driver.engine.refusals,
                **calibration(),
            }
        )
    )


if __name__ == "__main__":
    main()
