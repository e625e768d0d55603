"""Wrong files and what is said about them, word for word: tests/data/bad_configs/NAME.yml and NAME.txt.

`TICKWRIGHT_GOLDEN=write` writes the texts anew; read them before committing.
"""

import os
from pathlib import Path

import pytest

from engine.app.config.load import load_bot
from engine.app.config.problems import ConfigError
from engine.app.config.render import render_json, render_text
from tests.app.config.sample_strategy import REGISTRY
from tests.support import ROOT

FOLDER = ROOT / "tests" / "data" / "bad_configs"
CASES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def problems_of(file: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_bot([file], registry=REGISTRY)
    return caught.value


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_wrong_file(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    error = problems_of(f"{case}.yml")
    text = render_text(error.problems, [f"{case}.yml"])
    golden = Path(f"{case}.txt")
    if os.environ.get("TICKWRIGHT_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
    assert "NhqPtmdS" not in text + str(render_json(error.problems)) + str(error)
