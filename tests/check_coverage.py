"""The coverage gates: `python tests/check_coverage.py .coverage.json` fails where a part has too few lines covered."""

import json
import sys
from collections import defaultdict
from pathlib import Path, PurePosixPath

FULL = {"engine/model": 100.0, "engine/core": 100.0}
REST = 90.0


def part_of(path: str) -> str:
    """The part that a file belongs to: a folder of the engine, or a whole top-level package."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return "/".join(parts[:2]) if parts[0] == "engine" and len(parts) > 2 else parts[0]


def shortfalls(files: dict[str, dict[str, object]]) -> list[str]:
    """A message for every part below its gate, with the lines that no test reached; `files` is coverage's JSON."""
    covered: dict[str, int] = defaultdict(int)
    missing: dict[str, list[str]] = defaultdict(list)
    for path, entry in sorted(files.items()):
        lines, gaps = entry["executed_lines"], entry["missing_lines"]
        assert isinstance(lines, list)
        assert isinstance(gaps, list)
        covered[part_of(path)] += len(lines)
        missing[part_of(path)] += [f"{path}:{line}" for line in gaps]
    found = []
    for part, hits in covered.items():
        gate = FULL.get(part, REST)
        share = 100 * hits / max(1, hits + len(missing[part]))
        print(f"{part:<20} {share:6.2f} %  (gate {gate:.0f} %)")
        if share < gate:
            found.append(f"{part} is at {share:.2f} % of lines, gate {gate:.0f} %: {' '.join(missing[part])}")
    return found


if __name__ == "__main__":
    below = shortfalls(json.loads(Path(sys.argv[1]).read_text())["files"])
    sys.exit("\n".join(below) or None)
