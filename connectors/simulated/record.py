"""A synthetic market as a recording: what its public stream would have shown, without receive times."""

from collections.abc import Iterator

from connectors.simulated.feed import Feed
from connectors.simulated.scenario import Scenario
from connectors.simulated.synthetic import build_market
from connectors.simulated.venue import SimulatedExchange
from engine.model.event import MarketEvent
from engine.model.instrument import Instrument
from engine.model.market import BookDelta, BookSnapshot, PublicTrade


def market_events(
    scenario: Scenario, instrument: Instrument, seed: int, steps: int, start_us: int
) -> Iterator[MarketEvent]:
    """The opening book and `steps` updates of the market from `start_us` on; the same for the same arguments."""
    exchange = SimulatedExchange(instrument.venue, [instrument])
    market = build_market(scenario, instrument, seed, start_us)
    listing = exchange.listing(instrument.instrument_id)
    feed = Feed(exchange)
    for _ in range(steps + 1):
        now_us = market.next_us
        exchange.advance(now_us)
        market.step(now_us, exchange)
        exchange.settle(listing)
        for event in feed.collect(0):
            if isinstance(event, BookSnapshot | BookDelta | PublicTrade):
                yield event
