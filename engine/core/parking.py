"""Trades that name a venue order id only, and one that we do not know: parked until a lookup tells whose they are."""

from engine.core.order_record import FAR
from engine.model.fill import Fill
from engine.model.request import LookupOrder

PARKED_MAX = 1_000  # fills
ASK_EVERY_US = 5_000_000


class Parking:
    """Fills by (instrument_id, venue_order_id), asked about every 5 s, at most PARKED_MAX of them."""

    def __init__(self) -> None:
        self.due_us = FAR
        self.count = 0
        self._fills: dict[tuple[str, str], dict[str, Fill]] = {}

    def park(self, fill: Fill, now_us: int) -> bool:
        """Keep a fill. Returns False when there is no room for it."""
        if self.count >= PARKED_MAX:
            return False
        fills = self._fills.setdefault((fill.instrument_id, fill.venue_order_id), {})
        self.count += fill.trade_id not in fills
        fills[fill.trade_id] = fill
        self.due_us = min(self.due_us, now_us)
        return True

    def may_hold(self, instrument_id: str, since_us: int) -> bool:
        """Whether a trade since then may be one of any order: its own order is not known yet, or there was no room."""
        if self.count >= PARKED_MAX:
            return True
        rows = (fills for (instrument, _), fills in self._fills.items() if instrument == instrument_id)
        return any(fill.event_us >= since_us for fills in rows for fill in fills.values())

    def release(self, instrument_id: str, venue_order_id: str) -> list[Fill]:
        """It is known whose the fills of this order are: hand them out, oldest first."""
        fills = self._fills.pop((instrument_id, venue_order_id), {})
        self.count -= len(fills)
        if not self._fills:
            self.due_us = FAR
        return list(fills.values())

    def tick(self, now_us: int) -> list[LookupOrder]:
        """Ask about every unknown order id when it is time."""
        if now_us < self.due_us:
            return []
        self.due_us = now_us + ASK_EVERY_US
        return [LookupOrder("", venue_order_id, instrument_id) for instrument_id, venue_order_id in self._fills]
