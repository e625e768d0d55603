"""From a scenario to a served venue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from connectors.simulated.build import VenueSettings, synthetic_markets
from connectors.simulated.scenario import MarketSection, Scenario
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.values import EIGHT
from connectors.simulated.server.world import World
from connectors.simulated.venue import SimulatedExchange
from engine.core.clock import Clock
from engine.model.instrument import Instrument
from engine.model.money import is_multiple

WORTH = Decimal(1_000_000)  # of each asset, in quote: what an account begins with
FEE_RATE = Decimal("0.001")


def build_server(
    name: str, pair: str, scenario: Scenario, seed: int | None, keys: Mapping[str, tuple[str, str]]
) -> VenueServer[World]:
    """One synthetic market from now on, and an account for each of `keys`: (API key, secret) by the account's name.

    Raises BadValue about a scenario without a start price.
    """
    clock = Clock()
    market = MarketSection(scenario=scenario.name) if seed is None else MarketSection(scenario=scenario.name, seed=seed)
    settings = VenueSettings(name, [pair], market, [], {}, 0, FEE_RATE, FEE_RATE)
    instruments, markets = synthetic_markets(settings, {name: settings}, {scenario.name: scenario}, clock.now_us())
    (instrument,) = map(_with_exact_fees, instruments)
    assert scenario.start_price is not None
    exchange = SimulatedExchange(name, [instrument])
    world = World(exchange, markets, clock.now_us, seed=scenario.seed if seed is None else seed)
    balances = {instrument.quote: WORTH, instrument.base: instrument.round_quantity(WORTH / scenario.start_price)}
    for owner, (key, secret) in keys.items():
        world.add_key(hmac_credential(key, secret, exchange.open_account(owner, balances)))
    return VenueServer(world, Entrance(world))


def _with_exact_fees(instrument: Instrument) -> Instrument:
    """The instrument with lots so coarse that every fee has at most eight decimals."""
    lot = instrument.quantity_step
    while not is_multiple(instrument.price_step * lot * FEE_RATE, EIGHT):
        lot *= 10
    return replace(instrument, quantity_step=lot, quantity_min=lot, fee_asset=instrument.base)
