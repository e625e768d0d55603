"""The markets that the strategies of a configuration trade or look at, wherever their settings name them."""

from collections.abc import Iterator
from typing import Any

from engine.app.config.models import BotConfig
from engine.app.config.problems import Path
from engine.schema.base import StrategyConfig

# Fields that name an exchange, and the field with the market there.
_MARKETS = {
    "exchange": "trading_pair",
    "maker": "trading_pair",
    "taker": "taker_trading_pair",
    "price_source_exchange": "price_source_market",
}


def strategies_of(config: BotConfig) -> Iterator[tuple[Path, StrategyConfig]]:
    if config.strategy is not None:
        yield ("strategy",), config.strategy
    for name, strategy in (config.strategies or {}).items():
        yield ("strategies", name), strategy


def traded_by_strategies(config: BotConfig) -> Iterator[tuple[Path, str | None, Path, str | None]]:
    """The markets that strategies name: path and name of the exchange, path and name of the pair."""
    for path, strategy in strategies_of(config):
        places: list[tuple[Path, Any, str, str]] = [(path, strategy, *fields) for fields in _MARKETS.items()]
        for index, market in enumerate(getattr(strategy, "markets", None) or ()):
            places.append(((*path, "markets", index), market, "exchange", "trading_pair"))
        for place, section, exchange, pair in places:
            if getattr(section, exchange, None) is not None:
                traded = getattr(section, pair, None) or getattr(section, "trading_pair", None)
                yield (*place, exchange), getattr(section, exchange), (*place, pair), traded


def pairs_at(config: BotConfig, exchange: str) -> tuple[str, ...]:
    """What is traded at an exchange: what its section names, and what strategies name, each once."""
    named = [pair for _, name, _, pair in traded_by_strategies(config) if name == exchange and pair]
    return tuple(dict.fromkeys([*getattr(config.exchanges[exchange], "trading_pairs", ()), *named]))
