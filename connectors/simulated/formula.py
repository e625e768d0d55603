"""Formulas for synthetic prices: Python's expression syntax cut down to arithmetic on floats, safe for untrusted text.

The text is parsed, and a new tree is built from the few node types that are allowed; in it every value is a float at
every step, so neither time nor memory can grow beyond what `NODES_MAX` float operations cost. Every escape known from
other expression engines needed an attribute, a string, a callable object or a generator: none of them can be written.

Language: numbers, the names in `VALUES`, `pi tau e`, `+ - * / // % **`, comparisons (1.0 or 0.0), `and or not`,
`a if b else c`, the functions in `ARITY`; `math.sin(x)`, `math.pi` and `random.random()` mean the bare names.
"""

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from random import Random
from types import CodeType

from engine.model.errors import TickwrightError

LENGTH_MAX = 500
NODES_MAX = 200
DEPTH_MAX = 40
QUOTED_MAX = 80

VALUES = ("price", "t", "dt", "trend", "target", "drift", "volatility")
CONSTANTS = {"pi": math.pi, "tau": math.tau, "e": math.e}


class FormulaError(TickwrightError, ValueError):
    """The formula is not allowed or has no value. `line` and `column` count from 1 in the text without outer blanks."""

    def __init__(self, sentence: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"formula, line {line} column {column}: {sentence}")
        self.line = line
        self.column = column


def _floor(x: float) -> float:
    return float(math.floor(x))


def _ceil(x: float) -> float:
    return float(math.ceil(x))


def _sign(x: float) -> float:
    return float((x > 0.0) - (x < 0.0))


def _clip(x: float, low: float, high: float) -> float:
    return low if x < low else min(x, high)


def _round(x: float, digits: float = 0.0) -> float:
    return round(x, int(_clip(digits, -12.0, 12.0)))


_TRIGONOMETRIC = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
_MATH_1 = (*_TRIGONOMETRIC, "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt")
PURE: dict[str, Callable[..., float]] = {name: getattr(math, name) for name in (*_MATH_1, "pow", "atan2", "hypot")} | {
    "abs": math.fabs,
    "floor": _floor,
    "ceil": _ceil,
    "sign": _sign,
    "clip": _clip,
    "round": _round,
    "min": min,
    "max": max,
}
ARITY: dict[str, tuple[int, int]] = dict.fromkeys((*_MATH_1, "abs", "floor", "ceil", "sign"), (1, 1)) | {
    "pow": (2, 2),
    "atan2": (2, 2),
    "hypot": (2, 2),
    "clip": (3, 3),
    "round": (1, 2),
    "min": (2, 8),
    "max": (2, 8),
    "random": (0, 0),
    "uniform": (2, 2),
    "normal": (0, 0),
}
_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_COMPARE = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True, slots=True)
class ParsedFormula:
    """The rebuilt tree, the input names that it reads in order of appearance, and its number of nodes."""

    tree: ast.Expression
    names: tuple[str, ...]
    node_count: int


def parse_formula(text: str, names: tuple[str, ...] = VALUES) -> ParsedFormula:
    """Check `text` and rebuild its tree over floats. Raises FormulaError and nothing else."""
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text, not {type(text).__name__}")
    if len(text) > LENGTH_MAX:
        raise FormulaError(f"is {len(text)} characters long; the limit is {LENGTH_MAX}")
    if any(not (" " <= character <= "~" or character in "\n\t") for character in text):
        raise FormulaError("only printable ASCII characters are allowed")
    rebuilder = _Rebuilder(names)
    body = rebuilder.rebuild(_parse(text.strip()), 1)
    return ParsedFormula(ast.fix_missing_locations(ast.Expression(body)), tuple(rebuilder.used), rebuilder.count)


def _parse(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error"
            )  # `1if x else 2` is refused under every warning filter, not only under -W error
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        sentence = f"is not an expression ({error.msg[:QUOTED_MAX]})"
        raise FormulaError(sentence, error.lineno or 1, error.offset or len(text) + 1) from None
    except (ValueError, MemoryError, RecursionError, Warning):
        raise FormulaError("is not an expression that can be read") from None


def _refuse(sentence: str, node: ast.expr) -> FormulaError:
    return FormulaError(sentence, node.lineno, node.col_offset + 1)


class _Rebuilder:
    """Builds the new tree: an allow-list of exact node types."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self.used: dict[str, None] = {}
        self.count = 0

    def rebuild(self, node: ast.expr, depth: int) -> ast.expr:
        self.count += 1
        if self.count > NODES_MAX:
            raise _refuse(f"has more than {NODES_MAX} parts", node)
        if depth > DEPTH_MAX:
            raise _refuse(f"is nested deeper than {DEPTH_MAX}", node)
        return ast.copy_location(self._build(node, depth + 1), node)

    def _build(self, node: ast.expr, depth: int) -> ast.expr:
        if type(node) is ast.Constant:
            return self._constant(node)
        if type(node) is ast.Name:
            return self._name(node)
        if type(node) is ast.Attribute:
            return self._attribute(node)
        if type(node) is ast.BinOp:
            return self._binary(node, depth)
        if type(node) is ast.UnaryOp:
            return self._unary(node, depth)
        if type(node) is ast.BoolOp:
            return ast.BoolOp(node.op, [self.rebuild(value, depth) for value in node.values])
        if type(node) is ast.Compare:
            return self._compare(node, depth)
        if type(node) is ast.IfExp:
            test, body, orelse = (self.rebuild(part, depth) for part in (node.test, node.body, node.orelse))
            return ast.IfExp(test, body, orelse)
        if type(node) is ast.Call:
            return self._call(node, depth)
        raise _refuse(f"{type(node).__name__} is not arithmetic", node)

    def _constant(self, node: ast.Constant) -> ast.expr:
        if type(node.value) is not int and type(node.value) is not float:
            raise _refuse(f"a {type(node.value).__name__} is not a number", node)
        try:
            value = float(node.value)
        except OverflowError:
            raise _refuse("the number is too large", node) from None
        if not math.isfinite(value):
            raise _refuse("the number is too large", node)
        return ast.Constant(value)

    def _name(self, node: ast.Name) -> ast.expr:
        if node.id in CONSTANTS:
            return ast.Constant(CONSTANTS[node.id])
        if node.id not in self._names:
            known = " ".join((*self._names, *CONSTANTS))
            raise _refuse(f"{node.id[:QUOTED_MAX]!r} is not a value; known are {known}", node)
        self.used[node.id] = None
        return ast.Name(node.id, ast.Load())

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        if type(node.value) is ast.Name and node.value.id == "math" and node.attr in CONSTANTS:
            return ast.Constant(CONSTANTS[node.attr])
        raise _refuse("only math.NAME(…), math.pi, math.tau, math.e and random.random() may have a dot", node)

    def _binary(self, node: ast.BinOp, depth: int) -> ast.expr:
        left, right = self.rebuild(node.left, depth), self.rebuild(node.right, depth)
        if type(node.op) is ast.Pow:  # `**` would go complex or, on integers, on for ever; pow() raises
            return ast.Call(ast.Name("pow", ast.Load()), [left, right], [])
        if type(node.op) not in _BINARY:
            raise _refuse(f"the operator {type(node.op).__name__} is not allowed", node)
        return ast.BinOp(left, node.op, right)

    def _unary(self, node: ast.UnaryOp, depth: int) -> ast.expr:
        operand = self.rebuild(node.operand, depth)
        if type(node.op) is ast.Not:  # a bool is an int, and integers grow without limit
            return ast.IfExp(operand, ast.Constant(0.0), ast.Constant(1.0))
        if type(node.op) is ast.Invert:
            raise _refuse("the operator ~ is not allowed", node)
        return ast.UnaryOp(node.op, operand)

    def _compare(self, node: ast.Compare, depth: int) -> ast.expr:
        if any(type(op) not in _COMPARE for op in node.ops):
            raise _refuse("only < <= > >= == != compare", node)
        left = self.rebuild(node.left, depth)
        compare = ast.Compare(left, node.ops, [self.rebuild(value, depth) for value in node.comparators])
        return ast.IfExp(compare, ast.Constant(1.0), ast.Constant(0.0))

    def _call(self, node: ast.Call, depth: int) -> ast.expr:
        name = self._function_name(node.func)
        least, most = ARITY[name]
        if node.keywords or not least <= len(node.args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise _refuse(f"{name} takes {wanted} arguments without names", node)
        return ast.Call(ast.Name(name, ast.Load()), [self.rebuild(value, depth) for value in node.args], [])

    def _function_name(self, node: ast.expr) -> str:
        if type(node) is ast.Name and node.id in ARITY:
            return node.id
        if type(node) is ast.Attribute and type(node.value) is ast.Name:
            if node.value.id == "math" and node.attr in ARITY and hasattr(math, node.attr):
                return node.attr
            if (node.value.id, node.attr) == ("random", "random"):
                return "random"
        raise _refuse(f"only these functions can be called: {' '.join(ARITY)}", node)


@lru_cache(maxsize=256)
def _compile(text: str, names: tuple[str, ...]) -> tuple[CodeType, ParsedFormula]:
    parsed = parse_formula(text, names)
    return compile(parsed.tree, "<formula>", "eval"), parsed


class Formula:
    """A compiled formula with its own chance. Its whole state is the state of `chance`.

    Give `Random(f"{scenario_seed}:{formula_name}")`: draws happen in evaluation order, so a run repeats exactly.
    `names` are the inputs it may read, `node_count` bounds the cost of one evaluation.
    """

    def __init__(self, text: str, chance: Random, names: tuple[str, ...] = VALUES) -> None:
        if not isinstance(text, str):  # before the cache, which would hash it
            raise FormulaError(f"a formula is text, not {type(text).__name__}")
        self._code, parsed = _compile(text, names)
        self.text = text
        self.names = parsed.names
        self.node_count = parsed.node_count
        self._environment: dict[str, object] = {
            "__builtins__": {},
            **PURE,
            "random": chance.random,
            "uniform": chance.uniform,
            "normal": partial(chance.gauss, 0.0, 1.0),
        }

    def __call__(self, values: Mapping[str, float]) -> float:
        """The value, always finite. `values` has the inputs by name. Raises FormulaError and nothing else."""
        inputs = {}
        for name in self.names:
            inputs[name] = float(values[name])
            if not math.isfinite(inputs[name]):
                raise FormulaError(f"the input {name} is {inputs[name]}, not a finite number")
        try:
            result = eval(self._code, self._environment, inputs)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise FormulaError(f"has no value here ({error})", *_position(error, self._code)) from None
        if type(result) is not float or not math.isfinite(result):
            raise FormulaError(f"the result {result!r:.{QUOTED_MAX}} is not a finite number")
        return result


def _position(error: BaseException, code: CodeType) -> tuple[int, int]:
    """Line and column of the operation in `code` that raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code is not code:
        trace = trace.tb_next
    assert trace is not None
    line, _, column, _ = next(islice(code.co_positions(), trace.tb_lasti // 2, None))
    return line or 1, (column or 0) + 1
