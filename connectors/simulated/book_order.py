"""An order inside the matching engine, and what the engine tells about it. Integers only: ticks and lots."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum

from msgspec import Struct

from engine.model.enums import OrderType, Side, TimeInForce

OUTSIDE = 0  # the account of everybody who is not simulated: the market's own orders, without ledger or limits
MILLION = 1_000_000
MARKET, STOP_MARKET = OrderType.MARKET, OrderType.STOP_MARKET


class SelfTrade(StrEnum):
    """What happens when an account would trade with itself; the arriving order's mode decides."""

    NONE = "none"  # it trades
    CANCEL_NEW = "cancel_new"
    CANCEL_OLD = "cancel_old"
    CANCEL_BOTH = "cancel_both"


class Place(Enum):
    """Where an order is."""

    NEW = 0  # not in the engine, or on its way into the book
    WAITING = 1  # for its trigger
    FIRED = 2  # its trigger has been hit, it enters when the trade that hit it is finished
    RESTING = 3
    DONE = 4


class What(IntEnum):
    """The kinds of outcome."""

    ACCEPTED = 0
    REJECTED = 1
    FILLED = 2
    CANCELED = 3
    EXPIRED = 4
    TRIGGERED = 5
    AMENDED = 6


class BookOrder(Struct, eq=False, gc=False):
    """`lots` is the total, `leaves` what is left of it, `visible` what of `leaves` the book shows.

    `ticks` 0 belongs to market orders, `display` 0 means all is shown, `stop_ticks` is the trigger (of a trailing stop:
    the activation, 0 for at once), `trailing` the distance in millionths of the price, `expire_us` belongs to GTD. The
    engine writes `key`, `leaves`, `visible`, `place` and `extreme` (a trailing stop's best price, 0 before activation).
    """

    side: Side
    ticks: int
    lots: int
    account: int = OUTSIDE
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    self_trade: SelfTrade = SelfTrade.NONE
    post_only: bool = False
    reduce_only: bool = False
    display: int = 0
    stop_ticks: int = 0
    trailing: int = 0
    expire_us: int = 0
    list_id: str = ""
    key: int = 0
    leaves: int = 0
    visible: int = 0
    extreme: int = 0
    place: Place = Place.NEW

    @property
    def is_live(self) -> bool:
        """Accepted and not ended: waiting for its trigger or resting."""
        return self.place is not Place.DONE and self.place is not Place.NEW

    @property
    def is_market(self) -> bool:
        return self.order_type is MARKET or self.order_type is STOP_MARKET

    @property
    def is_stop(self) -> bool:
        return self.stop_ticks > 0 or self.trailing > 0


class Outcome(Struct, frozen=True, eq=False, gc=False):
    """One thing that happened to `order`. OUTSIDE's orders are told of in FILLED only.

    FILLED: `order` is the taker, `maker` its counterpart (None: a trade outside this book), at `ticks` for `lots`.
    AMENDED: the new price and total. `reason` says why it was REJECTED, CANCELED or EXPIRED; "" when it was asked for.
    """

    what: What
    order: BookOrder
    ticks: int = 0
    lots: int = 0
    maker: BookOrder | None = None
    reason: str = ""
