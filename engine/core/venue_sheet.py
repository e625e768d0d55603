"""The venue data sheet: what a venue promises about orders, as data. Unknown means the safer value."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from engine.core.books import BookRules
from engine.model.money import ZERO

SECOND_US = 1_000_000
BOOKS_IN_SEQUENCE = BookRules()


class LookupScope(StrEnum):
    """What a lookup by client order id sees."""

    ALL = "ALL"  # open and ended orders
    OPEN_ONLY = "OPEN_ONLY"  # an order that filled at once would look absent


class ForeignPolicy(StrEnum):
    """What to do about open orders that are not ours."""

    IGNORE = "IGNORE"
    REPORT = "REPORT"
    CANCEL = "CANCEL"


class LeftoverPolicy(StrEnum):
    """What to do about own open orders that we do not know."""

    CANCEL = "CANCEL"
    CLAIM = "CLAIM"  # keep them working until somebody assigns them to a slot


@dataclass(frozen=True, slots=True)
class VenueSheet:
    """One venue and account. Durations in microseconds.

    `request_expiry_us`: the venue executes a request no later than its timestamp + this; where requests do not expire,
    a bound on late arrival. `ahead_us`: how far ahead a timestamp may be and still be accepted. `read_lag_us`: how old
    a read replica may be. `margin_us`: queueing between acceptance and matching. `unfilled_kept_us`: how long the venue
    remembers cancelled unfilled orders, 0 for ever. `acks_streamed`: the private stream tells every acknowledged change
    too, so that its silence means something. `dedicated`: nobody else trades on this account, so CancelAll is allowed.
    `in_process`: nothing it tells can get lost, so that nobody asks again. `dead_man`: it can cancel all orders of an
    instrument when it does not hear of us in time. `believed` is up to how much of a difference its balances are taken
    for right: where it does not tell the profit of trades, which depends on their order. The defaults are for a venue
    nothing is known about.
    """

    request_expiry_us: int = 40 * SECOND_US
    ahead_us: int = 0
    read_lag_us: int = 2 * SECOND_US
    clock_error_us: int = 2 * SECOND_US
    margin_us: int = 0
    lookup_scope: LookupScope = LookupScope.OPEN_ONLY
    unfilled_kept_us: int = 0
    client_id_in_trades: bool = False
    cancel_by_client_id: bool = False
    amend_in_place: bool = False
    cancel_replace: bool = False
    acks_streamed: bool = False
    dedicated: bool = False
    dead_man: bool = False
    in_process: bool = False
    believed: Decimal = ZERO
    foreign: ForeignPolicy = ForeignPolicy.REPORT
    leftover: LeftoverPolicy = LeftoverPolicy.CANCEL
    books: BookRules = BOOKS_IN_SEQUENCE  # how order books are proven
