"""Speed of the order tracker: updates per CPU-second over whole order lives, with few and with many orders remembered.

An order's life here: record, sent, ack, a partial fill for every second order, record(cancel), sent, cancel ack. Ticks
every second of engine time are part of the measured time. Prints one JSON object.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.core.order_ids import OrderIds
from engine.core.orders import OrderTracker
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, Liquidity, OrderStatus, OrderType, Side, UpdateSource
from engine.model.event import OrderUpdate, RequestSent
from engine.model.fill import Fill
from engine.model.money import ZERO
from engine.model.request import CancelOrder, SubmitOrder
from scripts.calibrate import calibration

INSTRUMENT = "sim:BTC-USDT"
PRICE, QUANTITY, PART = Decimal("50000.1"), Decimal("0.01"), Decimal("0.004")
STEP_US = 650_000  # one order a side each 0.65 s: 132,000 a day
Call = tuple[Callable[..., object], tuple[object, ...]]


def lives(tracker: OrderTracker, ids: OrderIds, count: int, start_us: int) -> list[Call]:
    """The calls of `count` order lives, two slots alternating, built before the clock runs."""
    calls: list[Call] = []
    for number in range(count):
        now_us = start_us + number * STEP_US
        side = (Side.BUY, Side.SELL)[number % 2]
        cid, vid = ids.new(), str(start_us + number)
        submit = SubmitOrder(cid, INSTRUMENT, side, OrderType.LIMIT, QUANTITY, PRICE, owner="pmm", tag=side)
        ack = OrderUpdate(
            INSTRUMENT, cid, vid, OrderStatus.OPEN, ZERO, "", now_us, now_us + 40_000, UpdateSource.ACK, now_us
        )
        filled = PART if number % 2 else ZERO
        done_us = now_us + 600_000
        canceled = OrderUpdate(
            INSTRUMENT, cid, vid, OrderStatus.CANCELED, filled, "", done_us, done_us, UpdateSource.ACK, done_us
        )
        calls += [
            (tracker.record, (submit, now_us)),
            (tracker.apply_sent, (RequestSent(cid, Action.SUBMIT, now_us, now_us + 5_000_000),)),
            (tracker.apply_update, (ack,)),
        ]
        if filled:
            at_us = now_us + 300_000
            fee = (ZERO, "USDT", Liquidity.MAKER, at_us, at_us)
            calls.append((tracker.apply_fill, (Fill(f"t{vid}", cid, vid, INSTRUMENT, side, PRICE, PART, *fee),)))
        calls += [
            (tracker.record, (CancelOrder(cid, INSTRUMENT, vid), now_us + 500_000)),
            (tracker.apply_sent, (RequestSent(cid, Action.CANCEL, now_us + 500_000, 0),)),
            (tracker.apply_update, (canceled,)),
        ]
        if number % 2:
            calls.append((tracker.tick, (now_us + 620_000,)))
    return calls


def measure(remembered: int, count: int = 10_000, rounds: int = 3) -> dict[str, float]:
    """Best of `rounds`, with `remembered` orders in memory all the time."""
    ids = OrderIds("BENC", 1)
    tracker = OrderTracker({}, {"sim": VenueSheet()}, ids, kept=remembered)
    start_us = 1_700_000_000_000_000
    best_ns = 0.0
    for number in range(rounds + 1):
        batch = remembered if number == 0 else count
        calls = lives(tracker, ids, batch, start_us)
        start_us += batch * STEP_US
        gc.collect()
        begin = time.process_time_ns()
        for function, arguments in calls:
            function(*arguments)
        spent_ns = time.process_time_ns() - begin
        assert not tracker.active(), "every order of the bench ends"
        if number and (not best_ns or spent_ns / len(calls) < best_ns):
            best_ns = spent_ns / len(calls)
            per_order_us = spent_ns / count / 1000
    return {
        "remembered": remembered,
        "updates_per_cpu_s": round(1e9 / best_ns),
        "us_per_update": round(best_ns / 1000, 3),
        "us_per_order": round(per_order_us, 2),
    }


def main() -> None:
    print(json.dumps({"orders": [measure(1_000), measure(20_000)], "calibration": calibration()}))


if __name__ == "__main__":
    main()
