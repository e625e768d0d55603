"""The part of the campaign that runs with every commit: fresh seeds, old failures, determinism, crashes, mutants."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.campaign import report, run_seed, run_seeds, settings_of
from tests.sim.crash_points import crash_at, crash_everywhere
from tests.sim.harness import Run
from tests.sim.mutants import MUTANTS, kill
from tests.sim.mutants.patch import Patch

ROOT = Path(__file__).parent.parent.parent
FRESH = 300
CHUNK = 20
HASHED = (3, 8)
HASH_CODE = "import sys; from tests.sim.harness import Run; print(*(Run(s, hashed=True).go()['hash'] for s in (3, 8)))"


def base() -> int:
    """Everybody can name the fresh seeds of a commit: its hash tells them. Without git: the seeds from 0."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(found.stdout[:8], 16) * FRESH if found.returncode == 0 else 0


@pytest.mark.parametrize("chunk", range(FRESH // CHUNK))
def test_fresh_seeds_of_this_commit(chunk: int) -> None:
    first = base() + chunk * CHUNK
    summary = report(run_seeds(range(first, first + CHUNK)), "swarm", 1.0)
    print(f"seeds {first} to {first + CHUNK - 1}: {summary['orders']} orders, {summary['fills']} fills")
    assert summary["failures"] == []
    assert summary["fills"] > 0


def regressions() -> list[tuple[int, str, float, str]]:
    lines = (Path(__file__).parent / "regressions.txt").read_text().splitlines()
    fields = [line.partition("|")[0].split() for line in lines if not line.startswith("#")]
    return [(int(seed), profile, float(scale), mutant) for seed, profile, scale, mutant in fields]


@pytest.mark.parametrize(("seed", "profile", "scale", "mutant"), regressions())
def test_seeds_that_failed_once(seed: int, profile: str, scale: float, mutant: str) -> None:
    assert run_seed(seed, profile, scale)["violations"] == {}
    if mutant != "-":
        with Patch() as patch:
            MUTANTS[mutant].apply(patch)
            assert run_seed(seed, profile, scale)["violations"]


@pytest.mark.parametrize("profile", ["healthy", "lossy", "no_expiry", "crash_rate", "disk", "duplicate", "stale_read"])
def test_profiles(profile: str) -> None:
    assert report(run_seeds(range(4), profile), profile, 1.0)["failures"] == []


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(ValueError, match="no profile foul"):
        settings_of("foul", 0)


def test_healthy_sessions_are_quick() -> None:
    """Fills within a second of their execution, flat within five seconds of a stop."""
    summary = report(run_seeds(range(100, 104), "healthy"), "healthy", 1.0)
    assert summary["booking_delay_s"]["p99"] < 1
    assert summary["stop_to_flat_s_max"] <= 5


def test_the_same_seed_gives_the_same_session() -> None:
    """In two processes with different hash seeds, and twice in one."""
    here = [Run(seed, hashed=True).go()["hash"] for seed in HASHED]
    assert here == [Run(seed, hashed=True).go()["hash"] for seed in HASHED]
    for hash_seed in ("0", "1"):
        environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        told = subprocess.run(
            [sys.executable, "-c", HASH_CODE], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
        )
        assert told.stdout.split() == here


@pytest.mark.parametrize("profile", ["healthy", "lossy"])
def test_crash_points(profile: str) -> None:
    summary = crash_everywhere(profile, 120)
    assert summary["failures"] == []
    assert summary["crashes"] == summary["runs"]


def test_crash_of_the_recovery() -> None:
    for first, second in ((40, 3), (400, 21), (900, 55)):
        result = crash_at((first, second))
        assert result["violations"] == {}
        assert result["crashes"] == 2


@pytest.mark.parametrize("name", ["r02_ambiguous_is_failure", "r06_no_dedupe", "r11_no_snapshot_fence"])
def test_the_harness_finds_bugs(name: str) -> None:
    assert name in MUTANTS
    assert kill(name, range(40))["killed_by"]


def test_a_seed_can_be_read() -> None:
    lines: list[str] = []
    run_seed(5, trace=lines.append)
    assert any("SubmitOrder" in line for line in lines)
    assert any("VENUE" in line for line in lines)
