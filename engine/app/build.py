"""From a checked configuration to a bot that can be driven: venues, state, strategies, engine. The composition root."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.app.config.models import (
    BotConfig,
    CcxtExchange,
    ExchangeConfig,
    RealExchange,
    RecordedExchange,
    ReplaySection,
    RiskConfig,
    SimulatedExchange,
    SimulatedRemoteExchange,
)
from engine.app.config.traded import pairs_at
from engine.app.registry import BUILT_IN, Registry, load
from engine.app.rights import doubts, key_name, refuse_rights
from engine.core.candles import CandleReader
from engine.core.clock import wall_us
from engine.core.engine import Engine, Settings, Wake
from engine.core.limits import RiskLimits
from engine.core.notice import Notice
from engine.core.order_change import Change
from engine.core.order_ids import OrderIds
from engine.core.ports import Controller, LiveConnector, RealConnector, Sink
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import VenueSheet
from engine.model.errors import TickwrightError
from engine.model.instrument import Instrument
from engine.model.money import ONE

FILL_RULES = (
    *("queue_shape", "partial_fills", "through", "gap_fill", "deep_queue", "self_trade", "kernel"),
    *("touch", "participation", "half_spread", "slippage"),
)
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
            leverage=exchange.leverage,
            funding_interval_us=exchange.funding_interval,
        )
        for name, exchange in config.exchanges.items()
        if isinstance(exchange, SimulatedExchange)
    ]
    world = module.Surroundings(scenarios, start_us, load(registry.parsers["binance"]))
    venues: list[Any] = module.build_venues(settings, world)
    return venues


def build_connectors(
    config: BotConfig,
    registry: Registry = BUILT_IN,
    hear: Callable[[Notice], None] = lambda notice: None,
    *,
    accept_withdraw: bool = False,
) -> list[LiveConnector]:
    """The exchanges outside this process, asked what they trade. `hear` is told about keys that are not as they should.

    Raises TickwrightError about one that does not say, and about a key that may do too little, or too much unless that
    is accepted.
    """
    connectors = []
    for name, exchange in config.exchanges.items():
        if isinstance(exchange, SimulatedRemoteExchange):
            connectors.append(_remote(config, name, exchange, registry))
        elif isinstance(exchange, RealExchange):
            pairs, series = pairs_at(config, name), candles_at(config, name, registry)
            connector = ask_exchange(name, exchange, pairs, config.mode, config.seed, registry, series)
            rights = connector.greeting.rights
            if rights is not None:
                refuse_rights(name, key_name(exchange), rights, accept_withdraw=accept_withdraw)
                for text, fix in doubts(rights):
                    hear(Notice("W-KEY", name, text, fix, wall_us()))
            paper = config.mode == "paper"
            connectors.append(put_on_paper(config, exchange, connector, registry) if paper else connector)
    return connectors


def _remote(config: BotConfig, name: str, exchange: SimulatedRemoteExchange, registry: Registry) -> LiveConnector:
    module = registry.venue_module(exchange.connector)
    settings = module.RemoteSettings(name, Path(exchange.socket), exchange.trading_pairs, config.name, config.seed)
    connector: LiveConnector = module.build_connector(settings)
    return connector


def candles_at(config: BotConfig, name: str, registry: Registry) -> list[tuple[str, int]]:
    """The series that strategies want to see of an exchange: trading pair, interval. Raises TickwrightError."""
    module = registry.venue_module(config.exchanges[name].connector)
    readers = [each for each in build_controllers(config, registry) if isinstance(each, CandleReader)]
    wanted = {each.reads: each for each in readers if each.reads[0].partition(":")[0] == name}
    for (_, interval_us), reader in wanted.items():
        if interval_us not in getattr(module, "CANDLES", ()):
            fix = "let it decide on the book and on trades"
            text = f"{reader.name} wants candles of {interval_us / 1e6:g} s, which {name} does not tell"
            raise TickwrightError(f"{text}\n  fix: {fix}")
    return [(instrument_id.partition(":")[2], interval_us) for instrument_id, interval_us in wanted]


def ask_exchange(
    name: str,
    exchange: RealExchange,
    pairs: Sequence[str],
    mode: str,
    seed: int = 0,
    registry: Registry = BUILT_IN,
    candles: Sequence[tuple[str, int]] = (),
) -> RealConnector:
    """A real exchange, asked for these pairs; on paper without a key. Raises TickwrightError when it does not say."""
    module = registry.venue_module(exchange.connector)
    named = (exchange.api_key, exchange.api_secret, getattr(exchange, "passphrase", None))
    keys = [secret.get_secret_value() for secret in named if secret is not None]
    where: dict[str, Any] = {"testnet": True} if getattr(exchange, "testnet", False) else {}
    if isinstance(exchange, CcxtExchange):
        where["exchange_id"] = exchange.exchange_id
    settings = module.LiveSettings(
        name=name,
        trading_pairs=pairs,
        urls=module.addresses(exchange.url, **where),
        credentials=module.credentials(*keys) if keys and mode != "paper" else None,
        maker_rate=exchange.maker_fee,
        taker_rate=exchange.taker_fee,
        seed=seed,
        order_entry=getattr(exchange, "order_entry", "rest"),
        candles=candles,
        leverage=leverage_of(exchange),
    )
    connector: RealConnector = module.build_connector(settings)
    return connector


def market_of(
    connector: str, trading_pairs: Sequence[str], url: str = "", registry: Registry = BUILT_IN
) -> LiveConnector:
    """The public side of a venue, which is called like its connector."""
    module = registry.venue_module(connector)
    settings = module.LiveSettings(
        name=connector, trading_pairs=trading_pairs, urls=module.addresses(url), credentials=None
    )
    found: LiveConnector = module.build_connector(settings)
    return found


def put_on_paper(
    config: BotConfig, exchange: RealExchange, market: LiveConnector, registry: Registry = BUILT_IN
) -> LiveConnector:
    """A real exchange's market, and an account of ours that is nowhere but here."""
    module, default = registry.venue_module("paper"), config.backtest.default_balance
    settings = module.PaperSettings(
        balances=exchange.balances or {default.asset: default.number},
        entry_us=entry_latency_us(config, exchange.latency),
        response_us=exchange.response_latency,
        sigma=exchange.latency_sigma,
        rules=fill_rules(config, module),
        maker_rate=exchange.maker_fee,
        taker_rate=exchange.taker_fee,
        seed=config.seed,
        leverage=leverage_of(exchange) or ONE,
    )
    sheet = registry.venue_module(exchange.connector).venue_sheet()
    connector: LiveConnector = module.put_on_paper(market, sheet, settings)
    return connector


def leverage_of(exchange: RealExchange) -> Decimal | None:
    """That of its derivatives; None: the file does not say."""
    told = getattr(exchange, "leverage", None)
    return None if told is None else Decimal(told)


def entry_latency_us(config: BotConfig, latency_us: int | None) -> int:
    """To an exchange that only pretends to fill."""
    return config.backtest.execution_delay if latency_us is None else latency_us


def fill_rules(config: BotConfig, module: Any) -> Any:
    """How orders fill where the data do not say: the section `backtest`, and the queue model."""
    return module.FillRules(
        queue_model=config.queue_model,
        queue_exponent=float(config.backtest.queue_exponent),
        **{name: getattr(config.backtest, name) for name in FILL_RULES},
    )


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
    sheets = sheets_of(config, registry)
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


def sheets_of(config: BotConfig, registry: Registry = BUILT_IN) -> dict[str, VenueSheet]:
    """What the exchanges promise, by name."""
    return {name: _sheet(config, exchange, registry) for name, exchange in config.exchanges.items()}


def _sheet(config: BotConfig, exchange: ExchangeConfig, registry: Registry) -> VenueSheet:
    module = registry.venue_module(exchange.connector)
    if isinstance(exchange, SimulatedExchange | RecordedExchange):
        simulated: VenueSheet = module.venue_sheet(exchange.latency)
        return simulated
    sheet: VenueSheet = module.venue_sheet()
    if isinstance(exchange, RealExchange) and config.mode == "paper":
        sheet = registry.venue_module("paper").venue_sheet(sheet, entry_latency_us(config, exchange.latency))
    elif isinstance(exchange, RealExchange):
        sheet = replace(sheet, dedicated=exchange.dedicated)
    return sheet
