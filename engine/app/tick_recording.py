"""Stored trades as a recording, so that a simulated exchange can repeat them on its public feed at any speed.

Trades say where the market was, not how deep: around each one the book has one level a side, as large as the trade.
"""

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.app.failure import Failure
from engine.model.money import to_text
from engine.store.history.queries import Row, Tick

GAP_US = 60_000_000  # so long without a trade is told


class Recorded(Struct):
    """`gaps` are the times without a trade, longer than a minute: start and end in microseconds."""

    trades: int = 0
    first_us: int = 0
    last_us: int = 0
    gaps: list[tuple[int, int]] = []


async def write_recording(path: Path, instrument: Row, ticks: AsyncIterator[Tick]) -> Recorded:
    """Frames in Binance's form, in a gzip file. Raises Failure without trades, or when it cannot be written."""
    recorded = Recorded(gaps=[])
    frames = _Frames(instrument)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt", encoding="ascii", compresslevel=5) as file:
            async for tick in ticks:
                if recorded.trades and tick.ts - recorded.last_us > GAP_US:
                    recorded.gaps.append((recorded.last_us, tick.ts))
                recorded.first_us = recorded.first_us or tick.ts
                recorded.last_us = tick.ts
                recorded.trades += 1
                file.writelines(f"{tick.ts} {frame}\n" for frame in frames.of(tick))
    except OSError as error:
        raise Failure("E-DISK", f"cannot be written: {error.strerror}", where=str(path)) from error
    if not recorded.trades:
        path.unlink()  # noqa: ASYNC240
        raise Failure("E-NOTFOUND", f"no trades of {instrument['instrument_id']} are stored in this time")
    return recorded


class _Frames:
    """The messages of one market, in their order."""

    def __init__(self, instrument: Row) -> None:
        self._symbol = "".join(instrument["symbol"].split("-")[:2])
        self._step: Decimal = instrument["price_step"] or Decimal("0.00000001")
        self._quantity_step: Decimal = instrument["quantity_step"] or Decimal("0.00000001")
        self._update = 0
        self._levels: dict[str, tuple[Decimal, Decimal]] = {}  # side: price, quantity

    def of(self, tick: Tick) -> Iterator[str]:
        """The book at this trade, then the trade. Floats become the shortest numbers that mean them."""
        price, quantity = Decimal(repr(tick.price)), Decimal(repr(tick.quantity))
        took, other = ("a", "b") if tick.aggressor > 0 else ("b", "a")
        away = self._step if took == "a" else -self._step
        old = dict(self._levels)
        self._levels[took] = (price, quantity)
        facing = self._levels.get(other)
        if facing is None or (facing[0] >= price if took == "a" else facing[0] <= price):
            self._levels[other] = (price - away, quantity)
        yield self._snapshot() if not old else self._change(old, tick.ts)
        yield self._frame("trade", self._trade(tick, price, quantity))

    def _snapshot(self) -> str:
        """A level at the smallest price shows how fine prices and quantities are."""
        grid = [to_text(self._step), to_text(self._quantity_step)]
        return json.dumps(
            {"lastUpdateId": 0, "bids": [_level(self._levels["b"]), grid], "asks": [_level(self._levels["a"])]}
        )

    def _change(self, old: dict[str, tuple[Decimal, Decimal]], at_us: int) -> str:
        self._update += 1
        sides: dict[str, list[list[str]]] = {}
        for side, level in self._levels.items():
            gone = [[to_text(old[side][0]), "0"]] if old[side][0] != level[0] else []
            sides[side] = [*gone, _level(level)] if old[side] != level else []
        named = {"e": "depthUpdate", "E": at_us, "s": self._symbol, "U": self._update, "u": self._update}
        return self._frame("depth", {**named, **sides})

    def _trade(self, tick: Tick, price: Decimal, quantity: Decimal) -> dict[str, Any]:
        named = {"e": "trade", "E": tick.ts, "s": self._symbol, "t": tick.sequence, "T": tick.ts}
        return {**named, "p": to_text(price), "q": to_text(quantity), "m": tick.aggressor < 0}

    def _frame(self, stream: str, data: dict[str, Any]) -> str:
        return json.dumps({"stream": f"{self._symbol.lower()}@{stream}", "data": data}, separators=(",", ":"))


def _level(level: tuple[Decimal, Decimal]) -> list[str]:
    return [to_text(level[0]), to_text(level[1])]
