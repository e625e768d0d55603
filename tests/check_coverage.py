"""The coverage gates: `python tests/check_coverage.py .coverage.json` fails where a part has too few lines covered."""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TypedDict

FULL = {"engine/model", "engine/core"}


class Lines(TypedDict):
    """A file in coverage's JSON report."""

    executed_lines: list[int]
    missing_lines: list[int]


def part_of(path: str) -> str:
    """The part that a file belongs to: a folder of the engine, or a whole top-level package."""
    parts = PurePath(path).parts
    return "/".join(parts[:2]) if parts[0] == "engine" and len(parts) > 2 else parts[0]


def shortfalls(files: Mapping[str, Lines]) -> list[str]:
    """A message for every part below its gate, with the lines that no test reached."""
    covered: dict[str, int] = defaultdict(int)
    missing: dict[str, list[str]] = defaultdict(list)
    for path, lines in sorted(files.items()):
        covered[part_of(path)] += len(lines["executed_lines"])
        missing[part_of(path)] += [f"{path}:{line}" for line in lines["missing_lines"]]
    found = []
    for part, gaps in missing.items():
        gate = 100 if part in FULL else 90
        total = covered[part] + len(gaps)
        share = 100 * covered[part] / total if total else 100.0
        print(f"{part:<20} {share:6.2f} %  (gate {gate} %)")
        if share < gate:
            found.append(f"{part} is at {share:.2f} % of lines, gate {gate} %: {' '.join(gaps)}")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(shortfalls(json.loads(Path(sys.argv[1]).read_text())["files"])) or None)
