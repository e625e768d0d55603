"""Scenario files read the way they reach the models: every scalar as text."""

from pathlib import Path
from typing import Any

import yaml

from connectors.simulated.scenario import Scenario
from tests.support import ROOT

FILES = sorted((ROOT / "conf" / "scenarios").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(), yaml.BaseLoader)


def scenario(**keys: Any) -> Scenario:
    return Scenario.model_validate({"start_price": "60000"} | keys)
