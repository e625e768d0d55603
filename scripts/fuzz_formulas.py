"""Throw generated formulas at the sandbox: nothing but FormulaError may come out, and every value must be finite.

    python scripts/fuzz_formulas.py --count 200000 --json

Half of the texts follow the grammar (most are accepted), half are random tokens of Python (most are refused).
"""

import argparse
import json
import sys
import time
import tracemalloc
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.simulated.formula import ARITY, CONSTANTS, VALUES, Formula, FormulaError
from scripts.calibrate import calibration

INPUTS = {"price": 101.0, "t": 1.0, "dt": 0.1, "trend": 1.0, "target": 100.0, "drift": 0.01, "volatility": 0.02}
NUMBERS = (
    "0",
    "1",
    "2",
    "0.5",
    "3",
    "100",
    "1e-9",
    "1e9",
    "1e308",
    "9",
    "0.1",
    "1e400",
    "123456789012345678901234567890",
)
OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=", " and ", " or ")
TOKENS = (
    *(*NUMBERS, *OPERATORS, *VALUES, *CONSTANTS, *ARITY, "math.", "random.", "(", ")", "(", ")", ",", " if ", " else "),
    *("not ", "~", "<<", "@", "&", "|", "^", ":=", "=", "[", "]", "{", "}", ":", ".", "'a'", "f'{1}'", "b'a'", "1j"),
    *("lambda x: x", "for x in ", "await ", "yield ", "*", "**", "...", "None", "True", "__import__", "__class__"),
    *("is ", "in ", "\\", "\n", "\t", " ", "#", ";", "import os", "é", "\x00", "0x", "0b1", "1_0", "1.", "e5", "1if"),
)


def grammar_text(chance: Random, depth: int = 5) -> str:
    """A text of the grammar; arities are right nine times out of ten."""
    kind = chance.randrange(9) if depth else 0
    if kind <= 1:
        return chance.choice((*NUMBERS, *VALUES, *CONSTANTS, "math.pi"))
    parts = [grammar_text(chance, depth - 1) for _ in range(3)]
    if kind <= 4:
        return f"({parts[0]}{chance.choice(OPERATORS)}{parts[1]})"
    if kind == 5:
        return chance.choice(("-", "+", "not ")) + f"({parts[0]})"
    if kind == 6:
        return f"({parts[0]} if {parts[1]} else {parts[2]})"
    name = chance.choice(tuple(ARITY))
    least, most = ARITY[name] if chance.random() < 0.9 else (0, 4)
    arguments = ", ".join(
        grammar_text(chance, depth - 2 if depth > 1 else 0) for _ in range(chance.randint(least, most))
    )
    return f"{chance.choice(('', '', '', 'math.'))}{name}({arguments})"


def token_text(chance: Random) -> str:
    return "".join(chance.choice(TOKENS) for _ in range(chance.randint(1, 20)))


def text_of(seed: int, number: int) -> str:
    """The formula with this number; each can be made again on its own."""
    chance = Random(f"{seed}:{number}")
    return grammar_text(chance, chance.randint(1, 7)) if number % 2 else token_text(chance)


@dataclass
class FuzzResult:
    count: int = 0
    accepted: int = 0
    refused: int = 0
    without_value: int = 0
    escapes: list[str] = field(default_factory=list)
    slowest_ms: float = 0.0
    slowest: str = ""
    traced_peak_mb: float = 0.0


def fuzz(count: int, seed: int = 1, trace: bool = False) -> FuzzResult:
    """Compile and evaluate `count` texts. `escapes` lists each exception that is not FormulaError."""
    result = FuzzResult(count)
    if trace:
        tracemalloc.start()
    for number in range(count):
        text = text_of(seed, number)
        begin = time.process_time_ns()
        try:
            formula = Formula(text, Random(number))
            result.accepted += 1
            try:
                formula(INPUTS)
            except FormulaError:
                result.without_value += 1
        except FormulaError:
            result.refused += 1
        except Exception as error:  # handled: reported as an escape, which fails the run
            result.escapes.append(f"{number}: {type(error).__name__}: {error}"[:200])
        spent_ms = (time.process_time_ns() - begin) / 1e6
        if spent_ms > result.slowest_ms:
            result.slowest_ms, result.slowest = spent_ms, text[:80]
    if trace:
        result.traced_peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="trace memory as well (four times slower)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    begin = time.process_time()
    result = asdict(fuzz(options.count, options.seed, options.trace))
    result |= {"cpu_s": round(time.process_time() - begin, 2), **calibration()}
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    return 1 if result["escapes"] else 0


if __name__ == "__main__":
    sys.exit(main())
