"""Many seeds: what they have in common, which of them fail, and how to see one of them again."""

from __future__ import annotations

import gc
import platform
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from time import process_time
from traceback import extract_tb
from typing import Any

from connectors.simulated.faults import HEALTHY, MAXIMA, FaultRates, VenueHabits, draw_habits, only, swarm
from engine.core.venue_sheet import SECOND_US
from tests.sim.harness import SAFETY_US, Run

LOSSY = ("lose_response", "post5xx", "stream_drop", "stream_duplicate")
LONG_US = 3_600 * SECOND_US
SUMS = ("orders", "fills", "requests", "crashes", "log_losses", "disk_failures", "late_in_outages")
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)
Result = dict[str, Any]


def settings_of(profile: str, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """What a profile means: `swarm`, `healthy`, `lossy`, `no_expiry`, `long`, or the name of a single fault."""
    rates: FaultRates = swarm(seed, scale)
    habits: VenueHabits | None = None
    safety_us = SAFETY_US
    if profile == "healthy":
        rates = HEALTHY
    elif profile == "lossy":
        rates = only(*LOSSY, scale=scale)
    elif profile == "no_expiry":
        habits = type(draw_habits(seed))(expires=False)
    elif profile == "long":
        safety_us = LONG_US
    elif profile != "swarm":
        names = profile.split("+")
        if not all(hasattr(MAXIMA, name) for name in names):
            raise ValueError(f"no profile {profile}: swarm, healthy, lossy, no_expiry, long, or names of faults with +")
        rates = only(*names, scale=scale)
    return {"rates": rates, "habits": habits, "safety_us": safety_us}


def run_seed(seed: int, profile: str = "swarm", scale: float = 1.0, **more: Any) -> Result:
    """One seed. An exception is a violation too."""
    gc.freeze()
    gc.disable()  # what a run leaves in cycles is collected after it
    try:
        return _run_seed(seed, profile, scale, **more)
    finally:
        gc.enable()
        gc.collect()


def _run_seed(seed: int, profile: str, scale: float, **more: Any) -> Result:
    run = Run(seed, **(settings_of(profile, seed, scale) | more))
    began = process_time()
    try:
        result = run.go()
    except Exception as error:  # handled: it stands in the report, with its place, and the seed counts as failing
        where = extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} at {where.filename.rpartition('/')[2]}:{where.lineno}"
        result = run.result([])
        result["violations"]["exception"] = text
        result["first"] = result["first"] or "exception"
    result["cpu_s"] = process_time() - began
    return result


def run_seeds(
    seeds: Iterable[int],
    profile: str = "swarm",
    scale: float = 1.0,
    jobs: int = 1,
    told: Callable[[Result], None] | None = None,
) -> list[Result]:
    """All results in the order of the seeds, for any number of jobs."""
    work = partial(run_seed, profile=profile, scale=scale)
    results = []
    if jobs == 1:
        for seed in seeds:
            results.append(work(seed))
            if told is not None:
                told(results[-1])
        return results
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for result in pool.map(work, seeds, chunksize=8):
            results.append(result)
            if told is not None:
                told(result)
    return results


def report(results: list[Result], profile: str, scale: float) -> Result:
    """Sums, delays, marks, failing seeds."""
    faults: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    delays: list[int] = []
    clear: list[int] = []
    for result in results:
        faults.update(result["faults"])
        marks.update(result["marks"])
        sums.update({name: result[name] for name in SUMS})
        delays += result["delays"]
        clear += result["delays_clear"]
    delays.sort()
    clear.sort()
    simulated_s = sum(result["simulated_us"] for result in results) / 1e6
    cpu_s = sum(result["cpu_s"] for result in results)
    failing = [_failing(result, profile, scale) for result in results if result["violations"]]
    return {
        "profile": profile,
        "scale": scale,
        "python": platform.python_version(),
        "seeds": len(results),
        "failing": len(failing),
        "simulated_hours": round(simulated_s / 3600, 2),
        "cpu_s": round(cpu_s, 1),
        "times_real_time": round(simulated_s / cpu_s) if cpu_s else 0,
        **sums,
        "booking_delay_s": {f"p{100 * q:g}": _quantile(delays, q) for q in QUANTILES},
        "booking_delay_without_outage_s": {f"p{100 * q:g}": _quantile(clear, q) for q in QUANTILES},
        "stop_to_flat_s_max": max((result["flat_us"] for result in results), default=0) / 1e6,
        "faults": dict(sorted(faults.items())),
        "marks": dict(sorted(marks.items())),
        "failures": failing,
    }


def _failing(result: Result, profile: str, scale: float) -> Result:
    line = f"python scripts/campaign.py --seed {result['seed']} --profile {profile} --scale {scale:g} --trace"
    return {"seed": result["seed"], "first": result["first"], "violations": result["violations"], "again": line}


def _quantile(values: list[int], share: float) -> float | None:
    return values[min(len(values) - 1, int(len(values) * share))] / 1e6 if values else None
