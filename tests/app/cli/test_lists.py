"""`strategies`, `exchanges`, `symbols` and `simulate`: what there is, for people and as JSON."""

import re
from pathlib import Path

import pytest

from engine.app.registry import BUILT_IN, NOT_BUILT
from tests.app.cli.support import failed, ok, run
from tests.support import ROOT

SIM = str(ROOT / "conf" / "pmm_sim.yml")


def test_list_of_strategies() -> None:
    listed = ok("strategies")
    assert {each["kind"]: each["available"] for each in listed} == {
        name: path != NOT_BUILT for name, path in BUILT_IN.strategies.items()
    }
    text = run("strategies").stdout
    assert "pure_market_making            Quote both sides around a reference price.\n" in text


def test_settings_of_a_strategy() -> None:
    data = ok("strategies", "pure_market_making")
    settings = {each["name"]: each for each in data["settings"]}
    assert settings["trading_pair"] == {
        "name": "trading_pair",
        "default": None,
        "choices": [],
        "doc": "what is traded",
        "example": "BTC-USDT",
        "live": False,
        "is_section": False,
    }
    assert settings["inventory_skew_model"]["choices"] == ["piecewise", "linear"]
    assert settings["order_levels"]["default"] == "1"
    assert settings["moving_price_band"]["example"] == "{floor: -1%, ceiling: 1%, refresh: 1d}"
    assert settings["moving_price_band.floor"]["live"]
    lines = run("strategies", "pure_market_making").stdout.splitlines()
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines if line.startswith("  ")}
    assert rows["trading_pair"] == "required what is traded; for example BTC-USDT"
    assert rows["ping_pong"] == "false live after a fill, only the other side until that fills too"
    assert rows["amend"] == "auto live change orders in place where the venue can; auto | never"


@pytest.mark.parametrize(
    ("words", "detail", "fix"),
    [
        (("strategies", "pure_marketmaking"), "there is no strategy", "did you mean 'pure_market_making'?"),
        (("strategies", "zzz"), "there is no strategy 'zzz'", "tickwright strategies"),
        (("strategies", "decimal:Decimal"), "'decimal:Decimal' has no Config", ""),
        (("strategies", "no.such:Thing"), "cannot be imported: ModuleNotFoundError", ""),
        (("exchanges", "simulatd"), "there is no exchange", "did you mean 'simulated'?"),
        (("exchanges", "zzz"), "there is no exchange 'zzz'", "tickwright exchanges"),
        (("symbols", "zzz.yml"), "there is no file zzz.yml", ""),
        (("simulate", "--scenario", "zzz"), "there is no scenario 'zzz'", "one of: flash_crash, formula, "),
    ],
)
def test_unknown_name(words: tuple[str, ...], detail: str, fix: str) -> None:
    status, error = failed(*words)
    assert (status, error["code"]) == (6, "E-NOTFOUND")
    assert detail in error["detail"]
    assert error["fix"].startswith(fix)


def test_names_that_are_not_part_of_this_version() -> None:
    strategies = [name for name, path in BUILT_IN.strategies.items() if path == NOT_BUILT]
    connectors = [name for name, path in BUILT_IN.connectors.items() if path == NOT_BUILT]
    for name in strategies:
        assert failed("strategies", name)[1]["detail"] == f"'{name}' is not part of this version"
    for name in connectors:
        assert ok("exchanges", name) == {"connector": name, "available": False}
        assert run("exchanges", name).stdout == f"{name}: not part of this version\n"
        assert failed("symbols", name)[1]["detail"] == f"connector '{name}' is not part of this version"


def test_what_works_through_ccxt() -> None:
    about = ok("exchanges", "ccxt")
    limits = {each["exchange_id"]: each["limits"] for each in about["exchanges"]}
    assert limits["kraken"] == []
    assert "books are asked for every second" in limits["gate"]
    assert "kraken" in run("exchanges", "ccxt").stdout


def test_list_of_exchanges() -> None:
    listed = {each["connector"]: each for each in ok("exchanges")}
    assert listed.keys() == BUILT_IN.connectors.keys()
    simulated = listed["simulated"]
    assert (simulated["available"], simulated["modes"], simulated["needs_keys"]) == (True, ["simulated"], False)
    assert len(run("exchanges").stdout.splitlines()) == len(listed)


def test_settings_of_an_exchange() -> None:
    data = ok("exchanges", "simulated")
    names = [each["name"] for each in data["settings"]]
    assert {"trading_pairs", "market", "market.book.depth", "latency", "maker_fee"} <= set(names)
    assert [each["name"] for each in data["market_replay"]] == ["model", "path"]
    assert "modes: simulated; needs no keys and no network\n" in run("exchanges", "simulated").stdout


def test_symbols_of_a_file() -> None:
    assert ok("symbols", SIM) == [
        {
            "exchange": "sim",
            "symbol": "BTC-USDT",
            "base": "BTC",
            "quote": "USDT",
            "kind": "SPOT",
            "price_step": "0.1",
            "quantity_step": "0.00001",
            "notional_min": "5",
            "maker_rate": "0.0002",
            "taker_rate": "0.0005",
        }
    ]
    assert run("symbols", SIM).stdout.splitlines()[1].split()[-4:] == ["2", "bps", "5", "bps"]


def test_symbols_that_nobody_can_list(tmp_path: Path) -> None:
    assert failed("symbols", "simulated")[1]["detail"].startswith("'simulated' has no list")
    file = tmp_path / "bot.yml"
    file.write_text(Path(SIM).read_text().replace("start_price: 60000", "scenario: nowhere"))
    status, error = failed("symbols", str(file))
    assert status in (1, 4)
    assert "nowhere" in error["detail"]


# ---- simulate


def test_the_same_market_every_time() -> None:
    words = ("simulate", "--ticks", "200")
    first, second, other = (ok(*words, "--seed", seed) for seed in ("1", "1", "2"))
    for data in (first, second, other):
        assert data.pop("events_per_cpu_s") > 0
    assert first == second
    assert first["price_last"] != other["price_last"]
    assert (first["steps"], first["simulated_us"], first["scenario"]) == (200, 200_000_000, "normal")
    assert re.fullmatch(r"\d+\.\d+", first["volume"])


def test_chart_and_figures() -> None:
    lines = run("simulate", "--scenario", "formula", "--ticks", "1_000").stdout.splitlines()
    assert lines[0] == "formula  BTC-USDT  seed 5  1,000 updates  00:16:40"
    chart = [line.partition("│")[2] for line in lines[1:9]]
    assert max(map(len, chart)) == 64
    assert all(set(line) <= set(" ▁▂▃▄▅▆▇█") for line in chart)
    columns = ["".join(column).strip() for column in zip(*(line.ljust(64) for line in chart), strict=True)]
    assert len(columns[0]) < len(columns[-1]), "the wave rises for a quarter of an hour"
    assert [line.split()[0] for line in lines[9:]] == [
        *("Price", "Range", "Volatility", "Spread", "Best", "Trades", "One-sided", "Speed"),
    ]


def test_scenario_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("name: mine\nmodel: brownian\nstart_price: 0.00002\nvolatility: 0\ntrading_pair: PEPE-USDT\n")
    lines = run("simulate", "--scenario", str(file), "--ticks", "1e1").stdout.splitlines()
    assert lines[0].startswith("mine  PEPE-USDT  seed 7  10 updates")
    assert "Price       0.00002 to 0.00002 USDT (+0.00%)" in [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: mine\n", "start_price"),
        ("name: mine\nstart_price: 1\nmodel: formula\nformula: price / (t - t)\n", "has no value here"),
        ("name: mine\nstart_price: 1\nbook: {depth: 1 XRP}\n", "XRP is not an asset of this market"),
        ("name: mine\nstrt_price: 1\n", "did you mean 'start_price'?"),
    ],
)
def test_scenario_that_cannot_run(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(text)
    result = run("simulate", "--scenario", str(file), "--ticks", "10")
    assert result.exit_code in (1, 4)
    assert said in result.stderr


@pytest.mark.parametrize("ticks", ["0", "1.5", "-3", "many", "1e9", "nan"])
def test_bad_number_of_ticks(ticks: str) -> None:
    status, error = failed("simulate", "--ticks", ticks)
    assert (status, error["code"]) == (2, "E-USAGE")
    assert f"'{ticks}' is not a" in error["detail"]
