"""Random markets and commands: neither window nor compiler change anything, and queue models bracket each other."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.paper.choice import is_built, kernel_class
from connectors.paper.kernel import Kernel
from connectors.paper.queue import SHAPES, behind
from connectors.paper.words import (
    ASK,
    BEST_ASK,
    BID,
    BUY,
    BUY_TRADE,
    CLEAR,
    FILLED,
    FOK,
    GAP,
    IOC,
    MARKET,
    NONE,
    POST_ONLY,
    PROBABILISTIC,
    RISK_AVERSE,
    SELL,
    SELL_TRADE,
    STOP,
    THROUGH,
)
from tests.connectors.paper.markets import BOOK, Row, rows_of

fast = pytest.mark.skipif(not is_built(), reason="the compiled kernel is not built: run scripts/build_fast.py")
FLAGS = (0, POST_ONLY, IOC, FOK, MARKET, STOP, STOP | MARKET)


def market(chance: random.Random, best_only: bool, steps: int = 120) -> list[Row]:
    """Levels, trades, snapshots and gaps around a price that wanders and jumps; some far away, some crossing."""
    price, us = 1_000, 1
    rows: list[Row] = [] if best_only else list(BOOK)
    for _ in range(steps):
        us += chance.choice((0, 1, 1, 3))
        price = max(20, price + chance.choice((-1, 0, 0, 1, chance.randint(-40, 40))))
        kind = chance.random()
        if kind < 0.3:
            rows.append(
                (us, chance.choice((SELL_TRADE, BUY_TRADE)), price + chance.randint(-4, 4), chance.randint(1, 40))
            )
        elif best_only:
            bid, ask = price - chance.randint(1, 4), price + chance.randint(0, 4)
            rows += [(us, 4, bid, chance.randint(0, 30)), (us, BEST_ASK, ask, chance.randint(0, 30))]
        elif kind < 0.94:
            side, far = chance.choice((BID, ASK)), chance.choice((1, 1, 1, 1, 300))
            away = chance.randint(-1, 9) * far
            ticks = max(1, price - away if side == BID else price + away)
            rows.append((us, side, ticks, chance.choice((0, chance.randint(1, 50)))))
        else:
            if kind > 0.97:
                rows.append((us, GAP, 0, 0))
            us += 1
            rows.append((us, CLEAR, 0, 0))
            rows += [(us, BID, price - away, 9 + away) for away in range(1, 6)]
            rows += [(us, ASK, price + away, 9 + away) for away in range(1, 6)]
    return rows


def settings_of(kernel: Kernel, chance: random.Random, best_only: bool) -> None:
    kernel.queue = chance.choice((RISK_AVERSE, PROBABILISTIC, NONE, THROUGH))
    kernel.behind = behind(chance.choice(list(SHAPES)), chance.choice((1.0, 3.0)))
    kernel.whole_queue, kernel.whole_through = chance.random() < 0.3, chance.random() < 0.3
    kernel.best_only = best_only
    kernel.deep_behind, kernel.gap_fills = chance.random() < 0.5, chance.random() < 0.5
    kernel.trades_only = chance.random() < 0.1
    kernel.self_trade = chance.randint(0, 2)


def play(kernel: Kernel, chance: random.Random, until_us: int) -> list[object]:
    """Random commands all the way, and everything that can be seen of the kernel."""
    seen: list[object] = []
    key = us = 0
    while us < until_us:
        us += chance.randint(0, 6)
        kernel.run(us)
        middle = (kernel.best_bid + min(kernel.best_ask, 3_000)) // 2
        for _ in range(chance.randint(0, 3)):
            what = chance.random()
            if what < 0.6:
                key += 1
                side, flags = chance.choice((BUY, SELL)), chance.choice(FLAGS)
                ticks, stop = max(1, middle + chance.randint(-6, 6)), max(1, middle + chance.randint(-9, 9))
                expire_us = chance.choice((0, 0, us + chance.randint(1, 30)))
                kernel.submit(us, key, side, ticks, chance.randint(1, 60), flags, stop, expire_us)
            elif what < 0.8:
                kernel.cancel(us, chance.randint(1, key + 1))
            else:
                kernel.amend(
                    us, chance.randint(1, key + 1), max(1, middle + chance.randint(-6, 6)), chance.randint(1, 60)
                )
        seen += [kernel.told, kernel.digest(), kernel.best_bid, kernel.best_ask, kernel.next_us]
        kernel.told = []
    return seen


def compared(seed: int, make: Callable[[list[Row]], tuple[Kernel, Kernel]]) -> None:
    chance = random.Random(seed)
    best_only = chance.random() < 0.3
    rows = market(chance, best_only)
    one, two = make(rows)
    for kernel in (one, two):
        settings_of(kernel, random.Random(seed + 1), best_only)
    assert play(one, random.Random(seed + 2), 160) == play(two, random.Random(seed + 2), 160)


@given(st.integers(0, 1 << 30), st.sampled_from([4, 16, 64]))
@settings(max_examples=40)
def test_the_window_changes_nothing(seed: int, size: int) -> None:
    compared(seed, lambda rows: (Kernel(rows_of(rows), size), Kernel(rows_of(rows), 1 << 12)))


@fast
@given(st.integers(0, 1 << 30))
@settings(max_examples=40)
def test_reference_and_fast_kernel_agree(seed: int) -> None:
    compared(seed, lambda rows: (Kernel(rows_of(rows)), kernel_class("fast")(rows_of(rows))))


@given(st.integers(0, 1 << 30))
@settings(max_examples=40)
def test_our_fills_never_exceed_what_was_traded_or_offered(seed: int) -> None:
    """Every fill of a maker is at its own price, every order is filled at most once."""
    chance = random.Random(seed)
    kernel = Kernel(rows_of(market(chance, False)))
    wanted: dict[int, tuple[int, int, int]] = {}
    for key in range(1, 40):
        kernel.run(key * 4)
        middle = (kernel.best_bid + min(kernel.best_ask, 3_000)) // 2
        side, ticks, lots = chance.choice((BUY, SELL)), max(1, middle + chance.randint(-8, 8)), chance.randint(1, 60)
        wanted[key] = (side, ticks, lots)
        kernel.submit(key * 4, key, side, ticks, lots, 0)
    kernel.run(1_000)
    filled = dict.fromkeys(wanted, 0)
    for _, what, key, ticks, lots, liquidity, _ in kernel.told:
        if what == FILLED:
            side, limit, _ = wanted[key]
            assert ticks == limit if liquidity == 0 else (limit - ticks) * side >= 0
            filled[key] += lots
    assert all(filled[key] <= wanted[key][2] for key in wanted)
    assert all(order.lots == wanted[key][2] - filled[key] for key, order in kernel.orders.items())


@given(st.integers(0, 1 << 30))
@settings(max_examples=40)
def test_queue_models_bracket(seed: int) -> None:
    """One resting order a side: through fills no more than risk_averse, that no more than none."""
    rows = market(random.Random(seed), False)
    lots = []
    for queue in (THROUGH, RISK_AVERSE, PROBABILISTIC, NONE):
        kernel = Kernel(rows_of(rows))
        kernel.queue, kernel.behind = queue, behind("power3")
        kernel.run(30)
        if kernel.best_bid:
            kernel.submit(30, 1, BUY, kernel.best_bid, 50, POST_ONLY)
        kernel.run(1_000)
        lots.append(sum(outcome[4] for outcome in kernel.told if outcome[1] == FILLED))
    assert lots[0] <= lots[1] <= lots[3]
    assert lots[0] <= lots[2] <= lots[3]
