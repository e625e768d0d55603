"""From a checked configuration to a bot that can be driven: venues, state, strategies, engine. The composition root."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.app.config.models import (
    BotConfig,
    RealExchange,
    RecordedExchange,
    ReplaySection,
    RiskConfig,
    SimulatedExchange,
    SimulatedRemoteExchange,
)
from engine.app.config.traded import pairs_at
from engine.app.registry import BUILT_IN, Registry, load
from engine.core.engine import Engine, Settings, Wake
from engine.core.limits import RiskLimits
from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.ports import Controller, LiveConnector, Sink
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import VenueSheet
from engine.model.instrument import Instrument

VIRTUAL_START_US = 1_767_225_600_000_000  # 2026-01-01 UTC: a market in virtual time is the same on every day


def build_venues(
    config: BotConfig, start_us: int, scenarios: Mapping[str, Any], registry: Registry = BUILT_IN
) -> list[Any]:
    """The exchanges that live in this process. Raises TickwrightError about what cannot be built."""
    module = registry.venue_module("simulated")
    settings = [
        module.VenueSettings(
            name=name,
            trading_pairs=exchange.trading_pairs,
            market=None if isinstance(exchange.market, ReplaySection) else exchange.market,
            replay=[Path(exchange.market.path)] if isinstance(exchange.market, ReplaySection) else [],
            balances=exchange.balances,
            latency_us=exchange.latency,
            maker_rate=exchange.maker_fee,
            taker_rate=exchange.taker_fee,
        )
        for name, exchange in config.exchanges.items()
        if isinstance(exchange, SimulatedExchange)
    ]
    world = module.Surroundings(scenarios, start_us, load(registry.parsers["binance"]))
    venues: list[Any] = module.build_venues(settings, world)
    return venues


def build_connectors(config: BotConfig, registry: Registry = BUILT_IN) -> list[LiveConnector]:
    """The exchanges outside this process, asked what they trade. Raises TickwrightError about one that does not say."""
    connectors = []
    for name, exchange in config.exchanges.items():
        if isinstance(exchange, SimulatedRemoteExchange):
            connectors.append(_remote(config, name, exchange, registry))
        elif isinstance(exchange, RealExchange):
            connectors.append(_real(config, name, exchange, registry))
    return connectors


def _remote(config: BotConfig, name: str, exchange: SimulatedRemoteExchange, registry: Registry) -> LiveConnector:
    module = registry.venue_module(exchange.connector)
    settings = module.RemoteSettings(name, Path(exchange.socket), exchange.trading_pairs, config.name, config.seed)
    connector: LiveConnector = module.build_connector(settings)
    return connector


def _real(config: BotConfig, name: str, exchange: RealExchange, registry: Registry) -> LiveConnector:
    module = registry.venue_module(exchange.connector)
    named = (exchange.api_key, exchange.api_secret, getattr(exchange, "passphrase", None))
    keys = [secret.get_secret_value() for secret in named if secret is not None]
    where = {"testnet": True} if getattr(exchange, "testnet", False) else {}
    settings = module.LiveSettings(
        name=name,
        trading_pairs=pairs_at(config, name),
        urls=module.addresses(exchange.url, **where),
        credentials=module.credentials(*keys) if keys else None,
        maker_rate=exchange.maker_fee,
        taker_rate=exchange.taker_fee,
        seed=config.seed,
    )
    connector: LiveConnector = module.build_connector(settings)
    return connector


def build_engine(
    config: BotConfig,
    instruments: Sequence[Instrument],
    ids: OrderIds,
    start_us: int,
    sinks: Iterable[Sink] = (),
    on_change: Callable[[Change], None] | None = None,
    registry: Registry = BUILT_IN,
) -> Engine:
    """The engine of a bot: all that decides, nothing that talks to a venue. A replay makes its engine here too."""
    sheets = _sheets(config, registry)
    state = State(instruments, ids, sheets, start_us)
    streams = {
        venue: UserStream(
            venue, [each.instrument_id for each in instruments if each.venue == venue], state.orders.cursors, sheet
        )
        for venue, sheet in sheets.items()
    }
    settings = Settings(
        bot=config.name,
        quote=instruments[0].quote,
        grid_us=config.tick,
        wake_on=tuple(Wake(each) for each in config.wake_on if each in set(Wake)),
        wake_gap_us=config.wake_gap,
        limits=limits_of(config.risk),
    )
    return Engine(state, build_controllers(config, registry), settings, streams, sinks, on_change)


def build_controllers(config: BotConfig, registry: Registry = BUILT_IN) -> list[Controller]:
    """The strategies, by name in the order of the file."""
    return [registry.strategy_class(each)(name, each) for name, each in config.strategies_by_name.items()]


def limits_of(risk: RiskConfig) -> RiskLimits:
    """The operator's limits as the engine knows them."""
    return RiskLimits(
        max_drawdown=risk.max_drawdown,
        kill_switch=risk.kill_switch,
        max_order_value=risk.max_order_value,
        max_position=risk.max_position,
        max_open_orders=risk.max_open_orders,
        max_orders_per_minute=risk.max_orders_per_minute,
        max_leverage=risk.max_leverage,
        price_band=risk.price_band,
        stale_data_us=risk.stale_data,
    )


def _sheets(config: BotConfig, registry: Registry) -> dict[str, VenueSheet]:
    return {
        name: registry.venue_module(exchange.connector).venue_sheet(exchange.latency)
        if isinstance(exchange, SimulatedExchange | RecordedExchange)
        else registry.venue_module(exchange.connector).venue_sheet()
        for name, exchange in config.exchanges.items()
    }
