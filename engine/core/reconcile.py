"""The venue's list of open orders against ours: T23, T24 and the snapshot fence (R11)."""

from collections.abc import Callable

from engine.core.marks import mark
from engine.core.order_record import Record
from engine.core.tracker_state import TrackerState
from engine.core.venue_sheet import SECOND_US, ForeignPolicy
from engine.model.enums import Phase
from engine.model.event import AccountSnapshot, OrderUpdate
from engine.model.request import CancelOrder

FENCE_US = 3 * SECOND_US
SNAPSHOT_GAP_US = SECOND_US


def fence(state: TrackerState, record: Record, snapshot: AccountSnapshot, now_us: int) -> bool:
    """R11: an order missing from a snapshot is looked up, and only if its last sign of life is clearly older.

    The snapshot may be older than the order. Returns whether the absence was noted.
    """
    if record.news_us >= snapshot.started_us - FENCE_US:
        mark("fenced")
        return False
    if snapshot.started_us >= record.unlisted_us + SNAPSHOT_GAP_US:
        record.unlisted += 1
        record.unlisted_us = snapshot.started_us
    state.look_at(record, now_us)
    return True


def missing_from(state: TrackerState, snapshot: AccountSnapshot, seen: dict[str, None]) -> list[Record]:
    """Our active orders of the snapshot's venue that it does not list."""
    records = state.records
    prefix = snapshot.venue + ":"
    absent = [
        order
        for key, order in records.active.items()
        if key not in seen and order.phase is not Phase.CLOSED and order.instrument_id.startswith(prefix)
    ]
    return [records.of(order) for order in absent]


class ForeignOrders:
    """T24: open orders of somebody else, as of each venue's last complete list. Never ours to judge."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, OrderUpdate]] = {}

    def of(self, venue: str) -> list[OrderUpdate]:
        return list(self._orders.get(venue, {}).values())

    def replace(
        self, venue: str, orders: list[OrderUpdate], policy: ForeignPolicy, report: Callable[[OrderUpdate], None]
    ) -> list[CancelOrder]:
        """Take over a new list; report the orders that were not on the last one; cancel only by policy."""
        before = self._orders.get(venue, {})
        self._orders[venue] = {f"{order.instrument_id} {order.venue_order_id}": order for order in orders}
        if policy is not ForeignPolicy.IGNORE:
            for key, order in self._orders[venue].items():
                if key not in before:
                    report(order)
        if policy is not ForeignPolicy.CANCEL:
            return []
        mark("foreign_canceled")
        return [CancelOrder(order.client_order_id, order.instrument_id, order.venue_order_id) for order in orders]
