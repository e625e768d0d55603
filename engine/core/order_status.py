"""The status of an order in one word, derived from its facts. A terminal status means that the money is complete."""

from engine.core.hot_words import CANCEL, CLOSED, FULL, LIVE, OPEN, PENDING_CANCEL, PENDING_NEW, UNKNOWN
from engine.model.enums import CloseReason, OrderStatus
from engine.model.order import Order

UNANSWERED_US = 2_000_000  # a submit without an answer for this long is UNKNOWN

DONE_STATUS = {
    CloseReason.FILLED: OrderStatus.FILLED,
    CloseReason.CANCELED: OrderStatus.CANCELED,
    CloseReason.EXPIRED: OrderStatus.EXPIRED,
    CloseReason.LOST: OrderStatus.EXPIRED,
    CloseReason.REJECTED: OrderStatus.REJECTED,
    CloseReason.NOT_SENT: OrderStatus.REJECTED,
    CloseReason.NEVER_EXISTED: OrderStatus.REJECTED,
}


def derive_status(order: Order, now_us: int) -> OrderStatus:
    """Total over all facts. Terminal exactly when the order is settled (DONE)."""
    phase = order.phase
    if phase is LIVE:
        if order.doubt:
            return UNKNOWN
        return PENDING_CANCEL if order.command is CANCEL else OPEN
    if phase is CLOSED:
        assert order.close_reason is not None
        if order.settled:
            return DONE_STATUS[order.close_reason]
        if order.command is CANCEL or order.close_reason is not FULL:
            return PENDING_CANCEL
        return OPEN
    if order.ambiguous or now_us - order.created_us > UNANSWERED_US:
        return UNKNOWN
    return PENDING_CANCEL if order.command is CANCEL else PENDING_NEW
