"""Run a synthetic market alone, for a look at a scenario or a benchmark: no trader, no connector, no clock."""

from dataclasses import dataclass, field
from decimal import Decimal
from math import log, sqrt

from connectors.simulated.prices import YEAR_S
from connectors.simulated.scenario import Scenario
from connectors.simulated.synthetic import SyntheticMarket, build_market
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import Side
from engine.model.instrument import Instrument

POINTS_MAX = 1000


@dataclass(slots=True)
class Simulation:
    """What a market did. Prices in quote, quantities in base units, `volatility` per year, spreads in basis points.

    `path` has at most POINTS_MAX (time since the start in µs, fair price); `best_depth` is the mean quantity at the
    best price of a side; `one_sided` counts the steps without a bid or an ask.
    """

    steps: int = 0
    simulated_us: int = 0
    trades: int = 0
    volume: Decimal = Decimal(0)
    turnover: Decimal = Decimal(0)
    price_first: float = 0.0
    price_last: float = 0.0
    price_low: float = 0.0
    price_high: float = 0.0
    volatility: float = 0.0
    spread_bps: float = 0.0
    best_depth: float = 0.0
    one_sided: int = 0
    path: list[tuple[int, float]] = field(default_factory=list)


def simulate(scenario: Scenario, instrument: Instrument, seed: int, steps: int) -> Simulation:
    """Run `steps` >= 1 updates of the market after the opening one."""
    exchange = SimulatedExchange(instrument.venue, [instrument])
    market = build_market(scenario, instrument, seed)
    market.step(market.next_us, exchange)
    first = market.fair_price
    result = Simulation(price_first=first, price_low=first, price_high=first)
    every = -(-steps // POINTS_MAX)
    squares = 0.0
    for step in range(1, steps + 1):
        before = market.fair_price
        _advance(exchange, market, instrument, result)
        squares += log(market.fair_price / before) ** 2
        if step % every == 0:
            result.path.append((exchange.now_us, market.fair_price))
    result.steps, result.simulated_us, result.price_last = steps, exchange.now_us, market.fair_price
    result.volatility = sqrt(squares / (result.simulated_us / 1e6) * YEAR_S)
    two_sided = max(steps - result.one_sided, 1)
    result.spread_bps /= two_sided
    result.best_depth /= two_sided
    return result


def _advance(exchange: SimulatedExchange, market: SyntheticMarket, instrument: Instrument, result: Simulation) -> None:
    """One update of the market, added to the result; spread and depth are sums until the end."""
    now_us = market.next_us
    listing = exchange.listing(instrument.instrument_id)
    exchange.advance(now_us)
    market.step(now_us, exchange)
    exchange.settle(listing)
    listing.changed_levels()
    for trade in listing.prints:
        quantity = listing.quantity(trade.lots)
        result.trades += 1
        result.volume += quantity
        result.turnover += quantity * listing.price(trade.ticks)
    listing.prints.clear()
    result.price_low = min(result.price_low, market.fair_price)
    result.price_high = max(result.price_high, market.fair_price)
    book = listing.engine
    bid, ask = book.best(Side.BUY), book.best(Side.SELL)
    if bid and ask:
        result.spread_bps += (ask - bid) / (ask + bid) * 2e4
        lots = book.lots_at(Side.BUY, bid) + book.lots_at(Side.SELL, ask)
        result.best_depth += lots / 2 * float(instrument.quantity_step)
    else:
        result.one_sided += 1
