"""What a connector is started with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.base.credentials import Credentials


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """`name` is the exchange's in the configuration, `urls` are of the connector's own type.

    Rates that are None are asked for. Without credentials only the market is heard. `seed` makes the jitter of
    reconnects and rotations.
    """

    name: str
    trading_pairs: Sequence[str]
    urls: Any
    credentials: Credentials | None
    maker_rate: Decimal | None = None
    taker_rate: Decimal | None = None
    seed: int = 0
