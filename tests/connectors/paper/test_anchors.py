"""A day of market making on the generated workloads: the same fills and money as hftbacktest, for three latencies.

The workloads come from the shared generator, into TICKWRIGHT_BENCH_DATA or a folder for temporary files.
"""

import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.paper.build import FillRules, build_kernel
from connectors.paper.choice import is_built
from connectors.paper.latency import Latency, constant
from connectors.paper.rows import Rows
from connectors.paper.wire import Wire
from connectors.paper.words import BUY, FILLED, NO_ASK, NO_BID, OPENED, POST_ONLY, SELL, Outcome
from scripts.play_s1m import TICK_US, TICKS, load_rows
from tests.support import shared


def workload(name: str) -> tuple[Rows, int]:
    """The rows of a generated workload, made when they are first asked for, and when its day begins."""
    generator = shared("bench/gen.py")
    folder = Path(os.environ.get("TICKWRIGHT_BENCH_DATA", Path(tempfile.gettempdir()) / "tickwright-bench"))
    path = folder / f"{name}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(generator), str(folder), "--only", name], check=True, capture_output=True)
    return load_rows(path)


class ThinQuoter:
    """S1m straight on the wire: each second ten lots at the mid ∓ 5 bp on either side, replaced where they moved."""

    def __init__(self, rows: Rows, rules: FillRules, latency: Latency) -> None:
        self.kernel = build_kernel(rows, rules)
        self.wire = Wire([self.kernel], latency, self.hear)
        self.told: list[tuple[int, int, Outcome]] = []
        self.alive: dict[int, int] = {}
        self.quoted = {BUY: (0, 0), SELL: (0, 0)}
        self.orders = self.fills = self.position = self.cash = self.traded = 0

    def hear(self, visible_us: int, number: int, outcome: Outcome) -> None:
        self.told.append((visible_us, number, outcome))
        _, what, key, ticks, lots, _, _ = outcome
        if what == FILLED:
            side = BUY if key % 2 else SELL
            self.fills += 1
            self.position += side * lots
            self.cash -= side * ticks * lots
            self.traded += ticks * lots

    def tick(self, now_us: int) -> None:
        self.wire.advance(now_us)
        seen = 0
        for visible_us, _, outcome in self.told:
            if visible_us > now_us:
                break
            seen += 1
            if outcome[1] != OPENED:
                self.alive.pop(outcome[2], None)
        del self.told[:seen]
        bid, ask = self.kernel.best_bid, self.kernel.best_ask
        if bid != NO_BID and ask != NO_ASK:
            mid = (bid + ask) * 0.5
            self.quote(now_us, BUY, round(mid * 0.9995))
            self.quote(now_us, SELL, round(mid * 1.0005))

    def quote(self, now_us: int, side: int, ticks: int) -> None:
        key, quoted = self.quoted[side]
        if key in self.alive:
            if quoted == ticks:
                return
            self.wire.send(now_us, self.kernel.cancel, key)
            del self.alive[key]
        self.orders += 1
        key = key + 2 if key else (1 if side == BUY else 2)
        self.quoted[side] = (key, ticks)
        self.alive[key] = side
        self.wire.send(now_us, self.kernel.submit, key, side, ticks, 10, POST_ONLY)

    def result(self) -> tuple[int, int, Decimal, Decimal, Decimal]:
        """(orders, fills, position, cash, fees)."""
        unit = Decimal("0.5") * Decimal("0.001")
        position, cash = self.position * Decimal("0.001"), self.cash * unit
        return self.orders, self.fills, position, round(cash, 2), round(self.traded * unit / 10_000, 4)


def day(name: str, kernel: str, feed_us: int = 0, entry_us: int = 0, response_us: int = 0) -> ThinQuoter:
    rows, start_us = workload(name)
    rules = FillRules(partial_fills=False, deep_queue="ahead", kernel=kernel)
    quoter = ThinQuoter(rows, rules, Latency(feed_us, constant(entry_us), constant(response_us)))
    for tick in range(1, TICKS + 1):
        quoter.tick(start_us + tick * TICK_US)
    return quoter


def money(orders: int, fills: int, position: str, cash: str, fees: str) -> tuple[int, int, Decimal, Decimal, Decimal]:
    return orders, fills, Decimal(position), Decimal(cash), Decimal(fees)


KERNELS = ["reference", pytest.param("fast", marks=pytest.mark.skipif(not is_built(), reason="not compiled"))]


def test_kernel_equals_hftbacktest_figures() -> None:
    quoter = day("w2", "auto")
    assert quoter.result() == money(132_618, 2_299, "0.290", "-5496.66", "45.7252")
    assert quoter.kernel.crossed_repairs == 0


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("name", "latencies", "expected"),
    [
        ("w2", (0, 0, 0), money(132_618, 2_299, "0.290", "-5496.66", "45.7252")),
        ("w2", (10_000, 20_000, 10_000), money(132_627, 2_297, "0.310", "-5887.75", "45.6844")),
        ("w2", (50_000, 100_000, 50_000), money(132_806, 2_301, "0.290", "-5473.40", "45.7645")),
        ("w1", (0, 0, 0), money(147_870, 2_252, "-0.440", "8945.78", "45.1691")),
    ],
)
def test_every_anchor(
    name: str, latencies: tuple[int, int, int], expected: tuple[int, int, Decimal, Decimal, Decimal], kernel: str
) -> None:
    assert day(name, kernel, *latencies).result() == expected
