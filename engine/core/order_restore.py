"""Loading orders from the order log, and what the health of the user stream means for them."""

from collections.abc import Iterable

from engine.core.tracker_state import QUIET_DEGRADED_US, TrackerState
from engine.model.enums import Command, Phase
from engine.model.order import Order


def restore(state: TrackerState, orders: Iterable[Order], now_us: int) -> None:
    """INTENT counts as SENT, because nobody knows whether the bytes left; its quarantine begins now."""
    for order in orders:
        record = state.records.add(order)
        record.news_us = order.updated_us
        if order.settled:
            state.records.shelve(record, now_us)
            continue
        if order.phase in (Phase.INTENT, Phase.SENT):
            order.phase = Phase.SENT
            order.sent_us = now_us
            order.expires_us = 0
            state.look_at(record, now_us)
        elif order.phase is Phase.LIVE:
            state.look_at(record, now_us)
            if order.command is not Command.NONE:
                state.repeat_at(record, now_us)
        elif order.filled >= order.venue_filled:
            record.close_us = now_us
        state.conclude(record, now_us)


def degrade(state: TrackerState, venue: str, degraded: bool, now_us: int) -> None:
    """DEGRADED: live orders are looked up every second. Back to health: the unanswered at once."""
    if degraded:
        state.quiet_us[venue] = QUIET_DEGRADED_US
    else:
        state.usual_quiet(venue)
    prefix = venue + ":"
    for order in list(state.records.active.values()):
        if not order.instrument_id.startswith(prefix):
            continue
        record = state.records.of(order)
        if degraded and order.phase is Phase.LIVE:
            state.look_at(record, min(record.lookup_us, now_us + QUIET_DEGRADED_US))
        elif not degraded and order.phase is Phase.SENT:
            state.look_at(record, now_us)
