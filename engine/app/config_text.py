"""A merged configuration as one text, and back: what a journal keeps, so that its session can be repeated.

Variables of the environment stay names, so no secret gets into it.
"""

import json
from collections.abc import Mapping
from typing import Any

from engine.app.config.load import LoadedConfig, load_text
from engine.app.config.models import BotConfig
from engine.app.config.tree import Array, Node, Scalar


def config_text(loaded: LoadedConfig) -> str:
    """Of everything that was set, in the form of JSON, which is YAML too."""
    return json.dumps(_plain(loaded.reading.nodes[()]), ensure_ascii=False)


def read_config_text(text: str, name: str, environ: Mapping[str, str]) -> BotConfig:
    """The configuration again. `name` is what problems are reported for; raises ConfigError."""
    return load_text(text, name, environ).config


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return None if node.is_null else node.text
    if isinstance(node, Array):
        return [_plain(item) for item in node.items]
    return {key: _plain(entry.node) for key, entry in node.entries.items()}
