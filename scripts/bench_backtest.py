"""Backtests through the whole framework and through other engines, on the same files, compared.

    python scripts/bench_backtest.py --data DIR --bench FOLDER --peer hftbacktest=PYTHON --peer nautilus=PYTHON
    python scripts/bench_backtest.py --workload w3 --data DIR --bench FOLDER --peer backtesting.py=PYTHON

w2 is a day of market making on a book (S1m), w3 a year of candles with two moving averages (S2). DIR holds the files of
the workload generator, FOLDER its runners of the other engines, PYTHON is the interpreter of an environment with that
engine. Engines alternate, the best of `--rounds` counts, in CPU seconds of the run alone. Prints one JSON object, or a
table without --json. Compare ratios inside one series only.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.paper.choice import is_built
from scripts.calibrate import calibration

SCRIPTS = Path(__file__).resolve().parent
STRATEGIES = {"w2": "s1m", "w3": "s2"}
RUNNERS = {
    "hftbacktest": ("run_hftbacktest.py", ("w2",)),
    "nautilus": ("run_nautilus.py", ("w2", "w3")),
    "plain": ("run_plain.py", ("w2", "w3")),
    "backtesting.py": ("run_backtesting_py.py", ("w3",)),
}
SAME = ("orders", "fills", "position", "cash", "fees")
BASIS = {"w2": "hftbacktest", "w3": "backtesting.py"}


def commands(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """How each engine is run, by name."""
    workload, data = arguments.workload, ["--data", str(arguments.data.resolve())]
    latencies = []
    for name in ("feed", "entry", "response"):
        latencies += [f"--{name}-us", str(getattr(arguments, f"{name}_us"))]
    if workload == "w3":
        found = {"tickwright": [sys.executable, str(SCRIPTS / "play_s2.py"), *data]}
    else:
        kernels = ["reference", "fast"] if is_built() else ["reference"]
        play = [sys.executable, str(SCRIPTS / "play_s1m.py"), "w2", *data, *latencies]
        found = {f"tickwright {kernel}": [*play, "--kernel", kernel] for kernel in kernels}
    for peer in arguments.peer:
        name, _, python = peer.partition("=")
        runner, workloads = RUNNERS[name]
        if workload not in workloads:
            raise SystemExit(f"{name} does not run {workload}, only {', '.join(workloads)}")
        script = str(arguments.bench.resolve() / runner)
        found[name] = [str(Path(python).absolute()), script, workload, STRATEGIES[workload], *data]
        if workload == "w2" and name != "nautilus":
            found[name] += latencies
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
    basis = best.get(BASIS[arguments.workload])
    for name, result in best.items():
        result["us_per_row"] = round(result["cpu_s"] / result["rows"] * 1e6, 2)  # type: ignore[operator]
        if basis is not None:
            result["ratio"] = round(result["cpu_s"] / basis["cpu_s"], 2)  # type: ignore[operator]
            result["same_result"] = all(round(result[key] - basis[key], 2) == 0 for key in SAME)  # type: ignore[operator]
        result["name"] = name
    if arguments.json:
        print(
            json.dumps(
                {
                    "workload": arguments.workload,
                    "strategy": STRATEGIES[arguments.workload],
                    "engines": list(best.values()),
                    "calibration": calibration(),
                }
            )
        )
        return
    for result in best.values():
        columns = (
            "name",
            "cpu_s",
            "us_per_row",
            "ratio",
            "same_result",
            "orders",
            "fills",
            "cash",
            "rss_mb",
            "load_cpu_s",
        )
        print("  ".join(f"{key}={result.get(key, '-')}" for key in columns))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=list(STRATEGIES), default="w2")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bench", type=Path, default=Path())
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON, NAME one of " + ", ".join(RUNNERS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    for each in ("feed", "entry", "response"):
        parser.add_argument(f"--{each}-us", type=int, default=0)
    main(parser.parse_args())
