"""Scenario files: found by name, read with every problem."""

from pathlib import Path

import pytest

from engine.app.config.problems import ConfigError
from engine.app.failure import Failure
from engine.app.scenarios import SHIPPED_CONF, find_scenario, load_scenario, load_scenarios, scenario_files

SHIPPED = sorted((SHIPPED_CONF / "scenarios").glob("*.yml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenario(file: Path) -> None:
    scenario = load_scenario(file)
    assert scenario.name == file.stem.replace("_", "-")
    assert scenario.description
    assert scenario.trading_pair == "BTC-USDT"
    assert scenario.start_price


def test_users_scenarios_come_first(tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "scenarios"
    folder.mkdir(parents=True)
    own = folder / "normal.yml"
    own.write_text("name: mine\nstart_price: 5\n")
    assert find_scenario(tmp_path, "normal") == own
    assert find_scenario(tmp_path, str(own)) == own
    assert find_scenario(tmp_path, "stress") == SHIPPED_CONF / "scenarios" / "stress.yml"
    assert load_scenarios(tmp_path)["normal"].name == "mine"
    assert list(scenario_files(tmp_path)) == [file.stem for file in SHIPPED]


@pytest.mark.parametrize("text", ["norml", "nowhere.yml", ""])
def test_unknown_scenario(tmp_path: Path, text: str) -> None:
    with pytest.raises(Failure, match="there is no scenario") as caught:
        find_scenario(tmp_path, text)
    assert caught.value.exit == 6
    assert "flash_crash, formula, normal" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("volatilty: 0.5\nstart_price: -1\nbook: {levels: 0}\n", [(1, "volatilty"), (2, "start_price"), (3, "levels")]),
        ("name: mine\nname: yours\n", [(2, "name")]),
        ("a:\n\tb", [(2, "")]),
    ],
)
def test_every_problem_of_a_scenario_with_its_line(tmp_path: Path, text: str, problems: list[tuple[int, str]]) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(file)
    found = [(problem.place.line, problem.path.rpartition(".")[2]) for problem in caught.value.problems]
    assert found == problems
