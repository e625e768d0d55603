"""Order operations of the matching engine per CPU-second: 50 % limit orders at the touch, 40 % cancels, 10 % takers."""

import argparse
import json
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.simulated.book_order import BookOrder
from connectors.simulated.matching import MatchingEngine
from engine.model.enums import OrderType, Side
from scripts.calibrate import calibration

GOAL = 250_000


def script(operations: int, random: Random) -> list[tuple[str, Side, int, int]]:
    """(what, side, distance from the middle in ticks or a random number, lots)."""
    made: list[tuple[str, Side, int, int]] = []
    for _ in range(operations):
        side = Side.BUY if random.random() < 0.5 else Side.SELL
        what = random.choices(("add", "cancel", "take"), (50, 40, 10))[0]
        made.append((what, side, 1 + int(random.expovariate(0.1)), random.randint(1, 20)))
    return made


def measure(operations: int, seed: int) -> float:
    """CPU seconds of one run. Both sides trade for two accounts, so that every outcome is recorded."""
    steps = script(operations, Random(seed))
    picks = Random(seed)
    engine = MatchingEngine()
    middle = 100_000
    open_keys: list[int] = []
    begin = time.process_time()
    for what, side, distance, lots in steps:
        if what == "add":
            ticks = middle - distance if side is Side.BUY else middle + distance
            open_keys.append(engine.submit(BookOrder(side, ticks, lots, 1)).key)
        elif what == "cancel":
            if open_keys:
                at = int(picks.random() * len(open_keys))
                open_keys[at], open_keys[-1] = open_keys[-1], open_keys[at]
                engine.cancel(open_keys.pop())
        else:
            engine.submit(BookOrder(side, 0, lots, 2, OrderType.MARKET))
        engine.drain()
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    best = min(measure(options.operations, seed) for seed in range(options.rounds))
    rate = round(options.operations / best)
    result = {"operations": options.operations, "operations_per_cpu_second": rate, "goal": GOAL, "met": rate >= GOAL}
    print(json.dumps(result | calibration()))


if __name__ == "__main__":
    main()
