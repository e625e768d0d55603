"""Our shadow of an order: what we asked for, what is proven about it, and what it traded."""

from collections.abc import Collection
from decimal import Decimal

from msgspec import Struct, field

from engine.model.enums import CloseReason, Command, OrderStatus, OrderType, Phase, Side, TimeInForce
from engine.model.fill import Fill
from engine.model.money import ZERO

LIQUIDATION = "liquidation"
LIVE, CLOSED, NO_COMMAND = Phase.LIVE, Phase.CLOSED, Command.NONE  # an enum's attributes are slow to look up


def liquidation_id(venue: str, venue_order_id: str) -> str:
    """The client order id by which connectors name an order that the venue made itself to close our position.

    Liquidation and auto-deleveraging alike. Its updates and fills are given under this id.
    """
    return f"{LIQUIDATION}:{venue}:{venue_order_id}"


def is_liquidation(client_order_id: str) -> bool:
    """Whether the venue made this order to close our position: see `liquidation_id`."""
    return client_order_id.startswith(LIQUIDATION + ":")


class Order(Struct, gc=False, kw_only=True):
    """Written by the order tracker only, read by everyone.

    Quantities in base units (contracts). `quantity` is None for an adopted order until the venue says it. `filled` is
    the sum of booked trades, never a reported number; `venue_filled` the largest cumulative quantity ever reported.
    `cost` is the sum of price·quantity of the booked trades in quote; `fees` per asset, negative = rebate. `fills` are
    the booked trades by trade id; a busted trade stays with quantity 0, so that it is never booked again. `provisional`
    is an inferred fill that waits for the real ones: booked, but part of none of these sums.
    """

    client_order_id: str
    instrument_id: str
    side: Side
    order_type: OrderType
    quantity: Decimal | None
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    owner: str = ""
    tag: str = ""
    stop_price: Decimal | None = None
    expire_us: int = 0
    list_id: str = ""
    parent: str = ""
    twin: int = 0
    venue_order_id: str = ""
    status: OrderStatus = OrderStatus.PENDING_NEW
    phase: Phase = Phase.INTENT
    close_reason: CloseReason | None = None
    reason: str = ""
    command: Command = Command.NONE
    command_us: int = 0
    attempts: int = 0
    amend_price: Decimal | None = None
    amend_quantity: Decimal | None = None
    filled: Decimal = ZERO
    venue_filled: Decimal = ZERO
    provisional: Fill | None = None
    cost: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)
    settled: bool = False
    doubt: bool = False
    ambiguous: bool = False
    created_us: int = 0
    sent_us: int = 0
    expires_us: int = 0
    updated_us: int = 0

    @property
    def venue(self) -> str:
        return self.instrument_id.partition(":")[0]

    @property
    def provisional_filled(self) -> Decimal:
        """The quantity of the inferred fill that waits for its trades; not part of `filled`."""
        return ZERO if self.provisional is None else self.provisional.quantity

    @property
    def average_price(self) -> Decimal | None:
        """Average price of the booked trades in quote; None before the first."""
        return self.cost / self.filled if self.filled else None

    @property
    def remaining(self) -> Decimal:
        """quantity − filled; 0 while an adopted order's quantity is unknown."""
        return ZERO if self.quantity is None else self.quantity - self.filled

    @property
    def open_quantity(self) -> Decimal:
        """What may still trade as far as the venue has said; 0 once CLOSED."""
        if self.phase is CLOSED or self.quantity is None:
            return ZERO
        return max(ZERO, self.quantity - max(self.filled, self.venue_filled))

    @property
    def reserved_quantity(self) -> Decimal:
        """What funds and limits must cover: all that is not booked yet, the larger of old and new during an amend.

        What the venue reports as filled moves from here to the position with its trade, not before.
        """
        if self.settled or self.quantity is None:
            return ZERO
        quantity = self.quantity
        if self.amend_quantity is not None and self.amend_quantity > quantity:
            quantity = self.amend_quantity
        filled = self.filled
        return max(ZERO, quantity - filled) if filled else quantity

    @property
    def reserved_price(self) -> Decimal | None:
        """The price that funds must cover: the higher of old and new during an amend."""
        return self.price if self.amend_price is None else max(self.amend_price, self.price or ZERO)

    @property
    def trade_ids(self) -> Collection[str]:
        """Ids of the booked trades, oldest first."""
        return self.fills.keys()

    @property
    def is_open(self) -> bool:
        """Active: everything but DONE. UNKNOWN and settling orders are open."""
        return not self.settled

    @property
    def is_working(self) -> bool:
        """Proven live with no command in flight: the only state in which to cancel or amend."""
        return self.phase is LIVE and self.command is NO_COMMAND

    @property
    def settling(self) -> bool:
        """CLOSED at the venue, but not all of its trades are booked yet."""
        return self.phase is CLOSED and not self.settled
