"""The order tracker: our shadow of every order, driven by the table in `lifecycle`. No I/O, no clock, no randomness.

What it promises: every fill is booked exactly once, no order of ours is open that it does not know, and nothing is
concluded from silence. It learns through `apply_…` and asks through `tick`.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from engine.core.exposure import Exposure, exposure_of
from engine.core.lifecycle import News, stage_of
from engine.core.marks import mark
from engine.core.order_change import Alarm, AlarmKind, Change
from engine.core.order_ids import OrderIds
from engine.core.order_record import Record
from engine.core.order_records import DEAD_KEPT_US, ENDED_KEPT_US, KEPT
from engine.core.order_restore import degrade, restore
from engine.core.order_routing import find, route_fill, route_update
from engine.core.order_status import UNANSWERED_US, derive_status
from engine.core.order_steps import DUTIES, HANDLERS, NEWS_OF_FAILURE, NEWS_OF_UPDATE
from engine.core.reconcile import ForeignOrders, missing_from
from engine.core.settlement import take_back_provisional
from engine.core.tracker_state import Mid, TrackerState
from engine.core.trade_sync import sync_instrument, sync_order
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action, OrderStatus
from engine.model.event import (
    AccountSnapshot,
    ClockSynced,
    FillCorrected,
    OperatorDecision,
    OrderRecalled,
    OrderUpdate,
    RequestFailed,
    RequestSent,
    TradesSynced,
)
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.order import Order, is_liquidation
from engine.model.request import AmendOrder, CancelOrder, RecallOrder, Request, SubmitOrder

FILL_NEW, CANCEL_RECORDED, SUBMIT_SENT = News.FILL_NEW, News.CANCEL_RECORDED, News.SUBMIT_SENT
SUBMIT = Action.SUBMIT


def no_mid(instrument_id: str) -> Decimal | None:
    """For trackers without a market: provisional fills of market orders wait for a price."""
    return None


class OrderTracker:
    """Knows the orders of one bot. `instruments` and `sheets` (by venue) may grow; `ids` tells ours from others';
    `mid` prices the provisional fill of a market order; `kept` bounds the records in memory.

    Requests that record() returns an order for are to be sent; all that tick() and reconcile() return too. Changes that
    no apply_… could return wait in take_changes(). Only the tracker writes an Order.
    """

    handlers = HANDLERS

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        sheets: Mapping[str, VenueSheet],
        ids: OrderIds,
        mid: Mid = no_mid,
        kept: int = KEPT,
    ) -> None:
        self.state = TrackerState(instruments, sheets, ids, mid, kept)
        self.deadlines = self.state.deadlines  # before `deadlines.next_us` tick() has nothing to do
        self.foreign = ForeignOrders()
        self._records = self.state.records

    # ---- reading

    @property
    def due_us(self) -> int:
        """When tick() has something to do next; a large number: never."""
        return min(self.state.deadlines.due_us(), self.state.parking.due_us)

    @property
    def cursors(self) -> Mapping[str, str]:
        """By instrument: up to where all own trades are known. Durable in the same commit as their fills."""
        return self.state.cursors

    @property
    def revision(self) -> int:
        """Grows whenever an order changes; the same number, the same orders."""
        return self.state.revision

    def by_client_id(self, client_order_id: str) -> Order | None:
        """The newest twin."""
        record = self._records.newest.get(client_order_id)
        return None if record is None else record.order

    def by_venue_id(self, venue: str, venue_order_id: str) -> Order | None:
        record = self._records.at_venue(venue, venue_order_id)
        return None if record is None else record.order

    def active(self, *, owner: str = "", instrument_id: str = "") -> Collection[Order]:
        """Orders that are not DONE, oldest first. A live view: copy it before recording anything."""
        return self._records.select(owner, instrument_id)

    def slot(self, owner: str, instrument_id: str, tag: str) -> Order | None:
        """The active order of a slot. A slot with one gets no second order."""
        return self._records.slots.get((owner, instrument_id, tag))

    def exposure(self, instrument_id: str) -> Exposure:
        """Over what this tracker booked (see `set_position`) and the active orders."""
        booked = self.state.positions.get(instrument_id, ZERO)
        return exposure_of(booked, self._records.select("", instrument_id))

    def take_changes(self) -> list[Change]:
        """The changes made by tick(), reconcile() and released fills since the last call, in order."""
        changes = self.state.changes
        self.state.changes = []
        return changes

    def take_alarms(self) -> tuple[Alarm, ...]:
        """Alarms that belong to no change: foreign orders, fills that could not be kept."""
        return self.state.take_alarms()

    # ---- our own wishes

    def record(self, request: SubmitOrder | CancelOrder | AmendOrder, now_us: int) -> Order | None:
        """Note a request before anything leaves. None: do not send it (nothing to do, remembered, or refused)."""
        self.state.revision += 1
        if isinstance(request, SubmitOrder):
            return self._submit(request, now_us)
        record = find(self.state, request)
        if record is None:
            return None
        news = CANCEL_RECORDED if isinstance(request, CancelOrder) else News.AMEND_RECORDED
        order = record.order
        send = self._step(record, news, request, now_us)
        order.status = derive_status(order, now_us)
        return order if send else None

    def _submit(self, request: SubmitOrder, now_us: int) -> Order:
        assert request.client_order_id not in self._records.newest, f"{request.client_order_id} is sent at most once"
        order = Order(
            client_order_id=request.client_order_id,
            instrument_id=request.instrument_id,
            side=request.side,
            order_type=request.order_type,
            quantity=request.quantity,
            price=request.price,
            time_in_force=request.time_in_force,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            owner=request.owner,
            tag=request.tag,
            stop_price=request.stop_price,
            expire_us=request.expire_us,
            list_id=request.list_id,
            parent=request.parent,
            created_us=now_us,
            updated_us=now_us,
        )
        record = self._records.add(order)
        if not self.state.venue_sheet(order.venue).in_process:
            self.state.look_at(record, now_us + UNANSWERED_US + 1)
        if request.parent:
            self._replace(request, now_us)
        return order

    def _replace(self, request: SubmitOrder, now_us: int) -> None:
        """T18: where one request cancels the parent and submits, its cancel is under way too; both are judged apart."""
        parent = self._records.newest.get(request.parent)
        if parent is not None and self.state.sheet(request.instrument_id).cancel_replace:
            mark("replace")
            self._step(parent, CANCEL_RECORDED, CancelOrder(request.parent, request.instrument_id), now_us)
            parent.order.status = derive_status(parent.order, now_us)

    def apply_sent(self, sent: RequestSent) -> None:
        """The driver handed a request over (T1)."""
        if sent.action is SUBMIT:
            record = self._records.newest.get(sent.client_order_id)
            if record is not None:
                self._step(record, SUBMIT_SENT, sent, sent.sent_us)

    # ---- facts

    def apply_update(self, update: OrderUpdate) -> Change | None:
        """T2 to T5, T8, T9, T12, T19, T23. None: nothing new."""
        state = self.state
        record = route_update(state, update)
        if record is None:
            return None
        now_us = update.receive_us
        order = record.order
        before = order.status
        news = NEWS_OF_UPDATE[update.status, update.source]
        record.news_us = now_us
        changed = self.handlers[stage_of(order), news](state, record, update, now_us)
        if changed:
            state.conclude(record, now_us)
        if state.parking.count and order.venue_order_id:
            self._release(order)
        if state.alarms:
            return Change(order, before, alarms=state.take_alarms())
        return Change(order, before) if changed else None

    def apply_fill(self, fill: Fill) -> Change | None:
        """T7, T10, T15, T22. None: a known trade, a parked one, or not ours."""
        state = self.state
        record = route_fill(state, fill)
        if record is None:
            return None
        now_us = fill.receive_us
        order = record.order
        before = order.status
        if fill.trade_id in order.fills:
            mark("dup_fill")
            return None
        record.news_us = now_us
        taken_back = take_back_provisional(state, record)
        self.handlers[stage_of(order), FILL_NEW](state, record, fill, now_us)
        state.conclude(record, now_us)
        return Change(order, before, fill, taken_back, state.take_alarms())

    def apply_failure(self, failure: RequestFailed) -> Change | None:
        """T6, T13, T14, T17, T28."""
        assert failure.action is not Action.SUBMIT, "the answer to a submit is an OrderUpdate"
        news = NEWS_OF_FAILURE.get((failure.action, failure.outcome))
        record = find(self.state, failure)
        if news is None or record is None:
            return None
        before = record.order.status
        if not self._step(record, news, failure, failure.receive_us):
            return None
        return self._concluded(record, before, failure.receive_us)

    def apply_trades_synced(self, synced: TradesSynced) -> list[Change]:
        """A complete fetch of trades: the cursor moves, and what waited for completeness is judged."""
        if not synced.complete:
            return []
        if not synced.venue_order_id:
            return sync_instrument(self.state, synced)
        record = self._records.by_venue_id(synced.instrument_id, synced.venue_order_id)
        return [] if record is None else sync_order(self.state, record, synced)

    def apply_correction(self, event: FillCorrected) -> Change | None:
        """T25. `reversed` is the trade as it was booked, `fill` as it is now, None when it was busted."""
        record = find(self.state, event)
        if record is None:
            return None
        old = record.order.fills.get(event.trade_id)
        before = record.order.status
        if not self._step(record, News.CORRECTED, event, event.receive_us):
            return None
        self.state.conclude(record, event.receive_us)
        new = record.order.fills[event.trade_id]
        if new is old:
            return Change(record.order, before)
        return Change(record.order, before, new if new.quantity else None, old, self.state.take_alarms())

    def apply_decision(self, decision: OperatorDecision) -> Change | None:
        """T26. None: refused, because the order is not in doubt, or is over."""
        record = self._records.newest.get(decision.client_order_id)
        if record is None:
            return None
        before, known = record.order.status, record.order.provisional
        if not self._step(record, News.LOST_DECIDED, decision, decision.receive_us):
            return None
        self.state.conclude(record, decision.receive_us)
        fill = record.order.provisional if record.order.provisional is not known else None
        return Change(record.order, before, fill, alarms=self.state.take_alarms())

    def apply_clock(self, synced: ClockSynced) -> None:
        """The error of the venue's clock widens the quarantine."""
        self.state.set_clock_error(synced.venue, synced.error_us)

    # ---- start, recall, stream health

    def restore(self, orders: Iterable[Order], now_us: int) -> None:
        """Load the order log at start, oldest first. It is not trusted: whatever is active is looked up."""
        restore(self.state, orders, now_us)

    def set_position(self, instrument_id: str, quantity: Decimal) -> None:
        """The booked position at start, signed; fills of this session add to it."""
        self.state.positions[instrument_id] = quantity

    def set_cursor(self, instrument_id: str, cursor: str) -> None:
        """The trade cursor as of the order log."""
        self.state.cursors[instrument_id] = cursor

    def wants_recall(self, event: OrderUpdate | Fill | FillCorrected | RequestFailed) -> RecallOrder | None:
        """What the driver must read from the order log, and apply as OrderRecalled, before it applies `event`."""
        name, is_own = event.client_order_id, self.state.ids.is_own
        if find(self.state, event) is not None or (name and not is_own(name) and not is_liquidation(name)):
            return None
        return RecallOrder(name, event.venue_order_id)

    def apply_recalled(self, recalled: OrderRecalled) -> None:
        """A record came back from the order log; None there means that the log does not know it either."""
        if recalled.order is not None and find(self.state, recalled.order) is None:
            mark("recall")
            restore(self.state, [recalled.order], recalled.receive_us)

    def set_degraded(self, venue: str, degraded: bool, now_us: int) -> None:
        """While the user stream is not healthy, live orders are looked up every second; then the unanswered are."""
        degrade(self.state, venue, degraded, now_us)

    def assign(self, client_order_id: str, owner: str, tag: str) -> bool:
        """Hand a claimed leftover to a free slot. Returns whether it was."""
        record = self._records.newest.get(client_order_id)
        if record is None or record.order.owner or not record.order.is_working:
            return False
        if self.slot(owner, record.order.instrument_id, tag) is not None:
            return False
        mark("leftover_claimed")
        self._records.hand_over(record, owner, tag)
        return True

    # ---- time

    def reconcile(self, snapshot: AccountSnapshot) -> list[Request]:
        """R11, T23, T24: apply the open orders as facts; returns the lookups and cancels that this asks for."""
        if snapshot.open_orders is None:
            return []
        state, now_us = self.state, snapshot.receive_us
        requests: list[Request] = []
        seen: dict[str, None] = {}
        foreign: list[OrderUpdate] = []
        for row in snapshot.open_orders:
            change = self.apply_update(row)
            if change is not None:
                state.changes.append(change)
            record = find(state, row)
            if record is None:
                if not state.ids.is_own(row.client_order_id):
                    foreign.append(row)
                continue
            seen[record.key] = None
            if record.due_us() <= now_us:
                requests += self._serve(record, now_us)
        if not snapshot.complete:
            mark("snapshot_incomplete")
            return requests
        policy = state.venue_sheet(snapshot.venue).foreign
        requests += self.foreign.replace(snapshot.venue, foreign, policy, self._report_foreign)
        for record in missing_from(state, snapshot, seen):
            if self._step(record, News.UNLISTED, snapshot, now_us):
                requests += self._serve(record, now_us)
        return requests

    def tick(self, now_us: int) -> list[Request]:
        """Serve what is due: lookups, repeats, trade fetches, forgetting."""
        state = self.state
        deadlines = state.deadlines
        if now_us < deadlines.next_us:
            return []
        requests: list[Request] = []
        while (record := deadlines.pop_due(now_us)) is not None:
            requests += self._serve(record, now_us)
        requests += state.parking.tick(now_us)
        self._records.forget(now_us - ENDED_KEPT_US, now_us - DEAD_KEPT_US)
        deadlines.next_us = min(deadlines.next_us, state.parking.due_us, self._records.forget_us())
        return requests

    def forget(self, before_us: int) -> None:
        """Drop DONE orders that were DONE before this time, the watch list too. Active ones are never forgotten."""
        self._records.forget(before_us, before_us)

    # ---- inside

    def _step(self, record: Record, news: News, event: object, now_us: int) -> bool:
        return self.handlers[stage_of(record.order), news](self.state, record, event, now_us)

    def _concluded(self, record: Record, before: OrderStatus, now_us: int) -> Change:
        self.state.conclude(record, now_us)
        return self.state.change(record, before)

    def _serve(self, record: Record, now_us: int) -> list[Request]:
        state, order = self.state, record.order
        before = order.status
        requests = DUTIES[stage_of(order)](state, record, now_us)
        due_us = record.due_us()
        assert due_us > now_us, f"{record.key} is due again at once"
        state.deadlines.wake(record, due_us)
        order.status = derive_status(order, now_us)
        if order.status is not before:
            state.changes.append(state.change(record, before))
        return requests

    def _release(self, order: Order) -> None:
        """Book the parked fills of an order whose venue id became known."""
        for fill in self.state.parking.release(order.instrument_id, order.venue_order_id):
            change = self.apply_fill(fill)
            if change is not None:
                self.state.changes.append(change)

    def _report_foreign(self, order: OrderUpdate) -> None:
        text = f"open order {order.venue_order_id} is not ours"
        alarm = Alarm(AlarmKind.FOREIGN, order.instrument_id, order.client_order_id, text, order.receive_us)
        self.state.alarms.append(alarm)
