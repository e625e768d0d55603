"""From a data set to files that other programs read: CSV with exact decimals, or hftbacktest's npz."""

import csv
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np

from engine.backtest.columns import RATE_UNIT_DIGITS, Columns, RowKind
from engine.backtest.dataset import Dataset, Market
from engine.backtest.importers.hftbacktest import BUY_FLAG, CLEAR, DEPTH, EXCHANGE_FLAG, TRADE
from engine.model.errors import TickwrightError
from engine.model.money import to_text

LOCAL_FLAG, SELL_FLAG = 1 << 30, 1 << 28
EVENT = np.dtype(
    [
        ("ev", "u8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("order_id", "u8"),
        ("ival", "i8"),
        ("fval", "f8"),
    ],
    align=True,
)
FEED_US = 10_000  # between event and receipt where that was not recorded
KINDS = {
    RowKind.BID: DEPTH | BUY_FLAG,
    RowKind.ASK: DEPTH | SELL_FLAG,
    RowKind.BUY: TRADE | BUY_FLAG,
    RowKind.SELL: TRADE | SELL_FLAG,
    RowKind.CLEAR: CLEAR,
    RowKind.GAP: CLEAR,
}
END_US = 1 << 62
RATE_UNIT = Decimal(1).scaleb(-RATE_UNIT_DIGITS)


def convert(dataset: Dataset, symbol: str, target: Path, form: str) -> list[Path]:
    """Write every day of a market as `target/SYMBOL-DAY.…`; returns the files. Raises TickwrightError without rows."""
    market = dataset.market(symbol)
    if not market.rows:
        raise TickwrightError(f"{dataset.folder} has no rows of {symbol} to convert")
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for number, part in enumerate(market.rows):
        columns = dataset.read_rows(part, opening=number == 0, end_us=END_US)
        path = target / f"{symbol}-{Path(part.file).stem}.{SUFFIXES[form]}"
        FORMS[form](path, columns, market)
        files.append(path)
    return files


def _write_csv(path: Path, columns: Columns, market: Market) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = [name for name in ("event_us", "receive_us") if name in columns]
        writer.writerow([*names, "kind", "price", "quantity", "message", "sequence"])
        times = zip(*(columns[name].tolist() for name in names), strict=True)
        for stamps, row in zip(times, _decimal_rows(columns, market), strict=True):
            writer.writerow([*stamps, *row])


def _decimal_rows(columns: Columns, market: Market) -> Iterator[tuple[str, str, str, int, int]]:
    price_step, quantity_step = market.instrument.price_step, market.instrument.quantity_step
    names = ("kind", "ticks", "lots", "message", "sequence")
    for kind, ticks, lots, message, sequence in zip(*(columns[name].tolist() for name in names), strict=True):
        quantity = lots * (RATE_UNIT if kind == RowKind.FUNDING else quantity_step)
        yield RowKind(kind).name, to_text(ticks * price_step), to_text(quantity), message, sequence


def _write_events(path: Path, columns: Columns, market: Market) -> None:
    """Best quotes, marks and funding have no place in this format and are left out."""
    keep = np.isin(columns["kind"], list(KINDS))
    kinds = columns["kind"][keep]
    events = np.zeros(len(kinds), EVENT)
    for kind, flags in KINDS.items():
        events["ev"][kinds == kind] = flags | EXCHANGE_FLAG | LOCAL_FLAG
    event_us = columns["event_us"][keep]
    receive_us = columns["receive_us"][keep] if "receive_us" in columns else event_us + FEED_US
    events["exch_ts"] = event_us * 1_000
    events["local_ts"] = np.maximum.accumulate(receive_us) * 1_000
    events["px"] = columns["ticks"][keep] * float(market.instrument.price_step)
    events["qty"] = columns["lots"][keep] * float(market.instrument.quantity_step)
    np.savez_compressed(path, data=events)


SUFFIXES = {"csv": "csv", "hftbacktest": "npz"}
FORMS: dict[str, Callable[[Path, Columns, Market], None]] = {"csv": _write_csv, "hftbacktest": _write_events}
