"""Cancelling (T11, T14, T16) and what is due for an order: lookups, repeats, trade fetches, the provisional fill."""

from engine.core.absence import SEARCH_BACK_US
from engine.core.amend import backoff_us, repeat_amend
from engine.core.hot_words import AMEND, CANCEL, SENT
from engine.core.marks import mark
from engine.core.order_absence import quarantine_of
from engine.core.order_change import AlarmKind, Change
from engine.core.order_record import FAR, Record
from engine.core.order_reports import LOOKUP_DELAYS_US, LOOKUP_EVERY_US
from engine.core.settlement import PROVISIONAL_AFTER_US, infer
from engine.core.tracker_state import FETCH_DELAYS_US, FETCH_EVERY_US, TrackerState, due_after
from engine.core.venue_sheet import SECOND_US, LookupScope
from engine.model.event import RequestFailed
from engine.model.order import Order
from engine.model.request import CancelAll, CancelOrder, FetchTrades, LookupOrder, Request

CANCEL_SLOW_US = 30 * SECOND_US
CANCEL_ALL_US = 60 * SECOND_US


def cancel(state: TrackerState, record: Record, request: CancelOrder, now_us: int) -> bool:
    """T11: returns whether the request is to be sent. A cancel under way repeats itself; it wins over an amend."""
    order = record.order
    if order.command is CANCEL:
        return False
    order.command = CANCEL
    order.command_us = now_us
    order.attempts = 1
    order.amend_price = order.amend_quantity = None
    record.asked = False
    state.repeat_at(record, now_us + backoff_us(1))
    return True


def cancel_later(state: TrackerState, record: Record, request: CancelOrder, now_us: int) -> bool:
    """T16: remembered until the order is proven to exist, or sent by client id where the venue allows that."""
    if record.order.command is not CANCEL and state.sheet(request.instrument_id).cancel_by_client_id:
        return cancel(state, record, request, now_us)
    order = record.order
    if order.command is not CANCEL:
        order.command = CANCEL
        order.command_us = now_us
        order.attempts = 0
    return False


def cancel_failed(state: TrackerState, record: Record, failure: RequestFailed, now_us: int) -> bool:
    """T14: look after a while, then cancel again if it is still live. Without limit, because the order is."""
    if record.order.command is CANCEL:
        mark("cancel_ambiguous")
        record.asked = False
        state.repeat_at(record, now_us + backoff_us(record.order.attempts))
    return False


def look(state: TrackerState, record: Record, failure: RequestFailed, now_us: int) -> bool:
    """A denial that proves nothing by itself: look at once."""
    state.look_at(record, now_us)
    return False


def lookup_of(order: Order) -> LookupOrder:
    """By venue id where it is known: a client id may mean the wrong twin."""
    since_us = max(0, order.created_us - SEARCH_BACK_US)
    return LookupOrder(order.client_order_id, order.venue_order_id, order.instrument_id, since_us)


def cancel_of(order: Order) -> CancelOrder:
    return CancelOrder(order.client_order_id, order.instrument_id, order.venue_order_id)


def due_sent(state: TrackerState, record: Record, now_us: int) -> list[Request]:
    """T4, T6: ask for an unanswered order until it is proven to exist or not to."""
    order = record.order
    requests: list[Request] = []
    if now_us >= record.repeat_us:
        requests += _repeat_cancel(state, record, now_us)
    if now_us < record.lookup_us:
        return requests
    if not record.doubt_us:
        record.doubt_us = now_us - LOOKUP_DELAYS_US[0]  # this lookup is the first of the series
    record.lookups += 1
    next_us = due_after(record.doubt_us, LOOKUP_DELAYS_US, LOOKUP_EVERY_US, record.lookups, now_us)
    requests.append(lookup_of(order))
    if order.phase is SENT:
        end_us = quarantine_of(state, order)
        if now_us <= end_us:
            next_us = min(next_us, end_us + 1)
        elif state.sheet(order.instrument_id).lookup_scope is LookupScope.OPEN_ONLY:
            requests.append(fetch_from_cursor(state, order))
    state.look_at(record, next_us)
    return requests


def fetch_from_cursor(state: TrackerState, order: Order) -> FetchTrades:
    """All trades of the instrument since its cursor: where the order's id is not known or not enough."""
    return FetchTrades(order.instrument_id, "", state.cursors.get(order.instrument_id, ""))


def fetch_of(state: TrackerState, order: Order) -> FetchTrades:
    """The trades of one order."""
    if not order.venue_order_id:
        return fetch_from_cursor(state, order)
    return FetchTrades(order.instrument_id, order.venue_order_id)


def due_live(state: TrackerState, record: Record, now_us: int) -> list[Request]:
    """T13, T14, T21 and missing trades."""
    order = record.order
    requests: list[Request] = []
    if now_us >= record.repeat_us:
        repeat = repeat_amend if order.command is AMEND else _repeat_cancel
        requests += repeat(state, record, now_us)
    if now_us >= record.lookup_us:
        record.lookup_us = now_us + min(LOOKUP_EVERY_US, state.patience_us(order))
        requests.append(lookup_of(order))
    if now_us >= record.trades_us:
        requests.append(_fetch(state, record, now_us))
    return requests


def due_settling(state: TrackerState, record: Record, now_us: int) -> list[Request]:
    """T20: fetch the missing trades; where the close did not state its cumulative quantity, ask for that too."""
    requests: list[Request] = []
    if record.close_us or now_us >= record.lookup_us:
        requests.append(lookup_of(record.order))
    record.lookup_us = FAR
    if now_us >= record.trades_us:
        requests.append(_fetch(state, record, now_us))
    return requests


def _fetch(state: TrackerState, record: Record, now_us: int) -> FetchTrades:
    order = record.order
    record.fetches += 1
    record.trades_us = due_after(record.missing_us, FETCH_DELAYS_US, FETCH_EVERY_US, record.fetches, now_us)
    if not record.missing_us:
        record.trades_us = FAR
    elif now_us - record.missing_us >= PROVISIONAL_AFTER_US:
        fill = infer(state, record, now_us)
        if fill is not None:
            state.changes.append(Change(order, order.status, fill, alarms=state.take_alarms()))
    return fetch_of(state, order)


def _repeat_cancel(state: TrackerState, record: Record, now_us: int) -> list[Request]:
    """The first cancel at once; later ones after a lookup, or a second without its answer."""
    order = record.order
    if order.attempts and not record.asked:
        record.asked = True
        state.repeat_at(record, now_us + SECOND_US)
        return [lookup_of(order)]
    record.asked = False
    order.attempts += 1
    state.repeat_at(record, now_us + backoff_us(order.attempts))
    requests: list[Request] = [cancel_of(order)]
    waited_us = now_us - order.command_us
    if waited_us >= CANCEL_SLOW_US and not record.slow:
        record.slow = True
        state.alarm(AlarmKind.CANCEL_SLOW, order, f"not cancelled for {waited_us // SECOND_US} s", now_us)
        state.changes.append(state.change(record, order.status))
    if waited_us >= CANCEL_ALL_US and state.sheet(order.instrument_id).dedicated:
        mark("cancel_all")
        requests.append(CancelAll(order.venue, order.instrument_id))
    return requests
