"""What a connector is started with, and why it did not start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from connectors.base.credentials import Credentials
from connectors.base.outcomes import UNAUTHORIZED, Failed
from engine.model.enums import Outcome
from engine.model.errors import BadMessage, TickwrightError, Unauthorized

OrderEntry = Literal["rest", "socket"]


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """`name` is the exchange's in the configuration, `urls` are of the connector's own type.

    Rates that are None are asked for. Without credentials only the market is heard. `seed` makes the jitter of
    reconnects and rotations. `order_entry` is the way on which orders leave: over a socket they are not sent while it
    is down. `leverage` is that of derivatives; None leaves it as it is at the venue. `candles` are series that
    strategies want to see: trading pair, and interval in µs.
    """

    name: str
    trading_pairs: Sequence[str]
    urls: Any
    credentials: Credentials | None
    maker_rate: Decimal | None = None
    taker_rate: Decimal | None = None
    seed: int = 0
    order_entry: OrderEntry = "rest"
    leverage: Decimal | None = None
    candles: Sequence[tuple[str, int]] = ()

    @property
    def asks_rates(self) -> bool:
        """Whether the venue has to tell what this account pays."""
        return self.credentials is not None and (self.maker_rate is None or self.taker_rate is None)

    def rates(self, maker: Decimal, taker: Decimal) -> tuple[Decimal, Decimal]:
        """Maker's and taker's: as they are set, else as they were told."""
        return (
            maker if self.maker_rate is None else self.maker_rate,
            taker if self.taker_rate is None else self.taker_rate,
        )


def not_started(settings: LiveSettings, rest_url: str, error: Failed | BadMessage) -> TickwrightError:
    """Why a venue could not be asked, with the way out."""
    name, fix = settings.name, ""
    if isinstance(error, Failed):
        if error.code == UNAUTHORIZED:
            return Unauthorized(f"{name} refuses the key: {error.text}\n  fix: tickwright keys add")
        if error.broken:
            fix = "\n  fix: look at the network, and at the exchange's status page"
        elif error.outcome is Outcome.AMBIGUOUS:
            fix = "\n  fix: if it is in maintenance, start again later; its status page says so"
    return TickwrightError(f"{name} at {rest_url} does not tell what it trades: {error}{fix}")


def not_traded(settings: LiveSettings, pairs: Iterable[str]) -> TickwrightError:
    """These markets are not there, or not open."""
    fix = "name open markets; if they are closed for maintenance, start again later"
    return TickwrightError(f"{settings.name} does not trade {', '.join(sorted(pairs))} now\n  fix: {fix}")
