"""Transitions by the venue's word on an order: T2 to T5, T8, T9, T12, T19. Cumulative quantities only grow, phases only
move forward, and the first ended reason is final: streams and replicas deliver late and twice.
"""

from engine.core.amend import compare_terms, largest_quantity
from engine.core.hot_words import AMEND, FILLED, FULL, LIVE, NO_COMMAND, OPEN
from engine.core.marks import mark
from engine.core.order_change import AlarmKind
from engine.core.order_record import Record
from engine.core.tracker_state import TrackerState
from engine.model.enums import CloseReason, OrderStatus, UpdateSource
from engine.model.event import OrderUpdate
from engine.model.money import ZERO

LOOKUP_DELAYS_US = (500_000, 1_000_000, 2_000_000, 4_000_000)  # after an ambiguous answer, then every LOOKUP_EVERY_US
LOOKUP_EVERY_US = 5_000_000

ENDED_BY = {
    OrderStatus.FILLED: CloseReason.FILLED,
    OrderStatus.CANCELED: CloseReason.CANCELED,
    OrderStatus.EXPIRED: CloseReason.EXPIRED,
}


def move(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """T8 on SENT or LIVE: raise the cumulative quantity and go forward."""
    changed = count_up(record, update)
    if update.status is not OPEN:
        end(state, record, update, now_us)
        return True
    order = record.order
    if order.phase is not LIVE:
        state.go_live(record, now_us)
        changed = True
    else:
        record.lookup_us = now_us + state.patience_us(order)
    if record.absent_us or record.unlisted or order.doubt:
        changed = sign_of_life(record) or changed
    if order.quantity is None or order.command is not NO_COMMAND:
        changed = compare_terms(state, record, update, now_us) or changed
        close_if_full(state, record)
    return changed


def close_if_full(state: TrackerState, record: Record) -> None:
    """FILLED follows from the trades, but never from a quantity that is a guess or about to change."""
    order = record.order
    quantity = largest_quantity(order)
    if quantity is not None and order.filled >= quantity:
        order.quantity = quantity
        record.close_us = 0
        state.close(record, FULL)


def count_up(record: Record, update: OrderUpdate) -> bool:
    """R5: the cumulative quantity as far as it is larger, without what was taken back since.

    FILLED without one means the whole quantity.
    """
    order = record.order
    filled = update.filled
    if filled is None and update.status is FILLED:
        filled = order.quantity
    if filled is None or filled <= order.venue_filled:
        return False
    if record.corrected:
        filled -= sum(record.corrected.values())
        if filled <= order.venue_filled:
            return False
    order.venue_filled = filled
    record.venue_average = update.average_price
    return True


def end(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> None:
    """Close by a terminal report. Without a cumulative quantity the close is not proven complete (see `conclude`)."""
    order = record.order
    if order.quantity is None or order.command is AMEND:
        compare_terms(state, record, update, now_us)
    told = update.filled is not None or (update.status is FILLED and order.quantity is not None)
    record.close_us = 0 if told else now_us
    state.close(record, ENDED_BY[update.status], update.reason)


def sign_of_life(record: Record) -> bool:
    """What spoke for the order's absence is void. Returns whether its doubt ended."""
    record.absent_us = record.unlisted = 0
    doubted = record.order.doubt
    record.order.doubt = False
    return doubted


def count(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """T8 on an ended order: a larger cumulative quantity opens the settlement again; nothing else may change."""
    changed = count_up(record, update)
    order = record.order
    if order.quantity is None and update.quantity is not None:
        order.quantity = update.quantity
        changed = True
    told = update.filled is not None or (update.status is FILLED and order.quantity is not None)
    if record.close_us and told and update.status is not OPEN:
        record.close_us = 0
        return True
    return changed


def resurrect(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """T9: an order that was closed as dead exists. Cancel it, or settle it if it has ended by now."""
    wake_the_dead(state, record, now_us)
    return move(state, record, update, now_us)


def wake_the_dead(state: TrackerState, record: Record, now_us: int) -> None:
    """Take back the death of an order: it is LIVE and to be cancelled."""
    order = record.order
    text = f"closed as {order.close_reason} ({order.reason}), but the venue has it: it is being cancelled"
    state.alarm(AlarmKind.RESURRECTED, order, text, now_us)
    state.revive(record)
    state.go_live(record, now_us)
    state.want_cancel(record, now_us)


def reject(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """T3: a submit was refused. With anything filled it is a contradiction (T3c) or the end of a live order."""
    order = record.order
    if max(order.venue_filled, update.filled or ZERO) == 0:
        not_sent = update.reason.startswith("not_sent:")
        reason = update.reason if not_sent or update.reason.startswith("rejected:") else f"rejected:{update.reason}"
        state.close(record, CloseReason.NOT_SENT if not_sent else CloseReason.REJECTED, reason)
        return True
    if update.source is UpdateSource.ACK:
        return contradict(state, record, update, now_us)
    return reject_live(state, record, update, now_us)


def reject_live(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """The venue ends an order by rejecting it later: dead if nothing traded, cancelled otherwise."""
    count_up(record, update)
    order = record.order
    if order.venue_filled == 0:
        text = update.reason if update.reason.startswith("rejected:") else f"rejected:{update.reason}"
        state.close(record, CloseReason.REJECTED, text)
    else:
        record.close_us = 0 if update.filled is not None else now_us
        state.close(record, CloseReason.CANCELED, update.reason)
    return True


def contradict(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """T3c: the answer says rejected, but the order is proven to exist. Keep it and look."""
    text = f"rejected ({update.reason}), but it is {record.order.phase} at the venue: looking it up"
    state.alarm(AlarmKind.CONTRADICTION, record.order, text, now_us)
    state.look_at(record, now_us)
    return True


def doubt(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """T4: the answer to the submit is ambiguous. That is no failure (R2): look it up until something is proven."""
    order = record.order
    mark("dup_reject" if "duplicate" in update.reason.lower() else "create_ambiguous")
    order.ambiguous = True
    order.reason = update.reason
    record.doubt_us = now_us
    record.lookups = 0
    state.look_at(record, now_us + LOOKUP_DELAYS_US[0])
    return True
