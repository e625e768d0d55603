"""`data …`, `backtest`, `report`, `compare`: from a scenario to a report, in an empty folder."""

import re
import signal
import sys
import webbrowser
from pathlib import Path

import pytest

import engine.backtest
from engine.app.cli.backtest import Watch
from engine.app.cli.output import Output
from tests.app.cli.support import failed, ok, run
from tests.backtest.files import START_US, capture_lines, write

TICKS = "1200"
TABLES = ("fills", "orders", "equity")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with sample data and one run of the sample configuration."""
    folder = tmp_path_factory.mktemp("home")
    ok("init", str(folder))
    ok("data", "simulate", "--ticks", TICKS, cwd=folder)
    ok("backtest", str(folder / "conf" / "backtest.yml"), cwd=folder)
    return folder


def test_sample_runs_on_simulated_data(home: Path) -> None:
    result = ok("backtest", str(home / "conf" / "backtest.yml"), cwd=home)
    assert result["run"]["complete"]
    assert result["money"]["unexplained"].strip("0.") == ""
    assert result["orders"]["submitted"] > 2
    assert (home / "reports" / "pmm-backtest.html").read_text().startswith("<!doctype html>")
    assert {path.name for path in Path(result["folder"]).iterdir()} == {
        *("result.json", "config.yml", "report.html", "fills.parquet", "orders.parquet", "equity.parquet"),
        "holdings-sample-BTC-USDT.parquet",
    }


def test_text_for_people(home: Path) -> None:
    result = run("backtest", str(home / "conf" / "backtest.yml"), "--report", str(home / "mine.html"), cwd=home)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert re.match(r"Run +pmm-backtest-", lines[0])
    assert {line.split("  ")[0] for line in lines} >= {"Profit", "Max drawdown", "Fills", "Hash"}
    assert (home / "mine.html").is_file()


def test_timerange_and_set(home: Path) -> None:
    span = "2026-01-01T00:05:00Z..2026-01-01T00:10:00Z"
    words = ("--timerange", span, "--set", "seed=8", "--bounds")
    result = ok("backtest", str(home / "conf" / "backtest.yml"), *words, cwd=home)
    assert (result["run"]["wanted_end_us"] - result["run"]["start_us"]) == 300_000_000
    assert result["run"]["seed"] == 8
    assert result["bounds"].keys() == {"none", "through"}


@pytest.mark.parametrize(("text", "message"), [("2026-01-01", "is not a range"), ("..x", "is not a date or time")])
def test_bad_timerange(home: Path, text: str, message: str) -> None:
    code, error = failed("backtest", str(home / "conf" / "backtest.yml"), "--timerange", text, cwd=home)
    assert code == 2
    assert message in error["detail"]


def test_only_backtests(home: Path) -> None:
    code, error = failed("backtest", str(home / "conf" / "pmm_sim.yml"), cwd=home)
    assert (code, error["detail"]) == (2, "mode: simulated is not for backtests")


def test_report_and_compare(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    page = home / "again.html"
    answer = ok("report", "pmm-backtest", "--to", str(page), "--csv", str(home / "csv"), "--open", cwd=home)
    assert answer == {"report": str(page), "tables": [str(home / "csv" / f"{name}.csv") for name in TABLES]}
    assert (home / "csv" / "fills.csv").read_text().startswith("trade_id,client_order_id,instrument_id,side,price")
    assert opened == [page.as_uri()]
    ok("backtest", str(home / "conf" / "backtest.yml"), "--set", "queue_model=none", cwd=home)
    names = sorted(path.name for path in (home / "data" / "results").iterdir())
    text = run("compare", *names[:2], cwd=home).stdout
    assert "≠" in text
    assert len(ok("compare", *names[:2], cwd=home)) == 2
    same = run("compare", names[0], str(home / "data" / "results" / names[0]), cwd=home).stdout
    assert "≠" not in same
    code, error = failed("report", "nothing", cwd=home)
    assert (code, error["detail"]) == (6, "there is no run 'nothing'")
    assert names[0] in error["fix"]


def test_damaged_result(home: Path) -> None:
    broken = home / "data" / "results" / "broken"
    write(broken / "result.json", "{")
    code, error = failed("report", "broken", cwd=home)
    assert code == 6
    assert "cannot be read" in error["detail"]
    (broken / "result.json").unlink()


def test_data_list_and_check(home: Path) -> None:
    (listed,) = ok("data", "list", cwd=home)
    assert (listed["venue"], listed["symbol"], listed["price_step"]) == ("sample", "BTC-USDT", "0.1")
    assert "BTC-USDT" in run("data", "list", cwd=home).stdout
    folder = home / "data" / "sample"
    assert run("data", "check", str(folder), cwd=home).stdout.endswith("ok\n")
    empty = home / "logs"
    assert run("data", "list", str(empty), cwd=home).stdout.startswith("no data sets in")
    assert failed("data", "list", str(home / "none"), cwd=home)[0] == 6


def test_a_format_of_one_venue_names_it(tmp_path: Path) -> None:
    book = (
        '{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1,"data":{"s":"BTCUSDT","b":[["1","1"]],"a":[],"u":1}}'
    )
    words = ("--format", "bybit", "--symbol", "BTC-USDT")
    assert ok("data", "import", str(write(tmp_path / "x.data", book)), *words, cwd=tmp_path)["venue"] == "bybit"
    words += ("--venue", "mine", "--to", str(tmp_path / "set"))
    assert ok("data", "import", str(tmp_path / "x.data"), *words, cwd=tmp_path)["venue"] == "mine"


def test_import_check_and_convert(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.raw.gz", "".join(capture_lines(1, 10)))
    words = ("data", "import", str(raw), "--format", "capture", "--symbol", "BTC/USDT")
    market = ok(*words, "--to", str(tmp_path / "set"))
    assert (market["symbol"], market["receive_times"], market["first_us"] // 10**9) == (
        "BTC-USDT",
        True,
        START_US // 10**9,
    )
    text = run(*words, "--to", str(tmp_path / "set"), "--replace")
    assert "Feed       p50" in text.stdout
    assert "looking: 0 events" in text.stderr
    files = ok("data", "convert", str(tmp_path / "set"), "--to", str(tmp_path / "csv"))["files"]
    assert Path(files[0]).read_text().startswith("event_us,receive_us,kind,price,quantity")
    candles = write(tmp_path / "c.csv", f"time_ms,open,high,low,close,volume\n{START_US // 1000},1,2,1,2,5\n")
    words = ("data", "import", str(candles), "--format", "ohlcv", "--symbol", "ETH-USDT", "--to", str(tmp_path / "set"))
    assert ok(*words)["candles"] == {"1m": 1}
    assert "Candles 1m" in run(*words, "--replace").stdout
    code, error = failed("data", "convert", str(tmp_path / "set"), "--to", str(tmp_path / "csv"))
    assert (code, error["detail"]) == (2, f"{tmp_path / 'set'} has several markets: BTC-USDT, ETH-USDT")
    rows = next((tmp_path / "set").rglob("rows/*.parquet"))
    rows.write_bytes(rows.read_bytes()[:-9])
    code, error = failed("data", "check", str(tmp_path / "set"))
    assert code == 1
    assert len(error["problems"]) == 2


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["none.csv", "--format", "binance", "--symbol", "BTC-USDT"], 6, "there is no file none.csv"),
        (
            ["x.csv", "--format", "capture", "--symbol", "BTC-USDT", "--venue", "kraken"],
            2,
            "captures of kraken cannot be read",
        ),
        (["x.csv", "--format", "binance", "--symbol", "BTCUSDT"], 2, "is not a trading pair"),
        (["x.csv", "--format", "binance", "--symbol", "BTC-USDT"], 1, "x.csv, row 1: these are not the columns"),
    ],
)
def test_import_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], exit_code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "x.csv", "a,b\n")
    code, error = failed("data", "import", *words, cwd=tmp_path)
    assert code == exit_code
    assert message in error["detail"]


def test_scenario_without_a_price(tmp_path: Path) -> None:
    write(tmp_path / "conf" / "scenarios" / "none.yml", "name: none\nmodel: brownian\n")
    code, error = failed("data", "simulate", "--scenario", "none", cwd=tmp_path)
    assert code == 1
    assert "start_price" in error["detail"]


def test_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("engine.app.cli.backtest.SHOW_SECONDS", 0.0)
    watch = Watch(Output(tmp_path))
    assert watch(START_US, START_US + 100, 10)
    assert watch(START_US + 50, START_US + 100, 20)
    assert "2023-11-15 00:00:00Z   50%" in capsys.readouterr().err
    watch.interrupt(signal.SIGINT, None)
    assert not watch(START_US + 60, START_US + 100, 30)
    with pytest.raises(KeyboardInterrupt):
        watch.interrupt(signal.SIGINT, None)


def test_without_the_optional_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.startswith(("engine.backtest", "engine.app.cli.data_"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(engine, "backtest", engine.backtest)  # afterwards the package that the others know is back
    monkeypatch.setitem(sys.modules, "polars", None)
    code, error = failed("data", "list", cwd=tmp_path)
    assert (code, error["code"]) == (1, "E-EXTRA")
    assert error["detail"] == "this command needs the package polars, which is not installed"
    assert error["fix"] == "pip install 'tickwright[data]'"
