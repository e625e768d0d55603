"""What the market did after our fills: the mid at the fill, and how far it went our way afterwards."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.enums import Side
from engine.model.fill import Fill

HORIZONS_US = (1_000_000, 10_000_000, 60_000_000, 300_000_000)
MidsAt = Callable[[Sequence[int]], Sequence[Decimal | None]]
"""Ascending times → the mids just before them."""


class Surroundings(Struct, frozen=True):
    """Of one fill. `after` are σ·(m(t + h) − p) / p in basis points by horizon; None where the data ended before."""

    mid: Decimal | None
    after: tuple[float | None, ...]


def surroundings_of(fills: Sequence[Fill], mids: Mapping[str, MidsAt], end_us: int) -> list[Surroundings]:
    """The mids around each fill; one pass over the data of each market that was traded."""
    found: dict[str, tuple[list[int], Sequence[Decimal | None]]] = {}
    for instrument_id in dict.fromkeys(fill.instrument_id for fill in fills):
        own = [fill.event_us for fill in fills if fill.instrument_id == instrument_id]
        wanted = {at_us + later_us for at_us in own for later_us in (0, *HORIZONS_US) if at_us + later_us <= end_us}
        times = sorted(wanted)
        found[instrument_id] = times, mids[instrument_id](times)

    def mid_at(instrument_id: str, at_us: int) -> Decimal | None:
        times, values = found[instrument_id]
        index = bisect_left(times, at_us)
        return values[index] if index < len(times) and times[index] == at_us else None

    return [
        Surroundings(
            mid_at(fill.instrument_id, fill.event_us),
            tuple(_gain_bps(fill, mid_at(fill.instrument_id, fill.event_us + later_us)) for later_us in HORIZONS_US),
        )
        for fill in fills
    ]


def mean_markouts(fills: Sequence[Fill], around: Sequence[Surroundings]) -> list[dict[str, object]]:
    """Averages by side and liquidity: a row each, with how many fills there were."""
    rows: list[dict[str, object]] = []
    for side in Side:
        for liquidity in dict.fromkeys(sorted({fill.liquidity for fill in fills})):
            chosen = [
                each
                for fill, each in zip(fills, around, strict=True)
                if (fill.side, fill.liquidity) == (side, liquidity)
            ]
            if chosen:
                means = [_mean([each.after[index] for each in chosen]) for index in range(len(HORIZONS_US))]
                rows.append({"side": side.value, "liquidity": liquidity.value, "fills": len(chosen), "bps": means})
    return rows


def _gain_bps(fill: Fill, mid: Decimal | None) -> float | None:
    if mid is None:
        return None
    gain = mid - fill.price if fill.side is Side.BUY else fill.price - mid
    return float(gain / fill.price) * 1e4


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
