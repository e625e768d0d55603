"""JSON Schema of the configuration files, for editors and forms."""

from typing import Any, Literal

from engine.app.config.models import BotConfig, SettingsConfig
from engine.app.registry import load

SchemaName = Literal["bot", "settings", "scenario"]


def json_schema(name: SchemaName) -> dict[str, Any]:
    """The schema of one kind of file. Fields carry `live`, `env` and `secret` where `setting` says so."""
    models = {"bot": BotConfig, "settings": SettingsConfig}
    model = load("connectors.simulated.scenario:Scenario") if name == "scenario" else models[name]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
