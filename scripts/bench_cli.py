"""What light commands cost: prints one JSON object with CPU milliseconds of a fresh process, best of 7."""

import json
import resource
import subprocess
import sys
from pathlib import Path

from calibrate import calibration

ROOT = Path(__file__).resolve().parent.parent


def cpu_ms(*arguments: str, rounds: int = 7) -> float:
    """CPU time (user and system) of `python arguments…`, the least of `rounds`."""
    costs = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return round(1000 * min(costs), 1)


if __name__ == "__main__":
    figures = {
        "python_ms": cpu_ms("-c", "pass"),
        "help_ms": cpu_ms("bot.py", "--help"),
        "version_ms": cpu_ms("bot.py", "version"),
    }
    print(json.dumps(figures | calibration()))
