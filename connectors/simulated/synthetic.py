"""A synthetic market: a fair price moves, participants trade around it, and the scenario's shocks hit the venue."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from connectors.simulated.book_order import OUTSIDE
from connectors.simulated.participants import Makers, Takers
from connectors.simulated.prices import PricePath, pieces_of
from connectors.simulated.scenario import Scenario
from connectors.simulated.timeline import Conditions, Timeline
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.schema.values import BadValue

if TYPE_CHECKING:
    from connectors.simulated.venue import SimulatedExchange


class SyntheticMarket:
    """The `Market` of one instrument. `fair_price` (quote) is that of the last step: mark and index prices start here.

    `path` is shown `lag_us` late, which is for a market that follows another one.
    """

    def __init__(
        self, scenario: Scenario, instrument: Instrument, path: PricePath, seed: int, start_us: int, lag_us: int
    ) -> None:
        self.next_us = start_us
        self.fair_price = path.price
        self._scenario = scenario
        self._timeline = Timeline(scenario, path.start_price, instrument.base, instrument.quote)
        self._instrument = instrument
        self._path = path
        self._seed = seed
        self._start_us = start_us
        self._lag_us = lag_us
        self._participants: tuple[Makers, Takers] | None = None
        self._outside = ZERO
        self._halted = False
        self._cut_until_us = 0

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        """Move the fair price to `now_us`, let the scenario's shocks happen, then everybody else trades."""
        elapsed_us = now_us - self._start_us
        now = self._timeline.conditions(elapsed_us)
        if self._scenario.price_impact:
            self._feel_impact(exchange, now)
        self.fair_price = self._path.at(now_us - self._lag_us)
        if exchange.margin is not None and self._instrument.instrument_id in exchange.margin.listings:
            exchange.margin.set_index(self._instrument.instrument_id, Decimal(repr(self.fair_price)))
        self.next_us = now_us + self._scenario.market_update_interval
        self._shock(elapsed_us, exchange)
        if self._halted:
            return
        if self._participants is None:
            listing = exchange.listing(self._instrument.instrument_id)
            self._participants = Makers(listing, self._chance("makers")), Takers(listing, self._chance("takers"))
        makers, takers = self._participants
        makers.quote(self.fair_price, now)
        if elapsed_us:
            takers.trade(self.fair_price, self._scenario.market_update_interval / 1e6, now)

    def _chance(self, name: str) -> Random:
        return Random(f"{self._instrument.instrument_id}:{name}:{self._seed}")

    def _shock(self, elapsed_us: int, exchange: SimulatedExchange) -> None:
        halted = self._timeline.is_halted(elapsed_us)
        if halted is not self._halted:
            self._halted = halted
            change = exchange.halt if halted else exchange.resume
            change(self._instrument.instrument_id)
        cut_until_us = self._timeline.disconnected_until(elapsed_us)
        if cut_until_us > self._cut_until_us:
            self._cut_until_us = cut_until_us
            exchange.disconnect(self._start_us + cut_until_us)

    def _feel_impact(self, exchange: SimulatedExchange, now: Conditions) -> None:
        """Move the fair price by what traders have taken from OUTSIDE since the last step, relative to the depth."""
        listing = exchange.listing(self._instrument.instrument_id)
        outside = listing.settlement.holding(OUTSIDE) * listing.instrument.contract_size
        taken, self._outside = self._outside - outside, outside
        if taken:
            self._path.move(max(0.5, 1.0 + float(self._scenario.price_impact) * float(taken) / now.depth))


def build_path(scenario: Scenario, instrument: Instrument, seed: int, start_us: int = 0) -> PricePath:
    """The fair price of a scenario. The venue does not count, so a market elsewhere can have an equal copy."""
    if scenario.start_price is None:
        raise BadValue(f"the market of {instrument.instrument_id} has no start_price", "start_price: 60000")
    timeline = Timeline(scenario, scenario.start_price, instrument.base, instrument.quote)
    pieces = pieces_of(scenario, lambda name: Random(f"{instrument.symbol}:{name}:{seed}"))
    return PricePath(scenario, timeline, pieces, start_us)


def build_market(
    scenario: Scenario,
    instrument: Instrument,
    seed: int,
    start_us: int = 0,
    path: PricePath | None = None,
    lag_us: int = 0,
) -> SyntheticMarket:
    """A market that is the same for the same arguments.

    To follow another market give a `path` of one's own, built with that market's scenario, seed and start, and the lag.
    """
    own = path or build_path(scenario, instrument, seed, start_us)
    return SyntheticMarket(scenario, instrument, own, seed, start_us, lag_us)
