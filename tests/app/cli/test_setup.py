"""`init`, `new` and `new-strategy`: the files that they write work."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from engine.app.config.load import load_bot, load_file
from engine.app.config.models import SettingsConfig
from engine.app.config.problems import ConfigError
from engine.app.registry import BUILT_IN, NOT_BUILT
from engine.app.scenarios import load_scenario
from tests.app.cli.support import failed, ok, run
from tests.support import ROOT

SAMPLES = sorted(path.name for path in (ROOT / "conf").glob("*.yml"))
SCENARIOS = sorted(path.name for path in (ROOT / "conf" / "scenarios").glob("*.yml"))
BUILT = [name for name, path in BUILT_IN.strategies.items() if path != NOT_BUILT]
ENVIRONMENT = {"TICKWRIGHT_DATA": "/data"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- init


def test_init_says_what_it_made(here: Path) -> None:
    result = run("init", "demo")
    assert result.exit_code == 0
    assert result.stdout == (
        "Created demo/conf demo/data demo/logs demo/reports demo/strategies\n"
        f"Sample configs: conf/{' '.join(SAMPLES)}\n"
        f"Scenarios:      conf/scenarios/{' '.join(SCENARIOS)}\n"
        "Next: tickwright start conf/pmm_sim.yml\n"
    )
    assert (here / "demo" / ".gitignore").read_text() == "data/\nlogs/\n"


def test_every_sample_is_valid_and_names_a_schema_that_is_there(here: Path) -> None:
    run("init")
    samples = [here / "conf" / name for name in SAMPLES] + [here / "conf" / "scenarios" / name for name in SCENARIOS]
    for sample in samples:
        line = sample.read_text().partition("\n")[0]
        schema = sample.parent / line.removeprefix("# yaml-language-server: $schema=")
        assert json.loads(schema.read_text())["properties"].keys() >= yaml.safe_load(sample.read_text()).keys()
        if sample.name == "settings.yml":
            load_file(sample, SettingsConfig)
        elif sample.parent.name == "scenarios":
            load_scenario(sample)
        else:
            assert load_bot([sample], environ=ENVIRONMENT).warnings == ()


def test_init_keeps_what_is_there(here: Path) -> None:
    ok("init", "demo")
    own = here / "demo" / "conf" / "pmm_sim.yml"
    own.write_text("name: mine\n")
    (here / "demo" / "conf" / "settings.yml").unlink()
    result = run("init", "demo")
    assert own.read_text() == "name: mine\n"
    assert result.stderr == "kept demo/conf/pmm_sim.yml, which differs from the sample\n"
    assert result.stdout.splitlines()[:2] == [
        "Complete: demo/conf demo/data demo/logs demo/reports demo/strategies",
        "Sample configs: conf/settings.yml",
    ]
    assert ok("init", "demo") == {"folder": "demo", "folders": [], "files": [], "kept": ["conf/pmm_sim.yml"]}


def test_init_where_nothing_can_be_made(here: Path) -> None:
    (here / "file").write_text("")
    status, error = failed("init", "file")
    assert (status, error["code"], error["where"]) == (1, "E-DISK", "file")


# ---- new


@pytest.mark.parametrize("kind", BUILT)
def test_new_writes_a_bot_that_is_valid(here: Path, kind: str) -> None:
    (here / "conf").mkdir()
    result = run("new", "btc-maker", "--strategy", kind, "--yes")
    assert re.fullmatch(
        r"Wrote conf/btc-maker.yml \(\d+ settings, \d+ defaults\)\nNext: tickwright start conf/btc-maker.yml\n",
        result.stdout,
    )
    loaded = load_bot([here / "conf" / "btc-maker.yml"])
    assert (loaded.config.name, loaded.config.mode) == ("btc-maker", "simulated")
    assert loaded.warnings == ()


# What these say alone is incomplete: lists belong together, and another price needs its exchange.
NOT_ALONE = {
    *("bid_order_level_spreads", "ask_order_level_spreads", "bid_order_level_amounts", "ask_order_level_amounts"),
    *("price_source_exchange", "taker_trading_pair"),
}


@pytest.mark.parametrize("kind", BUILT)
def test_every_commented_key_of_a_new_bot_may_be_set_as_it_stands(here: Path, kind: str) -> None:
    (here / "conf").mkdir()
    file = here / "conf" / "maker.yml"
    run("new", "maker", "--strategy", kind, "--yes")
    lines = file.read_text().splitlines()
    commented = [number for number, line in enumerate(lines) if re.match(r" *# \w+: ", line)]
    assert len(commented) > 20
    refused = set()
    for number in commented:
        file.write_text("\n".join([*lines[:number], lines[number].replace("# ", "", 1), *lines[number + 1 :]]))
        try:
            load_bot([file])
        except ConfigError:
            refused.add(lines[number].strip("# ").partition(":")[0])
    assert refused <= NOT_ALONE


def test_new_takes_settings(here: Path) -> None:
    (here / "conf").mkdir()
    settings = ["strategy.trading_pair=ETH-USDT", "exchanges.sim.market.start_price=3000", "exchanges.sim.latency=5ms"]
    settings += ["strategy.order_override={near: [buy, 0.1%, 0.5]}", "risk.max_drawdown=3%"]
    data = ok("new", "eth", "--yes", *[word for each in settings for word in ("--set", each)])
    assert data["file"] == "conf/eth.yml"
    config = load_bot([here / "conf" / "eth.yml"]).config
    exchange = config.exchanges["sim"].model_dump()
    assert exchange["trading_pairs"] == ("ETH-USDT",)
    assert {name: str(number) for name, number in exchange["balances"].items()} == {"ETH": "10", "USDT": "30000"}
    assert exchange["latency"] == 5_000
    assert str(config.risk.max_drawdown) == "0.03"


def test_new_in_a_named_scenario(here: Path) -> None:
    (here / "conf").mkdir()
    market = "exchanges.sim.market.scenario=stress"
    ok("new", "stressed", "--yes", "--set", market, "--set", "exchanges.sim.balances={USDT: 5}")
    assert "      scenario: stress" in (here / "conf" / "stressed.yml").read_text()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--set", "strategy.bid_spread"], 2, "'strategy.bid_spread' is not an assignment"),
        (["--set", "strategy=5"], 2, "'strategy' is not a single setting"),
        (["--set", "name.x=5"], 2, "name is not a section"),
        (["--connector", "onchain"], 6, "connector 'onchain' is not part of this version"),
        (["--connector", "nothing"], 6, "connector 'nothing' is not part of this version"),
        (["--strategy", "grd"], 6, "strategy 'grd' is not one of"),
        (["--strategy", "no.such:Thing"], 6, "cannot be imported"),
        (["--set", "strategy.trading_pair=ETHUSDT"], 4, "did you mean ETH-USDT?"),
        (["--set", "exchanges.sim.market.start_price=0"], 4, "'0' must be greater than 0"),
        (["--set", "strategy.nonsense=1"], 4, "unknown setting 'nonsense'"),
        (["--set", "exchanges.okx.latency=1ms"], 4, "connector"),
        (["--set", "exchanges=1"], 2, "'exchanges' is not a single setting"),
        (["--set", "exchanges.okx=1"], 2, "'exchanges.okx' is not a single setting"),
        (["--set", "exchanges.other.connector=nothing"], 4, "'nothing' is not one of"),
        (["--set", "exchanges.sim.market=5"], 4, "exchanges.sim.market"),
        (["--set", "exchanges.sim.market.start_price.x=5"], 4, "exchanges.sim.market.start_price"),
        (["--set", "strategy.trading_pair.x=5"], 4, "strategy.trading_pair"),
        (["--set", "strategy.kind=grid"], 2, "strategy.kind is the option --strategy"),
        (["--set", "a: b.c=d: e"], 4, "a: b"),
        (["--set", "=5"], 2, "'' is not a single setting"),
    ],
)
def test_new_that_cannot_be_leaves_no_file(here: Path, words: list[str], status: int, said: str) -> None:
    (here / "conf").mkdir()
    result = run("new", "maker", "--yes", *words)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr
    assert list((here / "conf").iterdir()) == []


@pytest.mark.parametrize("name", ["../maker", "../conf/maker", "Maker", "x"])
def test_new_with_a_bad_name(here: Path, name: str) -> None:
    (here / "conf").mkdir()
    result = run("new", name, "--yes")
    assert result.exit_code in (2, 4)
    assert "is not a name" in result.stderr
    assert [path for path in here.rglob("*") if path.is_file()] == []


def test_new_never_replaces_a_file(here: Path) -> None:
    (here / "conf").mkdir()
    (here / "conf" / "maker.yml").write_text("mine")
    status, error = failed("new", "maker", "--yes")
    assert (status, error["detail"]) == (1, "conf/maker.yml exists; it was not changed")


def test_new_where_nothing_can_be_written(here: Path) -> None:
    (here / "conf").write_text("")
    status, error = failed("new", "maker", "--yes", cwd=here)
    assert (status, error["code"], error["where"]) == (1, "E-DISK", "conf/maker.yml")


def test_without_a_terminal_nobody_is_asked(here: Path) -> None:
    (here / "conf").mkdir()
    status, error = failed(
        "new", "maker", "--strategy", "pure_market_making", "--set", "strategy.trading_pair=BTC-USDT"
    )
    assert status == 4
    assert error["detail"].startswith("nobody to ask for --connector, strategy.bid_spread, ")
    assert error["fix"].startswith("--yes, or --connector simulated --set strategy.bid_spread=0.1% ")
    assert list((here / "conf").iterdir()) == []


def test_with_a_terminal_only_what_is_missing_is_asked(here: Path) -> None:
    (here / "conf").mkdir()
    command = [sys.executable, str(ROOT / "bot.py"), "new", "maker", "--strategy", "pure_market_making", "--json"]
    command += ["--set", "strategy.bid_spread=3bps", "--set", "strategy.ask_spread=3bps"]
    ours, theirs = pty.openpty()
    os.write(ours, b"\nETH-USDT\n0.25\n3000\n")
    result = subprocess.run(command, cwd=here, stdin=theirs, capture_output=True, text=True, check=False)
    os.close(ours)
    os.close(theirs)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["data"]["file"] == "conf/maker.yml"
    asked = re.findall(r"([\w.]+) \(.*?\) \[(.*?)\]:", result.stderr)
    assert asked == [
        ("connector", "simulated"),
        ("strategy.trading_pair", "BTC-USDT"),
        ("strategy.order_amount", "0.01"),
        ("exchanges.sim.market.start_price", "60000"),
    ]
    assert "order_amount: 0.25" in (here / "conf" / "maker.yml").read_text()


# ---- new-strategy


@pytest.mark.parametrize("template", ["minimal", "full"])
def test_new_strategy_passes_its_test_and_trades(here: Path, template: str) -> None:
    run("init")
    data = ok("new-strategy", f"own_{template}", "--template", template)
    assert data == {
        "strategy": f"strategies/own_{template}.py",
        "test": f"strategies/test_own_{template}.py",
        "use": f"strategies.own_{template}:Own{template.capitalize()}",
    }
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", data["test"]]
    result = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout
    bot = ok("new", "own", "--strategy", data["use"], "--yes")["file"]
    assert (here / bot).read_text().startswith("# yaml-language-server: $schema=./schema/bot.json\n")
    assert ok("config", "check", bot)["name"] == "own"
    assert ok("strategies", data["use"])["settings"][2]["name"] == "exchange"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Maker", "did you mean my_maker?"),
        ("1", "use a-z, 0-9 and _"),
        ("../x", "did you mean x?"),
        ("random", "'random' is the name of another module"),
        ("pure_market_making", "'pure_market_making' is the name of another module"),
        ("engine", "'engine' is the name of another module"),
    ],
)
def test_new_strategy_with_a_bad_name(here: Path, name: str, said: str) -> None:
    result = run("new-strategy", name)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(here.iterdir()) == []


def test_new_strategy_never_replaces_a_file(here: Path) -> None:
    (here / "strategies").mkdir()
    (here / "strategies" / "test_mine.py").write_text("mine")
    status, error = failed("new-strategy", "mine", cwd=here)
    assert (status, error["detail"]) == (1, "strategies/test_mine.py exists; nothing was written")
    assert not (here / "strategies" / "mine.py").exists()
