"""`config check`, `config show`, `config schema`: one bot's files, all problems at once, secrets hidden."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.cli.support import failed, ok, run
from tests.support import ROOT

BOT = """name: maker
exchanges:
  sim:
    connector: simulated
    trading_pairs: [BTC-USDT]
    market: {start_price: 60000}
strategy:
  kind: pure_market_making
  exchange: sim
  trading_pair: BTC-USDT
  bid_spread: 10bps
  ask_spread: 10bps
  order_amount: 0.01
"""
PART = "name: other\nrisk: {stale_data: 3s}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files of bots."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bot.yml").write_text(BOT)
    (tmp_path / "part.yml").write_text(PART)
    (tmp_path / "poor.yml").write_text(BOT.replace("10bps", "1bps"))
    (tmp_path / "wrong.yml").write_text(BOT.replace("BTC-USDT\n", "BTCUSDT\n") + "  bid_spred: 1\n")
    return tmp_path


def test_check(here: Path) -> None:
    assert re.fullmatch(r"bot.yml ok \(10 settings, \d+ defaults\)\n", run("config", "check", "bot.yml").stdout)


def test_check_of_several_files(here: Path) -> None:
    data = ok("config", "check", "bot.yml", "part.yml")
    assert len(data.pop("hash")) == 64
    assert data.pop("defaults") > 50
    assert data == {
        "files": ["bot.yml", "part.yml"],
        "name": "other",
        "mode": "simulated",
        "settings": 11,
    }


@pytest.mark.parametrize("name", ["settings.yml", "scenarios/stress.yml"])
def test_check_of_files_that_are_no_bots(name: str) -> None:
    file = str(ROOT / "conf" / name)
    assert run("config", "check", file).stdout == f"{file} ok\n"
    assert ok("config", "check", file) == {"files": [file]}


def test_check_shows_every_problem(here: Path) -> None:
    result = run("config", "check", "wrong.yml")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("Configuration error: 2 problems in wrong.yml\n")
    status, error = failed("config", "check", "wrong.yml")
    assert (status, error["code"]) == (4, "E-CONFIG")
    assert [(each["file"], each["line"], each["path"]) for each in error["problems"]] == [
        ("wrong.yml", 10, "strategy.trading_pair"),
        ("wrong.yml", 14, "strategy.bid_spred"),
    ]


@pytest.mark.parametrize("name", ["settings.yml", "scenarios/mine.yml"])
def test_problems_of_files_that_are_no_bots(here: Path, name: str) -> None:
    (here / "scenarios").mkdir()
    (here / name).write_text("nonsense: 1\n")
    status, error = failed("config", "check", name)
    assert (status, error["problems"][0]["message"]) == (4, "unknown setting 'nonsense'")


def test_warnings_fail_only_if_strict(here: Path) -> None:
    result = run("config", "check", "poor.yml")
    said = "the spread of 0.02% is less than two maker fees, 0.04%"
    assert result.exit_code == 0
    assert result.stderr == (f"warning: poor.yml:11  strategy.bid_spread: {said}; every round trip loses money\n")
    assert json.loads(run("config", "check", "poor.yml", "--json").stdout)["warnings"][0].startswith("warning: poor")
    status, error = failed("config", "check", "poor.yml", "--strict")
    assert (status, error["problems"][0]["message"]) == (4, said)


@pytest.mark.parametrize(
    ("words", "detail", "fix"),
    [
        (["check", "bt.yml"], "there is no file bt.yml", "did you mean bot.yml?"),
        (["check", "scenarios/x.yml"], "there is no file scenarios/x.yml", ""),
        (["check", "nowhere/settings.yml"], "there is no file nowhere/settings.yml", ""),
        (["show", "bot.yml", "prt.yml"], "there is no file prt.yml", "did you mean part.yml?"),
        (["check", "."], "there is no file .", ""),
    ],
)
def test_file_that_is_not_there(here: Path, words: list[str], detail: str, fix: str) -> None:
    status, error = failed("config", *words)
    assert (status, error["code"], error["detail"], error["fix"]) == (6, "E-NOTFOUND", detail, fix)


def test_show_what_is_set(here: Path) -> None:
    result = run("config", "show", "bot.yml", "part.yml", "--set", "tick=2s", env={"TICKWRIGHT__SEED": "3"})
    rows = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert list(rows)[:3] == ["name", "tick", "exchanges.sim.connector"]
    assert list(rows)[-2:] == ["seed", "risk.stale_data"]
    assert (rows["name"], rows["tick"], rows["seed"], rows["risk.stale_data"]) == ("other", "2s", "3", "3s")
    assert rows["exchanges.sim.trading_pairs"] == "[BTC-USDT]"


def test_show_all_with_origins(here: Path) -> None:
    words = ["config", "show", "bot.yml", "part.yml", "--all", "--set", "tick=2s"]
    lines = {line.split()[0]: line.split()[1:] for line in run(*words).stdout.splitlines()}
    assert lines["strategy.bid_spread"] == ["10bps", "bot.yml:11", "live"]
    assert lines["name"] == ["other", "part.yml:1"]
    assert lines["tick"] == ["2s", "--set"]
    assert lines["seed"] == ["7", "default"]
    settings = {each.pop("path"): each for each in ok(*words)["settings"]}
    assert settings["strategy.bid_spread"] == {"value": "10bps", "origin": "bot.yml:11", "live": True}
    assert len(settings) == len(lines)


def test_show_moves_no_cursor(here: Path) -> None:
    (here / "odd.yml").write_text(
        BOT.replace("{start_price: 60000}", '{start_price: 60000, description: "a\\x1b[2Jb"}')
    )
    assert "a?[2Jb" in run("config", "show", "odd.yml").stdout


@pytest.mark.parametrize("name", ["bot", "settings", "scenario"])
def test_schema(name: str) -> None:
    schema = ok("config", "schema", name)
    assert json.loads(run("config", "schema", name).stdout) == schema
    assert schema["properties"]


def test_schema_of_bots_by_default() -> None:
    assert ok("config", "schema") == ok("config", "schema", "bot")


def test_check_imports_nothing_that_is_heavy() -> None:
    words = ["config", "check", "conf/pmm_sim.yml"]
    code = f"import sys; from engine.app.cli.main import main\ntry: main({words!r})\nfinally: print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "pydantic" in loaded
    assert loaded & {"aiohttp", "asyncio", "ccxt", "numpy", "rich", "sqlalchemy", "sqlite3", "websockets"} == set()


def settings(*files: str) -> dict[str, str]:
    return {each["path"]: each["value"] for each in ok("config", "show", *files)["settings"]}


def test_set_changes_one_value_in_its_file(here: Path) -> None:
    (here / "bot.yml").write_text(BOT.replace("  bid_spread: 10bps\n", "  bid_spread: 10bps  # wide\n"))
    data = ok("config", "set", "bot.yml", "strategy.bid_spread", "0.2%")
    assert data == {"path": "strategy.bid_spread", "before": "10bps", "after": "0.2%", "live": False, "file": "bot.yml"}
    assert "  bid_spread: 0.2%  # wide\n" in (here / "bot.yml").read_text()
    said = run("config", "set", "bot.yml", "strategy.order_levels", "2").stdout
    assert said == "strategy.order_levels 1 -> 2   from the next start on   (bot.yml updated, comments kept)\n"
    assert settings("bot.yml")["strategy.order_levels"] == "2"
    (here / "conf").mkdir()
    (here / "bot.yml").rename(here / "conf" / "maker.yml")
    ok("config", "set", "maker", "tick", "2s", cwd=here)
    assert settings("conf/maker.yml")["tick"] == "2s"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("bot.yml", "strategy.bid_spread", "wide"), "E-CONFIG"),
        (("bot.yml", "strategy.bid_spraed", "0.1%"), "E-CONFIG"),
        (("bot.yml", "risk.stale_data", "3s"), "E-CONFIG"),  # the file has no such section
        (("bot.yml", "exchanges.sim.balances.BTC", "3"), "E-USAGE"),
        (("nobody", "tick", "2s"), "E-NOTFOUND"),
    ],
)
def test_set_changes_nothing(here: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: str) -> None:
    monkeypatch.setenv("TICKWRIGHT__EXCHANGES__SIM__BALANCES", "{BTC: 1}")
    before = (here / "bot.yml").read_text()
    assert failed("config", "set", *words, cwd=here)[1]["code"] == code
    assert (here / "bot.yml").read_text() == before
