"""Bugs put into the product on purpose: the harness must find every one of them, or it has a hole."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tests.sim.campaign import run_seed
from tests.sim.mutants import orders, rules, start, venue
from tests.sim.mutants.patch import MUTANTS, Patch

assert rules
assert orders
assert start
assert venue


def kill(name: str, seeds: Iterable[int]) -> dict[str, Any]:
    """Run the mutant until a seed fails: which one, and the invariant that broke first."""
    mutant = MUTANTS[name]
    cpu_s = 0.0
    tried = 0
    with Patch() as patch:
        mutant.apply(patch)
        for seed in seeds:
            tried += 1
            result = run_seed(seed, mutant.profile, mutant.scale)
            cpu_s += result["cpu_s"]
            if result["violations"]:
                text = result["violations"][result["first"]]
                return {"killed_by": result["first"], "seed": seed, "text": text[:160], "cpu_s": round(cpu_s, 1)}
    return {"killed_by": "", "tried": tried, "cpu_s": round(cpu_s, 1)}


def kill_all(only: str, seeds: Iterable[int]) -> dict[str, Any]:
    """All mutants whose name contains `only`; progress goes to standard error."""
    fates = {}
    for name in MUTANTS:
        if only in name:
            fates[name] = kill(name, seeds)
            print(name, fates[name], file=sys.stderr, flush=True)
    survivors = [name for name, fate in fates.items() if not fate["killed_by"]]
    return {"mutants": len(fates), "failing": len(survivors), "survivors": survivors, "fates": fates}
