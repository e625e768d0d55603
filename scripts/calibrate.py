"""How fast this machine is: the cost of an empty Python call, so that figures of different machines can be compared."""

import json
import time


def _nothing() -> None:
    pass


def calibration(calls: int = 200_000, rounds: int = 5) -> dict[str, float]:
    """CPU nanoseconds of one empty call, best of `rounds`."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time_ns()
        for _ in range(calls):
            _nothing()
        best = min(best, (time.process_time_ns() - begin) / calls)
    return {"empty_call_ns": round(best, 2)}


if __name__ == "__main__":
    print(json.dumps(calibration()))
