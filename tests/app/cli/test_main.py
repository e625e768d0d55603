"""The command line's conventions: help, options, answers, failures and what a command may cost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import engine
from engine.app.cli.lazy import Entry, load
from engine.app.cli.main import COMMANDS, Program, main
from engine.app.cli.output import find_userdir
from tests.support import ROOT

SAMPLES = Program(
    "tickwright",
    {
        "answer": Entry("tests.app.cli.samples:answer", "Answer."),
        "fail": Entry("tests.app.cli.samples:fail", "Fail."),
        "odd": Entry("tests.app.cli.samples:odd", "Answer with what JSON cannot say."),
        "group": Entry("", "Several words."),
        "group fail": Entry("tests.app.cli.samples:fail", "Fail deeper."),
    },
    help="Samples.",
)


def run(*words: str, program: click.Command = SAMPLES, **settings: Any) -> Result:
    return CliRunner().invoke(program, words, prog_name="tickwright", **settings)


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_help_lists_the_commands_without_importing_them(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 0
    assert "  answer  Answer." in result.stdout
    assert "  group   Several words." in result.stdout
    assert "group fail" not in result.stdout


@pytest.mark.parametrize("words", [("--json", "answer"), ("answer", "--json"), ("--json", "answer", "--json")])
def test_json_is_one_object_on_stdout(words: tuple[str, ...]) -> None:
    result = run(*words, "--userdir", str(ROOT))
    data = {"price": "0.0000001", "userdir": str(ROOT)}
    assert json.loads(result.stdout) == {"ok": True, "command": "answer", "data": data, "warnings": ["careful"]}
    assert result.stderr == "normal\ncareful\n"


def test_streams_are_one_object_a_line() -> None:
    lines = run("answer", "--times", "3", "--json").stdout.splitlines()
    assert [json.loads(line)["ok"] for line in lines] == [True] * 3


@pytest.mark.parametrize(
    ("options", "said"),
    [([], "normal\ncareful\n"), (["-q"], "careful\n"), (["-v"], "normal\nmore\ncareful\n")],
)
@pytest.mark.parametrize("behind", [True, False])
def test_verbosity(options: list[str], said: str, behind: bool) -> None:
    assert run(*(["answer", *options] if behind else [*options, "answer"])).stderr == said


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [([], {}, True), (["--no-color"], {}, False), ([], {"NO_COLOR": "yes"}, False), ([], {"NO_COLOR": ""}, True)],
)
def test_color(options: list[str], environment: dict[str, str], colored: bool) -> None:
    assert ("\x1b[" in run("answer", *options, env=environment, color=True).stdout) is colored


def test_userdir_comes_from_the_option_the_environment_or_the_place(tmp_path: Path) -> None:
    below = tmp_path / "project" / "notes" / "today"
    below.mkdir(parents=True)
    (tmp_path / "project" / "conf").mkdir()
    environment = {"TICKWRIGHT_HOME": str(below)}
    assert find_userdir(below) == tmp_path / "project"
    assert find_userdir(tmp_path) == tmp_path
    assert run("answer", env=environment).stdout == f"in {below}\n"
    assert run("--userdir", str(tmp_path), "answer", env=environment).stdout == f"in {tmp_path}\n"
    assert run("answer", "--userdir", str(tmp_path / "none")).exit_code == 2


CONFIG_REPORT = """Configuration error: 1 problem in bot.yml

bot.yml:1:7  tick
    1 | tick: 1
      |       ^ '1' has no unit
      = hint: write 1s
"""


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("bare", 1, "E-DISK   the disk is full\n"),
        ("full", 6, "E-NOTFOUND conf/bot.yml:3: no bot of that name\n         fix: tickwright ps\n"),
        ("report", 4, "2 problems\n…\n"),
        ("config", 4, CONFIG_REPORT),
        ("key", 4, "E-KEY    wrong key\n"),
        ("venue", 1, "E-REJECT -2010: no money\n"),
        ("protocol", 1, "E-FAILED what?\n"),
        ("interrupt", 130, "\nE-INTERRUPTED interrupted\n"),
        ("click", 1, "E-FAILED click says no\n"),
    ],
)
def test_failure(kind: str, status: int, text: str) -> None:
    result = run("fail", kind)
    assert (result.exit_code, result.stdout, result.stderr) == (status, "", text)


def test_failure_in_json() -> None:
    result = run("group", "fail", "full", "--json")
    assert (result.exit_code, result.stderr) == (6, "")
    assert json.loads(result.stdout) == {
        "ok": False,
        "command": "group fail",
        "exit": 6,
        "error": {
            "code": "E-NOTFOUND",
            "title": "not found",
            "detail": "no bot of that name",
            "where": "conf/bot.yml:3",
            "fix": "tickwright ps",
            "problems": [],
        },
    }


def test_a_bug_keeps_its_traceback() -> None:
    assert isinstance(run("fail", "bug").exception, ValueError)
    assert isinstance(run("odd", "--json").exception, TypeError)


@pytest.mark.parametrize(
    ("words", "text", "fix"),
    [
        (("answr",), "Did you mean 'answer'?", "tickwright --help"),
        (("group", "fial"), "Did you mean 'fail'?", "tickwright group --help"),
        (("group",), "Missing command.", "tickwright group --help"),
        (("answer", "--tims", "3"), "Did you mean '--times'?", "tickwright answer --help"),
        (("answer", "--times", "x"), "'x' is not a valid integer", "tickwright answer --help"),
    ],
)
def test_usage_errors_name_the_way_out(words: tuple[str, ...], text: str, fix: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert text in result.stderr
    assert f"fix: {fix}\n" in result.stderr
    error = json.loads(run(*words, "--json").stdout)["error"]
    assert (error["code"], error["fix"]) == ("E-USAGE", fix)
    assert text in error["detail"]


@pytest.mark.parametrize("name", COMMANDS)
def test_table_of_commands(name: str) -> None:
    entry = COMMANDS[name]
    assert entry.help.endswith(".")
    parent = name.rpartition(" ")[0]
    assert not parent or not COMMANDS[parent].target, "the words before the last name a group"
    if entry.target:
        command = load(entry.target)
        assert command.help
        assert run(*name.split(), "--help", program=main).exit_code == 0


def test_version() -> None:
    assert json.loads(run("version", "--json", program=main).stdout)["data"]["version"] == engine.__version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = run("completion", shell, program=main)
    assert result.exit_code == 0
    assert "_TICKWRIGHT_COMPLETE" in result.stdout


def test_completion_of_words_needs_no_import() -> None:
    environment = {"_TICKWRIGHT_COMPLETE": "bash_complete", "COMP_WORDS": "tickwright gro", "COMP_CWORD": "1"}
    assert run(env=environment).stdout == "plain,group\n"


HEAVY = {
    "aiohttp",
    "asyncio",
    "ccxt",
    "msgspec",
    "nicegui",
    "numpy",
    "pydantic",
    "rich",
    "sqlalchemy",
    "websockets",
    "yaml",
}


@pytest.mark.parametrize("words", [["--help"], ["version"]])
def test_a_light_command_imports_nothing_heavy(words: list[str]) -> None:
    code = f"import sys; from engine.app.cli.main import main\ntry: main({words!r})\nfinally: print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "engine.app.cli.main" in loaded
    assert loaded & HEAVY == set()


def test_checkout_program() -> None:
    command = [sys.executable, str(ROOT / "bot.py"), "version"]
    result = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True, check=True)
    assert result.stdout.startswith(f"tickwright {engine.__version__} ")
