"""CPU per Binance depthUpdate of 5+5 levels: from the frame's bytes to a proven order book. Prints one JSON object.

Without arguments on generated frames near the touch of a book of 1,000 levels a side. With the path of a recorded
capture (`<receive time> <JSON>` lines, gzip) also on its frames. `forms` compares ways to keep a side sorted.
"""

import gzip
import json
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from random import Random

from sortedcontainers import SortedDict

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.binance.parse import MarketDataParser
from engine.core.book import L2Book
from engine.core.books import BookRules, BookTracker, chained, contiguous
from engine.model.market import BookDelta, BookSnapshot, Level
from scripts.calibrate import calibration

EVENTS = 20_000
GOAL_US = 8.0
LEVELS = 1_000
SYMBOL, INSTRUMENT = "BTCUSDT", "binance:BTC-USDT"


def generated() -> tuple[bytes, list[bytes]]:
    """A REST snapshot and `EVENTS` frames: 5+5 levels each, mostly close to a middle that walks, 30 % deletions."""
    chance = Random("bench_book:1")
    middle = 6_000_000
    levels = [[[text(middle + sign * n), "1.500"] for n in range(1, LEVELS + 1)] for sign in (-1, 1)]
    snapshot = json.dumps({"lastUpdateId": 0, "bids": levels[0], "asks": levels[1]}).encode()
    frames = []
    for event in range(1, EVENTS + 1):
        middle += chance.choice((-1, 0, 0, 1))
        bids, asks = ([change(chance, middle, sign) for _ in range(5)] for sign in (-1, 1))
        bids[0], asks[0] = [text(middle), "0.000"], [text(middle), "0.000"]  # what the walk ran over
        bids[1], asks[1] = [text(middle + 1), "0.000"], [text(middle - 1), "0.000"]
        data = {"e": "depthUpdate", "E": event, "s": SYMBOL, "U": event, "u": event, "b": bids, "a": asks}
        frames.append(json.dumps({"stream": "btcusdt@depth@100ms", "data": data}, separators=(",", ":")).encode())
    return snapshot, frames


def text(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02}"


def change(chance: Random, middle: int, sign: int) -> list[str]:
    quantity = "0.000" if chance.random() < 0.3 else f"{chance.randrange(1, 5000) / 1000:.3f}"
    return [text(middle + sign * (1 + int(chance.expovariate(0.05)))), quantity]


def recorded(path: Path) -> tuple[bytes, list[bytes]]:
    with gzip.open(path) as lines:
        bodies = [line.partition(b" ")[2] for line in lines]
    snapshot = next(body for body in bodies if b'"lastUpdateId"' in body[:40])
    return snapshot, [body for body in bodies if b"@depth" in body[:60]]


def best_us(run: Callable[[], None], events: int, rounds: int = 5) -> float:
    """CPU microseconds an event, best of `rounds`."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time_ns()
        run()
        best = min(best, (time.process_time_ns() - begin) / events / 1000)
    return round(best, 2)


def measure(snapshot: bytes, frames: list[bytes], symbol: str) -> dict[str, object]:
    parser = MarketDataParser({symbol: INSTRUMENT})
    first = parser.parse_snapshot(snapshot, INSTRUMENT, 0)
    deltas = [event for frame in frames for event in parser.parse(frame, 0) if isinstance(event, BookDelta)]
    rule = chained if deltas[0].sequence_previous else contiguous

    def decode_and_apply() -> None:
        tracker, parse = BookTracker(), MarketDataParser({symbol: INSTRUMENT}).parse
        book = tracker.follow(INSTRUMENT, BookRules(rule))
        tracker.apply(first)
        for frame in frames:
            for event in parse(frame, 0):
                tracker.apply(event)  # type: ignore[arg-type]  # these frames hold nothing but depth
        assert not book.stale, book.stale

    def decode() -> None:
        parse = MarketDataParser({symbol: INSTRUMENT}).parse
        for frame in frames:
            parse(frame, 0)

    return {
        "events": len(frames),
        "levels_per_event": round(sum(len(d.bids) + len(d.asks) for d in deltas) / len(deltas), 1),
        "decode_and_apply_us": best_us(decode_and_apply, len(frames)),
        "decode_us": best_us(decode, len(frames)),
        "forms_apply_us": {form.__name__: best_us(lambda f=form: f(first, deltas), len(frames)) for form in FORMS},
    }


def dict_and_sorted_prices(snapshot: BookSnapshot, deltas: list[BookDelta]) -> None:
    book = L2Book(INSTRUMENT)
    book.load(snapshot)
    for delta in deltas:
        book.apply(delta)


def two_sorted_lists(snapshot: BookSnapshot, deltas: list[BookDelta]) -> None:
    sides = [([p for p, _ in levels], [q for _, q in levels]) for levels in (snapshot.bids[::-1], snapshot.asks)]
    for delta in deltas:
        for (prices, quantities), changes in zip(sides, (delta.bids, delta.asks), strict=True):
            apply_to_lists(prices, quantities, changes)


def apply_to_lists(prices: list[Decimal], quantities: list[Decimal], changes: Iterable[Level]) -> None:
    for price, quantity in changes:
        at = bisect_left(prices, price)
        if at < len(prices) and prices[at] == price:
            if quantity:
                quantities[at] = quantity
            else:
                del prices[at], quantities[at]
        elif quantity:
            prices.insert(at, price)
            quantities.insert(at, quantity)


def sorted_dict(snapshot: BookSnapshot, deltas: list[BookDelta]) -> None:
    sides = SortedDict(snapshot.bids), SortedDict(snapshot.asks)
    for delta in deltas:
        for side, changes in zip(sides, (delta.bids, delta.asks), strict=True):
            for price, quantity in changes:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)


FORMS = (dict_and_sorted_prices, two_sorted_lists, sorted_dict)


def main() -> None:
    before = calibration()
    results: dict[str, object] = {"goal_us": GOAL_US, "generated_5_5": measure(*generated(), SYMBOL)}
    for path in map(Path, sys.argv[1:]):
        snapshot, frames = recorded(path)
        results[path.name] = measure(snapshot, frames, json.loads(frames[0])["data"]["s"])
    print(json.dumps({**results, "calibration": before}, indent=2))


if __name__ == "__main__":
    main()
