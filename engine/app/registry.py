"""Names of strategies and connectors, and where their code is: imported when a configuration names it, not before.

A strategy is a class with an attribute `Config` (a `StrategyConfig`), made as `cls(name, config)`. An own one needs no
entry here: `use: package.module:Class`.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.model.errors import TickwrightError
from engine.schema.base import ConfigModel, StrategyConfig
from engine.schema.values import BadValue

NOT_BUILT = ""
"""The path of a name that is known but not part of this version."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Dotted paths (`package.module:name`) by name.

    `strategies` lead to strategy classes, `connectors` to the models of their sections under `exchanges`, `markets` to
    those of the `market` section of a simulated exchange: `replay`, else `synthetic`. `venues` lead to the modules that
    build venues, `parsers` to makers of parsers of recorded frames, `captures` to readers of captures for data sets.
    """

    strategies: Mapping[str, str]
    connectors: Mapping[str, str]
    markets: Mapping[str, str]
    venues: Mapping[str, str] = field(default_factory=dict)
    parsers: Mapping[str, str] = field(default_factory=dict)
    captures: Mapping[str, str] = field(default_factory=dict)

    def strategy_class(self, config: StrategyConfig) -> Any:
        """The class that trades with these settings."""
        return load(config.use or self.strategies[config.kind])

    def strategy_config(self, kind: str, use: str) -> type[StrategyConfig]:
        """The model of a strategy's settings; raises BadValue about whichever of the two was given."""
        strategy = load(use) if use else load(_find(self.strategies, kind))
        model = getattr(strategy, "Config", None)
        if not (isinstance(model, type) and issubclass(model, StrategyConfig)):
            raise BadValue("has no Config that derives from StrategyConfig")
        return model

    def connector_config(self, connector: str) -> type[ConfigModel]:
        """The model of the section of an exchange; raises BadValue about the name."""
        model: type[ConfigModel] = load(_find(self.connectors, connector))
        return model

    def market_config(self, market: str) -> type[ConfigModel]:
        """The model of a simulated exchange's `market` section."""
        model: type[ConfigModel] = load(self.markets[market])
        return model

    def venue_module(self, connector: str) -> Any:
        """The module that builds the venues of a connector: `build_venues`, `venue_sheet` and their settings.

        Raises TickwrightError when it needs a package that is not installed.
        """
        try:
            return importlib.import_module(self.venues[connector])
        except ModuleNotFoundError as error:
            fix = f"pip install 'tickwright[{connector}]'"
            raise TickwrightError(f"connector {connector} needs the package {error.name}\n  fix: {fix}") from None


def load(path: str) -> Any:
    """What `package.module:name` names; raises BadValue when there is nothing, or when importing it fails."""
    module_name, colon, name = path.partition(":")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        raise BadValue("is not the name of a class", "write package.module:Class")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # handled: somebody else's module may raise anything; it becomes a problem with its text
        raise BadValue(f"cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        raise BadValue(f"is not there: module {module_name} has no {name}")
    return getattr(module, name)


def add_strategies(folder: Path) -> None:
    """Let `use: strategies.mine:Mine` find the user's own files in `folder`, behind those of the program."""
    places = importlib.import_module("strategies").__path__
    if folder.is_dir() and str(folder) not in places:
        places.append(str(folder))


def _find(paths: Mapping[str, str], name: str) -> str:
    """The dotted path of a name; raises BadValue when it is unknown or not built."""
    if name not in paths:
        raise UnknownName(list(paths))
    if paths[name] == NOT_BUILT:
        built = ", ".join(known for known, path in paths.items() if path != NOT_BUILT)
        raise BadValue("is not part of this version", f"use {built}")
    return paths[name]


class UnknownName(BadValue):
    """A name that is not in the list of those that may stand there."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"is not one of: {', '.join(names)}")
        self.names = names


BUILT_IN = Registry(
    strategies={
        "pure_market_making": "strategies.pure_market_making:PureMarketMaking",
        "perpetual_market_making": NOT_BUILT,
        "avellaneda_stoikov": NOT_BUILT,
        "cross_exchange_market_making": "strategies.cross_exchange_market_making:CrossExchangeMarketMaking",
        "arbitrage": "strategies.arbitrage:Arbitrage",
        "signal_follower": "strategies.signal_follower:SignalFollower",
        "funding_arbitrage": NOT_BUILT,
        "grid": NOT_BUILT,
        "liquidator": NOT_BUILT,
    },
    connectors={
        "simulated": "engine.app.config.models:SimulatedExchange",
        "simulated_remote": "engine.app.config.models:SimulatedRemoteExchange",
        "recorded": "engine.app.config.models:RecordedExchange",
        "binance": "engine.app.config.models:BinanceExchange",
        "binance_perpetual": "engine.app.config.models:BinancePerpetualExchange",
        "okx": "engine.app.config.models:OkxExchange",
        "okx_perpetual": "engine.app.config.models:OkxPerpetualExchange",
        "gate": "engine.app.config.models:GateExchange",
        "gate_perpetual": "engine.app.config.models:GatePerpetualExchange",
        "ccxt": "engine.app.config.models:CcxtExchange",
        "onchain": NOT_BUILT,
    },
    markets={
        "synthetic": "connectors.simulated.scenario:MarketSection",
        "replay": "engine.app.config.models:ReplaySection",
    },
    venues={
        "simulated": "connectors.simulated.build",
        "simulated_remote": "connectors.simulated.remote",
        "recorded": "connectors.paper.recorded",
        "paper": "connectors.paper.live",
        "gate": "connectors.gate.build",
        "gate_perpetual": "connectors.gate.perpetual",
        "ccxt": "connectors.ccxt.build",
        "okx": "connectors.okx.build",
        "okx_perpetual": "connectors.okx.perpetual",
        "binance": "connectors.binance.build",
        "binance_perpetual": "connectors.binance.perpetual.build",
    },
    parsers={"binance": "connectors.binance.parse:recording_parser"},
    captures={venue: f"connectors.{venue}.recorded:RecordedFrames" for venue in ("binance", "okx", "gate")},
)
