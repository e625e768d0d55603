"""Which record an event is about. An order is its venue id; a client id may name several, and some trades name none."""

from typing import Protocol

from engine.core.adoption import adopt_fill, adopt_liquidation, adopt_twin, adopt_update
from engine.core.marks import mark
from engine.core.order_change import Alarm, AlarmKind
from engine.core.order_record import Record
from engine.core.tracker_state import TrackerState
from engine.model.enums import OrderStatus
from engine.model.event import OrderUpdate
from engine.model.fill import Fill
from engine.model.order import is_liquidation


class Named(Protocol):
    """Whatever names an order: requests, answers, facts."""

    @property
    def instrument_id(self) -> str: ...
    @property
    def client_order_id(self) -> str: ...
    @property
    def venue_order_id(self) -> str: ...


def find(state: TrackerState, named: Named) -> Record | None:
    """The record that something names, without concluding anything from it."""
    venue_order_id = named.venue_order_id
    if venue_order_id:
        record = state.records.by_venue_id(named.instrument_id, venue_order_id)
        if record is not None:
            return record
    record = state.records.newest.get(named.client_order_id)
    if record is None or not venue_order_id or not record.order.venue_order_id:
        return record
    return None


def route_update(state: TrackerState, update: OrderUpdate) -> Record | None:
    """The record of an update; learns venue ids, makes twins (R12) and adopts own unknown orders (R7, T23)."""
    record = state.records.newest.get(update.client_order_id)
    venue_order_id = update.venue_order_id
    if record is not None:
        known = record.order.venue_order_id
        if not venue_order_id or known == venue_order_id:
            return record
        if not known:
            state.records.bind(record, venue_order_id)
            return record
    found = state.records.by_venue_id(update.instrument_id, venue_order_id) if venue_order_id else None
    if found is not None:
        return found
    if record is not None:
        return record if update.status is OrderStatus.UNKNOWN else adopt_twin(state, record, update, update.receive_us)
    if state.ids.is_own(update.client_order_id):
        return adopt_update(state, update, update.receive_us)
    if is_liquidation(update.client_order_id):
        return adopt_liquidation(state, update, update.receive_us)
    if state.parking.count and venue_order_id and update.client_order_id:
        mark("parked_foreign")
        state.parking.release(update.instrument_id, venue_order_id)
    return None


def route_fill(state: TrackerState, fill: Fill) -> Record | None:
    """The record of a fill, by venue id first; twin, adoption (T22), or parked until a lookup tells whose it is."""
    venue_order_id = fill.venue_order_id
    found = state.records.by_venue_id(fill.instrument_id, venue_order_id) if venue_order_id else None
    if found is not None:
        return found
    record = state.records.newest.get(fill.client_order_id)
    if record is not None:
        if not venue_order_id:
            return record
        if not record.order.venue_order_id:
            state.records.bind(record, venue_order_id)
            return record
        return adopt_twin(state, record, fill, fill.receive_us)
    if state.ids.is_own(fill.client_order_id):
        mark("fill_unknown_order")
        return adopt_fill(state, fill, fill.receive_us)
    if is_liquidation(fill.client_order_id):
        return adopt_liquidation(state, fill, fill.receive_us)
    if not fill.client_order_id:
        _park(state, fill)
    return None


def _park(state: TrackerState, fill: Fill) -> None:
    mark("parked")
    if fill.venue_order_id and state.parking.park(fill, fill.receive_us):
        state.deadlines.sooner(fill.receive_us)
        return
    order = fill.venue_order_id or "without any id"
    text = f"trade {fill.trade_id} of unknown order {order} could not be kept: fetch the trades again"
    alarm = Alarm(AlarmKind.PARKED_DROPPED, fill.instrument_id, fill.client_order_id, text, fill.receive_us)
    state.alarms.append(alarm)
