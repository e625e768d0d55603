"""Small files of other programs and venues, written for the tests; the numbers are made up."""

import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np

from engine.app.registry import BUILT_IN, load
from engine.backtest.columns import CANDLE_COLUMNS, Columns
from engine.backtest.dataset import Dataset, Market
from engine.backtest.importing import Job, import_files
from engine.backtest.scan import Given

START_US = 1_700_006_400_000_000  # 2023-11-15
DAY_US = 86_400_000_000


def capture_lines(seed: int, seconds: int, start_us: int = START_US, offset_us: int = 5_000) -> list[str]:
    """Snapshot, diffs and trades of a random walk, ten messages a second, as `<receive ns> <JSON>`."""
    chance = Random(f"capture:{seed}")
    book: dict[str, dict[int, int]] = {"b": {}, "a": {}}
    mid, update = 60_000, 1_000
    for step in range(1, 40):
        book["b"][mid - step] = chance.randint(1, 50)
        book["a"][mid + step] = chance.randint(1, 50)
    rows = [_line(start_us, offset_us, _snapshot(book, update))]
    trade = 0
    for number in range(1, seconds * 10):
        at_us = start_us + number * 100_000
        move = chance.choice((-1, 0, 0, 1))
        mid += move
        changes: dict[str, dict[int, int]] = {"b": {}, "a": {}}
        for ticks in [*book["b"]]:
            if ticks >= mid:
                changes["b"][ticks] = 0
        for ticks in [*book["a"]]:
            if ticks <= mid:
                changes["a"][ticks] = 0
        changes["b"][mid - chance.randint(1, 6)] = chance.randint(1, 50)
        changes["a"][mid + chance.randint(1, 6)] = chance.randint(1, 50)
        for side, levels in changes.items():
            for ticks, lots in levels.items():
                if lots:
                    book[side][ticks] = lots
                else:
                    book[side].pop(ticks, None)
        if chance.random() < 0.4:
            trade += 1
            buyer_is_maker = chance.random() < 0.5
            price = max(book["b"]) if buyer_is_maker else min(book["a"])
            rows.append(_line(at_us, offset_us, _trade(at_us, trade, price, chance.randint(1, 30), buyer_is_maker)))
        rows.append(_line(at_us, offset_us, _depth(at_us, update + 1, update + 3, changes)))
        update += 3
    return rows


def _line(at_us: int, offset_us: int, body: str) -> str:
    return f"{(at_us + offset_us) * 1_000} {body}\n"


def _price(ticks: int) -> str:
    return f"{Decimal(ticks) / 10:.2f}"


def _levels(levels: dict[int, int]) -> list[list[str]]:
    return [[_price(ticks), f"{lots / 1000:.8f}"] for ticks, lots in levels.items()]


def _snapshot(book: dict[str, dict[int, int]], update: int) -> str:
    return json.dumps(
        {"lastUpdateId": update, "bids": _levels(book["b"]), "asks": _levels(book["a"])}, separators=(",", ":")
    )


def _depth(at_us: int, first: int, last: int, changes: dict[str, dict[int, int]]) -> str:
    data = {"e": "depthUpdate", "E": at_us // 1000, "s": "BTCUSDT", "U": first, "u": last}
    data |= {"b": _levels(changes["b"]), "a": _levels(changes["a"])}
    return json.dumps({"stream": "btcusdt@depth@100ms", "data": data}, separators=(",", ":"))


def _trade(at_us: int, number: int, ticks: int, lots: int, buyer_is_maker: bool) -> str:
    data = {
        "e": "trade",
        "E": at_us // 1000,
        "s": "BTCUSDT",
        "t": number,
        "p": _price(ticks),
        "q": f"{lots / 1000:.8f}",
    }
    data |= {"T": at_us // 1000, "m": buyer_is_maker}
    return json.dumps({"stream": "btcusdt@trade", "data": data}, separators=(",", ":"))


def write(path: Path, text: str) -> Path:
    """A file, compressed if its name ends so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PACKED.get(path.suffix, bytes)(text.encode()))
    return path


def _zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data", data)
    return file.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".zip": _zipped}


def import_one(path: Path, form: str, folder: Path, symbol: str = "BTC-USDT", **settings: object) -> Market:
    """Import one file into a data set."""
    venue = settings.get("venue", "binance")
    parser = load(BUILT_IN.captures[venue])(symbol, f"{venue}:{symbol}") if form == "capture" else None  # type: ignore[index]
    values = {"venue": venue, "symbol": symbol, "files": [path], "format": form, "parser": parser}
    given = Given(**{name: settings.pop(name) for name in Given.__struct_fields__ if name in settings})  # type: ignore[arg-type]
    values |= {"interval_us": 60_000_000, "given": given} | settings
    return import_files(Job(**values), folder)  # type: ignore[arg-type]


def rows_of(folder: Path, symbol: str = "BTC-USDT") -> list[Columns]:
    """The rows of all days."""
    dataset = Dataset.open(folder)
    return [dataset.read_rows(part, opening=False, end_us=1 << 62) for part in dataset.market(symbol).rows]


def candles_of(folder: Path, interval_us: int, start_us: int, end_us: int, symbol: str = "BTC-USDT") -> Columns:
    """The candles that open in [start_us, end_us)."""
    files = Dataset.open(folder).candle_files(symbol, interval_us, start_us, end_us)
    tables = [read() for _, _, read in files]
    return {name: np.concatenate([table[name] for table in tables]) for name in CANDLE_COLUMNS}


def capture_set(folder: Path, seed: int, seconds: int, start_us: int = START_US) -> Path:
    """A data set of a random walk."""
    path = write(folder / "raw" / "walk.raw.gz", "".join(capture_lines(seed, seconds, start_us)))
    import_one(path, "capture", folder / "set")
    return folder / "set"
