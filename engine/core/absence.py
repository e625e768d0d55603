"""The proof that an order never existed: the only negative fact that may be concluded, because it must be earned.

An order that is dead by mistake trades unseen. Whatever the network delayed or doubled executes before the request
expires or not at all, so two rounds of definite denials that *started* after the quarantine are a proof. A round covers
every place where the order could be: where lookups see open orders only, it needs a complete fetch of trades as well
(and the connector's lookup covers the list of finished orders, see `LookupOrder.since_us`).
"""

from msgspec import Struct

from engine.core.marks import mark
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet

ROUNDS = 2
ROUND_GAP_US = SECOND_US
SEARCH_BACK_US = 60 * SECOND_US  # finished orders and trades are searched from this long before the order was made


def quarantine_end_us(sent_us: int, expires_us: int, sheet: VenueSheet, clock_error_us: int) -> int:
    """When the request can no longer execute unseen. `expires_us` is the deadline the request carried, 0 = none."""
    executes_us = expires_us or sent_us + sheet.request_expiry_us
    return executes_us + sheet.ahead_us + sheet.read_lag_us + clock_error_us + sheet.margin_us


class AbsenceProof(Struct, gc=False):
    """The rounds counted so far. A zero means that this part of the current round is missing."""

    rounds: int = 0
    round_us: int = 0  # start of the last counted round
    lookup_us: int = 0
    trades_us: int = 0

    def count_lookup(self, started_us: int, end_us: int, scope: LookupScope) -> bool:
        """A lookup was answered definitely ABSENT. Returns whether the absence is proven."""
        if self._counts(started_us, end_us):
            self.lookup_us = started_us
        return self._conclude(scope)

    def count_trades(self, started_us: int, end_us: int, scope: LookupScope) -> bool:
        """A complete fetch of the instrument's trades did not show the order. Returns whether the absence is proven."""
        if self._counts(started_us, end_us):
            self.trades_us = started_us
        return self._conclude(scope)

    def _counts(self, started_us: int, end_us: int) -> bool:
        return started_us > end_us and (self.rounds == 0 or started_us >= self.round_us + ROUND_GAP_US)

    def _conclude(self, scope: LookupScope) -> bool:
        if self.lookup_us and (self.trades_us or scope is LookupScope.ALL):
            if scope is LookupScope.OPEN_ONLY:
                mark("open_only_round")
            self.rounds += 1
            self.round_us = max(self.lookup_us, self.trades_us)
            self.lookup_us = self.trades_us = 0
        return self.rounds >= ROUNDS
