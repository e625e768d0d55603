"""Kill a trading bot again and again, and compare its order log with the exchange's own books. Prints one JSON object.

python scripts/kill_campaign.py --kills 100
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.integration.kill_campaign import Campaign


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="with SIGKILL; one in ten after 3 s of SIGSTOP")
    parser.add_argument("--seed", type=int, default=1, help="of the market and of the times at which signals strike")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tw-") as home:
        campaign = Campaign(Path(home), arguments.seed, trade_seconds=2.0)
        figures = campaign.run(arguments.kills, arguments.kills // 10, arguments.kills // 10)
    answer = msgspec.to_builtins(figures)
    times = sorted(answer.pop("run_seconds"))
    answer["run_seconds_p50"], answer["run_seconds_max"] = round(median(times), 3), round(times[-1], 3)
    print(json.dumps(answer, indent=1))
    sys.exit(1 if figures.differences else 0)


if __name__ == "__main__":
    main()
