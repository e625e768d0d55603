"""A run holds the day it plays, not all of them. A month of 60 million rows is played by `scripts/play_month.py`."""

import json
import subprocess
import sys

from tests.support import ROOT

DAYS, ROWS = 6, 150_000
GROWTH_MB_MAX = 25


def test_memory_does_not_grow_with_the_days() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "play_month.py"), "--days", str(DAYS), "--rows", str(ROWS)]
    done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert done["rows"] == DAYS * ROWS
    assert done["fills"] > 1_000
    after_two_days, *_, last = done["memory_mb"][3:]
    assert last - after_two_days < GROWTH_MB_MAX, done
