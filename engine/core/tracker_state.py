"""What the parts of the order tracker share: the orders, their deadlines, and how an order reaches a conclusion."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from engine.core.deadlines import Deadlines
from engine.core.hot_words import AMEND, CANCEL, CLOSED, LIVE, NO_COMMAND
from engine.core.marks import mark
from engine.core.order_change import Alarm, AlarmKind, Change
from engine.core.order_ids import OrderIds
from engine.core.order_record import FAR, Record
from engine.core.order_records import OrderRecords
from engine.core.order_status import derive_status
from engine.core.parking import Parking
from engine.core.venue_sheet import SECOND_US, VenueSheet
from engine.model.enums import CloseReason, OrderStatus
from engine.model.instrument import Instrument
from engine.model.order import Order

QUIET_US = 20 * SECOND_US  # a live order without news for this long is looked up
QUIET_DEGRADED_US = SECOND_US
FETCH_DELAYS_US = (200_000, SECOND_US, 2 * SECOND_US, 5 * SECOND_US)  # of missing trades, then every FETCH_EVERY_US
FETCH_EVERY_US = 10 * SECOND_US
UNKNOWN_VENUE = VenueSheet()
LOST = CloseReason.LOST
DONE_MARKS = {reason: f"done_{reason}" for reason in CloseReason}

Mid = Callable[[str], Decimal | None]  # the mid price of an instrument, where there is one


class TrackerState:
    """Written by the transitions only. `now_us` is the latest time that was heard of."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        sheets: Mapping[str, VenueSheet],
        ids: OrderIds,
        mid: Mid,
        kept: int,
    ) -> None:
        self.instruments = instruments
        self.ids = ids
        self.mid = mid
        self.records = OrderRecords(kept)
        self.deadlines = Deadlines()
        self.parking = Parking()
        self.cursors: dict[str, str] = {}  # by instrument: up to where all trades are known
        self.positions: dict[str, Decimal] = {}  # by instrument: signed sum of what was booked
        self.revision = 0  # grows whenever an order changes
        self.alarms: list[Alarm] = []
        self.changes: list[Change] = []  # made outside an apply_… that could return them
        self.quiet_us: dict[str, int] = {}  # by venue, where it differs from QUIET_US
        self._sheets = sheets
        self._clock_errors: dict[str, int] = {}
        for venue in sheets:
            self.usual_quiet(venue)

    def sheet(self, instrument_id: str) -> VenueSheet:
        return self.venue_sheet(instrument_id.partition(":")[0])

    def venue_sheet(self, venue: str) -> VenueSheet:
        return self._sheets.get(venue, UNKNOWN_VENUE)

    def clock_error_us(self, instrument_id: str) -> int:
        """max(the sheet's floor, 3 × the measured error)."""
        measured = 3 * self._clock_errors.get(instrument_id.partition(":")[0], 0)
        return max(self.sheet(instrument_id).clock_error_us, measured)

    def set_clock_error(self, venue: str, error_us: int) -> None:
        self._clock_errors[venue] = error_us

    def usual_quiet(self, venue: str) -> None:
        """As long as a healthy venue's orders may be silent: for ever, where nothing can get lost."""
        if self.venue_sheet(venue).in_process:
            self.quiet_us[venue] = FAR
        else:
            self.quiet_us.pop(venue, None)

    def patience_us(self, order: Order) -> int:
        """How long a live order may be silent before it is looked up."""
        return self.quiet_us.get(order.venue, QUIET_US) if self.quiet_us else QUIET_US

    # ---- deadlines

    def look_at(self, record: Record, at_us: int) -> None:
        record.lookup_us = at_us
        if at_us < record.wake_us:
            self.deadlines.wake(record, at_us)

    def fetch_at(self, record: Record, at_us: int) -> None:
        record.trades_us = at_us
        self.deadlines.wake(record, at_us)

    def repeat_at(self, record: Record, at_us: int) -> None:
        record.repeat_us = at_us
        if at_us < record.wake_us:
            self.deadlines.wake(record, at_us)

    # ---- alarms and changes

    def alarm(self, kind: AlarmKind, order: Order, text: str, now_us: int) -> None:
        mark(kind)
        self.alarms.append(Alarm(kind, order.instrument_id, order.client_order_id, text, now_us))

    def take_alarms(self) -> tuple[Alarm, ...]:
        if not self.alarms:
            return ()
        alarms = tuple(self.alarms)
        self.alarms.clear()
        return alarms

    def change(self, record: Record, before: OrderStatus) -> Change:
        return Change(record.order, before, alarms=self.take_alarms())

    # ---- what an order comes to

    def go_live(self, record: Record, now_us: int) -> None:
        """The order is proven to exist. A command that had to wait for this goes out now."""
        order = record.order
        order.phase = LIVE
        order.ambiguous = False
        self.look_at(record, now_us + self.patience_us(order))
        if order.command is CANCEL and not order.attempts:
            self.repeat_at(record, now_us)

    def want_cancel(self, record: Record, now_us: int) -> None:
        """The order is to be cancelled by us, without anybody having asked."""
        order = record.order
        order.command = CANCEL
        order.command_us = now_us
        order.attempts = 0
        self.repeat_at(record, now_us)

    def close(self, record: Record, reason: CloseReason, text: str = "") -> None:
        """The order has ended. The first ended reason is final."""
        order = record.order
        order.phase = CLOSED
        order.close_reason = reason
        order.doubt = order.ambiguous = False
        order.reason = text or order.reason
        record.lookup_us = record.repeat_us = FAR
        if order.command is AMEND:
            order.command = NO_COMMAND
            order.amend_price = order.amend_quantity = None

    def conclude(self, record: Record, now_us: int) -> None:
        """Derive what follows from the facts: settled or not, trades missing or not, and the status."""
        self.revision += 1
        order = record.order
        order.updated_us = now_us
        missing = order.venue_filled > order.filled
        if order.phase is CLOSED:
            missing = missing or record.close_us > 0
            reason = order.close_reason
            assert reason is not None
            settled = not missing or reason is LOST
            if settled is not order.settled:
                order.settled = settled
                if settled:
                    mark(DONE_MARKS[reason])
                    self.records.retire(record, now_us)
                else:
                    self.records.activate(record)
        if missing:
            if not record.missing_us:
                record.missing_us = now_us
                record.fetches = 0
                self.fetch_at(record, now_us + FETCH_DELAYS_US[0])
        elif record.missing_us:
            record.missing_us = 0
            record.trades_us = FAR
        order.status = derive_status(order, now_us)

    def revive(self, record: Record) -> None:
        """A DONE order is not: the caller says what it is instead."""
        record.order.settled = False
        record.order.close_reason = None
        self.records.activate(record)


def due_after(since_us: int, delays_us: tuple[int, ...], every_us: int, count: int, now_us: int) -> int:
    """When the next of a series of questions is due: at `delays_us` after `since_us`, then every `every_us`."""
    return max(now_us + 1, since_us + delays_us[count]) if count < len(delays_us) else now_us + every_us
