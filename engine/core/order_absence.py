"""Transitions by denials: T6, T13, T27, T28. "Unknown order" is an answer of one replica at one moment, not a fact."""

from engine.core.absence import AbsenceProof, quarantine_end_us
from engine.core.marks import mark
from engine.core.order_change import AlarmKind
from engine.core.order_record import Record
from engine.core.order_reports import LOOKUP_EVERY_US
from engine.core.tracker_state import TrackerState
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, CloseReason, Phase
from engine.model.event import RequestFailed
from engine.model.order import Order

DENIED_US = 60 * SECOND_US  # of consistent denial until a live order is in doubt


def quarantine_of(state: TrackerState, order: Order) -> int:
    """When the order's quarantine ends; only for orders that were handed over."""
    error_us = state.clock_error_us(order.instrument_id)
    return quarantine_end_us(order.sent_us, order.expires_us, state.sheet(order.instrument_id), error_us)


def absent_sent(state: TrackerState, record: Record, failure: RequestFailed, now_us: int) -> bool:
    """T6: counts only under the absence proof (R3)."""
    order = record.order
    if order.phase is not Phase.SENT or order.venue_filled > 0:
        return False
    if record.proof is None:
        record.proof = AbsenceProof()
    scope = state.sheet(order.instrument_id).lookup_scope
    if record.proof.count_lookup(failure.started_us, quarantine_of(state, order), scope):
        return never_existed(state, record)
    if record.proof.rounds:
        state.look_at(record, now_us + SECOND_US)
    return False


def never_existed(state: TrackerState, record: Record) -> bool:
    """The proof is complete."""
    mark("never_existed")
    state.close(record, CloseReason.NEVER_EXISTED, "never_existed: the venue denied it after its request had expired")
    return True


def absent_live(state: TrackerState, record: Record, failure: RequestFailed, now_us: int) -> bool:
    """T13 (R10): not a close. Fetch its trades, look again, in the end call it doubtful. T27 ends an aged-out one."""
    state.fetch_at(record, now_us)
    if failure.action is Action.CANCEL:
        mark("cancel_unknown")
        state.look_at(record, now_us)
        return False
    mark("live_not_found")
    state.look_at(record, now_us + LOOKUP_EVERY_US)
    record.absent_us = record.absent_us or failure.started_us
    if _aged_out(state, record, now_us):
        mark("aged_out")
        state.close(record, CloseReason.CANCELED, "aged_out: the venue does not remember unfilled orders this long")
        return True
    if record.order.doubt or not _denied_everywhere(record, failure.started_us):
        return False
    record.order.doubt = True
    text = "denied by lookup, open orders and trades for 60 s: check it at the venue, then decide that it is lost"
    state.alarm(AlarmKind.LOST_CANDIDATE, record.order, text, now_us)
    return True


def _denied_everywhere(record: Record, started_us: int) -> bool:
    since_us = record.absent_us
    return started_us - since_us >= DENIED_US and record.unlisted_us > since_us and record.synced_us > since_us


def _aged_out(state: TrackerState, record: Record, now_us: int) -> bool:
    """T27: no proof of its end can exist any more, because the venue has forgotten it."""
    order = record.order
    kept_us = state.sheet(order.instrument_id).unfilled_kept_us
    if not kept_us or now_us - record.news_us < kept_us or order.venue_filled > 0:
        return False
    return record.unlisted >= 2 and record.synced_us > record.absent_us


def absent_settling(state: TrackerState, record: Record, failure: RequestFailed, now_us: int) -> bool:
    """T28: the order has ended, so only its trades are of interest."""
    state.fetch_at(record, now_us)
    return False
