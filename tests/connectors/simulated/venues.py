"""A venue for tests of the synthetic market."""

from decimal import Decimal
from hashlib import sha256
from typing import Any

from connectors.simulated.listing import Listing
from connectors.simulated.synthetic import SyntheticMarket, build_market
from connectors.simulated.venue import SimulatedExchange
from engine.model.instrument import Instrument
from tests.connectors.simulated.scenarios import scenario

INSTRUMENT = Instrument(
    instrument_id="sim:BTC-USDT",
    venue="sim",
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.1"),
    quantity_step=Decimal("0.00001"),
    maker_rate=Decimal("0.0002"),
    taker_rate=Decimal("0.0005"),
)


class Stage:
    """An exchange with one synthetic market, stepped by hand. `lines` tells all that it made public."""

    def __init__(self, seed: int = 1, **keys: Any) -> None:
        self.exchange = SimulatedExchange("sim", [INSTRUMENT])
        self.market: SyntheticMarket = build_market(scenario(**keys), INSTRUMENT, seed)
        self.lines: list[str] = []

    @property
    def listing(self) -> Listing:
        return self.exchange.listing(INSTRUMENT.instrument_id)

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            now_us = self.market.next_us
            self.exchange.advance(now_us)
            self.market.step(now_us, self.exchange)
            self.exchange.settle(self.listing)
            self.lines.append(f"{now_us} {self.listing.changed_levels()} {self.listing.prints}")
            self.listing.prints.clear()

    def digest(self) -> str:
        return sha256("\n".join(self.lines).encode()).hexdigest()
