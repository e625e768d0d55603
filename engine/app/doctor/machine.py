"""Checks of the machine: Python, packages, clock, disk."""

import ctypes
import os
import platform
import re
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

import engine
from engine.app.doctor.finding import Finding, Patient, State

PYTHON_MIN = (3, 11)
WRITES, WRITES_BUDGET_S = 50, 1.0
SLOW_WRITE_MS = 20.0
CLOCK_ERROR = 5  # adjtimex: not synchronised
_TIMEX_BYTES = 256
Requirement = tuple[str, str, str]
"""Package, least version, and the extra that wants it, or ""."""
_REQUIREMENT = re.compile(r"([\w.-]+)\s*>=\s*([\d.]+)(?:.*extra == ['\"]([\w-]+)['\"])?")


def python(_: Patient) -> Finding:
    """The version of the interpreter."""
    return judge_python(sys.version_info[:3])


def judge_python(version: tuple[int, ...]) -> Finding:
    number = ".".join(map(str, version))
    text = f"{platform.python_implementation()} {number} on {platform.system()} {platform.machine()}"
    if version < PYTHON_MIN:
        return Finding(State.FAILED, text, f"install Python {'.'.join(map(str, PYTHON_MIN))} or newer")
    return Finding(State.OK, text)


def packages(_: Patient) -> Finding:
    """What must be installed, in which version at least; and what of the rest is not there."""
    return judge_packages(_requirements(), _installed)


def judge_packages(requirements: Iterable[Requirement], installed: Callable[[str], str | None]) -> Finding:
    """`installed` gives the version of a package, None if it is not there."""
    old: list[str] = []
    absent: list[str] = []
    count = 0
    for name, least, extra in requirements:
        version = installed(name)
        if extra and version is None:
            absent.append(f"{name} [{extra}]")
        elif not extra:
            count += 1
            if version is None or _parts(version) < _parts(least):
                old.append(f"{name}>={least}")
    if old:
        return Finding(State.FAILED, f"missing or too old: {', '.join(old)}", f"pip install {' '.join(map(repr, old))}")
    without = f"; not installed: {', '.join(absent)}" if absent else ""
    return Finding(State.OK, f"{count} packages as required{without}")


def _requirements() -> Iterator[Requirement]:
    """The requirements of this program, without what only its tests need."""
    try:
        lines = metadata.requires("tickwright") or []
    except metadata.PackageNotFoundError:  # handled: a checkout is not installed, its project file says the same
        text = (Path(engine.__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        extras = project["optional-dependencies"].items()
        lines = project["dependencies"] + [f"{line}; extra == '{extra}'" for extra, own in extras for line in own]
    found = (_REQUIREMENT.match(line) for line in lines)
    return ((match[1], match[2], match[3] or "") for match in found if match and match[3] != "test")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # handled: the answer is that it is not installed
        return None


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def clock(_: Patient) -> Finding:
    """Intervals are measured with the monotonic clock; orders are stamped with the wall clock."""
    monotonic = time.get_clock_info("monotonic")
    return judge_clock(monotonic.resolution, monotonic.monotonic and not monotonic.adjustable, _clock_error_us())


def judge_clock(resolution_s: float, only_forward: bool, error_us: int | None) -> Finding:
    """`error_us` is the kernel's bound on the error of the wall clock, -1 if nothing synchronises it, None: unknown."""
    text = f"{time.strftime('%Y-%m-%d %H:%M:%S %z')}, monotonic resolution {resolution_s * 1e9:.0f} ns"
    if not only_forward:
        return Finding(State.FAILED, f"{text}: time can run backwards", "use another operating system")
    if error_us is None:
        return Finding(State.OK, f"{text}; whether the wall clock is synchronised cannot be told here")
    if error_us < 0:
        return Finding(State.WARNING, f"{text}; the wall clock is not synchronised", "sudo timedatectl set-ntp true")
    return Finding(State.OK, f"{text}; the wall clock is synchronised within {error_us / 1000:.0f} ms")


def _clock_error_us() -> int | None:
    if sys.platform != "linux":
        return None
    timex = (ctypes.c_long * (_TIMEX_BYTES // ctypes.sizeof(ctypes.c_long)))()  # modes = 0: only read
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    return None if state < 0 else -1 if state == CLOCK_ERROR else int(timex[3])


def disk(patient: Patient) -> Finding:
    """How long an order waits until its record is safe: 4 KiB and fdatasync, in the user's folder."""
    folder = patient.userdir / "data"
    folder = folder if folder.is_dir() else patient.userdir
    try:
        costs_ms = sorted(_writes(folder))
    except OSError as error:
        return Finding(State.FAILED, f"{folder}: {error.strerror}", "make the folder writable")
    return judge_disk(folder, costs_ms)


def judge_disk(folder: Path, costs_ms: Sequence[float]) -> Finding:
    """`costs_ms` ascend."""
    p50, p99 = costs_ms[len(costs_ms) // 2], costs_ms[len(costs_ms) * 99 // 100]
    text = f"{folder}: a durable write takes {p50:.2f} ms (p50), {p99:.2f} ms (p99)"
    if p50 > SLOW_WRITE_MS:
        return Finding(State.WARNING, f"{text}; every order waits for one", "keep data/ on a local SSD")
    return Finding(State.OK, text)


def _writes(folder: Path) -> Iterator[float]:
    """Milliseconds of each write; fewer on a disk that is very slow."""
    sync = getattr(os, "fdatasync", os.fsync)
    end = time.perf_counter() + WRITES_BUDGET_S
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(WRITES):
            begin = time.perf_counter()
            file.write(bytes(4096))
            sync(file.fileno())
            done = time.perf_counter()
            yield (done - begin) * 1000
            if done > end:
                return
