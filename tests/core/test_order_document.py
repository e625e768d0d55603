"""The page about the life cycle is drawn from the table, and is current."""

import subprocess
import sys

from engine.core.lifecycle import NEXT, News, Stage, diagram, table
from tests.support import ROOT


def test_the_page_is_current() -> None:
    command = [sys.executable, "scripts/draw_lifecycle.py", "--check"]
    drawn = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert drawn.stdout == "order_lifecycle.md is current\n"


def test_the_table_has_every_cell() -> None:
    lines = table().splitlines()
    assert len(lines) == len(News) + 2
    assert all(line.count(" | ") == len(Stage) for line in lines)


def test_the_diagram_has_every_way_to_die() -> None:
    assert "    SENT --> DEAD: T3 / T3c, T6, T26\n" in diagram()
    assert "    LIVE --> ENDED: " in diagram()
    assert NEXT[Stage.SENT, News.LOOKUP_ABSENT] == "T6"
