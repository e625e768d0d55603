"""Real captures: they import without a gap, their books are the venue's own, and a bot trades on them."""

import gzip
import json
import lzma
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.binance.parse import venue_symbol
from connectors.paper.kernel import Kernel
from connectors.paper.rows import Rows
from engine.backtest.check import check_dataset
from engine.backtest.columns import Columns
from engine.backtest.dataset import Dataset
from tests.backtest.files import import_one
from tests.backtest.runs import run
from tests.support import shared

Best = tuple[Decimal, Decimal]  # bid, ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A capture of the shared data folder: its files (day after day, or several streams), and what it is."""

    files: Sequence[str]
    symbol: str
    form: str = "capture"
    venue: str = "binance"
    quantity: str = "0.01"
    balances: str = "{BTC: 0.5, USDT: 30000}"
    tick: str = "1s"
    gaps: int = 0
    orders: int = 6
    fills: int = 1
    rules: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{Path(self.files[-1]).name.partition('.')[0]}-{self.symbol}"


def binance(symbol: str, *names: str) -> Recorded:
    return Recorded(files=[f"l2/binance_{name}.raw.gz" for name in names], symbol=symbol)


def session(venue: str, symbol: str, *names: str, **settings: Any) -> Recorded:
    """Half a minute as cryptofeed wrote it down."""
    folder = settings.pop("folder", venue.upper())
    files = [f"ws/{folder}/{folder}.{name}.gz" for name in names]
    base, quote, *_ = symbol.split("-")
    balances = f"{{{base}: 100000, {quote}: 100000}}"
    common = {"files": files, "symbol": symbol, "venue": venue, "balances": balances, "tick": "100ms", "orders": 2}
    return Recorded(**common | settings)


SETS = [
    binance("BTC-USDT-PERP", "usdm_btcusdt_20230404"),
    Recorded(
        files=["l2/bitstamp_l3_btcusd_20150501.log.xz"],
        symbol="BTC-USD",
        form="bitstamp",
        venue="bitstamp",
        balances="{BTC: 10, USD: 3000}",
    ),
    Recorded(
        files=["l2/bybit_usdt_perp_xrpusdt_ob500_20241201.data.zip"],
        symbol="XRP-USDT-PERP",
        form="bybit",
        venue="bybit",
        quantity="10",
        balances="{USDT: 1000}",
        tick="100ms",
        orders=4,
    ),
    Recorded(
        files=["l2/coinbase_btcusd_20180416_raw.csv.gz"],
        symbol="BTC-USD",
        form="coinbase",
        venue="coinbase",
        balances="{BTC: 1, USD: 8000}",
    ),
    Recorded(
        files=["l2/hyperliquid_btcusd_20250126.raw.gz"],
        symbol="BTC-USDC-PERP",
        form="hyperliquid",
        venue="hyperliquid",
        balances="{USDC: 30000}",
        tick="100ms",
        orders=4,
    ),
    Recorded(  # two samples that do not follow each other, the first of bids alone
        files=[f"l2/binance_usdm_btcusdt_T_DEPTH_{part}.csv" for part in ("snap", "update")],
        symbol="BTC-USDT-PERP",
        form="binance",
        gaps=1,
        orders=1,
        fills=0,
    ),
    session("okx", "BTC-USDT", "ws.1.0", quantity="0.01"),
    session("okx", "UNI-USD-PERP", "ws.1.0", quantity="1", rules={"contract_size": Decimal(10), "settle": "UNI"}),
    session("gate", "OMG-USDT", "ws.1.0", "http.0.0", folder="GATEIO", quantity="1", fills=0),
    session("gate", "WOO-USDT-PERP", "ws.1.0", "http.0.0", folder="GATEIO_FUTURES", quantity="10", fills=0),
    session("coinbase", "SKL-USD", "ws.28.0", form="coinbase", quantity="10"),
    session("binance", "XEM-USDT", "ws.1.0", "http.0.0", folder="BINANCE_TR", quantity="10", fills=0),
    session("binance", "SUSHI-USDT-PERP", "ws.1.0", "http.0.0", folder="BINANCE_FUTURES", quantity="10"),
    session(
        *("binance", "ETC-USD-PERP", "ws.1.0", "http.0.0"),
        folder="BINANCE_DELIVERY",
        quantity="1",
        rules={"contract_size": Decimal(10), "settle": "ETC"},
    ),
]
LONG = [
    binance("BTC-USDT", "spot_btcusdt_20240808", "spot_btcusdt_20240809"),
    binance("ETH-USDT-PERP", "usdm_ethusdt_20240808"),
    binance("BTC-USDT-PERP", "usdm_btcusdt_20240808"),
    binance("BTC-USDT-PERP", "usdm_btcusdt_20230404", "usdm_btcusdt_20230405"),
    binance("BTC-USDT-PERP", "usdm_btcusdt_20240718", "usdm_btcusdt_20240719"),
    Recorded(
        files=[f"l2/binance_coinm_btcusd_perp_{day}.raw.gz" for day in ("20240808", "20240809")],
        symbol="BTC-USD-PERP",
        quantity="5",
        balances="{BTC: 2}",
        rules={"contract_size": Decimal(100), "settle": "BTC"},
    ),
]  # they take longer than all other tests of this folder together
SAMPLES = 200
FOLLOWER = """
name: follower
mode: backtest
tick: {tick}
exchanges: {{{venue}: {{connector: recorded, balances: {balances}, latency: 20ms}}}}
strategy:
  use: strategies.spread_follower:SpreadFollower
  exchange: {venue}
  trading_pair: {pair}
  quantity: {quantity}
  inventory_max: {limit}
data: {{path: {data}}}
"""


def imported(recorded: Recorded, folder: Path) -> tuple[Dataset, list[Path]]:
    files = [shared(f"data/{name}") for name in recorded.files]
    import_one(files[0], recorded.form, folder, recorded.symbol, venue=recorded.venue, files=files, **recorded.rules)
    return Dataset.open(folder), files


@pytest.mark.parametrize("recorded", [*SETS, *(pytest.param(each, marks=pytest.mark.slow) for each in LONG)], ids=str)
def test_capture_from_file_to_result(tmp_path: Path, recorded: Recorded) -> None:
    dataset, files = imported(recorded, tmp_path / "set")
    symbol = recorded.symbol
    quality = dataset.market(symbol).quality
    assert (quality.gaps, quality.crossed, quality.duplicate_trades) == (recorded.gaps, 0, 0)
    assert list(check_dataset(dataset)) == []
    if recorded.venue in TOLD and not recorded.gaps:
        equal, compared = best_prices(dataset, symbol, TOLD[recorded.venue](files, symbol))
        assert compared > 10
        assert equal >= compared * 0.99, f"{compared - equal} of {compared} best prices differ from the captured ones"
    limit = 3 * Decimal(recorded.quantity)
    settings = {"venue": recorded.venue, "quantity": recorded.quantity, "balances": recorded.balances}
    bot = FOLLOWER.format(data=dataset.folder, pair=symbol, limit=limit, tick=recorded.tick, **settings)
    _, result = run(tmp_path / "user", dataset.folder, bot=bot)
    orders = result["orders"]
    assert orders["submitted"] >= recorded.orders
    assert orders["fills"] >= recorded.fills
    assert abs(Decimal(result["money"]["unexplained"])) == 0


def test_no_capture_is_forgotten() -> None:
    listed = {name for recorded in (*SETS, *LONG) for name in recorded.files}
    assert {f"l2/{path.name}" for path in shared("data/l2").iterdir()} <= listed


def best_prices(dataset: Dataset, symbol: str, told: dict[int, Best]) -> tuple[int, int]:
    """How often our best prices are those that were told, of some that are compared."""
    market = dataset.market(symbol)
    equal = compared = 0
    for number, part in enumerate(market.rows):
        columns = dataset.read_rows(part, opening=number > 0, end_us=1 << 62)
        kernel = Kernel(Rows.of(columns))
        step_size = market.instrument.price_step
        known = [(at_us, told[key]) for at_us, key in moments(columns) if key in told]
        for at_us, best in known[:: max(1, len(known) // SAMPLES)]:
            kernel.run(at_us)
            compared += 1
            equal += (kernel.best_bid * step_size, kernel.best_ask * step_size) == best
    return equal, compared


def moments(columns: Columns) -> Iterator[tuple[int, int]]:
    """When the book was changed, and the update or (without ids) the time by which a venue tells its best prices."""
    depth = columns["kind"] < 2
    times, updates = columns["event_us"][depth], columns["sequence"][depth]
    last = np.diff(times, append=times[-1:] + 1) > 0
    for at_us, update in zip(times[last].tolist(), updates[last].tolist(), strict=True):
        yield at_us, update or at_us


def tickers(files: list[Path], symbol: str) -> dict[int, Best]:
    """Binance: update ids of depth events → best bid and ask by the newest bookTicker of that id or before."""
    updates: list[int] = []
    best: list[Best] = []
    ends: list[int] = []
    name = venue_symbol(symbol).lower()
    for path in files:
        with gzip.open(path, "rt") as file:
            for line in file:
                body = line.partition(" ")[2]
                if body.startswith(f'{{"stream":"{name}@bookTicker"'):
                    data = json.loads(body)["data"]
                    updates.append(data["u"])
                    best.append((Decimal(data["b"]), Decimal(data["a"])))
                elif body.startswith(f'{{"stream":"{name}@depth'):
                    ends.append(json.loads(body)["data"]["u"])
    known = [(end, bisect_right(updates, end) - 1) for end in ends]
    return {end: best[index] for end, index in known if index >= 0}


def order_books(files: list[Path], symbol: str) -> dict[int, Best]:
    """Bitstamp: times of order_book → the best prices in it, where nothing else happened in that millisecond."""
    found: dict[int, Best] = {}
    with lzma.open(files[0], "rt") as file:
        lines = [line.split(" ", 2) for line in file]
    often = Counter(stamp for stamp, _, _ in lines)
    for stamp, kind, body in lines:
        if kind == "order_book" and often[stamp] == 1:
            best = json.loads(body)
            found[int(stamp) * 1_000] = (Decimal(best["bids"][0][0]), Decimal(best["asks"][0][0]))
    return found


def books(files: list[Path], symbol: str) -> dict[int, Best]:
    """Hyperliquid: times of l2Book → the best prices in it."""
    with gzip.open(files[0], "rt") as file:
        frames = [json.loads(line.partition(" ")[2]) for line in file]
    found = [frame["data"] for frame in frames if frame["channel"] == "l2Book"]
    return {each["time"] * 1_000: tuple(Decimal(side[0]["px"]) for side in each["levels"]) for each in found}  # type: ignore[misc]


TOLD = {"binance": tickers, "bitstamp": order_books, "hyperliquid": books}
