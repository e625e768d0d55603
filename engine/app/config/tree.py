"""YAML text to a tree with positions. Scalars stay text: no YAML guess can change a value.

Hostile files stay cheap: size, nodes (an alias counts as the tree it stands for), depth and alias uses are limited
while reading. Tags, merge keys and duplicate keys are problems.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from engine.app.config.problems import Path, Place, Problem, Source, path_text

SIZE_MAX = 1024 * 1024
NODES_MAX = 10_000
DEPTH_MAX = 20
ALIASES_MAX = 50

_TABS = "YAML does not allow tabs for indentation: use two spaces"
_SYNTAX_HINTS = (
    ("mapping values are not allowed", 'write "key: value" with a space, and quote text that contains ": "'),
    ("could not find expected ':'", 'write "key: value"'),
    ("cannot start any token", "put the value in quotes"),
    ("<block end>", "keys of one section start in the same column"),
    ("expected ',' or", "close the bracket"),
    ("end of stream", "close the quote"),
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as text. `start` and `end` are offsets into the source's text."""

    text: str
    place: Place
    plain: bool = True
    start: int = 0
    end: int = 0

    @property
    def is_null(self) -> bool:
        """Whether it means "not set"; quoted text never does."""
        return self.plain and self.text in ("", "null", "~")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value in a mapping; `place` is its key's."""

    place: Place
    node: "Node"


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping."""

    entries: dict[str, Entry]
    place: Place
    flow: bool = False
    end: int = 0


@dataclass(frozen=True, slots=True)
class Array:
    """A list."""

    items: list["Node"]
    place: Place
    flow: bool = False
    end: int = 0


Node = Scalar | Table | Array


class _Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Builder:
    """Turns the parser's events into nodes."""

    def __init__(self, source: Source, events: Iterator[yaml.Event]) -> None:
        self.source = source
        self.events = events
        self.problems: list[Problem] = []
        self.nodes = 0
        self.aliases = 0
        self.anchors: dict[str, tuple[Node, int] | None] = {}  # None while the anchored node is being read

    def place(self, event: yaml.Event, width: int = 1) -> Place:
        mark = event.start_mark
        assert mark is not None
        return Place(self.source, mark.line + 1, mark.column + 1, width)

    def report(self, event: yaml.Event, path: Path, message: str, hint: str = "", width: int = 1) -> None:
        self.problems.append(Problem(self.place(event, width), path_text(path), message, hint))

    def stop(self, event: yaml.Event, path: Path, message: str) -> _Stop:
        return _Stop(Problem(self.place(event), path_text(path), message))

    def count(self, event: yaml.Event, path: Path, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > NODES_MAX:
            raise self.stop(event, path, f"more than {NODES_MAX:,} values, each alias counted as what it stands for")

    def node(self, event: yaml.Event, path: Path) -> Node:
        if len(path) > DEPTH_MAX:
            raise self.stop(event, path[:DEPTH_MAX], f"nested deeper than {DEPTH_MAX} levels")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, path)
        assert isinstance(event, yaml.NodeEvent)
        self.count(event, path, 1)
        before = self.nodes
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.report(event, path, f"tags are not allowed: {tag}", "remove it", len(tag))
        node = self.content(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.nodes - before + 1)
        return node

    def content(self, event: yaml.Event, path: Path) -> Node:
        if isinstance(event, yaml.MappingStartEvent):
            return self.table(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(inner, (*path, len(items))))
            return Array(items, self.place(event), bool(event.flow_style), _index(inner.end_mark))
        assert isinstance(event, yaml.ScalarEvent)
        place = self.place(event, len(event.value))
        return Scalar(event.value, place, event.style is None, _index(event.start_mark), _index(event.end_mark))

    def alias(self, event: yaml.AliasEvent, path: Path) -> Node:
        self.aliases += 1
        if self.aliases > ALIASES_MAX:
            raise self.stop(event, path, f"more than {ALIASES_MAX} aliases")
        if event.anchor not in self.anchors:
            raise self.stop(event, path, f"'*{event.anchor}' stands for nothing: there is no &{event.anchor} above it")
        anchored = self.anchors[event.anchor]
        if anchored is None:
            raise self.stop(event, path, f"'*{event.anchor}' contains itself")
        node, size = anchored
        self.count(event, path, size)
        return node

    def table(self, start: yaml.MappingStartEvent, path: Path) -> Table:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self.stop(event, path, "a key must be plain text")
            key = self.node(event, path)
            assert isinstance(key, Scalar)
            inner = (*path, key.text)
            if key.text == "<<" and key.plain:
                self.report(event, path, "merge keys (<<) are not allowed", "write the keys out", 2)
            elif key.text in entries:
                first = entries[key.text].place.line
                message = f"duplicate key (first set on line {first})"
                self.report(event, inner, message, "keep one of the two", len(key.text))
            node = self.node(next(self.events), inner)
            if key.text != "<<" or not key.plain:
                entries[key.text] = Entry(key.place, node)
        return Table(entries, self.place(start), bool(start.flow_style), _index(event.end_mark))


def _index(mark: Any) -> int:
    """The offset of a mark of the parser; every event of a text has them."""
    return int(mark.index)


def parse_tree(source: Source) -> tuple[Table | None, list[Problem]]:
    """Read a YAML mapping; None, and a problem that says why, if the text cannot be read to its end."""
    start = Place(source, 1, 1)
    if len(source.text.encode(errors="surrogatepass")) > SIZE_MAX:
        return None, [too_large(start)]
    builder = _Builder(source, yaml.parse(source.text, Loader=yaml.SafeLoader))
    try:
        root = _document(builder)
    except yaml.reader.ReaderError as error:
        return None, [_unreadable_character(source, error)]
    except yaml.MarkedYAMLError as error:
        return None, [*builder.problems, _syntax_problem(source, error)]
    except _Stop as stop:
        return None, [*builder.problems, stop.problem]
    if isinstance(root, Table):
        return root, builder.problems
    if root is None or (isinstance(root, Scalar) and root.is_null):
        return Table({}, start), builder.problems
    builder.problems.append(Problem(root.place, "", "a file holds keys and values", 'write "key: value" lines'))
    return None, builder.problems


def too_large(place: Place) -> Problem:
    return Problem(place, "", f"larger than {SIZE_MAX // 1024:,} KiB")


def _document(builder: _Builder) -> Node | None:
    """The only document of the stream, None when there is none."""
    next(builder.events)
    if isinstance(next(builder.events), yaml.StreamEndEvent):
        return None
    root = builder.node(next(builder.events), ())
    next(builder.events)
    event = next(builder.events)
    if not isinstance(event, yaml.StreamEndEvent):
        builder.report(event, (), "a second document begins here", "keep one document in a file")
    return root


def _syntax_problem(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    message = str(error.problem or error.context)
    if ("end of stream" in message or "',' or" in message) and error.context_mark is not None:
        mark = error.context_mark  # where the quote or bracket was opened
    line = mark.line if mark is not None else 0
    lines = source.text.splitlines()
    indentation = re.match(r"[ \t]*", lines[line] if line < len(lines) else "")
    hint = next((hint for part, hint in _SYNTAX_HINTS if part in message), "")
    if indentation is not None and "\t" in indentation[0]:
        hint = _TABS
    return Problem(Place(source, line + 1, mark.column + 1 if mark is not None else 1), "", message, hint)


def _unreadable_character(source: Source, error: yaml.reader.ReaderError) -> Problem:
    before = source.text[: error.position].splitlines() or [""]
    place = Place(source, len(before), len(before[-1]) + 1)
    return Problem(place, "", f"character #x{error.character:04x} is not allowed", "remove it")
