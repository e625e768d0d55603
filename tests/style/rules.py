"""Style that the linter cannot say, for every Python file. A rule yields (line, message)."""

import ast
import re
from collections.abc import Iterator

from tests.style.source import FUNCTION, Finding, Rule, Source

LINES_PER_FILE, LINES_PER_FUNCTION = 400, 70
LAZY_IMPORTERS = {"engine/app/registry.py", "engine/app/cli/lazy.py"}
LEDGER_FILES = {"orders.py", "portfolio.py", "order_log.py", "ledger.py"}
DYNAMIC_IMPORTS = {"importlib.import_module", "__import__"}
BROAD = {"Exception", "BaseException"}
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b|NotImplemented[E]rror|pragma: no[ ]cover")
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:work|root|tmp|home|Users|farm)/")
SUBMITS = re.compile(r"submit|send|place|create_order|cancel|amend")


def long_file(source: Source) -> Iterator[Finding]:
    """A file has one purpose."""
    if len(source.lines) > LINES_PER_FILE:
        yield 1, f"{len(source.lines)} lines, limit {LINES_PER_FILE}"


def long_function(source: Source) -> Iterator[Finding]:
    """The docstring does not count."""
    for node in source.nodes:
        if isinstance(node, FUNCTION):
            docstring = ast.get_docstring(node, clean=False)
            count = (node.end_lineno or 0) - node.lineno + 1 - (docstring.count("\n") + 1 if docstring else 0)
            if count > LINES_PER_FUNCTION:
                yield node.lineno, f"{node.name} has {count} lines, limit {LINES_PER_FUNCTION}"


def no_module_docstring(source: Source) -> Iterator[Finding]:
    """Empty files need none."""
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield 1, "no module docstring"


def no_port_docstring(source: Source) -> Iterator[Finding]:
    """Ports are promises between parts: each public name says what it promises."""
    if source.name.endswith("/ports.py"):
        for node in source.nodes:
            if isinstance(node, (*FUNCTION, ast.ClassDef)) and node.name[0] != "_" and not ast.get_docstring(node):
                yield node.lineno, f"{node.name} has no docstring"


def import_in_function(source: Source) -> Iterator[Finding]:
    """Only the registry and the command line load code while running."""
    if source.name in LAZY_IMPORTERS:
        return
    for node in source.nodes:
        if isinstance(node, FUNCTION):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    yield inner.lineno, f"import inside {node.name}"
        elif isinstance(node, ast.Call) and source.dotted(node.func) in DYNAMIC_IMPORTS and source.is_product():
            yield node.lineno, f"dynamic import outside {' and '.join(sorted(LAZY_IMPORTERS))}"


def swallowed_exception(source: Source) -> Iterator[Finding]:
    """A broad handler raises, or says on its line who acts: `# handled: …`."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            line = source.lines[node.lineno - 1]
            if node.type is None:
                yield node.lineno, "bare except"
            elif _names(node.type) & BROAD and "# handled: " not in line and not _raises(node):
                yield node.lineno, "swallows every exception: raise, or say `# handled: <what happens>`"
        elif isinstance(node, ast.Call) and source.dotted(node.func) == "contextlib.suppress" and _names(node) & BROAD:
            yield node.lineno, "suppresses every exception"


def inexact_decimal(source: Source) -> Iterator[Finding]:
    """`Decimal(0.1)` is not 0.1."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and source.dotted(node.func) == "decimal.Decimal" and source.is_product():
            for argument in node.args:
                if any(isinstance(part, ast.Constant) and isinstance(part.value, float) for part in ast.walk(argument)):
                    yield node.lineno, "Decimal of a float literal: write it as text"


def float_in_ledger(source: Source) -> Iterator[Finding]:
    """Floats never reach the books."""
    if not source.is_product() or source.name.rpartition("/")[2] not in LEDGER_FILES:
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, "float literal in a ledger"
        elif isinstance(node, ast.Call) and source.dotted(node.func) == "float":
            yield node.lineno, "float() in a ledger"


def prints(source: Source) -> Iterator[Finding]:
    """Only the command line speaks to the terminal."""
    if source.is_product() and not source.name.startswith("engine/app/cli/"):
        for node in source.nodes:
            if isinstance(node, ast.Call) and source.dotted(node.func) in ("print", "click.echo"):
                yield node.lineno, "prints outside engine/app/cli"


def unfinished(source: Source) -> Iterator[Finding]:
    """What is committed is done."""
    for number, line in enumerate(source.lines, 1):
        if match := UNFINISHED.search(line):
            yield number, f"unfinished: {match.group()}"


def machine_path(source: Source) -> Iterator[Finding]:
    """Paths of one machine mean nothing on another. Holds for every text file."""
    for number, line in enumerate(source.lines, 1):
        if match := MACHINE_PATH.search(line):
            yield number, f"path of one machine: {match.group()}"


def repeated_submission(source: Source) -> Iterator[Finding]:
    """An order whose answer is lost may exist: sending it again by itself could double it."""
    for node in source.nodes:
        if isinstance(node, FUNCTION) and SUBMITS.search(node.name):
            for decorator in node.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else decorator
                if "retry" in source.dotted(call):
                    yield node.lineno, f"{node.name} is retried: an ambiguous request is looked up, never sent again"


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


RULES: list[Rule] = [
    long_file,
    long_function,
    no_module_docstring,
    no_port_docstring,
    import_in_function,
    swallowed_exception,
    inexact_decimal,
    float_in_ledger,
    prints,
    unfinished,
    machine_path,
    repeated_submission,
]
