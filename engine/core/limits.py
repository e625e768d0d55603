"""The operator's limits. None switches one off."""

from dataclasses import dataclass
from decimal import Decimal

from engine.schema.values import Amount


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Keys and meanings are those of the `risk` section of a bot file.

    `max_drawdown`, `kill_switch` and `price_band` are fractions. An Amount is in base units, or in the asset it names.
    """

    max_drawdown: Decimal | None = None
    kill_switch: Decimal | None = None
    max_order_value: Amount | None = None
    max_position: Amount | None = None
    max_open_orders: int | None = None
    max_orders_per_minute: int | None = None
    max_leverage: Decimal | None = None
    price_band: Decimal | None = None
    stale_data_us: int = 5_000_000
