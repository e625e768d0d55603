"""The sample files validate, and every wrong variant of them is reported where it is wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.app.config.load import load_bot
from engine.app.config.problems import ConfigError, Problem
from engine.app.config.render import render_json, render_text
from tests.support import ROOT

ENVIRONMENT = {"TICKWRIGHT_DATA": "/data"}
SAMPLES = sorted(path for path in (ROOT / "conf").glob("*.yml") if path.name != "settings.yml")
LINE = re.compile(r"( *)([a-z_]+):( +[^# ][^#\n]*)?( *#.*)?")
SCALARS = [
    (sample, number)
    for sample in SAMPLES
    for number, line in enumerate(sample.read_text().splitlines())
    if (found := LINE.fullmatch(line)) and found[3]
]
WRONG = ["yes", "[1]", "{a: 1}", "''", "1,000", "-1", "~", "!!int 3", "*x", "&x 1", "0x10", "nan", "1e400", "%", "a: b"]
WRONG += ["'", "${HOME}", "${", "BTCUSDT", "0.5", "30", "true", "x" * 300, "<<", "\t1", "[", "é", "- 1", "null", "? a"]
# What a rule across fields blames when another line was changed.
ELSEWHERE = {"strategy.exchange", "strategy.trading_pair", "risk.kill_switch", "risk.max_order_value", "strategy"}
ELSEWHERE |= {"exchanges.sample.connector", "exchanges.sim.connector", "exchanges.binance.connector", "data"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_sample_validates(sample: Path) -> None:
    loaded = load_bot([sample], environ=ENVIRONMENT)
    assert loaded.warnings == ()


def test_there_are_samples() -> None:
    assert {"pmm_sim", "pmm_replay"} <= {sample.stem for sample in SAMPLES}
    assert len(SCALARS) > 30


def problems_of(folder: Path, lines: list[str]) -> list[tuple[int, str]]:
    """(line from 0, path) of every problem; the report itself is made too."""
    file = folder / "mutant.yml"
    file.write_text("\n".join(lines) + "\n")
    problems: tuple[Problem, ...] = ()
    try:
        load_bot([file], environ=ENVIRONMENT)
    except ConfigError as error:
        problems = error.problems
    assert render_text(problems, [str(file)])
    assert len(render_json(problems)) == len(problems)
    assert all(0 < problem.place.line <= len(lines) + 1 for problem in problems)
    return [(problem.place.line - 1, problem.path) for problem in problems]


fuzz = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(st.sampled_from(SCALARS), st.integers(0, 30), st.sampled_from("aqz_0"))
def test_misspelt_key(tmp_path: Path, scalar: tuple[Path, int], position: int, letter: str) -> None:
    sample, number = scalar
    lines = sample.read_text().splitlines()
    found = LINE.fullmatch(lines[number])
    assert found
    key = found[2]
    position %= len(key) + 1
    lines[number] = f"{found[1]}{key[:position]}{letter}{key[position:]}:{found[3]}"
    assert number in {line for line, _ in problems_of(tmp_path, lines)}


@fuzz
@given(st.sampled_from(SCALARS))
def test_duplicate_key(tmp_path: Path, scalar: tuple[Path, int]) -> None:
    sample, number = scalar
    lines = sample.read_text().splitlines()
    lines.insert(number, lines[number])
    assert [line for line, _ in problems_of(tmp_path, lines)] == [number + 1]


@fuzz
@given(st.sampled_from(SCALARS))
def test_dropped_key(tmp_path: Path, scalar: tuple[Path, int]) -> None:
    sample, number = scalar
    lines = sample.read_text().splitlines()
    found = LINE.fullmatch(lines.pop(number))
    assert found
    paths = {path for _, path in problems_of(tmp_path, lines)}
    other_model = found[2] in ("model", "mode")  # then other keys belong to the section
    blamed = (found[2], "strategy", "data")  # the key, or the section whose own check misses it
    assert other_model or all(path.split(".")[-1] in blamed for path in paths), paths


@settings(fuzz, max_examples=200)
@given(st.sampled_from(SCALARS), st.sampled_from(WRONG))
def test_retyped_value(tmp_path: Path, scalar: tuple[Path, int], wrong: str) -> None:
    sample, number = scalar
    lines = sample.read_text().splitlines()
    found = LINE.fullmatch(lines[number])
    assert found
    lines[number] = f"{found[1]}{found[2]}: {wrong}"
    found_problems = problems_of(tmp_path, lines)
    related = [line for line, path in found_problems if number <= line <= number + 1 or path in ELSEWHERE]
    assert related or not found_problems, found_problems
