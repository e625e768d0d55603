"""hftbacktest's .npz files (its format 2): an array `data` of events with flags, times in ns and floating prices.

Flags by the documentation of hftbacktest 2 (MIT), "Data": what happened in the low byte, side and validity in the high
bits. Floats become multiples of the steps, which have to be given; one further off than a thousandth of a step is an
error. Rows are array elements, from 1.
"""

import zipfile
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from engine.backtest.found import Cursor
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Side
from engine.model.event import MarketEvent
from engine.model.market import BookDelta, BookSnapshot, Level, PublicTrade

DEPTH, TRADE, CLEAR, SNAPSHOT = 1, 2, 3, 4
BUY_FLAG, EXCHANGE_FLAG = 1 << 29, 1 << 31
FIELDS = ("ev", "exch_ts", "local_ts", "px", "qty")
OFF_GRID_MAX = 1e-3  # of a step


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one file. Raises TickwrightError with the row about what cannot be."""
    cursor.file, cursor.row = str(path), 0
    data = _load(path, cursor)
    if wanted.price_step is None or wanted.quantity_step is None:
        raise cursor.problem("its numbers are not exact: give --price-step and --quantity-step")
    for row in np.flatnonzero((data["ev"] & 0xFF) > SNAPSHOT)[:1]:
        cursor.row = int(row) + 1
        raise cursor.problem(f"event {int(data['ev'][row] & 0xFF)} is none of depth, trade, clear, snapshot")
    ticks = _counts(data["px"], wanted.price_step, "price", cursor)
    lots = _counts(data["qty"], wanted.quantity_step, "quantity", cursor)
    flags = data["ev"]
    keep = (flags & EXCHANGE_FLAG) != 0
    numbers = np.flatnonzero(keep)
    columns = zip(
        numbers.tolist(),
        (flags[keep] & 0xFF).tolist(),
        ((flags[keep] & BUY_FLAG) != 0).tolist(),
        (data["exch_ts"][keep] // 1_000).tolist(),
        (data["local_ts"][keep] // 1_000).tolist(),
        ticks[keep].tolist(),
        lots[keep].tolist(),
        strict=True,
    )
    yield from _events(columns, wanted, wanted.price_step, wanted.quantity_step, cursor)


def _events(
    rows: Iterator[tuple[int, int, bool, int, int, int, int]],
    wanted: Wanted,
    price_step: Decimal,
    quantity_step: Decimal,
    cursor: Cursor,
) -> Iterator[MarketEvent]:
    cleared = True
    for (event_us, receive_us, what), message in groupby(rows, lambda row: (row[3], row[4], row[1])):
        levels: tuple[list[Level], list[Level]] = ([], [])
        for number, _, buy, _, _, ticks, lots in message:
            cursor.row = number + 1
            price, quantity = ticks * price_step, lots * quantity_step
            if what == TRADE:
                side = Side.BUY if buy else Side.SELL
                yield PublicTrade(wanted.instrument_id, "", price, quantity, side, event_us, receive_us)
            else:
                levels[0 if buy else 1].append((price, quantity))
        if what == CLEAR:
            cleared = True
        elif what in (DEPTH, SNAPSHOT):
            bids, asks = tuple(levels[0]), tuple(levels[1])
            if cleared:
                cleared = False
                yield BookSnapshot(
                    wanted.instrument_id,
                    tuple(sorted(bids, reverse=True)),
                    tuple(sorted(asks)),
                    0,
                    event_us,
                    receive_us,
                )
            else:
                yield BookDelta(wanted.instrument_id, bids, asks, 0, 0, event_us, receive_us)


def _load(path: Path, cursor: Cursor) -> Any:
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = archive["data"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise cursor.problem(f"is no npz file of hftbacktest: {error}") from error
    missing = [name for name in FIELDS if name not in (data.dtype.names or ())]
    if missing:
        raise cursor.problem(f"its array has no field {', '.join(missing)}")
    return data


def _counts(values: Any, step: Decimal, what: str, cursor: Cursor) -> Any:
    counts = values / float(step)
    whole = np.rint(counts)
    for row in np.flatnonzero(~(np.abs(counts - whole) <= OFF_GRID_MAX))[:1]:
        cursor.row = int(row) + 1
        raise cursor.problem(f"{what} {values[row]} is not a multiple of the {what} step {step}")
    return whole.astype(np.int64)
