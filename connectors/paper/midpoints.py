"""What the mid was at given times, by playing the rows once more without any order."""

from collections.abc import Sequence
from decimal import Decimal

from connectors.paper.interface import FillKernel
from connectors.paper.words import NO_ASK, NO_BID


def midpoints(kernel: FillKernel, price_step: Decimal, times_us: Sequence[int]) -> list[Decimal | None]:
    """The mid just before each of the ascending times; None while a side was empty. The kernel is a fresh one."""
    found: list[Decimal | None] = []
    half_step = price_step / 2
    for at_us in times_us:
        kernel.run(at_us - 1)
        bid, ask = kernel.best_bid, kernel.best_ask
        found.append(None if bid == NO_BID or ask == NO_ASK else (bid + ask) * half_step)
    return found
