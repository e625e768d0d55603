"""Change one value in the text of a file; comments, order and every other character stay."""

import json

from engine.app.config.problems import Path, Source, path_text
from engine.app.config.tree import Array, Node, Scalar, Table, parse_tree
from engine.model.errors import TickwrightError


class CannotEdit(TickwrightError):
    """The file is such that this one value cannot be changed safely; it has to be edited by hand."""


def replace_value(text: str, path: Path, value: str) -> str:
    """The text with the scalar at `path` replaced by `value`, or added at the end of its section.

    Raises CannotEdit when there is no such section, or when more than this value would change (anchors).
    """
    root = _tree(text)
    found = _find(root, path)
    parent = _find(root, path[:-1])
    if isinstance(found, Scalar):
        changed = _replace(text, found, value)
    elif found is None and isinstance(parent, Table):
        changed = _add(text, parent, str(path[-1]), value)
    else:
        raise CannotEdit(f"{path_text(path)} is not a single value in this file: edit it by hand")
    expected = {**_values(root, ()), path: value}
    after, problems = parse_tree(Source("edited", changed))
    if after is None or problems or _values(after, ()) != expected:
        raise CannotEdit(f"{path_text(path)} cannot be changed alone: edit it by hand")
    return changed


def _tree(text: str) -> Table:
    root, problems = parse_tree(Source("file", text))
    if root is None or problems:
        raise CannotEdit(f"the file has problems: {problems[0].message}")
    return root


def _find(root: Node, path: Path) -> Node | None:
    node: Node = root
    for part in path:
        if isinstance(node, Table) and part in node.entries:
            node = node.entries[str(part)].node
        elif isinstance(node, Array) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            return None
    return node


def _values(node: Node, path: Path) -> dict[Path, str | None]:
    """Every scalar by path, None where it means "not set"."""
    if isinstance(node, Scalar):
        return {path: None if node.is_null else node.text}
    values: dict[Path, str | None] = {}
    if isinstance(node, Table):
        for key, entry in node.entries.items():
            values |= _values(entry.node, (*path, key))
    else:
        for index, item in enumerate(node.items):
            values |= _values(item, (*path, index))
    return values


def _replace(text: str, scalar: Scalar, value: str) -> str:
    space = " " if scalar.start == scalar.end and text[scalar.start - 1] == ":" else ""
    return text[: scalar.start] + space + written(value) + text[scalar.end :]


def _add(text: str, table: Table, key: str, value: str) -> str:
    """Add a key after the last one, in the style of the section."""
    if table.flow:
        inside = text[: table.end - 1].rstrip()
        comma = "" if inside.endswith("{") else ", "
        return f"{inside}{comma}{key}: {written(value)}{text[table.end - 1 :]}"
    if not table.entries:
        return f"{text}{key}: {written(value)}\n"
    last = list(table.entries.values())[-1]
    line_end = text.find("\n", _end(last.node))
    line_end = len(text) if line_end < 0 else line_end
    indentation = " " * (last.place.column - 1)
    return f"{text[:line_end]}\n{indentation}{key}: {written(value)}{text[line_end:]}"


def _end(node: Node) -> int:
    """Where the text of a node ends."""
    if isinstance(node, Table) and not node.flow and node.entries:
        return _end(list(node.entries.values())[-1].node)
    if isinstance(node, Array) and not node.flow and node.items:
        return _end(node.items[-1])
    return node.end


def written(value: str) -> str:
    """The value as YAML: plain if that reads back as the same text anywhere, else quoted."""
    tree, problems = parse_tree(Source("value", f"x: [{{a: {value}}}]\n"))
    plain = tree is not None and not problems and _values(tree, ()) == {("x", 0, "a"): value}
    return value if plain and value == value.strip() else json.dumps(value, ensure_ascii=False)
