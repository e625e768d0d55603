"""The venue's word on an account against ours, to the last digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.model.money import ZERO, to_text


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One asset: totals, resting orders' locks included."""

    asset: str
    venue: Decimal
    ours: Decimal

    @property
    def difference(self) -> Decimal:
        """Venue − ours: 0 unless a trade was missed or booked twice."""
        return self.venue - self.ours

    def __str__(self) -> str:
        venue, ours, difference = to_text(self.venue), to_text(self.ours), to_text(self.difference)
        return f"{self.asset}: venue {venue}, ours {ours}, difference {difference}"


def compare_balances(exchange: SimulatedExchange, account: Account, ours: Mapping[str, Decimal]) -> list[BalanceLine]:
    """One line per asset that either side knows, by name. `ours` are totals."""
    venue = {balance.asset: balance.total for balance in exchange.balances(account)}
    return [BalanceLine(asset, venue.get(asset, ZERO), ours.get(asset, ZERO)) for asset in sorted({**venue, **ours})]
