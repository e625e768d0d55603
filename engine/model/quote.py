"""What controllers say and what the engine answers about requests it would not send."""

from decimal import Decimal

from msgspec import Struct

from engine.model.enums import Side
from engine.model.request import OrderRequest


class Quote(Struct, frozen=True, gc=False, array_like=True):
    """An order that a controller wants to exist. `tag` names the slot, for example `bid_1`.

    A `hanging` one waits for its fill where it is: it is not replaced when it misfits, and its fill pauses nothing.
    """

    instrument_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    tag: str
    hanging: bool = False


class Refused(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A request that a pre-trade check did not let pass. Never an exception; `reason` has both numbers."""

    request: OrderRequest
    rule: str
    reason: str
    at_us: int
