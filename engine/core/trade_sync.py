"""What a complete fetch of trades proves: nothing of an order is missing that happened before it started (R9)."""

from engine.core.absence import SEARCH_BACK_US, AbsenceProof
from engine.core.marks import mark
from engine.core.order_absence import never_existed, quarantine_of
from engine.core.order_change import Change
from engine.core.order_record import Record
from engine.core.tracker_state import TrackerState
from engine.core.venue_sheet import LookupScope
from engine.model.enums import Phase
from engine.model.event import TradesSynced


def sync_instrument(state: TrackerState, synced: TradesSynced) -> list[Change]:
    """A fetch from the cursor: the cursor moves, and every active order of the instrument is covered.

    It does not move past a trade whose order is not known yet: after a crash only a fetch can bring that trade again.
    """
    if synced.cursor and not state.parking.may_hold(synced.instrument_id, 0):
        state.cursors[synced.instrument_id] = synced.cursor
    records = [state.records.of(order) for order in state.records.select("", synced.instrument_id)]
    return [change for record in records for change in sync_order(state, record, synced)]


def sync_order(state: TrackerState, record: Record, synced: TradesSynced) -> list[Change]:
    """A fetch that covers one order. It completes a close without a cumulative quantity, or a round of absence."""
    order = record.order
    before = order.status
    record.synced_us = max(record.synced_us, synced.started_us)
    if order.phase is Phase.CLOSED:
        lag_us = state.sheet(order.instrument_id).read_lag_us
        if not record.close_us or synced.started_us < record.close_us + lag_us:
            return []
        record.close_us = 0
    elif order.phase is not Phase.SENT or not _completes_round(state, record, synced):
        return []
    state.conclude(record, synced.receive_us)
    return [state.change(record, before)]


def _completes_round(state: TrackerState, record: Record, synced: TradesSynced) -> bool:
    """Where lookups see open orders only, trades are the other half of the absence proof.

    A trade with nothing but an unknown venue order id may be this order's: until it is known whose, nothing counts.
    """
    order = record.order
    if state.sheet(order.instrument_id).lookup_scope is LookupScope.ALL or synced.venue_order_id:
        return False
    if state.parking.may_hold(order.instrument_id, order.created_us - SEARCH_BACK_US):
        mark("absence_waits_for_parked")
        return False
    if record.proof is None:
        record.proof = AbsenceProof()
    end_us = quarantine_of(state, order)
    return record.proof.count_trades(synced.started_us, end_us, LookupScope.OPEN_ONLY) and never_existed(state, record)
