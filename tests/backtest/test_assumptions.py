"""What is assumed where the data do not say: each key changes what it says it changes, and the report names it."""

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from connectors.paper.kernel import Kernel
from connectors.paper.latency import chosen
from connectors.paper.rows import Rows
from engine.backtest.convert import convert
from engine.backtest.dataset import Dataset
from engine.backtest.report import report_html
from engine.backtest.tables import read_table
from engine.model.errors import TickwrightError
from tests.backtest.files import START_US, capture_lines, capture_set, import_one, rows_of, write
from tests.backtest.runs import BOT, run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return capture_set(tmp_path_factory.mktemp("data"), 5, 180)


def assumed(result: Any, name: str) -> str:
    return dict(result["assumptions"])[name]  # type: ignore[no-any-return]


def test_bounds_hold_the_profit_of_other_queue_models(data: Path, tmp_path: Path) -> None:
    folder, result = run(tmp_path, data, "backtest.bounds=true")
    none = run(tmp_path / "none", data, "queue_model=none")[1]
    through = run(tmp_path / "through", data, "queue_model=through")[1]
    profits = {"none": none["money"]["total_pnl"], "through": through["money"]["total_pnl"]}
    assert result["bounds"] == profits
    assert through["orders"]["fills"] <= result["orders"]["fills"] <= none["orders"]["fills"]
    assert "Profit by other queue models" in report_html(folder, result)
    assert "bounds" not in none


def test_positions_are_closed_at_the_end_if_so_wished(data: Path, tmp_path: Path) -> None:
    end = "data.end=2023-11-15T00:01:00Z"
    kept = run(tmp_path / "kept", data, end)[1]["money"]["positions"]["binance:BTC-USDT"]
    folder, result = run(tmp_path / "flat", data, end, "backtest.finalize=flatten")
    assert Decimal(kept) != 0
    assert Decimal(result["money"]["positions"]["binance:BTC-USDT"]) == 0
    last = read_table(folder, "fills")[-1]
    assert (last["liquidity"][0], last["quantity"][0]) == ("TAKER", str(abs(Decimal(kept))))
    assert result["money"]["unexplained"].strip("0.") == ""
    assert assumed(result, "At the end")


@pytest.mark.parametrize(
    ("symbol", "far", "is_long"),
    [("BTC-USDT", "ask", True), ("BTC-USDT-PERP", "ask", True), ("BTC-USDT-PERP", "bid", False)],
)
def test_what_is_left_is_valued_at_what_it_would_bring(
    data: Path, tmp_path: Path, symbol: str, far: str, is_long: bool
) -> None:
    """Longs at the best bid, shorts at the best ask; the parts still add up to the profit."""
    steps = {"price_step": Decimal("0.1"), "quantity_step": Decimal("0.001")}
    (file,) = convert(Dataset.open(data), "BTC-USDT", tmp_path / "npz", "hftbacktest")
    import_one(file, "hftbacktest", tmp_path / "set", symbol, **steps)
    bot = BOT.format(data=tmp_path / "set").replace("pair: BTC-USDT", f"pair: {symbol}").replace("BTC: 0.5, ", "")
    keys = ("data.end=2023-11-15T00:01:40Z", f"strategy.{far}_spread=90bps")
    mid = run(tmp_path / "mid", tmp_path / "set", *keys, bot=bot)[1]["money"]
    result = run(tmp_path / "left", tmp_path / "set", *keys, "backtest.valuation=liquidation", bot=bot)[1]
    left = result["money"]
    held = Decimal(left["positions"][f"binance:{symbol}"])
    (columns,) = rows_of(tmp_path / "set", symbol)
    kernel = Kernel(Rows.of(columns))
    kernel.run(result["run"]["wanted_end_us"] - 1)
    half_spread = (kernel.best_ask - kernel.best_bid) * steps["price_step"] / 2
    assert (held > 0) is is_long
    assert Decimal(mid["equity_last"]) - Decimal(left["equity_last"]) == abs(held) * half_spread
    assert left["unexplained"].strip("0.") == ""
    assert assumed(result, "What is left at the end")


def test_a_spread_is_assumed_around_trades(tmp_path: Path) -> None:
    """Data of trades alone show no book: nothing can be quoted unless a spread is assumed."""
    lines = [line for line in capture_lines(5, 120) if "@trade" in line]
    import_one(write(tmp_path / "trades.raw.gz", "".join(lines)), "capture", tmp_path / "set")
    blind = run(tmp_path / "blind", tmp_path / "set", "backtest.valuation=liquidation")[1]
    seeing = run(tmp_path / "seeing", tmp_path / "set", "backtest.assumed_spread=2bps", "risk.stale_data=1m")[1]
    assert (blind["orders"]["submitted"], blind["orders"]["fills"]) == (0, 0)
    assert seeing["orders"]["submitted"] >= 2
    assert assumed(seeing, "Data of trades alone") == "a spread of 2 bps around each"


def test_share_of_the_volume(data: Path, tmp_path: Path) -> None:
    folder, result = run(tmp_path, data)
    filled = sum(Decimal(text) for text in read_table(folder, "fills")["quantity"])
    volume = Decimal(result["data"][0]["volume"])
    share = result["trading"]["volume_share"]["binance:BTC-USDT"]
    assert share == float(filled / volume)
    large = run(tmp_path / "large", data, "strategy.order_amount=0.2")[1]
    assert any("of the volume was ours" in warning for warning in large["warnings"])


def test_sampled_latencies_are_the_same_for_a_seed(data: Path, tmp_path: Path) -> None:
    sampled = "exchanges.binance.latency_sigma=0.8"
    hashes = [
        run(tmp_path / str(number), data, sampled, f"seed={seed}", "exchanges.binance.latency=300ms")[1]["run"][
            "fills_hash"
        ]
        for number, seed in enumerate((7, 7, 8))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_measured_latencies(data: Path, tmp_path: Path) -> None:
    """A constant delay as a file is the constant delay; what is no measurement is named with its row."""
    at_us = [START_US, START_US + 60_000_000]
    rows = "".join(f"{each},{each + 20_000},{each + 30_000}\n" for each in at_us)
    file = write(tmp_path / "latency.csv", "request_us,venue_us,response_us\n" + rows)
    measured = f"exchanges.binance.latency_file={file}"
    constant, same = run(tmp_path / "a", data)[1], run(tmp_path / "b", data, measured)[1]
    assert same["run"]["journal_hash"] == constant["run"]["journal_hash"]
    assert "as measured in" in assumed(same, "Latency, binance")
    write(file, file.read_text() + f"{at_us[1]},{at_us[0]},0\n")
    with pytest.raises(TickwrightError, match=r"latency.csv, row 4: has times that run backwards"):
        run(tmp_path / "c", data, measured)
    write(file, "request_us,venue_us,response_us\n1,2\n")
    with pytest.raises(TickwrightError, match=r"row 2: is no row of three times"):
        run(tmp_path / "d", data, measured)
    write(file, "request_us,venue_us,response_us\n")
    with pytest.raises(TickwrightError, match="has no measurements"):
        run(tmp_path / "e", data, measured)


def test_no_sigma_is_no_chance() -> None:
    chance = Random(1)
    assert {chosen(5_000, 0.0, chance)(at) for at in range(5)} == {5_000}
    drawn = [chosen(5_000, 0.5, chance)(at) for at in range(2_000)]
    assert abs(np.median(drawn) / 5_000 - 1) < 0.05
