"""The orders in memory and their indexes: by client id, venue id, owner, instrument and slot."""

from collections import deque
from collections.abc import Collection

from engine.core.lifecycle import ENDED_REASONS
from engine.core.order_record import FAR, Record
from engine.model.order import Order

KEPT = 20_000  # records in memory; beyond it the oldest DONE ones go, active ones never
ENDED_KEPT_US = 3_600_000_000
DEAD_KEPT_US = 24 * ENDED_KEPT_US  # the watch list: what was closed as dead may still turn up
Slot = tuple[str, str, str]  # owner, instrument_id, tag
Shelf = deque[tuple[int, Record]]


class OrderRecords:
    """Every operation is O(1) in the number of remembered orders. `newest` holds the newest twin of each client id."""

    def __init__(self, kept: int) -> None:
        self.newest: dict[str, Record] = {}
        self.active: dict[str, Order] = {}
        self.slots: dict[Slot, Order] = {}
        self._kept = kept
        self._by_owner: dict[str, dict[str, Order]] = {}
        self._by_instrument: dict[str, dict[str, Order]] = {}
        self._by_venue_id: dict[str, dict[str, Record]] = {}  # ids are unique per instrument at some venues
        self._queued: dict[Slot, list[Order]] = {}  # further active orders of a slot: twins and replacements
        self._ended: Shelf = deque()
        self._dead: Shelf = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, order: Order) -> Record:
        """Remember an order, as a rule as the newest of its client id."""
        client_order_id = order.client_order_id
        record = Record(order, f"{client_order_id}#{order.twin}" if order.twin else client_order_id)
        newer, older = None, self.newest.get(client_order_id)
        while older is not None and older.order.twin > order.twin:  # a recalled one takes its place behind its twins
            newer, older = older, older.older
        record.older = older
        if newer is None:
            self.newest[client_order_id] = record
        else:
            newer.older = record
        self._count += 1
        if order.venue_order_id:
            self.bind(record, order.venue_order_id)
        if not order.settled:
            self.activate(record)
        return record

    def bind(self, record: Record, venue_order_id: str) -> None:
        """The venue's id of an order became known."""
        order = record.order
        order.venue_order_id = venue_order_id
        ids = self._by_venue_id.get(order.instrument_id)
        if ids is None:
            ids = self._by_venue_id[order.instrument_id] = {}
        ids[venue_order_id] = record

    def by_venue_id(self, instrument_id: str, venue_order_id: str) -> Record | None:
        ids = self._by_venue_id.get(instrument_id)
        return None if ids is None else ids.get(venue_order_id)

    def at_venue(self, venue: str, venue_order_id: str) -> Record | None:
        """As `by_venue_id`, over all instruments of the venue."""
        prefix = venue + ":"
        for instrument_id, ids in self._by_venue_id.items():
            if venue_order_id in ids and instrument_id.startswith(prefix):
                return ids[venue_order_id]
        return None

    def of(self, order: Order) -> Record:
        """The record of an active order."""
        record: Record | None = self.newest[order.client_order_id]
        while record is not None and record.order is not order:
            record = record.older
        assert record is not None, f"{order.client_order_id} is not remembered"
        return record

    def activate(self, record: Record) -> None:
        """An order is, or is again, not DONE."""
        order = record.order
        key = record.key
        self.active[key] = order
        owned = self._by_owner.get(order.owner)
        if owned is None:
            owned = self._by_owner[order.owner] = {}
        owned[key] = order
        listed = self._by_instrument.get(order.instrument_id)
        if listed is None:
            listed = self._by_instrument[order.instrument_id] = {}
        listed[key] = order
        slot = (order.owner, order.instrument_id, order.tag)
        if self.slots.setdefault(slot, order) is not order:
            self._queued.setdefault(slot, []).append(order)

    def retire(self, record: Record, now_us: int) -> None:
        """An order is DONE: it leaves the active ones and is remembered for a while."""
        self._leave(record)
        self.shelve(record, now_us)

    def _leave(self, record: Record) -> None:
        order = record.order
        key = record.key
        del self.active[key]
        owned = self._by_owner[order.owner]
        del owned[key]
        if not owned:
            del self._by_owner[order.owner]
        del self._by_instrument[order.instrument_id][key]
        self._free_slot(order)

    def hand_over(self, record: Record, owner: str, tag: str) -> None:
        """Give an active order to another slot."""
        order = record.order
        self._leave(record)
        order.owner, order.tag = owner, tag
        self.activate(record)

    def shelve(self, record: Record, now_us: int) -> None:
        """Remember a DONE order until its time or its place in memory is over: not for less than until the next one."""
        record.done_us = now_us
        shelf = self._ended if record.order.close_reason in ENDED_REASONS else self._dead
        shelf.append((now_us, record))
        while self._count > self._kept:
            shelf = min(filter(None, (self._ended, self._dead)), key=_oldest_us)
            if shelf[0][1] is record:
                return
            self._drop(*shelf.popleft())

    def _free_slot(self, order: Order) -> None:
        slot = (order.owner, order.instrument_id, order.tag)
        queued = self._queued.get(slot) if self._queued else None
        if self.slots[slot] is not order:
            assert queued is not None
            queued.remove(order)
        elif queued:
            self.slots[slot] = queued.pop(0)
        else:
            del self.slots[slot]
        if queued is not None and not queued:
            del self._queued[slot]

    def _drop(self, done_us: int, record: Record) -> None:
        """Forget a record, unless it has come back to life since it was put on the shelf."""
        order = record.order
        if not order.settled or record.done_us != done_us:
            return
        self._count -= 1
        if order.venue_order_id:
            del self._by_venue_id[order.instrument_id][order.venue_order_id]
        newest = self.newest[order.client_order_id]
        if newest is not record:
            while newest.older is not record:
                assert newest.older is not None
                newest = newest.older
            newest.older = record.older
        elif record.older is not None:
            self.newest[order.client_order_id] = record.older
        else:
            del self.newest[order.client_order_id]

    def forget(self, ended_before_us: int, dead_before_us: int) -> None:
        """Drop the DONE orders that ended, or died, before these times."""
        for shelf, before_us in ((self._ended, ended_before_us), (self._dead, dead_before_us)):
            while shelf and shelf[0][0] < before_us:
                self._drop(*shelf.popleft())

    def forget_us(self) -> int:
        """When the next DONE order may be forgotten; FAR when there is none."""
        ended_us = self._ended[0][0] + ENDED_KEPT_US if self._ended else FAR
        return min(ended_us, self._dead[0][0] + DEAD_KEPT_US) if self._dead else ended_us

    def select(self, owner: str, instrument_id: str) -> Collection[Order]:
        """Active orders, oldest first; "" means any."""
        if not owner and not instrument_id:
            return self.active.values()
        if not owner:
            return self._by_instrument.get(instrument_id, {}).values()
        owned = self._by_owner.get(owner, {}).values()
        return [order for order in owned if order.instrument_id == instrument_id] if instrument_id else owned


def _oldest_us(shelf: Shelf) -> int:
    return shelf[0][0]
