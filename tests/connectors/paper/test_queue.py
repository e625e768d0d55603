"""Queue models: the formulas of the probabilistic ones, and what they make of a shrinking level."""

import pytest

from connectors.paper.queue import SHAPES, behind
from connectors.paper.words import BID, NONE, PROBABILISTIC, RISK_AVERSE, SELL_TRADE, THROUGH
from tests.connectors.paper.markets import kernel_of, resting


@pytest.mark.parametrize(
    ("shape", "exponent", "back", "front", "chance"),
    [
        ("power", 1, 30, 10, 0.75),
        ("power", 2, 30, 10, 0.9),
        ("power2", 2, 30, 10, 0.5625),
        ("power3", 2, 30, 10, 0.9375),
        ("log", 1, 3, 1, 2 / 3),
        ("log2", 1, 3, 4, 2 / 3),
    ],
)
def test_formulas(shape: str, exponent: float, back: float, front: float, chance: float) -> None:
    assert behind(shape, exponent)(back, front) == pytest.approx(chance)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_anybody_the_decrease_is_behind_us(shape: str) -> None:
    assert behind(shape)(0.0, 0.0) == 1.0
    assert 0.0 <= behind(shape)(-3.0, 5.0) <= 1.0


@pytest.mark.parametrize(
    ("queue", "front"),
    [(RISK_AVERSE, 12.0), (PROBABILISTIC, 4.0), (NONE, 0.0), (THROUGH, float("inf"))],
)
def test_a_level_shrinks(queue: int, front: float) -> None:
    """20 ahead, 40 behind; 5 are traded, then 35 lots are left: 20 were cancelled, 3/4 of them behind (n = 1)."""
    kernel = kernel_of((2, BID, 99, 60), (3, SELL_TRADE, 99, 5), (4, BID, 99, 40), (5, BID, 99, 12))
    kernel.queue, kernel.behind = queue, behind("power", 1.0)
    resting(kernel, 99, 7)
    kernel.run(5)
    assert kernel.orders[1].front == pytest.approx(front, abs=1.0)


def test_risk_averse_by_hand() -> None:
    kernel = kernel_of((2, BID, 99, 60), (3, SELL_TRADE, 99, 5), (4, BID, 99, 40), (5, BID, 99, 12), (6, BID, 99, 80))
    resting(kernel, 99, 7)
    fronts = []
    for us in range(1, 7):
        kernel.run(us)
        fronts.append(kernel.orders[1].front)
    assert fronts == [20, 20, 15, 15, 12, 12]


def test_probabilistic_by_hand() -> None:
    """60 − 5 traded − 40 left: 15 cancelled; with 15 ahead and 45 behind (n = 1) a quarter of them ahead: 11.25."""
    kernel = kernel_of((2, BID, 99, 60), (3, SELL_TRADE, 99, 5), (4, BID, 99, 40), (5, SELL_TRADE, 99, 12))
    kernel.queue, kernel.behind = PROBABILISTIC, behind("power", 1.0)
    resting(kernel, 99, 7)
    kernel.run(4)
    assert kernel.orders[1].front == 11.25
    kernel.run(5)
    assert [outcome[4] for outcome in kernel.told] == [1]  # 0.75 of a lot is one
