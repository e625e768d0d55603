"""Bugs of the order tracker, the executors and the books, most of them copied from other people's bots."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from engine.core import (
    absence,
    adoption,
    check_rules,
    checks,
    order_absence,
    order_commands,
    order_reports,
    orders,
    settlement,
    tracker_state,
)
from engine.core.executors.quote import QuoteExecutor
from engine.core.funds import Funds
from engine.core.lifecycle import ENDED_REASONS, News, Stage
from engine.core.order_record import FAR, Record
from engine.core.order_records import OrderRecords
from engine.core.order_reports import wake_the_dead
from engine.core.orders import OrderTracker
from engine.core.parking import Parking
from engine.core.portfolio import Portfolio
from engine.core.tracker_state import TrackerState
from engine.model.enums import CloseReason, OrderStatus, Phase
from engine.model.fill import Fill
from engine.model.money import ZERO
from engine.model.order import Order
from engine.model.request import LookupOrder
from tests.sim.mutants.patch import Patch, mutant
from tests.sim.mutants.rules import r09_no_cursor_sync


def ignored(state: TrackerState, record: Record, event: object, now_us: int) -> bool:
    return False


@mutant()
def late_fill_of_a_settled_order_is_dropped(patch: Patch) -> None:
    """Together with closing by the report alone, as bots do that forget an order at its end."""
    patch.handle(Stage.SETTLING, News.FILL_NEW, ignored)


@mutant()
def fill_during_pending_cancel_is_dropped(patch: Patch) -> None:
    """hummingbot#2501."""

    def book(state: TrackerState, record: Record, fill: Fill, now_us: int) -> bool:
        if record.order.command.value == "CANCEL":
            return False
        return settlement.book(state, record, fill, now_us)

    patch.handle(Stage.LIVE, News.FILL_NEW, book)


@mutant()
def fill_before_the_ack_is_dropped(patch: Patch) -> None:
    """CoinAlpha/hummingbot#82: the order is not known to be open yet."""
    patch.handle(Stage.SENT, News.FILL_NEW, ignored)


@mutant()
def cumulative_quantity_shrinks(patch: Patch) -> None:
    """`min` for `max`."""

    def count_up(record: Record, update: Any) -> bool:
        if update.filled is not None:
            record.order.venue_filled = min(record.order.venue_filled, update.filled)
        return False

    patch.set(order_reports, "count_up", count_up)


@mutant()
def quarantine_forgets_the_expiry(patch: Patch) -> None:
    def end_us(sent_us: int, expires_us: int, sheet: Any, clock_error_us: int) -> int:
        return sent_us + sheet.read_lag_us

    patch.set(order_absence, "quarantine_end_us", end_us)


@mutant()
def one_denial_is_a_proof(patch: Patch) -> None:
    patch.set(absence, "ROUNDS", 1)


@mutant()
def denials_count_when_they_arrive(patch: Patch) -> None:
    """started_us replaced by receive_us."""

    def absent(state: TrackerState, record: Record, failure: Any, now_us: int) -> bool:
        late = msgspec.structs.replace(failure, started_us=failure.receive_us)
        return order_absence.absent_sent(state, record, late, now_us)

    patch.handle(Stage.SENT, News.LOOKUP_ABSENT, absent)


@mutant()
def failed_cancel_is_not_repeated(patch: Patch) -> None:
    """DEXBot#73."""

    def repeat(state: TrackerState, record: Record, now_us: int) -> list[Any]:
        first = record.order.attempts == 0
        record.repeat_us = FAR
        record.order.attempts += 1
        return [order_commands.cancel_of(record.order)] if first else []

    patch.set(order_commands, "_repeat_cancel", repeat)


def _module_of(function: Any) -> Any:
    return sys.modules[function.__module__]


@mutant()
def executor_forgets_orders_in_doubt(patch: Patch) -> None:
    """catalyst#317: "Ordering again." Slots of orders without an answer count as free, at every layer."""

    def slots(self: QuoteExecutor, active: Any) -> Any:
        return {order.tag: order for order in active if order.phase is Phase.LIVE and order.command.value != "CANCEL"}

    patch.set(QuoteExecutor, "_slots", slots)
    patch.set(QuoteExecutor, "_free_name", lambda self, quote, state: quote.tag)
    patch.set(checks, "RULES", tuple(row for row in checks.RULES if row[0] != "slot_busy"))


@mutant()
def fees_are_not_posted(patch: Patch) -> None:
    def post(self: Portfolio, fill: Fill, owner: str) -> None:
        real(self, msgspec.structs.replace(fill, fee=ZERO), owner)

    real = patch.set(Portfolio, "_post", post)


@mutant()
def third_asset_fees_are_taken_for_quote(patch: Patch) -> None:
    def post(self: Portfolio, fill: Fill, owner: str) -> None:
        real(self, msgspec.structs.replace(fill, fee_asset="USDT"), owner)

    real = patch.set(Portfolio, "_post", post)


@mutant(profile="trades_rate+stream_drop", scale=10)
def provisional_fill_is_not_replaced(patch: Patch) -> None:
    """nautilus_trader#3046: the synthetic and the real fill both count."""
    patch.set(orders, "take_back_provisional", lambda state, record: None)


@mutant()
def trades_are_never_fetched(patch: Patch) -> None:
    """Neither those of an order nor those since the cursor: the stream is trusted."""
    r09_no_cursor_sync(patch)
    patch.set(
        order_commands, "fetch_of", lambda state, order: LookupOrder("", order.venue_order_id, order.instrument_id)
    )
    patch.set(tracker_state, "FETCH_EVERY_US", FAR)


@mutant()
def dead_after_a_timeout(patch: Patch) -> None:
    """Hummingbot: a create without an answer for 10 s has failed."""

    def due_sent(state: TrackerState, record: Record, now_us: int) -> list[Any]:
        if now_us - record.order.created_us > 4_000_000:
            before = record.order.status
            state.close(record, CloseReason.NEVER_EXISTED, "mutant")
            state.conclude(record, now_us)
            state.changes.append(state.change(record, before))
            return []
        return real(state, record, now_us)

    real = order_commands.due_sent
    patch.set(orders, "DUTIES", {**orders.DUTIES, Stage.SENT: due_sent})


@mutant(scale=2)
def adopted_order_is_filled_by_a_guess(patch: Patch) -> None:
    """The size of the first fill is taken for the order's."""

    def adopt(state: TrackerState, fill: Fill, now_us: int) -> Record:
        record = real(state, fill, now_us)
        record.order.quantity = fill.quantity
        return record

    real = adoption.adopt_fill
    patch.set(_module_of(orders.route_fill), "adopt_fill", adopt)


@mutant()
def snapshot_brings_ended_orders_back(patch: Patch) -> None:
    """A stale replica lists an order that has ended."""

    def reopen(state: TrackerState, record: Record, event: Any, now_us: int) -> bool:
        wake_the_dead(state, record, now_us)
        return True

    patch.handle(Stage.ENDED, News.LISTED, reopen)


@mutant()
def position_and_money_of_late_fills_are_lost(patch: Patch) -> None:
    """Booked in the order, not in the ledger: lean fills after the close."""

    def apply(self: Portfolio, change: Any) -> None:
        closed = change.order.phase is Phase.CLOSED and change.order.close_reason is CloseReason.CANCELED
        real(self, msgspec.structs.replace(change, fill=None) if closed else change)

    real = patch.set(Portfolio, "apply", apply)


@mutant()
def orders_in_doubt_have_no_size(patch: Patch) -> None:
    """Until an answer comes, an order counts for nothing: the limit of the position is overrun."""

    def update(self: Funds, order: Order, market: Any, reference: Any) -> None:
        hidden = order.status is OrderStatus.UNKNOWN and not order.settled
        if hidden:
            order.quantity, quantity = ZERO, order.quantity
        real(self, order, market, reference)
        if hidden:
            order.quantity = quantity

    real = patch.set(Funds, "update", update)


@mutant()
def position_limit_counts_no_open_orders(patch: Patch) -> None:
    patch.set(check_rules.Context, "after", lambda self, request: self.market.position)
    patch.set(checks, "RULES", tuple(row for row in checks.RULES if row[0] != "max_position"))


@mutant()
def forgotten_orders_are_not_recalled(patch: Patch) -> None:
    """hummingbot forgets an order 30 s after its end; what comes later belongs to nobody."""
    patch.set(OrderTracker, "wants_recall", lambda self, event: None)


@mutant(profile="bust", scale=4)
def busts_are_ignored(patch: Patch) -> None:
    for stage in Stage:
        if (stage, News.CORRECTED) in OrderTracker.handlers:
            patch.handle(stage, News.CORRECTED, ignored)


@mutant(profile="bust+stream_duplicate+reorder", scale=4)
def busted_trades_are_missed(patch: Patch) -> None:
    """What the venue took back is waited for, and inferred in the end."""
    patch.set(settlement, "_note_corrected", lambda record, event, before: None)
    patch.set(settlement, "_recount", lambda record, event: False)


@mutant()
def dead_orders_push_ended_ones_out(patch: Patch) -> None:
    """Also the one that has just been recalled."""

    def shelve(self: OrderRecords, record: Record, now_us: int) -> None:
        record.done_us = now_us
        shelf = self._ended if record.order.close_reason in ENDED_REASONS else self._dead
        shelf.append((now_us, record))
        while self._count > self._kept and (self._ended or self._dead):
            self._drop(*(self._ended or self._dead).popleft())

    patch.set(OrderRecords, "shelve", shelve)


@mutant(profile="stream_drop+stale_read+slow", scale=4)
def reported_fills_are_nowhere(patch: Patch) -> None:
    """What a report says is filled counts neither as open nor, before its trade comes, in the position."""

    def reserved(self: Order) -> Any:
        if self.settled or self.quantity is None:
            return ZERO
        quantity = max(self.quantity, self.amend_quantity or ZERO)
        return max(ZERO, quantity - max(self.filled, self.venue_filled))

    patch.set(Order, "reserved_quantity", property(reserved))


@mutant(profile="mute_rate+lose_response+post5xx", scale=4)
def unidentified_trades_are_no_hindrance(patch: Patch) -> None:
    """An order is declared dead although a trade is at hand that may be its own."""
    patch.set(Parking, "may_hold", lambda self, instrument_id, since_us: False)
