"""Whole runs: the same everywhere, exact, honest about what they know, and without a network."""

import json
import os
import re
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import polars
import pytest

from engine.backtest.dataset import Dataset
from engine.backtest.report import report_html
from engine.backtest.tables import Table, read_table
from engine.model.errors import TickwrightError
from tests.backtest.files import DAY_US, START_US, capture_set
from tests.backtest.runs import run
from tests.support import ROOT


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes across midnight."""
    return capture_set(tmp_path_factory.mktemp("data"), 5, 600, START_US + DAY_US - 300_000_000)


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    return run(tmp_path_factory.mktemp("user"), data)


def test_figures_agree_with_each_other(done: tuple[Path, Any]) -> None:
    folder, result = done
    money = result["money"]
    assert result["orders"]["fills"] > 10
    assert money["unexplained"].strip("0.") == ""
    parts = sum(Decimal(money[name]) for name in ("spread", "inventory", "fees", "funding", "conversion"))
    assert parts == Decimal(money["equity_last"]) - Decimal(money["equity_first"]) == Decimal(money["total_pnl"])
    assert sum(Decimal(day["total"]) for day in result["days"]) == parts
    assert [day["day_us"] for day in result["days"]] == [START_US, START_US + DAY_US]
    fills, orders = read_table(folder, "fills"), read_table(folder, "orders")
    assert len(fills) == result["orders"]["fills"]
    assert len(orders) == result["orders"]["submitted"]
    filled = sum(Decimal(text) for text in orders["filled"])
    assert filled == sum(Decimal(text) for text in fills["quantity"])
    assert Decimal(money["fees"]) == -sum(Decimal(text) for text in fills["fee"])
    assert result["warnings"] == []


def test_fills_are_at_prices_of_the_market(done: tuple[Path, Any]) -> None:
    """Near the mid just before them, and within the run."""
    folder, result = done
    for row in read_table(folder, "fills").iter_rows(named=True):
        assert row["liquidity"] == "MAKER"
        assert abs(Decimal(row["mid"]) / Decimal(row["price"]) - 1) < Decimal("0.001")
        assert result["run"]["start_us"] < row["event_us"] < result["run"]["end_us"]


def test_same_hashes_twice_and_in_another_process(done: tuple[Path, Any], data: Path, tmp_path: Path) -> None:
    hashes = ("run", "requests_hash", "fills_hash", "journal_hash")
    first = [done[1]["run"][name] for name in hashes]
    _, again = run(tmp_path / "again", data)
    assert [again["run"][name] for name in hashes] == first
    code = (
        "import sys, json; from pathlib import Path; from tests.backtest.runs import run;"
        "print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))[1]['run']))"
    )
    program = [sys.executable, "-c", code, str(tmp_path / "other"), str(data)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "4711"}
    other = json.loads(subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout)
    assert [other[name] for name in hashes] == first


def test_other_settings_are_another_run(done: tuple[Path, Any], data: Path, tmp_path: Path) -> None:
    _, other = run(tmp_path, data, "exchanges.binance.latency=4s")
    assert other["run"]["run"] != done[1]["run"]["run"]
    assert other["run"]["fills_hash"] != done[1]["run"]["fills_hash"]


def test_queue_models_bracket(data: Path, tmp_path: Path) -> None:
    fills = {}
    for model in ("through", "risk_averse", "none"):
        _, result = run(tmp_path / model, data, f"queue_model={model}")
        table = read_table(tmp_path / model / "data" / "results" / result["run"]["run"], "fills")
        fills[model] = sum(Decimal(text) for text in table["quantity"])
    assert fills["through"] <= fills["risk_averse"] <= fills["none"]
    assert fills["through"] < fills["none"]


def test_no_network(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> NoReturn:
        raise AssertionError("a backtest opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert run(tmp_path, data)[1]["orders"]["submitted"] > 0


def test_stopped_run_keeps_what_it_has(data: Path, tmp_path: Path) -> None:
    calls = []

    def stop(now_us: int, end_us: int, rows: int) -> bool:
        calls.append((now_us, rows))
        return len(calls) < 3

    folder, result = run(tmp_path, data, progress=stop)
    assert result["run"]["complete"] is False
    assert result["warnings"][0] == "the run was stopped before its end"
    assert len(calls) == 3
    assert calls[0][1] < calls[1][1] < calls[2][1]
    assert result["money"]["unexplained"].strip("0.") == ""
    assert len(read_table(folder, "fills")) > 0
    statuses = set(read_table(folder, "orders")["status"])
    assert statuses <= {"FILLED", "CANCELED", "REJECTED", "EXPIRED"}, "no order stays open"


def test_span(data: Path, tmp_path: Path) -> None:
    """A run that begins in the second day finds its book there."""
    _, result = run(tmp_path, data, "data.start=2023-11-16T00:01:00Z", "data.end=2023-11-16T00:03:00Z")
    assert result["run"]["start_us"] == START_US + DAY_US + 60_000_000
    assert result["run"]["wanted_end_us"] == START_US + DAY_US + 180_000_000
    assert result["orders"]["fills"] > 0
    with pytest.raises(TickwrightError, match="has no data from 2030-01-01"):
        run(tmp_path, data, "data.start=2030-01-01")


def test_what_a_strategy_sees_was_received(data: Path, tmp_path: Path) -> None:
    """The requests of a run do not depend on anything after them: cutting the data off changes nothing before."""
    folder, whole = run(tmp_path / "whole", data)
    _, part = run(tmp_path / "part", data, "data.end=2023-11-16T00:00:30Z")
    cut_us = START_US + DAY_US + 30_000_000
    other = tmp_path / "part" / "data" / "results" / part["run"]["run"]
    for name, stamp in (("orders", "created_us"), ("fills", "event_us")):
        early = polars.col(stamp) < cut_us - 1_000_000
        names = ("client_order_id", "side", stamp)
        before = [read_table(each, name).filter(early).sort(names).select(names).rows() for each in (folder, other)]
        assert before[0] == before[1]
        assert len(before[0]) > 5
    assert whole["orders"]["submitted"] > part["orders"]["submitted"]


def test_report_stands_alone(done: tuple[Path, Any]) -> None:
    folder, result = done
    page = report_html(folder, result)
    assert not re.search(r"https?://|<script|src=|@import|url\(", page)
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[:3] == ["Assumptions", "Equity", "Where the profit came from"]
    assert {"binance:BTC-USDT", "Fill quality", "Returns", "Days", "Orders", "Data", "Fingerprints"} <= set(titles)
    assert page.count("<svg") == page.count("</svg>") >= 6
    assert len(page) < 300_000
    assert "nan" not in page.lower().replace("binance", "")
    assert f"{Decimal(result['money']['total_pnl']):+,.2f}" in page


def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    """No more than two days are held, whatever the span."""
    code = (
        "import sys; from pathlib import Path; from tests.backtest.runs import run;"
        "print(run(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])[1]['run']['memory_mb'])"
    )
    data = many_days(tmp_path)
    peaks = []
    for days in (2, 8):
        end = f"data.end=2023-11-{15 + days:02}"
        program = [
            sys.executable,
            "-c",
            code,
            str(tmp_path / f"user{days}"),
            str(data),
            end,
            "tick=10m",
            "risk.stale_data=2d",
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        peaks.append(int(subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout))
    assert peaks[1] < peaks[0] + 6, peaks


def many_days(folder: Path) -> Path:
    """Eight days of 60,000 rows, 30 MB together: the same day, again and again at its own time."""
    data = capture_set(folder / "one", 9, 60)
    dataset = Dataset.open(data)
    market = dataset.market("BTC-USDT")
    (part,) = market.rows
    day = polars.read_parquet(data / part.file)
    copies = -(-60_000 // len(day))
    step_us = 120_000_000
    whole = polars.concat(
        [day.with_columns(polars.col("event_us", "receive_us") + number * step_us) for number in range(copies)]
    )
    market.rows = []
    for number in range(8):
        shifted = whole.with_columns(polars.col("event_us", "receive_us") + number * DAY_US)
        file = f"BTC-USDT/rows/2023-11-{15 + number}.parquet"
        shifted.write_parquet(data / file)
        times = shifted["event_us"]
        first_us, last_us = int(times[0]), int(times[-1])
        market.rows.append(
            type(part)(file=file, rows=len(shifted), first_us=first_us, last_us=last_us, digest=str(number))
        )
    dataset.save()
    return data


def test_tables_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.backtest.tables.CHUNK", 2)
    table = Table(tmp_path, "rows", {"n": polars.Int64})
    for number in range(23):
        table.add(number)
    table.flush()
    assert read_table(tmp_path, "rows")["n"].to_list() == list(range(23))
    Table(tmp_path, "none", {"n": polars.Int64}).flush()
    assert len(read_table(tmp_path, "none")) == 0
