"""From a scenario to a served venue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.simulated.build import VenueSettings, contract_terms, synthetic_markets
from connectors.simulated.market import Market
from connectors.simulated.scenario import MarketSection, Scenario
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.gate.entrance import GateEntrance
from connectors.simulated.server.gate.keys import Key as GateKey
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.server.okx.entrance import OkxEntrance
from connectors.simulated.server.okx.keys import Key as OkxKey
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.server.usdm.entrance import FutureEntrance
from connectors.simulated.server.usdm.world import FutureWorld
from connectors.simulated.server.values import EIGHT
from connectors.simulated.server.world import World
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.clock import Clock
from engine.model.enums import InstrumentKind
from engine.model.instrument import Instrument
from engine.model.money import is_multiple

WORTH = Decimal(1_000_000)  # of each asset, in quote: what an account begins with
FEE_RATE = Decimal("0.001")
LEVERAGE = Decimal(10)  # of perpetuals, as long as an account has not set another
CONTRACT_STEPS = 100  # of the quantity that the market's price suggests, in one contract
SPOT = InstrumentKind.SPOT
BINANCE_PERPETUAL = "binance_perpetual"
Now = Callable[[], int]
Accounts = Sequence[tuple[str, str, Account]]  # API key, secret, whose


def build_server(
    name: str,
    pairs: Sequence[str],
    scenario: Scenario,
    seed: int | None,
    keys: Mapping[str, tuple[str, str]],
    protocol: str = "binance",
) -> VenueServer[Any]:
    """Synthetic markets from now on, and an account for each of `keys`: (API key, secret) by the account's name.

    `protocol` is one of PROTOCOLS; where keys have a passphrase, it is the account's name. Raises BadValue about a
    scenario without a start price, and about a pair that the protocol does not have.
    """
    clock = Clock()
    market = MarketSection(scenario=scenario.name) if seed is None else MarketSection(scenario=scenario.name, seed=seed)
    settings = VenueSettings(name, pairs, market, [], {}, 0, FEE_RATE, FEE_RATE, LEVERAGE)
    instruments, markets = synthetic_markets(settings, {name: settings}, {scenario.name: scenario}, clock.now_us())
    as_contract = _in_contracts if protocol != BINANCE_PERPETUAL else _as_it_is
    served = [(_with_exact_fees if each.kind is SPOT else as_contract)(each) for each in instruments]
    assert scenario.start_price is not None
    exchange = SimulatedExchange(name, served, terms=contract_terms(settings, served))
    balances = dict.fromkeys((each.quote for each in served), WORTH)
    balances |= {each.base: each.round_quantity(WORTH / scenario.start_price) for each in served}
    accounts = [(key, secret, exchange.open_account(owner, balances)) for owner, (key, secret) in keys.items()]
    chosen = scenario.seed if seed is None else seed
    return PROTOCOLS[protocol](exchange, markets, clock.now_us, chosen, accounts)


def _binance(
    exchange: SimulatedExchange, markets: Sequence[Market], now_us: Now, seed: int, accounts: Accounts
) -> VenueServer[Any]:
    world = World(exchange, markets, now_us, seed=seed)
    for key, secret, account in accounts:
        world.add_key(hmac_credential(key, secret, account))
    return VenueServer(world, Entrance(world))


def _okx(
    exchange: SimulatedExchange, markets: Sequence[Market], now_us: Now, seed: int, accounts: Accounts
) -> VenueServer[Any]:
    world = OkxWorld(exchange, markets, now_us)
    for key, secret, account in accounts:
        world.keys.add(OkxKey(key, secret, account.name, account))
    return VenueServer(world, OkxEntrance(world))


def _gate(
    exchange: SimulatedExchange, markets: Sequence[Market], now_us: Now, seed: int, accounts: Accounts
) -> VenueServer[Any]:
    world = GateWorld(exchange, markets, now_us)
    for key, secret, account in accounts:
        world.keys.add(GateKey(key, account, secret))
    return VenueServer(world, GateEntrance(world))


def _binance_perpetual(
    exchange: SimulatedExchange, markets: Sequence[Market], now_us: Now, seed: int, accounts: Accounts
) -> VenueServer[Any]:
    world = FutureWorld(exchange, markets, now_us, seed=seed)
    for key, secret, account in accounts:
        world.add_key(hmac_credential(key, secret, account))
    return VenueServer(world, FutureEntrance(world))


PROTOCOLS = {"binance": _binance, BINANCE_PERPETUAL: _binance_perpetual, "okx": _okx, "gate": _gate}


def _as_it_is(instrument: Instrument) -> Instrument:
    return instrument


def _in_contracts(instrument: Instrument) -> Instrument:
    """The perpetual in whole contracts."""
    size = instrument.quantity_step * CONTRACT_STEPS
    return replace(instrument, contract_size=size, quantity_step=Decimal(1), quantity_min=Decimal(1))


def _with_exact_fees(instrument: Instrument) -> Instrument:
    """The instrument with lots so coarse that every fee has at most eight decimals."""
    lot = instrument.quantity_step
    while not is_multiple(instrument.price_step * lot * FEE_RATE, EIGHT):
        lot *= 10
    return replace(instrument, quantity_step=lot, quantity_min=lot, fee_asset=instrument.base)
