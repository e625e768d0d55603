"""Changing the product while it runs, and changing it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.core.lifecycle import News, Stage
from engine.core.order_steps import Handler
from engine.core.orders import OrderTracker


class Patch:
    """Everything that was set is as before when the block ends."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any, bool]] = []

    def __enter__(self) -> Patch:
        return self

    def __exit__(self, *error: object) -> None:
        for owner, name, value, own in reversed(self._before):
            if own:
                setattr(owner, name, value)
            else:
                delattr(owner, name)

    def set(self, owner: Any, name: str, value: Any) -> Any:
        """Replace an attribute of a module or class; returns what it was."""
        before = getattr(owner, name)
        self._before.append((owner, name, owner.__dict__.get(name), name in owner.__dict__))
        setattr(owner, name, value)
        return before

    def handle(self, stage: Stage, news: News, handler: Handler) -> None:
        """Replace one cell of the life cycle."""
        self.set(OrderTracker, "handlers", {**OrderTracker.handlers, (stage, news): handler})


class Mutant(NamedTuple):
    """A bug, and the faults under which it shows."""

    apply: Callable[[Patch], None]
    profile: str
    scale: float


MUTANTS: dict[str, Mutant] = {}


def mutant(profile: str = "swarm", scale: float = 1.0) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a function that puts a bug in, under its own name."""

    def register(apply: Callable[[Patch], None]) -> Callable[[Patch], None]:
        MUTANTS[apply.__name__] = Mutant(apply, profile, scale)
        return apply

    return register
