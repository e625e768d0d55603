"""Commands about bots: what they say to people, and when there is nothing to say."""

from pathlib import Path

import pytest

from engine.app.live_view import show_view
from tests.app.bots import QUOTES, WILD, bot_of, run_virtual_bot, write_config
from tests.app.cli.support import failed, ok, run

OF_A_BOT = [
    ("status",),
    ("orderbook",),
    ("pause",),
    ("balance",),
    ("stop",),
    ("logs",),
    ("history",),
    ("kill", "--yes"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose bot has run for two minutes."""
    folder = tmp_path_factory.mktemp("home")
    run_virtual_bot(folder)
    return folder


@pytest.mark.parametrize("words", OF_A_BOT)
def test_a_name_that_nobody_has(home: Path, words: tuple[str, ...]) -> None:
    code, error = failed(*words, "mkaer", cwd=home)
    assert (code, error["code"], error["fix"]) == (6, "E-NOTFOUND", "did you mean maker?")


@pytest.mark.parametrize("words", OF_A_BOT[:5])
def test_a_bot_that_does_not_run(home: Path, words: tuple[str, ...]) -> None:
    code, error = failed(*words, "maker", cwd=home)
    assert (code, error["code"]) == (3, "E-NOTRUNNING")
    assert error["fix"].startswith("tickwright start ")


@pytest.mark.parametrize("words", [("ps",), ("balance",), ("stop", "--all"), ("kill", "--all", "--yes")])
def test_nothing_runs(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert ok(*words, cwd=tmp_path) == []
    assert run(*words, cwd=tmp_path).stdout.startswith("no bot ")


@pytest.mark.parametrize("words", [("stop",), ("stop", "maker", "--all"), ("kill", "--yes")])
def test_one_or_all(home: Path, words: tuple[str, ...]) -> None:
    assert failed(*words, cwd=home)[0] == 2


def test_ps(home: Path) -> None:
    assert [line.split()[:2] for line in run("ps", cwd=home).stdout.splitlines()] == [
        ["NAME", "STATE"],
        ["maker", "STOPPED"],
    ]
    assert "exit 0: its time was over" in run("ps", cwd=home).stdout


def test_logs(home: Path) -> None:
    lines = run("logs", "maker", cwd=home).stdout.splitlines()
    assert lines[-1].endswith("stopped: its time was over, exit 0")
    assert run("logs", "maker", "--lines", "1", cwd=home).stdout.splitlines() == lines[-1:]
    assert run("logs", "maker", "--level", "warning", cwd=home).stdout == ""


def test_history(home: Path) -> None:
    (section,) = ok("history", "maker", "--trades", "--orders", cwd=home)
    assert section["trades"] == len(section["trade_list"]) == section["buys"] + section["sells"] > 0
    assert set(section["volume"]) == {"USDT"}
    text = run("history", "maker", "--trades", "--orders", cwd=home).stdout
    assert f"{section['trades']} trades (" in text
    assert section["order_list"][0]["client_order_id"] in text
    assert "fee " in text
    assert "order_list" not in ok("history", "maker", cwd=home)[0]


def test_start_in_virtual_time(tmp_path: Path) -> None:
    path = str(write_config(tmp_path))
    data = ok("start", path, "--speed", "max", "--for", "30s", cwd=tmp_path)
    assert data["reason"] == "its time was over"
    said = run("start", path, "--speed", "max", "--for", "30s", cwd=tmp_path)
    assert said.stdout.startswith("maker stopped: its time was over\n")
    assert said.stderr.startswith(" SIMULATED  maker  pure_market_making  sim BTC-USDT  tick 1s  seed 7\n")
    ok("start", path, "-d", "--speed", "max", "--for", "30s", cwd=tmp_path)
    assert len(list(bot_of(tmp_path).past.iterdir())) == 2, "every simulated account has a log of its own"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--speed", "0"), 2),
        (("--speed", "quick"), 2),
        (("--for", "10"), 2),
        (("--set", "tick=never"), 4),
        (("--set", "strategy.exchange=other"), 4),
    ],
)
def test_start_with_wrong_options(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    assert failed("start", str(write_config(tmp_path)), *words, cwd=tmp_path)[0] == code
    assert not (tmp_path / "data").exists()


KILL_SWITCH = QUOTES + "risk: {kill_switch: 0.01%, max_drawdown: 0.005%}\n"


@pytest.mark.parametrize(
    ("rest", "code", "error", "reason"),
    [
        (KILL_SWITCH, 7, "R-KILL", "kill_switch 0.01%: equity "),
        (WILD, 1, "E-STRATEGY", "strategy error: ZeroDivisionError: division by zero at "),
    ],
)
def test_ends_that_are_failures(tmp_path: Path, rest: str, code: int, error: str, reason: str) -> None:
    words = ("start", str(write_config(tmp_path, rest=rest)), "--speed", "max", "--for", "1h")
    found, told = failed(*words, cwd=tmp_path)
    assert (found, told["code"], told["where"]) == (code, error, "maker")
    assert told["detail"].startswith(reason)
    assert run("resume", "maker", cwd=tmp_path).exit_code == 0
    said = run(*words, cwd=tmp_path)
    assert said.exit_code == code
    assert said.stdout.startswith(f"maker stopped: {reason}")
    assert f"{error:<8} maker: {reason}" in said.stderr


def test_a_terminal_shows_the_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    with show_view(said.append, live=True) as view:
        run_virtual_bot(tmp_path, ready=view.attach)
        view.hear("stands among the warnings")
    shown = capsys.readouterr().out
    assert [title for title in ("Markets", "Assets", "Performance", "Orders", "No warnings.") if title in shown][4:]
    assert "maker  pure_market_making   SIMULATED   ● STOPPED  virtual time 00:02:0" in shown
    assert said == []
