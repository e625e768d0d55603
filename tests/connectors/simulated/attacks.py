"""The attack strings, what has to become of each, and a runner that tries all of them under tight limits.

`python -m tests.connectors.simulated.attacks` prints one JSON object a line: id, outcome, CPU ms and traced peak in MB.
"""

import json
import math
import resource
import sys
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType

from connectors.simulated import formula

INPUTS = {"price": 101.0, "t": 1.0, "dt": 0.1, "trend": 0.2, "target": 100.0, "drift": 0.01, "volatility": 0.02}
INPUTS["x"] = 2.0
NAMES = (*formula.VALUES, "x")  # `x` too, so that no attack fails merely for an unknown name


@dataclass(frozen=True)
class Attack:
    attack_id: int
    kind: str
    text: str
    expected: str  # error, finite, error_or_finite

    def is_met_by(self, outcome: str) -> bool:
        return outcome in ("error", "finite") if self.expected == "error_or_finite" else outcome == self.expected


def attacks() -> list[Attack]:
    listed = json.loads((Path(__file__).parent.parent.parent / "data" / "formula_attacks.json").read_text())
    return [Attack(entry["id"], entry["class"], _text(entry["source"]), entry["expected"]) for entry in listed]


def _text(source: str | dict[str, list[list]]) -> str:
    return source if isinstance(source, str) else "".join(text * count for text, count in source["repeat"])


def outcome_of(attack: Attack, module: ModuleType = formula) -> str:
    """`error` = FormulaError, `finite` = a finite float, else what else came out."""
    try:
        value = module.Formula(attack.text, Random(1), NAMES)(INPUTS)
    except module.FormulaError:
        return "error"
    except Exception as error:  # handled: an outcome that no attack expects
        return type(error).__name__
    return "finite" if type(value) is float and math.isfinite(value) else repr(value)[:80]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (4, 4))
    tracemalloc.start()
    for attack in attacks():
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        begin = time.process_time()
        outcome = outcome_of(attack)
        cpu_ms = (time.process_time() - begin) * 1e3
        peak_mb = (tracemalloc.get_traced_memory()[1] - before) / 1e6
        print(json.dumps({"id": attack.attack_id, "outcome": outcome, "cpu_ms": cpu_ms, "peak_mb": peak_mb}))


if __name__ == "__main__":
    sys.exit(main())
