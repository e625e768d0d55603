"""The coverage gates know their parts and can fail."""

import pytest

from tests.check_coverage import Lines, part_of, shortfalls


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("engine/core/executors/twap.py", "engine/core"),
        ("engine/app/cli/main.py", "engine/app"),
        ("engine/__init__.py", "engine"),
        ("connectors/simulated/matching.py", "connectors"),
        ("strategies/grid.py", "strategies"),
    ],
)
def test_parts(path: str, part: str) -> None:
    assert part_of(path) == part


@pytest.mark.parametrize(
    ("path", "covered", "missing", "message"),
    [
        ("engine/core/orders.py", 999, 1, "engine/core is at 99.90 % of lines, gate 100 %: engine/core/orders.py:7"),
        ("engine/core/orders.py", 1000, 0, None),
        ("strategies/grid.py", 9, 1, None),
        ("strategies/grid.py", 8, 1, "strategies is at 88.89 % of lines, gate 90 %: strategies/grid.py:7"),
        ("strategies/__init__.py", 0, 0, None),
    ],
)
def test_gates(path: str, covered: int, missing: int, message: str | None) -> None:
    files: dict[str, Lines] = {path: {"executed_lines": [1] * covered, "missing_lines": [7] * missing}}
    assert shortfalls(files) == ([message] if message else [])
