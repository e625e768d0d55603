"""Layers of a configuration: files, the environment, the command line. Later layers win, mappings merge key by key."""

from collections.abc import Iterable, Mapping

from engine.app.config.problems import Place, Problem, Source
from engine.app.config.tree import Array, Entry, Node, Scalar, Table, parse_tree

ENVIRONMENT_PREFIX = "TICKWRIGHT__"


def merge(low: Table, high: Table) -> Table:
    """`high` over `low`; whatever is not a mapping on both sides is replaced as a whole."""
    entries = dict(low.entries)
    for key, entry in high.entries.items():
        below = entries.get(key)
        if below is not None and isinstance(below.node, Table) and isinstance(entry.node, Table):
            entries[key] = Entry(entry.place, merge(below.node, entry.node))
        else:
            entries[key] = entry
    return Table(entries, high.place)


Layer = tuple[Table | None, list[Problem]]
"""What one source gives, None if it cannot be read, and what is wrong with it."""


def environment_layers(environ: Mapping[str, str]) -> list[Layer]:
    """One layer for each `TICKWRIGHT__SECTION__KEY=value`; `__` separates levels, names become lower case."""
    layers = []
    for name in sorted(environ):
        if name.startswith(ENVIRONMENT_PREFIX):
            source = Source("environment", environ[name], f"environment  {name}")
            path = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            layers.append(_layer(source, path, environ[name]))
    return layers


def option_layers(overrides: Iterable[str]) -> list[Layer]:
    """One layer for each `section.key=value` of the command line."""
    layers: list[Layer] = []
    for override in overrides:
        name, equals, text = override.partition("=")
        source = Source("--set", text, f"--set {name}")
        if equals and all(name.split(".")):
            layers.append(_layer(source, name.split("."), text))
        else:
            message = f"'{name}' is not an assignment"
            layers.append((None, [Problem(Place(source), name, message, "write --set section.key=value")]))
    return layers


def _layer(source: Source, path: list[str], text: str) -> Layer:
    """A tree with one value. Text in brackets is read as YAML, anything else is taken as it is."""
    place = Place(source)
    node: Node = Scalar(text, place)
    problems: list[Problem] = []
    if text[:1] in ("[", "{"):
        inner, problems = parse_tree(Source(source.name, f"value: {text}", source.title))
        problems = [Problem(place, ".".join(path), problem.message, problem.hint) for problem in problems]
        if inner is None:
            return None, problems
        node = _moved(inner.entries["value"].node, place)
    for key in reversed(path):
        node = Table({key: Entry(place, node)}, place)
    assert isinstance(node, Table)
    return node, problems


def _moved(node: Node, place: Place) -> Node:
    """The same node with every position replaced by `place`."""
    if isinstance(node, Scalar):
        return Scalar(node.text, place, node.plain)
    if isinstance(node, Table):
        moved = {key: Entry(place, _moved(entry.node, place)) for key, entry in node.entries.items()}
        return Table(moved, place)
    return Array([_moved(item, place) for item in node.items], place)
