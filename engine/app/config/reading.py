"""From the merged tree to what validation takes: text values, with variables of the environment put in.

On the way it is noted which model owns every section and where every value stands, for the reports.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.app.config.problems import Path, Place, Problem, path_text
from engine.app.config.shape import Shape, shape_of
from engine.app.config.substitute import substitute
from engine.app.config.tree import Array, Node, Scalar, Table
from engine.app.registry import Registry

_NOT_SET = object()
_UNKNOWN: Mapping[str, Any] = {}  # the marks below a key or section that no model knows
_NO_LITERAL = re.compile(r"\$\{\w*(:-)?\}")  # a reference without a default
_SECRET_LENGTH = 20
_SECRET_BITS_PER_CHARACTER = 3.5


class Reading:
    """The notes about one tree.

    `models`: the model of each section. `keys` and `nodes`: where each path stands. `blamed`: paths that have a problem
    already. `secret`: paths of secrets that are written out; `substituted`: paths whose values came from the
    environment. Neither may be repeated, but the text `${NAME}` may. `kept`: (connector, account) in the secrets file;
    None: no key is needed.
    """

    def __init__(self, registry: Registry, environ: Mapping[str, str]) -> None:
        self.registry = registry
        self.environ = environ
        self.problems: list[Problem] = []
        self.models: dict[Path, type[BaseModel]] = {}
        self.keys: dict[Path, Place] = {}
        self.nodes: dict[Path, Node] = {}
        self.blamed: set[Path] = set()
        self.secret: set[Path] = set()
        self.substituted: set[Path] = set()
        self.kept: Collection[tuple[str, str]] | None = ()

    def read(self, root: Table, model: type[BaseModel]) -> dict[str, Any]:
        """The values of the tree as nested dicts and lists of text; keys that are not set are left out."""
        self.nodes[()] = root
        self.models[()] = model
        return self._table(root, Shape(model=model), {}, ())

    def place(self, path: Path) -> Place:
        """Where to point for a path: its value, its key if the value is a section, else the nearest section's key."""
        while path not in self.nodes:
            path = path[:-1]
        node = self.nodes[path]
        if isinstance(node, Scalar) and node.text:
            return node.place
        return self.keys.get(path, node.place)

    def report(self, path: Path, message: str, hint: str = "") -> None:
        """Note a problem with the value at `path`."""
        self.blamed.add(path)
        self.problems.append(Problem(self.place(path), path_text(path), message, hint, self.text(path)))

    def report_key(self, path: Path, message: str, hint: str = "") -> None:
        """Note a problem with the key at `path`, or with its absence."""
        self.blamed.add(path)
        place = self.keys.get(path) or self.place(path)
        self.problems.append(Problem(place, path_text(path), message, hint))

    def text(self, path: Path) -> str | None:
        """The value at `path` as written, None if there is none or it is a secret."""
        node = self.nodes.get(path)
        return node.text if isinstance(node, Scalar) and not node.is_null and path not in self.secret else None

    def is_set(self, path: Path) -> bool:
        """Whether there is something at `path`: not null, not an empty section."""
        node = self.nodes.get(path)
        if isinstance(node, Table):
            return bool(node.entries)
        return node is not None and not (isinstance(node, Scalar) and node.is_null)

    def _node(self, node: Node, annotation: Any, marks: Mapping[str, Any], path: Path) -> Any:
        self.nodes[path] = node
        texts: dict[str, object] = {}
        if isinstance(node, Table):
            entries = node.entries.items()
            texts = {key: entry.node.text for key, entry in entries if isinstance(entry.node, Scalar)}
        shape = shape_of(annotation, texts, self.registry)
        if isinstance(node, Scalar):
            return self._scalar(node, shape, marks, path)
        if isinstance(node, Table):
            return self._table(node, shape, marks, path)
        return self._array(node, shape, marks, path)

    def _table(self, table: Table, shape: Shape, marks: Mapping[str, Any], path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        fields = {} if shape.model is None else shape.model.model_fields
        if shape.model is not None:
            self.models[path] = shape.model
        for key, entry in table.entries.items():
            inner = (*path, key)
            self.keys[inner] = entry.place
            field = fields.get(key)
            if field is None:
                value = self._node(entry.node, shape.item, _UNKNOWN if shape.item is None else marks, inner)
            else:
                value = self._node(entry.node, field.rebuild_annotation(), marks_of(field), inner)
            if value is not _NOT_SET:
                values[key] = value
        return values

    def _array(self, array: Array, shape: Shape, marks: Mapping[str, Any], path: Path) -> list[Any]:
        values = (self._node(item, shape.item, marks, (*path, index)) for index, item in enumerate(array.items))
        return [None if value is _NOT_SET else value for value in values]

    def _scalar(self, scalar: Scalar, shape: Shape, marks: Mapping[str, Any], path: Path) -> Any:
        if scalar.is_null:
            return None if shape.nullable else _NOT_SET
        if marks.get("secret"):
            self._secret(scalar, path)
        if "${" not in scalar.text or marks is _UNKNOWN:
            return scalar.text
        result = substitute(scalar.text, self.environ)
        if result.malformed:
            self.report(path, f"'${{{result.malformed[0]}}}' is not a variable", "write ${NAME} in capitals")
        elif result.names and not marks.get("env"):
            hint = f"for the text itself write $${{{result.names[0]}}}"
            self.report(path, f"'{scalar.text}' is not filled in from the environment here", hint)
        elif result.missing:
            hint = f"export {result.missing[0]}=…"
            if marks.get("secret"):
                hint += ", or store it encrypted: tickwright keys add"
            self.report(path, f"environment variable {result.missing[0]} is not set", hint)
        if result.names:
            self.substituted.add(path)
        return result.text or (None if shape.nullable else _NOT_SET)

    def _secret(self, scalar: Scalar, path: Path) -> None:
        if _NO_LITERAL.fullmatch(scalar.text):
            return
        self.secret.add(path)
        place = scalar.place
        place.source.hidden.append((place.line, place.column, place.column + max(place.width, 1) + 1))
        if looks_like_a_key(scalar.text.partition(":-")[2] or scalar.text) and place.source.name != "environment":
            hint = "write ${NAME}, or store it encrypted: tickwright keys add"
            self.report(path, "E-SECRET: a secret is written here", hint)


def marks_of(field: FieldInfo) -> Mapping[str, Any]:
    """What `setting` noted about a field: live, env, secret."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def looks_like_a_key(text: str) -> bool:
    """Long and irregular: at least 20 characters with 3.5 bits of entropy each."""
    if len(text) < _SECRET_LENGTH:
        return False
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares) >= _SECRET_BITS_PER_CHARACTER
