"""Settings that change while a bot runs: all are checked together, and an event makes a replay take them too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from engine.app.build import limits_of
from engine.app.config.load import LoadedConfig, with_changes
from engine.app.config.show import HIDDEN, show
from engine.core.engine import Engine
from engine.core.limits import RiskLimits
from engine.core.ports import Controller
from engine.model.event import SettingsChanged

LIMITS = {f"risk.{each.name.removesuffix('_us')}" for each in fields(RiskLimits)}


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting in two configurations; `live`: it can be taken over now."""

    path: str
    before: str
    after: str
    live: bool


def differences(old: LoadedConfig, new: LoadedConfig, controllers: Sequence[Controller]) -> list[Difference]:
    """Every setting that differs, but for secrets; "" where it is not there. Live are those that somebody can take."""
    before, after = ({each.path: each for each in show(loaded)} for loaded in (old, new))
    found = []
    for path in {**before, **after}:
        was, now = before.get(path), after.get(path)
        told = (was.value if was else "", now.value if now else "")
        if told[0] != told[1] and HIDDEN not in told:
            found.append(Difference(path, *told, now is not None and now.live and _is_taken(path, controllers)))
    return found


def follow_settings(
    engine: Engine, loaded: LoadedConfig, changed: Callable[[LoadedConfig], None] = lambda loaded: None
) -> None:
    """Let the engine take over every change from now on; `changed` hears what holds then."""

    def take(event: SettingsChanged) -> None:
        nonlocal loaded
        old, loaded = loaded.config, with_changes(loaded, (f"{path}={after}" for path, _, after in event.changes))
        new = loaded.config
        if new.risk != old.risk:
            engine.set_limits(limits_of(new.risk))
        for controller in engine.controllers:
            settings = new.strategies_by_name[controller.name]
            if settings != old.strategies_by_name[controller.name]:
                controller.change(settings)  # type: ignore[attr-defined]  # only what it can take is changed
        changed(loaded)

    engine.on_settings(take)


def _is_taken(path: str, controllers: Sequence[Controller]) -> bool:
    if path in LIMITS:
        return True
    section, _, rest = path.partition(".")
    names = {"strategy": [each.name for each in controllers], "strategies": [rest.partition(".")[0]]}.get(section, [])
    return any(each.name in names and hasattr(each, "change") for each in controllers)
