"""What a venue says about an account."""

from decimal import Decimal

from msgspec import Struct

from engine.model.money import ZERO


class Balance(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """`total` includes what resting orders lock; `free` does not. Also an event of its own: the venue's newest word."""

    venue: str
    asset: str
    total: Decimal
    free: Decimal
    event_us: int = 0
    receive_us: int = 0


class Position(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """`quantity` is signed: positive long, negative short (base units or contracts). Prices and PnL in quote."""

    instrument_id: str
    quantity: Decimal
    average_price: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    margin: Decimal = ZERO
    liquidation_price: Decimal | None = None
