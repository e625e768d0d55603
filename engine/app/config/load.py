"""Files, environment and command line to one checked configuration, or to all of its problems at once."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.app.config.merge import Layer, environment_layers, merge, option_layers
from engine.app.config.models import BotConfig
from engine.app.config.problems import ConfigError, Place, Problem, Source, path_text
from engine.app.config.reading import Reading
from engine.app.config.rules import RULES, WARNINGS, Rule
from engine.app.config.salvage import salvage
from engine.app.config.tree import SIZE_MAX, Table, parse_tree, too_large
from engine.app.config.validate import add_problems
from engine.app.registry import BUILT_IN, Registry

SETTINGS_FILE = "settings.yml"
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that may be used.

    `origins` says where each value that was set came from, by dotted path: `conf/base.yml:12`, `environment`, `--set`.
    `hash` identifies the settings: the same for `10bps` and `0.1%`, and without secrets. `reading` has the positions.
    """

    config: BotConfig
    origins: Mapping[str, str]
    warnings: tuple[Problem, ...]
    hash: str
    reading: Reading


def load_bot(
    files: Sequence[FilePath | str],
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    registry: Registry = BUILT_IN,
    kept: Collection[tuple[str, str]] = (),
) -> LoadedConfig:
    """Read a bot's files, later ones over earlier, over `settings.yml` beside the first; then check all of it.

    `overrides` are `section.key=value` of the command line; `environ` is the environment, none by default; `kept` are
    (connector, account) whose keys lie in the secrets file. Raises ConfigError with every problem.
    """
    environ = environ or {}
    paths = [FilePath(file) for file in files]
    settings = paths[0].with_name(SETTINGS_FILE)
    if settings not in paths and settings.exists():
        paths.insert(0, settings)
    layers = [_file_layer(path) for path in paths]
    layers += [*environment_layers(environ), *option_layers(overrides)]
    problems = [problem for _, found in layers for problem in found]
    tables = [table for table, _ in layers if table is not None]
    order = [str(path) for path in paths]
    if len(tables) < len(layers):  # what is missing in the merged tree may stand in what cannot be read
        raise ConfigError(_sorted(problems, order))
    return _check(reduce(merge, tables), problems, order, environ, registry, kept)


def load_text(
    text: str, name: str, environ: Mapping[str, str] | None = None, registry: Registry = BUILT_IN
) -> LoadedConfig:
    """A whole configuration in one text: a journal's, which has no keys. `name` stands for the file in problems."""
    source = Source(name, text)
    table, problems = parse_tree(source)
    if table is None:
        raise ConfigError(problems)
    return _check(table, problems, [name], environ or {}, registry, None)


def with_changes(loaded: LoadedConfig, changes: Iterable[str]) -> LoadedConfig:
    """The same with other settings, each `section.key=value`; all of it is checked. Raises ConfigError."""
    reading = loaded.reading
    root = reading.nodes[()]
    assert isinstance(root, Table)
    layers = option_layers(changes)
    problems = [problem for _, found in layers for problem in found]
    merged = reduce(merge, (table for table, _ in layers if table is not None), root)
    return _check(merged, problems, [], reading.environ, reading.registry, reading.kept)


def load_file(file: FilePath | str, model: type[Model], environ: Mapping[str, str] | None = None) -> Model:
    """Read one file that is not a bot's, for example a scenario. Raises ConfigError with every problem."""
    table, problems = _file_layer(FilePath(file))
    if table is None:
        raise ConfigError(problems)
    reading = Reading(BUILT_IN, environ or {})
    values = reading.read(table, model)
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        add_problems(reading, error)
    problems = _sorted([*problems, *reading.problems], [str(file)])
    if problems:
        raise ConfigError(problems)
    return found


def _check(
    root: Table,
    problems: list[Problem],
    order: list[str],
    environ: Mapping[str, str],
    registry: Registry,
    kept: Collection[tuple[str, str]] | None,
) -> LoadedConfig:
    """Validate a merged tree. `problems` were met while reading it; `order` are the names of its files."""
    reading = Reading(registry, environ)
    reading.kept = kept
    values = reading.read(root, BotConfig)
    config = None
    try:
        config = BotConfig.model_validate(values, context={"registry": registry})
    except ValidationError as error:
        add_problems(reading, error)
    _apply(RULES, config or salvage(BotConfig, values, reading), reading)
    problems = problems + reading.problems
    if problems or config is None:
        raise ConfigError(_sorted(problems, order))
    warnings = Reading(registry, environ)
    warnings.nodes, warnings.keys, warnings.secret = reading.nodes, reading.keys, reading.secret
    _apply(WARNINGS, config, warnings)
    origins = {path_text(path): node.place.origin for path, node in reading.nodes.items() if path}
    return LoadedConfig(config, origins, tuple(_sorted(warnings.problems, order)), config_hash(config), reading)


def config_hash(config: BaseModel) -> str:
    """SHA-256 of the settings in one canonical form. Secrets are not part of it."""
    values = _canonical(config.model_dump())
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, Mapping):
        return {str(key): _canonical(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(inner) for inner in value]
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)


def _file_layer(path: FilePath) -> Layer:
    """The tree of a file; what hinders reading it is a problem at its first line."""
    source = Source(str(path))
    place = Place(source, 1, 1)
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
        if len(content) > SIZE_MAX:
            return None, [too_large(place)]
        source.text = content.decode("utf-8-sig")
    except OSError as error:
        return None, [Problem(place, "", f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [Problem(place, "", f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8")]
    return parse_tree(source)


def _apply(rules: Iterable[Rule], config: BotConfig, reading: Reading) -> None:
    for rule in rules:
        for path, message, hint in rule(config, reading):
            if path not in reading.blamed:
                reading.report(path, message, hint)


def _sorted(problems: Iterable[Problem], order: list[str]) -> list[Problem]:
    def key(problem: Problem) -> tuple[int, int, int]:
        name = problem.place.source.name
        return (order.index(name) if name in order else len(order), problem.place.line, problem.place.column)

    return sorted(problems, key=key)
