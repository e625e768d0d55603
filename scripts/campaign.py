"""The simulation campaign: thousands of faulty trading sessions, each reproducible from its seed.

  python scripts/campaign.py --seeds 0:1000 [--profile swarm] [--scale 3] [--jobs 2]
  python scripts/campaign.py --seed 244 --trace          the story of one seed
  python scripts/campaign.py --crash-points [--stride 5] [--double]
  python scripts/campaign.py --mutants [--only NAME] [--seeds 0:500]

Prints one JSON object; the exit status is 1 when a seed fails, or a mutant survives.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.sim.campaign import report, run_seed, run_seeds
from tests.sim.crash_points import crash_everywhere
from tests.sim.mutants import kill_all


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0:100", help="A:B, from A up to but not B")
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--trace", action="store_true", help="with --seed: everything that happened, a line each")
    parser.add_argument("--profile", default="swarm", help="swarm, healthy, lossy, no_expiry, long, or one fault")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies all rates")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--json", action="store_true", help="always on; for symmetry with the benchmarks")
    parser.add_argument("--marks", action="store_true", help="only how many seeds reached which mark")
    parser.add_argument("--crash-points", action="store_true", help="kill the bot at every point of one session")
    parser.add_argument("--stride", type=int, default=1, help="with --crash-points: every n-th")
    parser.add_argument("--double", action="store_true", help="with --crash-points: kill the second process too")
    parser.add_argument("--mutants", action="store_true", help="put bugs into the product; each must be found")
    parser.add_argument("--only", default="", help="with --mutants: those whose name contains this")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split(":"))
    if options.crash_points:
        return _print(crash_everywhere(options.profile, options.stride, double=options.double))
    if options.mutants:
        return _print(kill_all(options.only, range(first, last)))
    if options.seed is not None:
        told = print if options.trace else None
        results = [run_seed(options.seed, options.profile, options.scale, trace=told)]
    else:
        results = run_seeds(range(first, last), options.profile, options.scale, options.jobs)
    summary = report(results, options.profile, options.scale)
    if options.marks:
        summary = {"seeds": summary["seeds"], "failing": summary["failing"], "marks": summary["marks"]}
    return _print(summary)


def _print(summary: dict[str, object]) -> int:
    print(json.dumps(summary, indent=1))
    return 1 if summary["failing"] else 0


if __name__ == "__main__":
    sys.exit(main())
