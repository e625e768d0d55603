"""Requests: what a tick returns and a connector sends. Each names its venue, itself or through its instrument."""

from decimal import Decimal

from msgspec import Struct

from engine.model.enums import Channel, OrderType, Side, TimeInForce


class SubmitOrder(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A new order (FIX D). `owner` is the executor's id, `tag` its slot there: one active order a slot.

    `quantity` in base units (contracts), `display_quantity` > 0 makes an iceberg, `trailing_delta` is a fraction of the
    price, `expire_us` belongs to GTD, orders with the same `list_id` cancel each other (OCO).
    """

    client_order_id: str
    instrument_id: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    owner: str = ""
    tag: str = ""
    stop_price: Decimal | None = None
    display_quantity: Decimal | None = None
    trailing_delta: Decimal | None = None
    expire_us: int = 0
    list_id: str = ""
    parent: str = ""


class CancelOrder(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Cancel one order (FIX F). Names the venue's order id when it is known: a client id may mean the wrong twin."""

    client_order_id: str
    instrument_id: str
    venue_order_id: str = ""


class AmendOrder(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Change a working order in place (FIX G). `price` and `quantity` are the new totals, never a difference.

    `side` is the order's, which does not change; some venues want to hear it.
    """

    client_order_id: str
    instrument_id: str
    venue_order_id: str
    price: Decimal
    quantity: Decimal
    side: Side | None = None


class CancelAll(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Cancel everything on an instrument, foreign orders included: only on dedicated accounts."""

    venue: str
    instrument_id: str


class LookupOrder(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Ask for one order's state. `since_us` bounds the search of finished orders where one is needed."""

    client_order_id: str
    venue_order_id: str
    instrument_id: str
    since_us: int = 0


class FetchTrades(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Own trades of one order, or of the instrument from `from_cursor` on (exclusive of the overlap)."""

    instrument_id: str
    venue_order_id: str = ""
    from_cursor: str = ""


class FetchOpenOrders(Struct, frozen=True, gc=False, tag=True, array_like=True):
    venue: str


class FetchBalances(Struct, frozen=True, gc=False, tag=True, array_like=True):
    venue: str


class SyncClock(Struct, frozen=True, gc=False, tag=True, array_like=True):
    venue: str


class ArmDeadMan(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Arm the venue's dead man's switch; `timeout_ms` 0 disarms."""

    venue: str
    instrument_id: str
    timeout_ms: int


class Reconnect(Struct, frozen=True, gc=False, tag=True, array_like=True):
    venue: str
    channel: Channel


class ResyncBook(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """The book of this instrument has a gap: fetch a fresh snapshot."""

    instrument_id: str


class RecallOrder(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """An event named an own order that is no longer in memory: the driver reads it from the order log."""

    client_order_id: str = ""
    venue_order_id: str = ""


Request = (
    SubmitOrder
    | CancelOrder
    | AmendOrder
    | CancelAll
    | LookupOrder
    | FetchTrades
    | FetchOpenOrders
    | FetchBalances
    | SyncClock
    | ArmDeadMan
    | Reconnect
    | ResyncBook
    | RecallOrder
)
OrderRequest = SubmitOrder | CancelOrder | AmendOrder
_OF_INSTRUMENTS = (SubmitOrder, CancelOrder, AmendOrder, LookupOrder, FetchTrades, ResyncBook)  # the frequent first


def venue_of(request: Request) -> str:
    """The venue that a request goes to ("" for RecallOrder, which the driver answers itself)."""
    if isinstance(request, _OF_INSTRUMENTS):
        return request.instrument_id.partition(":")[0]
    return "" if isinstance(request, RecallOrder) else request.venue
