"""What a synthetic market costs: CPU microseconds per market update, alone and without a connector.

python scripts/bench_synthetic.py [--steps 5000]
"""

import argparse
import json
import sys
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.simulated.scenario import Scenario
from connectors.simulated.simulate import simulate
from engine.model.instrument import Instrument
from scripts.calibrate import calibration

INSTRUMENT = Instrument(
    instrument_id="sim:BTC-USDT",
    venue="sim",
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.1"),
    quantity_step=Decimal("0.00001"),
)
CASES: dict[str, dict[str, str]] = {
    "step_1s_us": {},
    "step_250ms_us": {"market_update_interval": "250ms"},
    "step_stress_us": {"test_mode": "STRESS", "volume_profile": "HIGH"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5000)
    steps = parser.parse_args().steps
    figures: dict[str, float] = {}
    for name, keys in CASES.items():
        scenario = Scenario.model_validate({"start_price": "60000"} | keys)
        best_ns = 1e18
        for _ in range(3):
            begin = time.process_time_ns()
            simulate(scenario, INSTRUMENT, 1, steps)
            best_ns = min(best_ns, (time.process_time_ns() - begin) / steps)
        figures[name] = round(best_ns / 1e3, 2)
    print(json.dumps({**figures, "steps": steps, **calibration()}))


if __name__ == "__main__":
    main()
