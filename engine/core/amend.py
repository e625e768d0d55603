"""Changing a live order in place (T17): until the venue has shown which terms hold, the larger ones count."""

from decimal import Decimal

from engine.core.hot_words import AMEND, CANCEL, NO_COMMAND, OPEN
from engine.core.marks import mark
from engine.core.order_record import FAR, Record
from engine.core.tracker_state import TrackerState
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Outcome, UpdateSource
from engine.model.event import OrderUpdate, RequestFailed
from engine.model.order import Order
from engine.model.request import AmendOrder, LookupOrder, Request

REPEAT_MAX_US = 10 * SECOND_US


def backoff_us(attempts: int) -> int:
    """min(10, 2^attempts) seconds."""
    return min(REPEAT_MAX_US, SECOND_US << min(attempts, 4))


def amend(state: TrackerState, record: Record, request: AmendOrder, now_us: int) -> bool:
    """T17: remember the target. Refused where the order is not working or the venue cannot amend in place."""
    order = record.order
    if not order.is_working or not state.sheet(order.instrument_id).amend_in_place:
        return False
    order.command = AMEND
    order.command_us = now_us
    order.attempts = 1
    order.amend_price, order.amend_quantity = request.price, request.quantity
    record.confirmed = record.refused = False
    state.repeat_at(record, now_us + backoff_us(1))
    return True


def compare_terms(state: TrackerState, record: Record, update: OrderUpdate, now_us: int) -> bool:
    """Learn an adopted order's quantity; with a command under way, see what the venue's terms say about it."""
    order = record.order
    learned = order.quantity is None and update.quantity is not None
    if learned:
        order.quantity = update.quantity
    if order.command is CANCEL:
        if record.asked and update.source is UpdateSource.LOOKUP and update.status is OPEN:
            state.repeat_at(record, now_us)
    elif order.command is AMEND and update.price is not None and update.quantity is not None:
        return _judge(state, record, update.price, update.quantity, update.source, now_us) or learned
    return learned


def _judge(
    state: TrackerState, record: Record, price: Decimal, quantity: Decimal, source: UpdateSource, now_us: int
) -> bool:
    order = record.order
    if (price, quantity) == (order.amend_price, order.amend_quantity):
        mark("amend_ack")
        order.price, order.quantity = price, quantity
        decide(record)
        return True
    if source is not UpdateSource.LOOKUP:
        return False  # it may be older than the amend
    if record.refused:
        decide(record)
        return True
    record.confirmed = True
    state.repeat_at(record, now_us)
    return False


def decide(record: Record) -> None:
    """The amend is over, one way or the other."""
    order = record.order
    order.command = NO_COMMAND
    order.amend_price = order.amend_quantity = None
    record.repeat_us = FAR


def largest_quantity(order: Order) -> Decimal | None:
    """The quantity at which the order is full for certain; None while it is not known."""
    if order.amend_quantity is None or order.quantity is None:
        return order.quantity
    return max(order.quantity, order.amend_quantity)


def amend_refused(state: TrackerState, record: Record, failure: RequestFailed, now_us: int) -> bool:
    """REJECTED: the old terms stay, unless an earlier attempt may have been executed. ABSENT proves nothing."""
    if record.order.command is not AMEND:
        return False
    mark("amend_reject")
    if failure.outcome is Outcome.REJECTED and record.order.attempts == 1:
        decide(record)
        return True
    record.refused = failure.outcome is Outcome.REJECTED
    state.repeat_at(record, now_us)
    return False


def amend_unclear(state: TrackerState, record: Record, failure: RequestFailed, now_us: int) -> bool:
    """AMBIGUOUS or NOT_SENT: compare first, send again only after a lookup showed the old terms."""
    if record.order.command is AMEND:
        mark("amend_lost")
        record.confirmed = False
        state.repeat_at(record, now_us)
    return False


def repeat_amend(state: TrackerState, record: Record, now_us: int) -> list[Request]:
    """What is due for an amend without an answer: a lookup, or the amend again once a lookup showed the old terms."""
    order = record.order
    state.repeat_at(record, now_us + backoff_us(order.attempts))
    if not record.confirmed:
        return [LookupOrder(order.client_order_id, order.venue_order_id, order.instrument_id)]
    record.confirmed = False
    order.attempts += 1
    assert order.amend_price is not None
    assert order.amend_quantity is not None
    terms = (order.amend_price, order.amend_quantity)
    return [AmendOrder(order.client_order_id, order.instrument_id, order.venue_order_id, *terms, order.side)]
