"""Executors: each turns one decision of a controller into orders and keeps them in order."""

from typing import Any

from engine.core.executors.cross_venue import CrossVenueExecutor
from engine.core.executors.flatten import FlattenExecutor
from engine.core.executors.quote import QuoteExecutor

KINDS: dict[str, Any] = {"quote": QuoteExecutor, "flatten": FlattenExecutor, "cross_venue": CrossVenueExecutor}
"""Executor classes by the `kind` of a StartExecutor; made as `KINDS[kind](executor_id, settings)`."""
