"""Bugs of starting, stopping, modes and the order log."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from engine.app.recorder import Recorder
from engine.core import facts, halt, modes, order_restore, orders
from engine.core.comparison import Comparison
from engine.core.dead_man import DeadMan
from engine.core.driver import Driver
from engine.core.halt import Halt
from engine.core.modes import Allowed, Creates, Mode
from engine.core.order_record import FAR
from engine.core.orders import OrderTracker
from engine.core.stopping import StopProof
from engine.core.tracker_state import TrackerState
from engine.core.user_stream import UserStream
from engine.model.enums import CloseReason, Phase, UpdateSource
from engine.model.request import ArmDeadMan, Request
from engine.store import connection, order_log, recovery, rows
from tests.sim import process
from tests.sim.mutants.patch import Patch, mutant


def without_recall(*given: Any, recall: object) -> Driver:
    return Driver(*given)


def allow(patch: Patch, mode: Mode, **changes: Any) -> None:
    """Change what a mode allows."""
    before = modes.ALLOWED[mode]
    now = Allowed(changes.get("creates", before.creates), cancels_own=changes.get("cancels_own", before.cancels_own))
    patch.set(modes, "ALLOWED", {**modes.ALLOWED, mode: now})
    patch.set(halt, "ALLOWED", modes.ALLOWED)


@mutant()
def safe_does_not_cancel(patch: Patch) -> None:
    allow(patch, Mode.SAFE, cancels_own=False)


@mutant()
def stop_does_not_cancel(patch: Patch) -> None:
    allow(patch, Mode.STOPPING, cancels_own=False)


@mutant()
def orders_are_created_after_the_stop(patch: Patch) -> None:
    """hummingbot#1508."""
    allow(patch, Mode.STOPPING, creates=Creates.ALL, cancels_own=False)


@mutant(profile="crash_rate", scale=10)
def intents_are_dropped_at_a_start(patch: Patch) -> None:
    """Whatever was not acknowledged is taken for not sent."""

    def restore(state: TrackerState, found: Any, now_us: int) -> None:
        kept = list(found)
        for order in kept:
            if order.phase in (Phase.INTENT, Phase.SENT):
                order.phase, order.close_reason, order.settled = Phase.CLOSED, CloseReason.NOT_SENT, True
        real(state, kept, now_us)

    real = order_restore.restore
    patch.set(orders, "restore", restore)


@mutant(profile="crash_rate", scale=10)
def open_orders_are_forgotten_at_a_start(patch: Patch) -> None:
    """hummingbot#366: and the venue's list is not asked either."""
    patch.set(OrderTracker, "restore", lambda self, found, now_us: None)
    patch.set(OrderTracker, "reconcile", lambda self, snapshot: [])
    patch.set(process, "Driver", without_recall)


@mutant(profile="crash_rate+stream_drop", scale=10)
def settling_orders_are_forgotten_at_a_start(patch: Patch) -> None:
    def restore(state: TrackerState, found: Any, now_us: int) -> None:
        real(state, [order for order in found if not order.settling], now_us)

    real = order_restore.restore
    patch.set(orders, "restore", restore)
    patch.set(process, "Driver", without_recall)


@mutant(profile="crash_rate", scale=10)
def booked_trades_are_forgotten_at_a_start(patch: Patch) -> None:
    """QuantDinger#231: fills are booked twice after a restart."""

    def read_order(connection: Any, row: Any, now_us: int) -> Any:
        order = real(connection, row, now_us)
        order.fills = {}
        return order

    real = rows.read_order
    patch.set(recovery, "read_order", read_order)


@mutant(scale=2)
def ledger_is_opened_again_at_a_start(patch: Patch) -> None:
    """With the venue's balances, which have the trades already that are fetched next."""
    real = recovery.restore

    def restore(found: Any, tracker: Any, portfolio: Any, now_us: int) -> None:
        real(found, tracker, portfolio, now_us)
        portfolio._opened.clear()

    patch.set(recovery, "restore", restore)


@mutant(profile="crash_rate", scale=10)
def ids_start_over(patch: Patch) -> None:
    patch.set(order_log, "epoch_of", lambda persisted, start_us: 1)


@mutant(profile="crash_rate+log_loss", scale=10)
def epoch_counts_without_the_clock(patch: Patch) -> None:
    """A log restored from a backup gives the same ids again."""
    patch.set(order_log, "epoch_of", lambda persisted, start_us: persisted + 1)


@mutant()
def trades_that_were_fetched_are_not_written(patch: Patch) -> None:
    def changed(self: Recorder, change: Any) -> None:
        if change.fill is None or change.fill.source is not UpdateSource.REST:
            real(self, change)

    real = patch.set(Recorder, "changed", changed)


@mutant()
def intents_are_not_written(patch: Patch) -> None:
    patch.set(order_log.OrderLog, "note_order", lambda self, order, now_us, cause="": None)


@mutant(profile="disk", scale=5)
def sent_although_the_commit_failed(patch: Patch) -> None:
    """freqtrade#4653: the order is placed, its row is lost."""

    def durable(self: Driver, requests: Sequence[Request]) -> bool:
        real(self, requests)
        return True

    real = patch.set(Driver, "_durable", durable)


@mutant(profile="disk", scale=5)
def failed_commit_is_not_told(patch: Patch) -> None:
    """The engine trades on as if the disk worked."""
    patch.set(facts, "_UNSAFE", {})


@mutant(profile="crash_rate+log_loss", scale=4)
def trading_before_the_gap_is_filled(patch: Patch) -> None:
    allow(patch, Mode.DEGRADED, creates=Creates.ALL)


@mutant(profile="crash_rate+log_loss", scale=4)
def leftovers_do_not_block(patch: Patch) -> None:
    patch.set(halt, "_ALARMS", {})


@mutant()
def stream_is_not_reconnected(patch: Patch) -> None:
    def lose(self: UserStream, health: Any, now_us: int) -> None:
        real(self, health, now_us)
        self._reconnect_us = FAR

    real = patch.set(UserStream, "_lose", lose)


@mutant(scale=2)
def switch_is_refreshed_while_unsafe(patch: Patch) -> None:
    def tick(self: DeadMan, now_us: int) -> list[Request]:
        if now_us < self.due_us:
            return []
        self.due_us = now_us + 15_000_000
        return [ArmDeadMan(each.partition(":")[0], each, 60_000) for each in self._instruments]

    patch.set(DeadMan, "tick", tick)


@mutant(profile="disk", scale=5)
def safe_is_left_at_once(patch: Patch) -> None:
    """Unsafe causes end without a comparison."""

    def proven(self: Comparison, venue: str, cause: Any, now_us: int) -> bool:
        return True

    patch.set(Comparison, "_proven", proven)
    patch.set(Comparison, "_over", lambda self, cause: True)


@mutant(profile="duplicate", scale=10)
def stop_without_proof(patch: Patch) -> None:
    """The process ends while a copy of its last request is still under way."""

    def tick(self: StopProof, now_us: int, *, active: bool) -> None:
        self.complete = not active

    patch.set(StopProof, "tick", tick)


@mutant(profile="crash_rate", scale=10)
def cursor_runs_ahead_of_its_trades(patch: Patch) -> None:
    """The cursor is durable, the trades before it are not, and no order is asked for its own."""

    def changed(self: Recorder, change: Any) -> None:
        if change.fill is None:
            real(self, change)

    real = patch.set(Recorder, "changed", changed)


@mutant(profile="rules_rate", scale=6)
def halt_never_ends_the_storm(patch: Patch) -> None:
    """Rejections are sent again and again: no slot waits."""
    patch.set(facts.Facts, "_rejected", lambda self, order: None)


@mutant(profile="second_rate", scale=4)
def two_instances_may_run(patch: Patch) -> None:
    """F37: the lock of the folder is no lock."""

    def init(self: connection.FileLock, folder: Any) -> None:
        self._descriptor = os.open(folder / connection.LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)

    patch.set(connection.FileLock, "__init__", init)


@mutant(profile="key_rights_rate", scale=4)
def refused_key_is_no_cause(patch: Patch) -> None:
    """Orders are sent on with a key that may not trade."""
    patch.set(Comparison, "note_denied", lambda self, venue, now_us: None)


@mutant(profile="drift_rate", scale=4)
def differing_balances_are_adopted(patch: Patch) -> None:
    """bytex#30: what nobody can explain is made our own."""

    def watch(self: Halt, venue: str, differences: Any, now_us: int) -> None:
        if differences:
            adopting[self]._opened.clear()

    adopting: dict[Halt, Any] = {}

    def init(self: Comparison, state: Any, halt: Halt, streams: Any) -> None:
        real(self, state, halt, streams)
        adopting[halt] = state.portfolio

    real = patch.set(Comparison, "__init__", init)
    patch.set(Halt, "watch_ledger", watch)


@mutant()
def recall_reads_the_last_commit(patch: Patch) -> None:
    """What has happened since is not in it: a fill is booked again."""
    patch.set(
        Recorder, "recall", lambda self, request, instrument_id: self._log.recall(request, instrument_id, self._now_us)
    )
