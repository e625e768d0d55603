"""Speed of the order log: whole order lives through tracker, portfolio and log, with one commit at each step.

An order's life here: submit, sent, ack, a partial fill for every second order, cancel, sent, cancel ack. Noting and
committing are measured, the tracker and the portfolio are not. Prints one JSON object.
"""

import gc
import json
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.core.order_ids import OrderIds
from engine.core.orders import OrderTracker
from engine.core.portfolio import Portfolio
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, Liquidity, OrderStatus, OrderType, Side, UpdateSource
from engine.model.event import OrderUpdate, RequestSent
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.request import CancelOrder, SubmitOrder
from engine.store.connection import Durability
from engine.store.order_log import OrderLog
from scripts.calibrate import calibration

INSTRUMENT = Instrument("sim:BTC-USDT", "sim", "BTC-USDT", "BTC", "USDT", Decimal("0.1"), Decimal("0.0001"))
PRICE, QUANTITY, PART = Decimal("50000.1"), Decimal("0.01"), Decimal("0.004")
START_US = 1_700_000_000_000_000


class Bench:
    """Does nothing but order lives. `spent_ns` is the CPU time of the log, `commit_ns` the wall time of each commit."""

    def __init__(self, log: OrderLog) -> None:
        self.log = log
        self.now_us = START_US
        self.ids = OrderIds("BENC", log.begin_session(START_US, "BENC").epoch)
        instruments = {INSTRUMENT.instrument_id: INSTRUMENT}
        self.tracker = OrderTracker(instruments, {"sim": VenueSheet()}, self.ids)
        self.portfolio = Portfolio(instruments, lambda _: PRICE)
        log.follow(self.portfolio)
        self.spent_ns = self.notes = 0
        self.commit_ns: list[int] = []

    def note(self, change: object, cause: str) -> None:
        """Note an order or a change."""
        log = self.log
        begin = time.process_time_ns()
        (log.note_change if hasattr(change, "fill") else log.note_order)(change, self.now_us, cause)  # type: ignore[arg-type]
        self.spent_ns += time.process_time_ns() - begin
        self.notes += 1

    def commit(self) -> None:
        """The end of a tick."""
        begin, wall = time.process_time_ns(), time.perf_counter_ns()
        self.log.commit(self.now_us)
        self.commit_ns.append(time.perf_counter_ns() - wall)
        self.spent_ns += time.process_time_ns() - begin
        self.now_us += 100_000

    def lives(self, count: int) -> None:
        """`count` orders side by side, each step of all of them in one commit."""
        instrument_id = INSTRUMENT.instrument_id
        orders = []
        for number in range(count):
            side = (Side.BUY, Side.SELL)[number % 2]
            request = SubmitOrder(
                self.ids.new(), instrument_id, side, OrderType.LIMIT, QUANTITY, PRICE, owner="pmm", tag=f"slot_{number}"
            )
            order = self.tracker.record(request, self.now_us)
            assert order is not None
            orders.append(order)
            self.note(order, "tick")
        self.commit()
        for order in orders:
            self.tracker.apply_sent(
                RequestSent(order.client_order_id, Action.SUBMIT, self.now_us, self.now_us + 5_000_000)
            )
            self.note(order, "SUBMIT sent")
        for order in orders:
            self.report(order.client_order_id, OrderStatus.OPEN, ZERO)
        self.commit()
        for number, order in enumerate(orders):
            if number % 2 or (count == 1 and self.now_us // 1_000_000 % 2):
                self.fill(order.client_order_id, order.side)
        for order in orders:
            self.tracker.record(CancelOrder(order.client_order_id, instrument_id, order.venue_order_id), self.now_us)
            self.note(order, "tick")
        self.commit()
        for order in orders:
            self.report(order.client_order_id, OrderStatus.CANCELED, order.filled)
        self.commit()

    def report(self, client_order_id: str, status: OrderStatus, filled: Decimal) -> None:
        """An answer of the venue."""
        update = OrderUpdate(
            INSTRUMENT.instrument_id,
            client_order_id,
            f"v{client_order_id}",
            status,
            filled,
            "",
            self.now_us,
            self.now_us,
            UpdateSource.ACK,
            self.now_us,
        )
        change = self.tracker.apply_update(update)
        assert change is not None
        self.portfolio.apply(change)
        self.note(change, "ACK")

    def fill(self, client_order_id: str, side: Side) -> None:
        """A partial fill."""
        now_us = self.now_us
        fee = (ZERO, "USDT", Liquidity.MAKER, now_us, now_us)
        venue_order_id = f"v{client_order_id}"
        trade = Fill(
            f"t{client_order_id}", client_order_id, venue_order_id, INSTRUMENT.instrument_id, side, PRICE, PART, *fee
        )
        change = self.tracker.apply_fill(trade)
        assert change is not None
        self.portfolio.apply(change)
        self.note(change, "STREAM")


def measure(orders: int, durability: Durability, lives: int) -> dict[str, object]:
    """Figures for `orders` orders in each commit."""
    with tempfile.TemporaryDirectory() as folder:
        log = OrderLog.open(Path(folder), durability)
        bench = Bench(log)
        bench.lives(orders)
        bench.spent_ns = bench.notes = 0
        bench.commit_ns.clear()
        gc.collect()
        for _ in range(lives // orders):
            bench.lives(orders)
        log.close()
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    waits = sorted(bench.commit_ns)
    return {
        "orders_per_commit": orders,
        "durability": durability,
        "commit_p50_us": round(waits[len(waits) // 2] / 1000, 1),
        "commit_p99_us": round(waits[len(waits) * 99 // 100] / 1000, 1),
        "cpu_us_per_step": round(bench.spent_ns / bench.notes / 1000, 2),
        "steps_per_cpu_s": round(1e9 * bench.notes / bench.spent_ns),
        "bytes_per_order": size // lives,
    }


def main() -> None:
    rows = [measure(orders, Durability.NORMAL, 3_000) for orders in (1, 6)]
    rows += [measure(orders, Durability.FULL, 120) for orders in (1, 6)]
    print(json.dumps({"order_log": rows, "calibration": calibration()}))


if __name__ == "__main__":
    main()
