"""`doctor`: every check has a healthy and a sick patient."""

import json
import resource
import socket
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from engine.app.doctor.checks import CHECKS
from engine.app.doctor.exchanges import judge_clock as judge_time
from engine.app.doctor.finding import Finding, Patient, State
from engine.app.doctor.folder import bots, configuration, logs
from engine.app.doctor.machine import (
    clock,
    disk,
    judge_clock,
    judge_disk,
    judge_packages,
    judge_python,
    packages,
    python,
)
from tests.app.cli.support import failed, ok, run
from tests.app.served import KEY, SECRET, ServedFutures, served, write_live_bot
from tests.support import ROOT

ENTRY = {
    **dict.fromkeys(("name", "session_id", "mode", "host", "user", "version", "socket", "config_hash"), "x"),
    **dict.fromkeys(("pid", "pid_started", "protocol", "started_us"), 1),
    **{name: [] for name in ("config_files", "strategies", "instruments")},
}


@pytest.fixture
def userdir(tmp_path: Path) -> Path:
    run("init", str(tmp_path))
    return tmp_path


def test_healthy(userdir: Path) -> None:
    data = ok("doctor", str(userdir / "conf" / "pmm_sim.yml"), cwd=userdir)
    assert [each["check"] for each in data] == list(CHECKS)
    assert {each["state"] for each in data if each["check"] != "clock"} == {"ok"}
    lines = run("doctor", cwd=userdir).stdout.splitlines()
    assert [line.split()[1] for line in lines if not line.startswith(" ")] == list(CHECKS)


def test_sick(userdir: Path) -> None:
    file = userdir / "conf" / "settings.yml"
    file.write_text("logs: {level: loud}\nrisk: 3\n")
    status, error = failed("doctor", cwd=userdir)
    assert (status, error["code"]) == (1, "E-FAILED")
    sick = error["problems"][-1]
    assert (sick["check"], sick["state"]) == ("configuration", "failed")
    assert sick["text"].startswith(f"{file}:1  logs.level: 'loud' is not one of")
    assert sick["text"].endswith(", and 1 more")
    assert sick["fix"] == f"tickwright config check {file}"
    assert error["detail"].splitlines()[-1] == f"{'':<24}fix: {sick['fix']}"


def test_file_that_is_not_there(userdir: Path) -> None:
    assert failed("doctor", "nowhere.yml", cwd=userdir)[0] == 6


def test_machine(userdir: Path) -> None:
    patient = Patient(userdir, ())
    assert python(patient).state is State.OK
    assert packages(patient).text.endswith(" packages as required")
    assert "monotonic resolution" in clock(patient).text
    found = disk(patient)
    assert f"{userdir / 'data'}: a durable write takes " in found.text


def test_old_python() -> None:
    found = judge_python((3, 10, 9))
    assert (found.state, found.fix) == (State.FAILED, "install Python 3.11 or newer")
    assert " 3.10.9 on " in found.text


NEEDS = [("numpy", "1.26", ""), ("click", "8.10.1", ""), ("ccxt", "4.3", "ccxt")]


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        (
            {"numpy": "1.26.0", "click": "8.11rc1", "ccxt": "4.3"},
            Finding(State.OK, "2 packages as required"),
        ),
        (
            {"numpy": "2.0", "click": "8.10.1"},
            Finding(State.OK, "2 packages as required; not installed: ccxt [ccxt]"),
        ),
        (
            {"click": "8.9"},
            Finding(
                State.FAILED,
                "missing or too old: numpy>=1.26, click>=8.10.1",
                "pip install 'numpy>=1.26' 'click>=8.10.1'",
            ),
        ),
    ],
)
def test_packages(installed: dict[str, str], expected: Finding) -> None:
    assert judge_packages(NEEDS, installed.get) == expected


@pytest.mark.parametrize(
    ("backwards", "error_us", "state", "text"),
    [
        (True, 0, State.FAILED, "time can run backwards"),
        (False, -1, State.WARNING, "the wall clock is not synchronised"),
        (False, None, State.OK, "cannot be told here"),
        (False, 2_400, State.OK, "synchronised within 2 ms"),
    ],
)
def test_clock(backwards: bool, error_us: int | None, state: State, text: str) -> None:
    found = judge_clock(1e-9, not backwards, error_us)
    assert found.state is state
    assert found.text.endswith(text)


def test_slow_disk() -> None:
    found = judge_disk(Path("data"), [1.0] * 40 + [25.0] * 60)
    assert found.state is State.WARNING
    assert found.text == "data: a durable write takes 25.00 ms (p50), 25.00 ms (p99); every order waits for one"


def test_disk_that_takes_no_writes(tmp_path: Path) -> None:
    found = disk(Patient(tmp_path / "nowhere", ()))
    assert (found.state, found.fix) == (State.FAILED, "make the folder writable")


def test_logs(userdir: Path) -> None:
    assert logs(Patient(userdir, ())).state is State.OK
    assert logs(Patient(userdir / "conf", ())).state is State.WARNING
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        assert logs(Patient(userdir, ())).state is State.FAILED
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_bots(userdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder = userdir / "data" / "run"
    run_folder.mkdir()
    patient = Patient(userdir, ())
    for name, state in (("dead", "RUNNING"), ("alive", "RUNNING"), ("ended", "STOPPED")):
        (run_folder / f"{name}.json").write_text(json.dumps(ENTRY | {"name": name, "state": state}))
        (userdir / "data" / "bots" / name).mkdir(parents=True)
    (run_folder / "odd.json").write_text("{")
    with socket.socket(socket.AF_UNIX) as lone, (userdir / "data/bots/alive/orders.lock").open("w") as lock:
        monkeypatch.chdir(run_folder)  # the path of a socket is short
        lone.bind("lone.sock")
        flock(lock, LOCK_EX)
        found = bots(patient)
    assert found.state is State.WARNING
    assert found.text == (
        "dead says RUNNING but is dead; data/run/odd.json cannot be read; lone.sock belongs to nobody"
    )
    for name in ("dead.json", "odd.json", "lone.sock", "alive.json"):
        (run_folder / name).unlink()
    assert bots(patient).text == "0 running, nothing left behind"


def test_exchanges(userdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On paper without a key; a simulated bot has none to ask; one that cannot be reached is all that is said of it."""
    file = write_live_bot(userdir, ("mode: live", "mode: paper"))
    monkeypatch.setenv("BINANCE_API_KEY", "k")
    monkeypatch.setenv("BINANCE_API_SECRET", "s")
    with served() as venue:
        monkeypatch.setenv("VENUE_URL", venue.url)
        data = ok("doctor", str(file), cwd=userdir)[len(CHECKS) :]
    assert [(each["check"], each["state"]) for each in data] == [("binance", "ok"), ("binance markets", "ok")]
    rows = failed("doctor", str(file), cwd=userdir)[1]["problems"][len(CHECKS) :]
    assert [(each["check"], each["state"]) for each in rows] == [("binance", "failed")]
    assert "not_connected" in rows[0]["text"]
    assert rows[0]["fix"] == "look at the network, and at the exchange's status page"


def test_nothing_is_changed_at_an_exchange(userdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start would set the leverage."""
    file = write_live_bot(userdir, ("connector: binance", "connector: binance_perpetual, leverage: 5"))
    file.write_text(file.read_text().replace("BTC-USDT", "BTC-USDT-PERP"))
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_API_SECRET", SECRET)
    with served(ServedFutures) as venue:
        monkeypatch.setenv("VENUE_URL", venue.url)
        data = ok("doctor", str(file), cwd=userdir)[len(CHECKS) :]
    assert [each["check"] for each in data] == ["binance", "binance key", "binance markets"]
    assert not [line for line in venue.requests if not line.startswith("GET ")]


def test_an_exchange_that_does_not_tell_its_time() -> None:
    assert judge_time(None, 1) == Finding(State.OK, "reached; it does not tell its time")


def test_configuration(userdir: Path) -> None:
    assert configuration(Patient(userdir, ())).text == f"{userdir / 'conf' / 'settings.yml'} is valid"
    assert configuration(Patient(userdir / "data", ())).state is State.WARNING
    assert configuration(Patient(userdir, (ROOT / "conf" / "pmm_sim.yml",))).state is State.OK
