"""Rules for code whose outcome must be the same bit for bit in every run. An exception says `# det-ok: <reason>`."""

import ast
from collections.abc import Iterator

from tests.style.source import FUNCTION, Finding, Rule, Source

SCOPE = (
    "engine/core/",
    "engine/model/",
    "engine/risk/",
    "engine/perp/",
    "engine/indicators/",
    "strategies/",
    "connectors/simulated/",
    "connectors/paper/",
)
CLOCK = "engine/core/clock.py"
CLOCK_READS = {f"time.{name}" for name in ("sleep", "time", "monotonic", "perf_counter", "process_time")}
CLOCK_READS |= {f"{name}_ns" for name in CLOCK_READS}
CLOCK_READS |= {f"datetime.{name}" for name in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")}
BANNED_NAMES = {
    *("uuid.uuid1", "uuid.uuid4", "os.urandom", "asyncio.to_thread", "asyncio.wait", "asyncio.as_completed"),
    *("asyncio.all_tasks", "id", "hash"),
}
BANNED_MODULES = {"secrets", "threading", "concurrent", "multiprocessing"}
SETS = {"set", "frozenset", "Set", "AbstractSet", "MutableSet"}
ORDERED_READERS = {"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "dict.fromkeys", "collections.deque"}
ORDER_FREE = {"sorted", "set", "frozenset", "any", "all", "len"}


def clock_read(source: Source) -> Iterator[Finding]:
    """Time is given: `now_us`."""
    for node, name in _references(source):
        if name in CLOCK_READS and source.name != CLOCK:
            yield node.lineno, f"{name}: take the time from `now_us`"
        elif name == "datetime.datetime.fromtimestamp" and not _has_zone(source.parents[node]):
            yield node.lineno, f"{name} without a time zone depends on the machine"


def chance(source: Source) -> Iterator[Finding]:
    """Randomness is given: `Random(f"{subject}:{seed}")`."""
    for node, name in _references(source):
        if name in BANNED_NAMES or (name.startswith("random.") and name != "random.Random"):
            yield node.lineno, f"{name} differs from run to run"
        elif name.endswith(".run_in_executor"):
            yield node.lineno, "threads finish in any order"


def threads(source: Source) -> Iterator[Finding]:
    """One thread, no secret randomness."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            modules = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        if banned := BANNED_MODULES & {module.partition(".")[0] for module in modules}:
            yield node.lineno, f"{', '.join(sorted(banned))} does not belong here"


def finalizer(source: Source) -> Iterator[Finding]:
    """When `__del__` runs is the collector's choice."""
    for node in source.nodes:
        if isinstance(node, FUNCTION) and node.name == "__del__":
            yield node.lineno, "__del__ runs at an unknown time"


def set_order(source: Source) -> Iterator[Finding]:
    """The order of a set is not the same in two processes: `dict.fromkeys` or `sorted`."""
    sets = _set_names(source)
    for node in source.nodes:
        if isinstance(node, ast.For | ast.AsyncFor) and _is_set(node.iter, sets):
            yield node.iter.lineno, "iterates a set"
        elif isinstance(node, ast.ListComp | ast.DictComp | ast.GeneratorExp):
            parent = source.parents.get(node)
            free = isinstance(parent, ast.Call) and source.dotted(parent.func) in ORDER_FREE
            if not free and any(_is_set(part.iter, sets) for part in node.generators):
                yield node.lineno, "a comprehension over a set"
        elif isinstance(node, ast.Call) and any(_is_set(argument, sets) for argument in node.args):
            if source.dotted(node.func) in ORDERED_READERS or _last_name(node.func) == "join":
                yield node.lineno, "takes the order of a set"
        elif isinstance(node, ast.Starred) and _is_set(node.value, sets):
            if not isinstance(source.parents[node], ast.Set):
                yield node.lineno, "unpacks a set"
        elif isinstance(node, ast.Attribute) and node.attr == "pop" and _is_set(node.value, sets):
            yield node.lineno, "pops from a set"


def _references(source: Source) -> Iterator[tuple[ast.Attribute | ast.Name, str]]:
    """Every use of an imported name or attribute, and every call of a bare name, with its dotted path."""
    for node in source.nodes:
        parent = source.parents.get(node)
        if not isinstance(node, ast.Attribute | ast.Name) or isinstance(parent, ast.Attribute):
            continue
        name = source.dotted(node)
        called = isinstance(parent, ast.Call) and parent.func is node
        if "." in name or called:
            yield node, name


def _has_zone(call: ast.AST) -> bool:
    return isinstance(call, ast.Call) and (len(call.args) > 1 or any(item.arg == "tz" for item in call.keywords))


def _set_names(source: Source) -> set[str]:
    """Names that this file annotates as sets or assigns a set to: variables, arguments, attributes (without owner)."""
    names = set()
    for node in source.nodes:
        if isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
            names.add(_last_name(node.target))
        elif isinstance(node, ast.arg) and node.annotation is not None and _is_set_type(node.annotation):
            names.add(node.arg)
        elif isinstance(node, ast.Assign) and _is_set(node.value, set()):
            names |= {_last_name(target) for target in node.targets}
    return names - {""}


def _is_set_type(annotation: ast.expr) -> bool:
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return _last_name(base) in SETS


def _is_set(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return _is_set(node.left, names) or _is_set(node.right, names)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return _last_name(node) in names


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _unless_excused(rule: Rule) -> Rule:
    def excusing(source: Source) -> Iterator[Finding]:
        if source.name.startswith(SCOPE):
            yield from ((line, text) for line, text in rule(source) if "# det-ok: " not in source.lines[line - 1])

    return excusing


RULES: list[Rule] = [_unless_excused(rule) for rule in (clock_read, chance, threads, finalizer, set_order)]
