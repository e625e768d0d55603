"""A source file as the style rules see it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.support import ROOT

PRODUCT = ("engine", "connectors", "strategies")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Source:
    """`name` is the path from the root of the repository, with slashes."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name -> dotted path, for everything that the file imports."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for item in node.names:
                    top = item.name.partition(".")[0]
                    names |= {item.asname: item.name} if item.asname else {top: top}
            elif isinstance(node, ast.ImportFrom):
                names |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
        return names

    def dotted(self, node: ast.AST) -> str:
        """The dotted path of `node`, imports resolved: after `from time import sleep`, `sleep` is `time.sleep`."""
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return self.imported.get(node.id, node.id) if isinstance(node, ast.Name) else ""

    def is_product(self) -> bool:
        """Whether users run it."""
        return self.name.startswith(tuple(f"{folder}/" for folder in PRODUCT))


Finding = tuple[int, str]
Rule = Callable[[Source], Iterator[Finding]]


def python_files() -> Iterator[Source]:
    """Every Python file of the project."""
    paths = [ROOT / "bot.py"]
    for folder in (*PRODUCT, "scripts", "tests"):
        paths += sorted((ROOT / folder).rglob("*.py"))
    for path in paths:
        yield Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def check(source: Source, rules: list[Rule]) -> list[str]:
    """Findings as `file:line: message`."""
    return [f"{source.name}:{line}: {message}" for rule in rules for line, message in rule(source)]
