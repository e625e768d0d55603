"""kill -9 at every point of one session: before and after every apply, commit and send; also of the recovery itself."""

from __future__ import annotations

from typing import Any

from connectors.simulated.faults import VenueHabits
from engine.core.venue_sheet import SECOND_US
from tests.sim.campaign import run_seed, settings_of
from tests.sim.harness import Run

SEED = 1
SCENARIO_US = 60 * SECOND_US
SECOND_POINTS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)  # of the second process, counted from its start
HABITS = VenueHabits(amend_in_place=True)
SHOWN = 20


def crash_everywhere(profile: str, stride: int, *, double: bool = False) -> dict[str, Any]:
    """All points of the scenario that `stride` hits; with `double`, each with several points of the second process."""
    profile = "healthy" if profile == "swarm" else profile
    rates = settings_of(profile, SEED)["rates"]
    whole = Run(SEED, rates=rates, habits=HABITS, safety_us=SCENARIO_US, crashes=[], strategy="slots").go()
    points = whole["points"][-1]
    pairs = [(first, ()) for first in range(1, points + 1, stride)]
    if double:
        pairs = [(first, (second,)) for first in range(1, points + 1, stride) for second in SECOND_POINTS]
    failures, cpu_s, crashes = [], 0.0, 0
    for first, rest in pairs:
        result = crash_at((first, *rest), profile)
        cpu_s += result["cpu_s"]
        crashes += result["crashes"]
        if result["violations"]:
            failures.append({"crashes": (first, *rest), "violations": result["violations"]})
    return {
        "profile": profile,
        "points": points,
        "runs": len(pairs),
        "crashes": crashes,
        "failing": len(failures),
        "cpu_s": round(cpu_s, 1),
        "failures": failures[:SHOWN],
    }


def crash_at(points: tuple[int, ...], profile: str = "healthy", **more: Any) -> dict[str, Any]:
    """The scenario, killed at these points: one a process, counted from its start."""
    return run_seed(SEED, profile, crashes=points, habits=HABITS, safety_us=SCENARIO_US, strategy="slots", **more)
