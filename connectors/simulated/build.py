"""From settings to simulated venues."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from connectors.simulated.bookless import BooklessMarket
from connectors.simulated.capture import FrameParser
from connectors.simulated.connector import SimulatedConnector
from connectors.simulated.contract import TIERS, ContractTerms
from connectors.simulated.market import Market
from connectors.simulated.prices import PricePath
from connectors.simulated.replay import ReplayMarket
from connectors.simulated.scenario import MarketSection, Scenario, resolve
from connectors.simulated.synthetic import build_market, build_path
from connectors.simulated.venue import SimulatedExchange
from engine.core.venue_sheet import LookupScope, VenueSheet
from engine.model.enums import InstrumentKind, Side
from engine.model.instrument import Instrument, instrument_id
from engine.model.money import ONE, ZERO
from engine.perp.funding import HOURS_8_US
from engine.schema.values import BadValue

PRICE_DIGITS = 6  # significant digits of a price at the start; quantities are as fine as one unit of quote
NOTIONAL_MIN = Decimal(5)
BOOKLESS_NOTIONAL = Decimal(500_000)  # what a venue without a book shows on each side, in quote

ParserOf = Callable[[Mapping[str, str]], FrameParser]
"""Symbols of the recording → instrument ids, to a parser of its frames."""


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """One simulated exchange. `replay` is a recorded market's files, else `market` says how prices move.

    `leverage` and `funding_interval_us` are those of its perpetuals.
    """

    name: str
    trading_pairs: Sequence[str]
    market: MarketSection | None
    replay: Sequence[Path]
    balances: Mapping[str, Decimal]
    latency_us: int
    maker_rate: Decimal
    taker_rate: Decimal
    leverage: Decimal = ONE
    funding_interval_us: int = HOURS_8_US


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the venues of one session share."""

    scenarios: dict[str, Scenario]
    start_us: int
    parser_of: ParserOf


def build_venues(venues: Sequence[VenueSettings], world: Surroundings) -> list[SimulatedConnector]:
    """All simulated venues of a session. Raises TickwrightError about what cannot be built."""
    by_name = {each.name: each for each in venues}
    return [_replayed(each, world) if each.replay else _synthetic(each, by_name, world) for each in venues]


def venue_sheet(latency_us: int) -> VenueSheet:
    """What a simulated venue promises: nothing is older or later than the latency both ways."""
    round_trip_us = 2 * latency_us
    return VenueSheet(
        request_expiry_us=round_trip_us + 1_000_000,
        read_lag_us=0,
        lookup_scope=LookupScope.ALL,
        client_id_in_trades=True,
        cancel_by_client_id=True,
        amend_in_place=True,
        acks_streamed=True,
        dedicated=True,
    )


def synthetic_markets(
    settings: VenueSettings, by_name: Mapping[str, VenueSettings], scenarios: dict[str, Scenario], start_us: int
) -> tuple[list[Instrument], list[Market]]:
    """What a synthetic exchange trades, and what moves it. Raises BadValue about a market without a start price."""
    own, leader, lag_us = _scenario(settings, scenarios), settings, 0
    if settings.market is not None and settings.market.follows:
        leader, lag_us = by_name[settings.market.follows], settings.market.lag
    led = _scenario(leader, scenarios)
    if led.start_price is None:
        raise BadValue(f"the market of exchange {leader.name} has no start_price", "start_price: 60000")
    price_step, quantity_step = _step(led.start_price, PRICE_DIGITS - 1), _step(1 / led.start_price, 0)
    markets: list[Market] = []
    instruments: list[Instrument] = []
    for pair in settings.trading_pairs:
        instrument = _instrument(settings, pair, price_step, quantity_step)
        path = build_path(led, instrument, led.seed, start_us)
        if own.execution_probability is None:
            markets.append(build_market(own, instrument, own.seed, start_us, path, lag_us))
        else:
            markets.append(_bookless(own, instrument, path, lag_us, start_us))
        instruments.append(instrument)
    return instruments, markets


def _synthetic(
    settings: VenueSettings, by_name: Mapping[str, VenueSettings], world: Surroundings
) -> SimulatedConnector:
    instruments, markets = synthetic_markets(settings, by_name, world.scenarios, world.start_us)
    return _connector(settings, instruments, markets, world.start_us)


def _bookless(scenario: Scenario, instrument: Instrument, path: PricePath, lag_us: int, start_us: int) -> Market:
    """The venue itself fills what the fair price reaches, with `execution_probability` a step."""
    assert scenario.execution_probability is not None
    return BooklessMarket(
        instrument.instrument_id,
        lambda now_us: instrument.round_price(Decimal(repr(path.at(now_us - lag_us))), Side.BUY),
        interval_us=scenario.market_update_interval,
        depth=instrument.round_quantity(BOOKLESS_NOTIONAL / Decimal(repr(path.price))),
        execution_probability=float(scenario.execution_probability),
        price_impact=scenario.price_impact,
        chance=Random(f"{instrument.instrument_id}:executions:{scenario.seed}"),
        start_us=start_us,
    )


def _replayed(settings: VenueSettings, world: Surroundings) -> SimulatedConnector:
    (pair,) = settings.trading_pairs
    name = instrument_id(settings.name, pair)
    market = ReplayMarket(name, settings.replay, world.parser_of({pair: name}))
    instrument = _instrument(settings, pair, market.price_step, market.quantity_step)
    return _connector(settings, [instrument], [market], market.next_us)


def _connector(
    settings: VenueSettings, instruments: list[Instrument], markets: list[Market], start_us: int
) -> SimulatedConnector:
    exchange = SimulatedExchange(settings.name, instruments, terms=contract_terms(settings, instruments))
    account = exchange.open_account("bot", settings.balances)
    latency_us = settings.latency_us
    return SimulatedConnector(
        exchange,
        account,
        markets,
        start_us=start_us,
        feed_us=latency_us,
        entry_us=latency_us,
        response_us=latency_us,
    )


def contract_terms(settings: VenueSettings, instruments: Sequence[Instrument]) -> dict[str, ContractTerms]:
    """What the perpetuals among the instruments promise."""
    terms = ContractTerms(funding_interval_us=settings.funding_interval_us)
    return {each.instrument_id: terms for each in instruments if each.kind is not InstrumentKind.SPOT}


def _scenario(settings: VenueSettings, scenarios: dict[str, Scenario]) -> Scenario:
    return resolve(settings.market or MarketSection(), scenarios)


def _instrument(settings: VenueSettings, pair: str, price_step: Decimal, quantity_step: Decimal) -> Instrument:
    base, quote, *kind = pair.split("-")
    first = TIERS.tiers[0]
    contract: dict[str, Any] = {
        "kind": InstrumentKind.PERPETUAL,
        "settle": quote,
        "margin_initial_rate": ONE / first.leverage_max,
        "margin_maintenance_rate": first.rate,
        "leverage_max": first.leverage_max,
        "leverage": settings.leverage,
    }
    return Instrument(
        instrument_id=instrument_id(settings.name, pair),
        venue=settings.name,
        symbol=pair,
        base=base,
        quote=quote,
        price_step=price_step,
        quantity_step=quantity_step,
        quantity_min=quantity_step,
        notional_min=NOTIONAL_MIN if quote in ("USDT", "USDC", "USD", "EUR") else ZERO,
        maker_rate=settings.maker_rate,
        taker_rate=settings.taker_rate,
        **(contract if kind else {}),
    )


def _step(value: Decimal, digits: int) -> Decimal:
    """The power of ten `digits` places below the first digit of `value`: 60000, 5 → 0.1."""
    return Decimal(1).scaleb(value.adjusted() - digits)
