"""Real captures: they import without a gap, their books are the venue's own, and a bot trades on them."""

import gzip
import json
from bisect import bisect_right
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.binance.parse import venue_symbol
from connectors.paper.kernel import Kernel
from connectors.paper.rows import Rows
from engine.backtest.check import check_dataset
from engine.backtest.dataset import Dataset
from tests.backtest.files import import_one
from tests.backtest.runs import run
from tests.support import shared

# files (day after day), symbol, depth events in them
SETS = [
    (["binance_usdm_btcusdt_20230404"], "BTC-USDT-PERP"),
    (["binance_spot_btcusdt_20240808", "binance_spot_btcusdt_20240809"], "BTC-USDT"),
    (["binance_usdm_btcusdt_20240718"], "BTC-USDT-PERP"),
    (["binance_usdm_ethusdt_20240808"], "ETH-USDT-PERP"),
    (["binance_usdm_btcusdt_20240808"], "BTC-USDT-PERP"),
    (["binance_coinm_btcusd_perp_20240808", "binance_coinm_btcusd_perp_20240809"], "BTC-USD-PERP"),
    (["binance_usdm_btcusdt_20230404", "binance_usdm_btcusdt_20230405"], "BTC-USDT-PERP"),
    (["binance_usdm_btcusdt_20240718", "binance_usdm_btcusdt_20240719"], "BTC-USDT-PERP"),
]
SAMPLED = 1  # the others take longer than all other tests of this folder together
SAMPLES = 200
FOLLOWER = """
name: follower
mode: backtest
exchanges: {{binance: {{connector: recorded, balances: {balances}, latency: 20ms}}}}
strategy:
  use: strategies.spread_follower:SpreadFollower
  exchange: binance
  trading_pair: {pair}
  quantity: {quantity}
  inventory_max: {limit}
data: {{path: {data}}}
"""


def shared_set(folder: Path, names: list[str], symbol: str) -> tuple[Path, list[Path]]:
    files = [shared(f"data/l2/{name}.raw.gz") for name in names]
    inverse = {"contract_size": Decimal(100), "settle": "BTC"} if symbol == "BTC-USD-PERP" else {}
    import_one(files[0], "capture", folder / "set", symbol, files=files, **inverse)
    return folder / "set", files


@pytest.mark.parametrize(
    ("names", "symbol"),
    [pytest.param(*row, marks=[] if number < SAMPLED else pytest.mark.slow) for number, row in enumerate(SETS)],
    ids=[row[0][-1].removeprefix("binance_") for row in SETS],
)
def test_capture_from_file_to_result(tmp_path: Path, names: list[str], symbol: str) -> None:
    data, files = shared_set(tmp_path, names, symbol)
    dataset = Dataset.open(data)
    quality = dataset.market(symbol).quality
    assert (quality.gaps, quality.crossed, quality.duplicate_trades) == (0, 0, 0)
    assert list(check_dataset(dataset)) == []
    equal, compared = best_prices(dataset, symbol, files)
    assert compared > SAMPLES // 2
    assert equal >= compared * 0.99, f"{compared - equal} of {compared} best prices differ from the captured ones"
    balances = "{BTC: 0.5, USDT: 30000}" if "USDT" in symbol else "{BTC: 2}"
    amount = "0.01" if "USDT" in symbol else "5"
    bot = FOLLOWER.format(data=data, pair=symbol, balances=balances, quantity=amount, limit=3 * Decimal(amount))
    _, result = run(tmp_path / "user", data, bot=bot)
    assert result["orders"]["submitted"] > 5
    assert abs(Decimal(result["money"]["unexplained"])) == 0


def best_prices(dataset: Dataset, symbol: str, files: list[Path]) -> tuple[int, int]:
    """How often our best prices after a depth event are those of the newest bookTicker of that update or before."""
    market = dataset.market(symbol)
    expected = tickers(files, symbol)
    equal = compared = 0
    for number, part in enumerate(market.rows):
        columns = dataset.read_rows(part, opening=number > 0, end_us=1 << 62)
        kernel = Kernel(Rows.of(columns))
        depth = columns["kind"] < 2
        last = depth.nonzero()[0]
        step = max(1, len(last) // SAMPLES)
        for row in last[step::step].tolist():
            end = row
            while end + 1 < len(depth) and columns["event_us"][end + 1] == columns["event_us"][row]:
                end += 1
            sequence = int(columns["sequence"][: end + 1][depth[: end + 1]][-1])
            best = expected.get(sequence)
            if best is None:
                continue
            kernel.run(int(columns["event_us"][row]))
            step_size = market.instrument.price_step
            compared += 1
            equal += (kernel.best_bid * step_size, kernel.best_ask * step_size) == best
    return equal, compared


def tickers(files: list[Path], symbol: str) -> dict[int, tuple[Decimal, Decimal]]:
    """Update ids of depth events → best bid and ask by the newest bookTicker of that id or before."""
    updates: list[int] = []
    best: list[tuple[Decimal, Decimal]] = []
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
