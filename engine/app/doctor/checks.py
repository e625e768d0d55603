"""The table of checks. A check is a function; its name is the check's."""

from collections.abc import Callable

from engine.app.doctor.finding import Finding, Patient
from engine.app.doctor.folder import bots, configuration, logs
from engine.app.doctor.machine import clock, disk, packages, python

Check = Callable[[Patient], Finding]

CHECKS: dict[str, Check] = {
    check.__name__: check for check in (python, packages, clock, disk, logs, bots, configuration)
}
