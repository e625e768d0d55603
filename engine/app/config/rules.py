"""Rules across the fields of a bot's configuration: plain functions, each yields what it blames.

They also see configurations that did not validate: a field with a problem is None there (`salvage`).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from engine.app.config.models import (
    BotConfig,
    RealExchange,
    RecordedExchange,
    SimulatedExchange,
    SimulatedRemoteExchange,
)
from engine.app.config.problems import Path, path_text
from engine.app.config.reading import Reading
from engine.app.config.traded import strategies_of, traded_by_strategies
from engine.app.config.validate import did_you_mean
from engine.model.money import to_text
from engine.schema.values import Amount

_SIMULATED = SimulatedExchange | SimulatedRemoteExchange
_TRADES = SimulatedExchange | SimulatedRemoteExchange | RecordedExchange
_LIVE_LIMITS = ("max_order_value", "max_drawdown", "kill_switch", "stale_data")


class Finding(NamedTuple):
    """What is wrong at a path."""

    path: Path
    message: str
    hint: str = ""


Rule = Callable[[BotConfig, Reading], Iterator[Finding]]


def _markets(config: BotConfig) -> Iterator[tuple[Path, Any]]:
    for name, exchange in (config.exchanges or {}).items():
        market = getattr(exchange, "market", None)
        if market is not None:
            yield ("exchanges", name, "market"), market


def one_way_to_name_strategies(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """Either `strategy` or `strategies`."""
    single, several = (reading.is_set((name,)) for name in ("strategy", "strategies"))
    if single and several:
        yield Finding(("strategies",), "cannot stand beside strategy", "move it under strategies, with a name")
    if not single and not several:
        hint = "add  strategy:  with kind: pure_market_making"
        yield Finding(("strategy",), "missing required setting 'strategy'", hint)


def known_exchanges(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """Every exchange that a strategy names stands under `exchanges`."""
    known = [str(path[1]) for path in reading.keys if len(path) == 2 and path[0] == "exchanges"]
    named = [(exchange_path, name) for exchange_path, name, _, _ in traded_by_strategies(config)]
    named += [((*path, "follows"), getattr(market, "follows", None)) for path, market in _markets(config)]
    for path, name in named:
        if known and name and name not in known:
            message = f"'{name}' is not defined under exchanges: {', '.join(known)}"
            yield Finding(path, message, did_you_mean(name, known))


def traded_pairs(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """A simulated exchange trades what the strategies want to trade."""
    for _, name, pair_path, pair in traded_by_strategies(config):
        exchange = (config.exchanges or {}).get(name or "")
        traded = (exchange.trading_pairs or ()) if isinstance(exchange, _TRADES) else ()
        if pair and traded and pair not in traded:
            message = f"'{pair}' is not traded on {name}: {', '.join(traded)}"
            yield Finding(pair_path, message, f"add it to exchanges.{name}.trading_pairs")


def markets_have_a_price(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """A synthetic market starts somewhere: at a price, in a named scenario, or where another market is."""
    for path, market in _markets(config):
        names = ("start_price", "scenario", "follows")
        is_synthetic = all(hasattr(market, name) for name in names)
        if is_synthetic and not any(reading.is_set((*path, name)) for name in names):
            yield Finding((*path, "start_price"), "missing required setting 'start_price'", "add  start_price: 60000")


def amount_assets(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """Amounts of a strategy are in the base or the quote of its market."""
    for path, strategy in strategies_of(config):
        base, quote = (getattr(strategy, "trading_pair", None) or "-").split("-")[:2]
        for field in type(strategy).model_fields if base else ():
            for amount_path, amount in _amounts((*path, field), getattr(strategy, field)):
                if amount.asset not in ("", base, quote):
                    message = f"'{reading.text(amount_path)}' is neither in {base} nor in {quote}"
                    yield Finding(amount_path, message, f"write 0.01 ({base}) or 250 {quote}")


def _amounts(path: Path, value: Any) -> Iterator[tuple[Path, Amount]]:
    """The amounts of a field: one, or those of a list."""
    if isinstance(value, Amount):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _amounts((*path, index), item)


def floor_below_ceiling(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """price_floor < price_ceiling."""
    for path, strategy in strategies_of(config):
        floor, ceiling = getattr(strategy, "price_floor", None), getattr(strategy, "price_ceiling", None)
        if floor is not None and ceiling is not None and ceiling <= floor:
            ceiling_path, floor_path = (*path, "price_ceiling"), (*path, "price_floor")
            message = f"{reading.text(ceiling_path)} is not above price_floor {reading.text(floor_path)}"
            yield Finding(ceiling_path, message, "swap the two")


def mode_fits_connectors(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """Simulated exchanges for simulated money, real ones for the rest."""
    backtest = config.mode == "backtest"
    if backtest and config.data is None and ("data",) not in reading.blamed and not reading.is_set(("data",)):
        yield Finding(("data",), "missing required setting 'data'", "add  data: {path: data/binance}")
    real = [name for name, exchange in (config.exchanges or {}).items() if isinstance(exchange, RealExchange)]
    for name, exchange in (config.exchanges or {}).items():
        path = ("exchanges", name, "connector")
        if config.mode and exchange is not None and backtest is not isinstance(exchange, RecordedExchange):
            hint = "use connector: recorded" if backtest else "write mode: backtest"
            yield Finding(path, f"'{exchange.connector}' cannot be used with mode: {config.mode}", hint)
            continue
        if config.mode == "simulated" and isinstance(exchange, RealExchange):
            message = f"'{exchange.connector}' cannot be used with mode: simulated"
            yield Finding(path, message, "use connector: simulated, or mode: paper")
        if config.mode == "live" and isinstance(exchange, _SIMULATED):
            hint = "use mode: simulated, or a real connector"
            yield Finding(path, f"'{exchange.connector}' cannot be used with mode: live", hint)
        if config.mode == "paper" and isinstance(exchange, _SIMULATED) and not real:
            hint = "use mode: simulated, or a real connector"
            yield Finding(path, "mode: paper needs a real exchange", hint)


def accounts_live_alike(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """An order log is either kept for the next start or not: accounts that end with the bot stand alone."""
    exchanges = (config.exchanges or {}).items()
    if any(isinstance(exchange, SimulatedRemoteExchange) for _, exchange in exchanges):
        for name, exchange in exchanges:
            if isinstance(exchange, SimulatedExchange):
                message = "its account ends with the bot, that of a 'simulated_remote' does not"
                yield Finding(("exchanges", name, "connector"), message, "use simulated_remote for all, or for none")


def live_needs_keys(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """Nothing can be sent without keys."""
    for name, exchange in (config.exchanges or {}).items():
        if config.mode != "live" or not isinstance(exchange, RealExchange):
            continue
        path = ("exchanges", name)
        has_problem = any((*path, key) in reading.blamed for key in ("api_key", "api_secret"))
        given = exchange.api_key and exchange.api_secret
        if reading.kept is None or (exchange.connector, exchange.account) in reading.kept:
            continue
        if not has_problem and not given:
            prefix = exchange.connector.upper()
            hint = (
                f"run  tickwright keys add {exchange.connector}  or set api_key: ${{{prefix}_API_KEY}}"
                f" and api_secret: ${{{prefix}_API_SECRET}}"
            )
            yield Finding((*path, "connector"), f"mode: live needs API keys for '{name}'", hint)


def live_needs_limits(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """With real money every limit is somebody's decision, never a default."""
    risk: Any = config.risk
    for name in _LIVE_LIMITS if config.mode == "live" and risk is not None else ():
        if name not in risk.model_fields_set or (getattr(risk, name) is None and ("risk", name) not in reading.blamed):
            field = type(risk).model_fields[name]
            hint = f"add  {name}: {field.examples[0]}    # {field.description}"
            yield Finding(("risk", name), f"mode: live needs the limit '{name}'", hint)


def kill_switch_beyond_drawdown(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """Quoting is paused before the bot is stopped."""
    kill, drawdown = getattr(config.risk, "kill_switch", None), getattr(config.risk, "max_drawdown", None)
    if kill is not None and drawdown is not None and kill < drawdown:
        path: Path = ("risk", "kill_switch")
        text = reading.text(("risk", "max_drawdown"))
        yield Finding(path, f"{reading.text(path)} is below max_drawdown {text}", "swap the two")


def orders_within_limit(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """The largest order of a strategy against `risk.max_order_value`, where both are in the same asset."""
    limit = config.risk.max_order_value if config.risk is not None else None
    for path, strategy in strategies_of(config):
        amount, added = getattr(strategy, "order_amount", None), getattr(strategy, "order_level_amount", None)
        if limit is None or not isinstance(amount, Amount):
            continue
        largest = amount.number
        if isinstance(added, Amount) and added.asset == amount.asset and added.number > 0:
            largest += added.number * ((getattr(strategy, "order_levels", None) or 1) - 1)
        if amount.asset and amount.asset == limit.asset and largest > limit.number:
            message = (
                f"orders of up to {to_text(largest)} {amount.asset} are above"
                f" risk.max_order_value {to_text(limit.number)} {limit.asset}"
            )
            yield Finding((*path, "order_amount"), message, "lower it, or raise the limit")


def spreads_earn_fees(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """A warning: buying and selling once costs twice the maker fee."""
    for path, strategy in strategies_of(config):
        exchange: Any = (config.exchanges or {}).get(getattr(strategy, "exchange", None) or "")
        fee = getattr(exchange, "maker_fee", None)
        bid, ask = getattr(strategy, "bid_spread", None), getattr(strategy, "ask_spread", None)
        if fee is not None and bid is not None and ask is not None and bid + ask < 2 * fee:
            message = f"the spread of {_percent(bid + ask)} is less than two maker fees, {_percent(2 * fee)}"
            yield Finding((*path, "bid_spread"), message, "every round trip loses money")


def overrides_from_environment(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """A warning: what stands in the files is not what is used."""
    for path, place in reading.keys.items():
        if place.source.name == "environment" and path in reading.nodes and place.source.text == reading.text(path):
            yield Finding(path, f"{path_text(path)} is set by the environment")


def health_is_watched(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """A warning: a limit that guards nothing must not look as if it did."""
    if getattr(config.risk, "min_health_factor", None) is not None:
        path: Path = ("risk", "min_health_factor")
        yield Finding(path, "nothing watches it: no exchange here lends", "max_leverage and max_position are watched")


def commands_have_a_sender(config: BotConfig, reading: Reading) -> Iterator[Finding]:
    """A list of verbs alone lets nobody command."""
    messaging = config.messaging
    if messaging and messaging.commands and not messaging.command_users:
        yield Finding(("messaging", "commands"), "are taken from nobody", "name the users in messaging.command_users")


def _percent(ratio: Any) -> str:
    return f"{(ratio * 100).normalize():f}%"


RULES: tuple[Rule, ...] = (
    one_way_to_name_strategies,
    known_exchanges,
    traded_pairs,
    markets_have_a_price,
    amount_assets,
    floor_below_ceiling,
    mode_fits_connectors,
    accounts_live_alike,
    live_needs_keys,
    live_needs_limits,
    kill_switch_beyond_drawdown,
    orders_within_limit,
    commands_have_a_sender,
)
WARNINGS: tuple[Rule, ...] = (spreads_earn_fees, overrides_from_environment, health_is_watched)
