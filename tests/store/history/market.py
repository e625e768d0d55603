"""Ticks for the tests, and candles computed from them by the simplest possible program."""

from collections.abc import Iterable
from random import Random
from typing import Any

from engine.core.state import State
from engine.model.enums import Side
from engine.model.event import Tick
from engine.model.market import PublicTrade
from engine.store.history.feed import Feed
from tests.store.bots import SPOT, D

MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
START_US = 1_795_219_200_000_000  # 2026-11-21 00:00 UTC


def public_trade(
    number: int, at_us: int, price: str = "50000", quantity: str = "0.5", named: bool = True
) -> PublicTrade:
    """`named`: the venue numbers its trades."""
    side = Side.BUY if number % 2 else Side.SELL
    trade_id = str(number) if named else f"x{number}"
    return PublicTrade(SPOT.instrument_id, trade_id, D(price), D(quantity), side, at_us, at_us + 1_000)


def walk(seed: str, count: int, span_us: int, start_us: int = START_US) -> list[PublicTrade]:
    """A random market: numbers rise with time, some ticks share a microsecond, some minutes have none."""
    random = Random(seed)
    times = sorted(start_us + random.randrange(span_us) // 7 * 7 for _ in range(count))
    price = 50_000
    found = []
    for number, at_us in enumerate(times, 1):
        price += random.randrange(-50, 51)
        quantity = D(random.randrange(1, 1000)) / 1000
        found.append(public_trade(number, at_us, str(price), str(quantity)))
    return found


def candles_of(trades: Iterable[PublicTrade], interval_s: int) -> list[tuple[Any, ...]]:
    """(start, open, high, low, close, volume, quote volume, trades): from the exact numbers, in the order of trades."""
    buckets: dict[int, list[PublicTrade]] = {}
    width = interval_s * 1_000_000
    for trade in trades:
        buckets.setdefault(trade.event_us - trade.event_us % width, []).append(trade)
    found = []
    for start_us, inside in sorted(buckets.items()):
        inside.sort(key=lambda trade: int(trade.trade_id))
        prices = [trade.price for trade in inside]
        volume = sum(trade.quantity for trade in inside)
        value = sum(trade.quantity * trade.price for trade in inside)
        row = (prices[0], max(prices), min(prices), prices[-1], volume, value)
        found.append((start_us, *map(float, row), len(inside)))
    return found


def play(feed: Feed, trades: Iterable[PublicTrade], state: State | None = None) -> None:
    """What the engine would tell its sink."""
    if state is not None:
        feed.follow(state)
    now_us = feed.now_us
    for trade in trades:
        now_us = max(now_us, trade.receive_us)
        feed.hear(now_us, trade)
    feed.hear(now_us, Tick(now_us))
