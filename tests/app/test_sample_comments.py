"""What the comments of the sample files say is true."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from engine.app.config.load import load_file
from engine.app.config.models import BotConfig, ReplaySection, SettingsConfig
from engine.app.registry import BUILT_IN, NOT_BUILT
from engine.app.scenarios import SHIPPED_CONF
from engine.app.setting_docs import setting_docs

SAMPLES = sorted(SHIPPED_CONF.rglob("*.yml"))
CHOICES = re.compile(r" *(\w+):.*# (\w+(?: \| \w+)+)")
MODELS: list[type[BaseModel]] = [
    BotConfig,
    ReplaySection,
    *(BUILT_IN.connector_config(name) for name in ("simulated",)),
]
MODELS += [BUILT_IN.strategy_config(name, "") for name, path in BUILT_IN.strategies.items() if path != NOT_BUILT]


def choices_of(key: str) -> set[str]:
    """All values that any setting of this name may have."""
    docs = [doc for model in MODELS for doc in setting_docs(model)]
    return {choice for doc in docs if doc.name.rpartition(".")[2] == key for choice in doc.choices}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_choices_in_comments_are_all_there_are(sample: Path) -> None:
    for line in sample.read_text().splitlines():
        if found := CHOICES.match(line):
            assert set(found[2].split(" | ")) == choices_of(found[1]), line


def test_some_comment_has_choices() -> None:
    assert sum(bool(CHOICES.match(line)) for sample in SAMPLES for line in sample.read_text().splitlines()) >= 4


def test_shared_settings_show_the_defaults() -> None:
    settings = load_file(SHIPPED_CONF / "settings.yml", SettingsConfig)
    assert settings == SettingsConfig()
    assert settings.model_fields_set == SettingsConfig.model_fields.keys()
