"""The formula sandbox: the attack list, generated formulas, float at every node, and that each rule is needed."""

import ast
import json
import math
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from connectors.simulated import formula
from connectors.simulated.formula import PURE, VALUES, Formula, FormulaError, parse_formula
from scripts.fuzz_formulas import INPUTS, fuzz, text_of
from tests.connectors.simulated.attacks import attacks, outcome_of
from tests.support import ROOT, shared

ATTACKS = {attack.attack_id: attack for attack in attacks()}
MS_MAX, MB_MAX = 100.0, 5.0


def value(text: str, **inputs: float) -> float:
    return Formula(text, Random(1))(INPUTS | inputs)


# the attack list


def test_the_list_is_the_shared_one():
    published = json.loads(shared("data/security/formula_attacks.json").read_text())
    ours = json.loads((ROOT / "tests/data/formula_attacks.json").read_text())
    assert ours == published
    assert len(ours) == 160


def test_every_attack_ends_as_required_in_little_time_and_memory(tmp_path: Path):
    """In an empty folder with 2 GiB of address space and 4 CPU seconds for all of them together."""
    command = [sys.executable, "-c", "import tests.connectors.simulated.attacks as a; a.main()"]
    run = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    results = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(results) == 160
    assert [result for result in results if not ATTACKS[result["id"]].is_met_by(result["outcome"])] == []
    assert [result for result in results if result["cpu_ms"] > MS_MAX or result["peak_mb"] > MB_MAX] == []
    assert list(tmp_path.iterdir()) == []
    assert run.stderr == ""


# each rule of the sandbox is noticed by the list when it is switched off

MUTANTS = {
    "character set": (155, 'not (" " <= character <= "~" or character in "\\n\\t")', "False"),
    "length": (158, "len(text) > LENGTH_MAX", "False"),
    "node count": (156, "self.count > NODES_MAX", "False"),
    "depth": (157, "depth > DEPTH_MAX", "False"),
    "literals become floats": (160, "return ast.Constant(value)", "return ast.Constant(node.value)"),
    "comparisons become floats": (
        130,
        "return ast.IfExp(compare, ast.Constant(1.0), ast.Constant(0.0))",
        "return compare",
    ),
    "not becomes a float": (
        159,
        "return ast.IfExp(operand, ast.Constant(0.0), ast.Constant(1.0))",
        "return ast.UnaryOp(node.op, operand)",
    ),
    "powers raise": (132, "type(node.op) is ast.Pow", "False"),
    "errors are mapped": (51, "except (ArithmeticError, ValueError, TypeError)", "except AssertionError"),
    "the result is finite": (104, "not math.isfinite(result)", "False"),
    "attributes": (145, 'raise _refuse("only math', 'return node\n        raise _refuse("only math'),
    "functions of math only if listed": (46, "node.attr in ARITY and hasattr", "hasattr"),
    "names": (135, "node.id not in self._names", "False"),
    "node types": (107, "type(node.value) is not int and type(node.value) is not float", "False"),
}


@pytest.mark.parametrize("rule", MUTANTS)
def test_the_list_notices_when_a_rule_is_switched_off(rule: str):
    attack_id, old, new = MUTANTS[rule]
    source = Path(formula.__file__).read_text()
    assert source.count(old) == 1, f"the mutant of rule {rule!r} no longer fits the source"
    mutated = source.replace(old, new)
    if rule == "powers raise":
        mutated = mutated.replace("_BINARY = (", "_BINARY = (ast.Pow, ")
    mutant = types.ModuleType("mutant")
    sys.modules["mutant"] = mutant  # dataclasses look their module up
    try:
        exec(compile(mutated, "mutant.py", "exec"), mutant.__dict__)
        assert not ATTACKS[attack_id].is_met_by(outcome_of(ATTACKS[attack_id], mutant))
    finally:
        del sys.modules["mutant"]
    assert ATTACKS[attack_id].is_met_by(outcome_of(ATTACKS[attack_id]))


def test_a_formula_sees_nothing_but_its_functions():
    """Rule 5: the environment is the second wall behind the tree."""
    environment = Formula("price", Random(1))._environment
    assert environment["__builtins__"] == {}
    assert set(environment) == {"__builtins__", *formula.ARITY}


# generated formulas


def test_generated_texts_raise_formula_error_only():
    result = fuzz(1000)
    assert result.escapes == []
    assert result.accepted > 250
    assert result.refused > 250


class _Watch(ast.NodeTransformer):
    """Wraps every value of a tree in `watched(value)`."""

    def visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.expr):
            return self.generic_visit(node)
        if isinstance(node, ast.Call):
            node.args = [self.visit(argument) for argument in node.args]
        else:
            self.generic_visit(node)
        if isinstance(node, ast.Compare):
            return node  # the one value that is not a float: it stands only in the test of `1.0 if … else 0.0`
        return ast.copy_location(ast.Call(ast.Name("watched", ast.Load()), [node], []), node)


def test_every_value_of_every_node_is_a_float():
    chance = Random("nodes")
    kinds: dict[type, int] = {}

    def watched(node_value: object) -> object:
        kinds[type(node_value)] = kinds.get(type(node_value), 0) + 1
        return node_value

    functions: dict[str, Callable[..., float]] = {
        **PURE,
        "random": chance.random,
        "uniform": chance.uniform,
        "normal": lambda: chance.gauss(0.0, 1.0),
        "watched": watched,
    }
    formulas = 0
    for number in range(1, 30_000, 2):  # odd numbers follow the grammar
        try:
            tree = parse_formula(text_of(3, number)).tree
        except FormulaError:
            continue
        formulas += 1
        code = compile(ast.fix_missing_locations(_Watch().visit(tree)), "<formula>", "eval")
        try:
            eval(code, {"__builtins__": {}, **functions}, dict(INPUTS))
        except (ArithmeticError, ValueError, TypeError):
            continue
    assert formulas >= 10_000
    assert set(kinds) == {float}
    assert kinds[float] > 40_000


# meaning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("-price ** 2", -10201.0),
        ("7 // 2 + 7 % 4", 6.0),
        ("2 ** 3 ** 2", 512.0),
        ("1 < 2 < 3", 1.0),
        ("(1 < 2) + (2 < 1)", 1.0),
        ("not 0 and not 3", 0.0),
        ("0 or 5", 5.0),
        ("1 if price > 100 else 2", 1.0),
        ("floor(-1.5) + ceil(1.2)", 0.0),
        ("sign(-3) + sign(0)", -1.0),
        ("clip(5, 0, 2) + clip(-5, 0, 2) + clip(1, 0, 2)", 3.0),
        ("round(2.346, 2) + round(7.4)", 9.35),
        ("min(3, 1, 2) + max(1, 2, 3, 4, 5, 6, 7, 8)", 9.0),
        ("hypot(3, 4) + atan2(0, 1) + pow(2, 0.5)", 5.0 + math.sqrt(2)),
        ("math.pi - pi + math.tau - tau + math.e - e", 0.0),
        ("math.sin(t) - sin(t)", 0.0),
        ("abs(trend * drift - volatility * target) + dt", 2.09),
        ("  price\n", 101.0),
        ("price +\t(1\n+ 2)", 104.0),
    ],
)
def test_values(text: str, expected: float):
    assert value(text) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("price + cost", 1, 9, "'cost' is not a value; known are price t dt"),
        ("price * factorial(3)", 1, 9, "only these functions can be called: sin"),
        ("sin(1, 2)", 1, 1, "sin takes 1 arguments"),
        ("min(1)", 1, 1, "min takes 2 to 8 arguments"),
        ("price +", 1, 8, "is not an expression"),
        ("(1 +\n price.real)", 2, 2, "may have a dot"),
        ("1 << 2", 1, 1, "the operator LShift is not allowed"),
        ("~1", 1, 1, "the operator ~ is not allowed"),
        ("1 is 1", 1, 1, "compare"),
        ("'a'", 1, 1, "a str is not a number"),
        ("1e999", 1, 1, "too large"),
        ("9" * 400, 1, 1, "too large"),
        ("1if price else 2", 1, 1, "is not an expression"),
        ("[1]", 1, 1, "List is not arithmetic"),
        ("+".join(["1"] * 41), 1, 1, "nested deeper than 40"),
        ("max(" + "min(1,1)," * 30 + "1)", 1, 1, "max takes"),
        ("1" + "<1" * 220, 1, None, "more than 200 parts"),
        ("-" * 499 + "1", 1, None, "nested deeper"),
        ("1" * 501, 1, 1, "is 501 characters long; the limit is 500"),
        ("price \u00d7 2", 1, 1, "only printable ASCII"),
    ],
)
def test_refusals_say_where_and_why(text: str, line: int, column: int | None, words: str):
    with pytest.raises(FormulaError) as caught:
        Formula(text, Random(1))
    assert words in str(caught.value)
    assert caught.value.line == line
    assert column is None or caught.value.column == column
    assert len(str(caught.value)) < 400


def test_a_sum_may_have_forty_terms():
    assert value("+".join(["1"] * 40)) == 40.0


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("1 + 1/(t - t)", 5, "division by zero"),
        ("t + log(-1)", 5, "math domain error"),
        ("1e308 * 10", 1, "inf is not a finite number"),
        ("floor(1e308 * 10)", 1, "infinity"),
    ],
)
def test_a_formula_without_a_value_says_where(text: str, column: int, words: str):
    with pytest.raises(FormulaError) as caught:
        value(text)
    assert words in str(caught.value)
    assert caught.value.column == column


def test_inputs_must_be_finite():
    with pytest.raises(FormulaError, match="the input price is inf"):
        value("price", price=math.inf)


@pytest.mark.parametrize("text", [None, 5, ["price"], b"price"])
def test_a_formula_is_text(text: object):
    with pytest.raises(FormulaError, match="a formula is text"):
        Formula(text, Random(1))
    with pytest.raises(FormulaError, match="a formula is text"):
        parse_formula(text)


def test_chance_is_seeded_and_its_state_is_the_whole_state():
    text = "price + normal() + uniform(1, 2) + random() + random.random()"
    first, second = Random("7:price"), Random("7:price")
    path = [Formula(text, first)(INPUTS) for _ in range(5)]
    repeated = Formula(text, second)
    assert [repeated(INPUTS) for _ in range(3)] == path[:3]
    again = Random(0)
    again.setstate(second.getstate())
    assert [Formula(text, again)(INPUTS) for _ in range(2)] == path[3:]
    assert Formula(text, Random("8:price"))(INPUTS) != path[0]


def test_the_same_path_in_two_processes():
    program = (
        "from random import Random\nfrom connectors.simulated.formula import Formula\n"
        "f = Formula('price * exp(volatility * normal()) + uniform(-1, 1)', Random('3:price'))\n"
        f"print([f({INPUTS!r}) for _ in range(20)])"
    )
    paths = []
    for hash_seed in ("0", "1"):
        environment = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", program]
        paths.append(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert paths[0] == paths[1]


def test_formulas_are_compiled_once():
    assert Formula("price + 12345", Random(1))._code is Formula("price + 12345", Random(2))._code


def test_the_inputs_that_are_read_are_known():
    assert Formula("t + price * t", Random(1)).names == ("t", "price")
    assert Formula("t + price * t", Random(1)).node_count == 5
    assert VALUES == ("price", "t", "dt", "trend", "target", "drift", "volatility")
