"""What an event did to an order, and what an operator should hear about it."""

from enum import StrEnum

from msgspec import Struct

from engine.model.enums import OrderStatus
from engine.model.fill import Fill
from engine.model.order import Order


class AlarmKind(StrEnum):
    """Why the order tracker raises an alarm. OVERFILL, LOST_CANDIDATE, QUANTITY_UNKNOWN
    and ADOPTED call for SAFE(symbol)."""

    CONTRADICTION = "contradiction"  # a rejection of an order that is proven to exist
    RESURRECTED = "resurrected"  # an order that was closed as dead exists
    LATE_FILL = "late_fill"
    OVERFILL = "overfill"
    LOST_CANDIDATE = "lost_candidate"  # the venue denies a live order consistently for 60 s
    QUANTITY_UNKNOWN = "quantity_unknown"  # a fill of an own order that nobody knows
    ADOPTED = "adopted"
    CLAIMABLE = "claimable"  # an adopted order that keeps working until a slot claims it
    TWIN = "twin"
    CANCEL_SLOW = "cancel_slow"  # not cancelled for 30 s
    PROVISIONAL = "provisional"  # a missing fill was inferred
    CORRECTED = "corrected"  # the venue busted or corrected a trade
    CIRCUIT_OPEN = "circuit_open"
    FOREIGN = "foreign"
    PARKED_DROPPED = "parked_dropped"
    LIQUIDATED = "liquidated"  # the venue closed a position of ours


class Alarm(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """One alarm about one order; `text` says what happened and, where anybody must act, what to do."""

    kind: AlarmKind
    instrument_id: str
    client_order_id: str
    text: str
    at_us: int


class Change(Struct, frozen=True):
    """The order as it is now, its status before, and what to book: first take back `reversed`, then add `fill`."""

    order: Order
    status_before: OrderStatus
    fill: Fill | None = None
    reversed: Fill | None = None
    alarms: tuple[Alarm, ...] = ()
