"""The merged configuration for people: every value as written, where it came from, and what may change."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.app.config.load import LoadedConfig
from engine.app.config.problems import Path, path_text
from engine.app.config.reading import Reading, marks_of
from engine.app.config.tree import Array, Node, Scalar

HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. `value` is its text in a file, `***` for a secret; `origin` a file and line, `environment`, `--set` or
    `default`; `live` settings may change while the bot runs."""

    path: str
    value: str
    origin: str
    live: bool


def show(loaded: LoadedConfig) -> list[Setting]:
    """Every setting in the order of the models, those that were not set with their defaults."""
    return list(_section(loaded.config, loaded.reading, ()))


def _section(section: BaseModel, reading: Reading, path: Path) -> Iterator[Setting]:
    for name, field in type(section).model_fields.items():
        yield from _value(getattr(section, name), field, reading, (*path, name))


def _value(value: Any, field: FieldInfo, reading: Reading, path: Path) -> Iterator[Setting]:
    if isinstance(value, BaseModel):
        yield from _section(value, reading, path)
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _value(inner, field, reading, (*path, key))
    else:
        marks = marks_of(field)
        node = reading.nodes.get(path)
        text = _default_text(field) if node is None else _node_text(node)
        if marks.get("secret") and value is not None:
            text = HIDDEN
        yield Setting(path_text(path), text, node.place.origin if node else "default", bool(marks.get("live")))


def _node_text(node: Node) -> str:
    if isinstance(node, Scalar):
        return "null" if node.is_null else node.text
    if isinstance(node, Array):
        return f"[{', '.join(_node_text(item) for item in node.items)}]"
    return f"{{{', '.join(f'{key}: {_node_text(entry.node)}' for key, entry in node.entries.items())}}}"


def _default_text(field: FieldInfo) -> str:
    default = field.default
    if default is None or isinstance(default, bool):
        return {None: "null", True: "true", False: "false"}[default]
    return f"[{', '.join(str(item) for item in default)}]" if isinstance(default, tuple) else str(default)
