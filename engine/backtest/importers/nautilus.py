"""Parquet files of a NautilusTrader catalog (1.2xx): `order_book_delta`, `trade_tick`, `quote_tick`, `bar`.

Prices and sizes are little-endian fixed-point integers of 16 bytes with 16 decimals, or of 8 bytes with 9 (builds of
standard precision); times are ns. `ts_init` is when the data came, `ts_event` when it happened; a bar's is its close.
Source: its documentation, "Concepts: Data", and files that version 1.221.0 wrote.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars

from engine.backtest.found import Cursor
from engine.backtest.importers.wanted import Wanted
from engine.model.enums import Side
from engine.model.event import MarketEvent
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, Level, PublicTrade

DECIMALS = {16: 16, 8: 9}  # by the bytes of a number
BATCH = 100_000
DELETE, CLEAR = 3, 4
BUY, BUYER = 1, 1
LAST = 128  # flag: the message ends here
DELTAS = ("action", "side", "price", "size", "flags", "ts_event", "ts_init")
TRADES = ("price", "size", "aggressor_side", "trade_id", "ts_event", "ts_init")
QUOTES = ("bid_price", "bid_size", "ask_price", "ask_size", "ts_event", "ts_init")
BARS = ("open", "high", "low", "close", "volume", "ts_event", "ts_init")
UNITS_US = {"SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000, "DAY": 86_400_000_000}
Row = tuple[Any, ...]


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one file; its columns say what it holds. Rows count from 1."""
    cursor.file, cursor.row = str(path), 0
    try:
        names = polars.read_parquet_schema(path)
    except (OSError, polars.exceptions.PolarsError) as error:
        raise cursor.problem(f"is no Parquet file, or cut off: {str(error).splitlines()[0]}") from error
    for columns, reader in ((DELTAS, _deltas), (TRADES, _trades), (QUOTES, _quotes), (BARS, _bars)):
        if all(name in names for name in columns):
            if reader is _bars:
                _check_interval(path, wanted, cursor)
            yield from reader(_rows(path, columns, cursor), wanted, cursor)
            return
    raise cursor.problem(f"is no file of deltas, trades, quotes or bars; it has the columns {', '.join(names)}")


def _rows(path: Path, columns: tuple[str, ...], cursor: Cursor) -> Iterator[Row]:
    """Row by row, a batch in memory at a time."""
    start = 0
    while True:
        try:
            batch = polars.scan_parquet(path).select(columns).slice(start, BATCH).collect()
        except (OSError, polars.exceptions.PolarsError) as error:
            raise cursor.problem(f"cannot be read after this row: {str(error).splitlines()[0]}") from error
        for row in batch.iter_rows():
            cursor.row += 1
            yield row
        start += BATCH
        if len(batch) < BATCH:
            return


def _deltas(rows: Iterator[Row], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    number = _numbers(cursor)
    name, cleared = wanted.instrument_id, False
    sides: tuple[list[Level], list[Level]] = ([], [])
    for action, side, price, size, flags, event_ns, init_ns in rows:
        if action == CLEAR:
            cleared = True
            sides = ([], [])
        else:
            quantity = Decimal(0) if action == DELETE else number(size)
            sides[0 if side == BUY else 1].append((number(price), quantity))
        if flags & LAST:
            times = event_ns // 1_000, init_ns // 1_000
            bids, asks = tuple(sides[0]), tuple(sides[1])
            if cleared:
                yield BookSnapshot(name, tuple(sorted(bids, reverse=True)), tuple(sorted(asks)), 0, *times)
            else:
                yield BookDelta(name, bids, asks, 0, 0, *times)
            cleared, sides = False, ([], [])


def _trades(rows: Iterator[Row], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    number = _numbers(cursor)
    for price, size, aggressor, trade_id, event_ns, init_ns in rows:
        side = Side.BUY if aggressor == BUYER else Side.SELL
        times = event_ns // 1_000, init_ns // 1_000
        yield PublicTrade(wanted.instrument_id, trade_id, number(price), number(size), side, *times)


def _quotes(rows: Iterator[Row], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    number = _numbers(cursor)
    for *values, event_ns, init_ns in rows:
        bid, bid_size, ask, ask_size = (number(value) for value in values)
        yield BestQuote(wanted.instrument_id, bid, bid_size, ask, ask_size, 0, event_ns // 1_000, init_ns // 1_000)


def _bars(rows: Iterator[Row], wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    number, interval_us = _numbers(cursor), wanted.interval_us
    for *values, event_ns, _ in rows:
        first, high, low, close, volume = (number(value) for value in values)
        close_us = event_ns // 1_000
        times = (interval_us, close_us - interval_us, close_us)
        yield Candle(wanted.instrument_id, *times, first, high, low, close, volume, True, 0)


def _check_interval(path: Path, wanted: Wanted, cursor: Cursor) -> None:
    """A file of bars says in its metadata what they last: BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL."""
    kind = polars.read_parquet_metadata(path).get("bar_type", "")
    parts = kind.split("-")
    if len(parts) >= 5 and int(parts[-4]) * UNITS_US.get(parts[-3], 0) != wanted.interval_us:
        raise cursor.problem(f"holds bars of {parts[-4]} {parts[-3]}: give their --interval")


def _numbers(cursor: Cursor) -> Callable[[bytes], Decimal]:
    """Fixed-point bytes → Decimal, remembered."""
    known: dict[bytes, Decimal] = {}

    def number(raw: bytes) -> Decimal:
        value = known.get(raw)
        if value is None:
            if len(raw) not in DECIMALS:
                raise cursor.problem(f"has a number of {len(raw)} bytes instead of 16 or 8")
            if len(known) > BATCH:
                known.clear()
            count = int.from_bytes(raw, "little", signed=True)
            value = known[raw] = Decimal(count).scaleb(-DECIMALS[len(raw)]).normalize()
        return value

    return number
