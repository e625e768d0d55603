"""The twelve rules of the order life cycle, each taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.simulated import faulty_connector
from engine.core import order_routing
from engine.core.driver import Driver
from engine.core.lifecycle import News, Stage
from engine.core.order_absence import never_existed
from engine.core.order_record import Record
from engine.core.order_routing import find
from engine.core.orders import OrderTracker
from engine.core.tracker_state import TrackerState
from engine.core.user_stream import UserStream
from engine.model.enums import Action, CloseReason
from engine.model.fill import Fill
from engine.model.request import Request
from tests.sim.mutants.patch import Patch, mutant


def close_canceled(state: TrackerState, record: Record, event: object, now_us: int) -> bool:
    """Take a denial for the end."""
    state.close(record, CloseReason.CANCELED, "mutant")
    state.conclude(record, now_us)
    return True


@mutant()
def r01_write_ahead(patch: Patch) -> None:
    """Sent first, committed afterwards."""
    real = Driver._durable

    def send(self: Driver, requests: Sequence[Request]) -> None:
        patch_durable = self._durable
        self._durable = lambda given: True  # type: ignore[method-assign]
        real_send(self, requests)
        self._durable = patch_durable  # type: ignore[method-assign]
        real(self, requests)

    real_send = patch.set(Driver, "send", send)


@mutant()
def r02_ambiguous_is_failure(patch: Patch) -> None:
    def doubt(state: TrackerState, record: Record, event: object, now_us: int) -> bool:
        state.close(record, CloseReason.NOT_SENT, "mutant")
        return True

    patch.handle(Stage.SENT, News.UNKNOWN, doubt)


@mutant()
def r03_absence_without_proof(patch: Patch) -> None:
    def absent(state: TrackerState, record: Record, event: object, now_us: int) -> bool:
        return record.order.venue_filled == 0 and never_existed(state, record)

    patch.handle(Stage.SENT, News.LOOKUP_ABSENT, absent)


@mutant()
def r04_settled_without_trades(patch: Patch) -> None:
    def conclude(self: TrackerState, record: Record, now_us: int) -> None:
        if record.order.close_reason is not None:
            record.order.venue_filled = record.order.filled
            record.close_us = 0
        real(self, record, now_us)

    real = patch.set(TrackerState, "conclude", conclude)


@mutant()
def r05_reports_move_backwards(patch: Patch) -> None:
    def reopen(state: TrackerState, record: Record, event: Any, now_us: int) -> bool:
        state.revive(record)
        state.go_live(record, now_us)
        return True

    patch.handle(Stage.ENDED, News.OPEN, reopen)
    patch.handle(Stage.ENDED, News.LISTED, reopen)


@mutant()
def r06_no_dedupe(patch: Patch) -> None:
    def apply_fill(self: OrderTracker, fill: Fill) -> Any:
        record = find(self.state, fill)
        if record is not None:
            record.order.fills.pop(fill.trade_id, None)
        return real(self, fill)

    real = patch.set(OrderTracker, "apply_fill", apply_fill)


@mutant(scale=2)
def r07_no_adoption(patch: Patch) -> None:
    patch.set(order_routing, "adopt_update", lambda state, update, now_us: None)
    real = order_routing.route_fill

    def route_fill(state: TrackerState, fill: Fill) -> Any:
        known = find(state, fill) is not None
        return real(state, fill) if known or not state.ids.is_own(fill.client_order_id) else None

    from_tracker = OrderTracker.apply_fill.__globals__
    patch.set(_Globals(from_tracker), "route_fill", route_fill)


class _Globals:
    """The names of a module as attributes, for functions that were imported into it."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names


@mutant()
def r08_no_watchdog(patch: Patch) -> None:
    patch.set(faulty_connector, "WATCHDOG_US", 1 << 50)


@mutant(scale=2)
def r09_no_cursor_sync(patch: Patch) -> None:
    def init(self: UserStream, *given: Any) -> None:
        real(self, *given)
        self._jobs = [job for job in self._jobs if job.action is not Action.TRADES]

    real = patch.set(UserStream, "__init__", init)


@mutant()
def r10_unknown_on_cancel_is_a_close(patch: Patch) -> None:
    patch.handle(Stage.LIVE, News.CANCEL_ABSENT, close_canceled)


@mutant()
def r11_no_snapshot_fence(patch: Patch) -> None:
    def fence(state: TrackerState, record: Record, event: object, now_us: int) -> bool:
        close_canceled(state, record, event, now_us)
        return False

    patch.handle(Stage.LIVE, News.UNLISTED, fence)


@mutant(profile="duplicate", scale=5)
def r12_no_twins(patch: Patch) -> None:
    patch.set(order_routing, "adopt_twin", lambda state, first, news, now_us: first)
