"""One execution of an own order."""

from decimal import Decimal

from msgspec import Struct

from engine.model.enums import Liquidity, Side, UpdateSource


class Fill(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """One execution of an own order; idempotent by (venue_order_id, trade_id). `fee` > 0 is paid, < 0 a rebate.

    `realized` is the profit that a venue of derivatives booked with it, in the settlement asset; None if not said.
    """

    trade_id: str
    client_order_id: str
    venue_order_id: str
    instrument_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    event_us: int
    receive_us: int
    source: UpdateSource = UpdateSource.STREAM
    realized: Decimal | None = None
