"""A day of market making through the whole framework and through other engines, on the same files, compared.

    python scripts/bench_backtest.py --data DIR --bench FOLDER --peer hftbacktest=PYTHON --peer nautilus=PYTHON

DIR holds w2.npz of the workload generator, FOLDER the generator's runners of the other engines, PYTHON is the
interpreter of an environment with that engine. Engines alternate, the best of `--rounds` counts, in CPU seconds of the
run alone. Prints one JSON object, or a table without --json. Compare ratios inside one series only.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.paper.choice import is_built
from scripts.calibrate import calibration

PLAY = Path(__file__).resolve().parent / "play_s1m.py"
RUNNERS = {"hftbacktest": "run_hftbacktest.py", "nautilus": "run_nautilus.py", "plain": "run_plain.py"}
SAME = ("orders", "fills", "position", "cash", "fees")
BASIS = "hftbacktest"


def commands(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """How each engine is run, by name."""
    latencies = []
    for name in ("feed", "entry", "response"):
        latencies += [f"--{name}-us", str(getattr(arguments, f"{name}_us"))]
    data = ["--data", str(arguments.data.resolve())]
    kernels = ["reference", "fast"] if is_built() else ["reference"]
    found = {
        f"tickwright {kernel}": [sys.executable, str(PLAY), "w2", *data, "--kernel", kernel, *latencies]
        for kernel in kernels
    }
    for peer in arguments.peer:
        name, _, python = peer.partition("=")
        more = [] if name == "nautilus" else latencies
        found[name] = [
            str(Path(python).absolute()),
            str(arguments.bench.resolve() / RUNNERS[name]),
            "w2",
            "s1m",
            *data,
            *more,
        ]
    return found


def run(command: list[str]) -> dict[str, object]:
    """The JSON line that an engine prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(command[1]).parent)
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def main(arguments: argparse.Namespace) -> None:
    best: dict[str, dict[str, object]] = {}
    for _ in range(arguments.rounds):
        for name, command in commands(arguments).items():
            result = run(command)
            if name not in best or result["cpu_s"] < best[name]["cpu_s"]:  # type: ignore[operator]
                best[name] = result
    basis = best.get(BASIS)
    for name, result in best.items():
        if basis is not None:
            result["ratio"] = round(result["cpu_s"] / basis["cpu_s"], 2)  # type: ignore[operator]
            result["same_result"] = all(round(result[key] - basis[key], 2) == 0 for key in SAME)  # type: ignore[operator]
        result["name"] = name
    if arguments.json:
        print(
            json.dumps(
                {"workload": "w2", "strategy": "s1m", "engines": list(best.values()), "calibration": calibration()}
            )
        )
        return
    for result in best.values():
        columns = ("name", "cpu_s", "ratio", "same_result", "orders", "fills", "cash", "rss_mb", "load_cpu_s")
        print("  ".join(f"{key}={result.get(key, '-')}" for key in columns))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bench", type=Path, default=Path())
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON, NAME one of " + ", ".join(RUNNERS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    for each in ("feed", "entry", "response"):
        parser.add_argument(f"--{each}-us", type=int, default=0)
    main(parser.parse_args())
