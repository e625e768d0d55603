"""What reading a configuration costs: prints one JSON object with CPU milliseconds of each sample, best of 20.

`wrong_ms` is a file with many problems, `import_ms` the import of the loader in a fresh process.
"""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from bench_cli import cpu_ms
from calibrate import calibration

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.app.config.load import load_bot  # noqa: E402
from engine.app.config.problems import ConfigError  # noqa: E402


def load_ms(file: Path, rounds: int = 20) -> float:
    """CPU time of reading and checking one file, valid or not; the least of `rounds`."""
    costs = []
    for _ in range(rounds):
        begin = time.process_time_ns()
        with suppress(ConfigError):
            load_bot([file], environ={"TICKWRIGHT_DATA": "/data"})
        costs.append(time.process_time_ns() - begin)
    return round(min(costs) / 1e6, 2)


if __name__ == "__main__":
    samples = sorted(file for file in (ROOT / "conf").glob("*.yml") if file.name != "settings.yml")
    figures = {f"{file.stem}_ms": load_ms(file) for file in samples}
    figures["wrong_ms"] = load_ms(ROOT / "tests" / "data" / "bad_configs" / "pmm.yml")
    figures["import_ms"] = round(cpu_ms("-c", "import engine.app.config.load") - cpu_ms("-c", "pass"), 1)
    print(json.dumps({**figures, **calibration()}))
