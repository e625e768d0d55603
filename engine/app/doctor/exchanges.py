"""Checks of the real exchanges of a bot: reachable, clock, key, markets. Nothing is changed there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.app.build import ask_exchange, leverage_of
from engine.app.config.load import LoadedConfig
from engine.app.config.models import BotConfig, RealExchange
from engine.app.config.traded import pairs_at
from engine.app.doctor.finding import Finding, State
from engine.app.failure import Failure, as_failure
from engine.app.registry import BUILT_IN
from engine.app.rights import describe, doubts, key_name, refuse_rights
from engine.app.secrets.keys import with_keys
from engine.app.secrets.unlock import Ask
from engine.core.halt import CLOCK_FIX, clock_text
from engine.model.errors import TickwrightError
from engine.model.event import ClockSynced
from engine.model.greeting import KeyRights


def exchange_findings(
    loaded: LoadedConfig, userdir: Path, ask: Ask | None, warn: Callable[[str], None]
) -> Iterator[tuple[str, Finding]]:
    """Of a bot that is live or on paper, by the names of its exchanges. Raises Failure when its keys stay locked."""
    config = with_keys(loaded, userdir, ask, warn).config
    for name, exchange in config.exchanges.items():
        if isinstance(exchange, RealExchange) and config.mode in ("live", "paper"):
            yield from _of_exchange(config, name, exchange)


def _of_exchange(config: BotConfig, name: str, exchange: RealExchange) -> Iterator[tuple[str, Finding]]:
    try:
        greeting = ask_exchange(name, exchange, (), config.mode).greeting
    except TickwrightError as error:
        yield name, _failed(as_failure(error))
        return
    sheet: Any = BUILT_IN.venue_module(exchange.connector).venue_sheet()
    yield name, judge_clock(greeting.clock, sheet.request_expiry_us // 2)
    if greeting.rights is not None:
        yield f"{name} key", judge_rights(name, key_name(exchange), greeting.rights)
    yield f"{name} markets", _markets(config, name, exchange)


def judge_clock(clock: ClockSynced | None, limit_us: int) -> Finding:
    """Of an exchange that answered; the limit is the one at which a running bot stops sending orders."""
    if clock is None:
        return Finding(State.OK, "reached; it does not tell its time")
    text = f"reached; {clock_text(clock, limit_us)}"
    if max(abs(clock.offset_us), clock.error_us) > limit_us:
        return Finding(State.FAILED, f"E-CLOCK {text}. Orders would be rejected", CLOCK_FIX)
    return Finding(State.OK, text)


def judge_rights(name: str, key: str, rights: KeyRights) -> Finding:
    try:
        refuse_rights(name, key, rights)
    except Failure as failure:
        return _failed(failure)
    worries = list(doubts(rights))
    text = f"{key}: {describe(rights)}"
    if worries:
        return Finding(State.WARNING, text, "; ".join(fix for _, fix in worries))
    return Finding(State.OK, text)


def _markets(config: BotConfig, name: str, exchange: RealExchange) -> Finding:
    pairs = pairs_at(config, name)
    try:
        ask_exchange(name, _as_it_is(exchange), pairs, config.mode)
    except TickwrightError as error:
        return _failed(as_failure(error))
    return Finding(State.OK, f"{', '.join(pairs)} can be traded")


def _as_it_is(exchange: RealExchange) -> RealExchange:
    """Without what a start would set there."""
    return exchange.model_copy(update={"leverage": None}) if leverage_of(exchange) else exchange


def _failed(failure: Failure) -> Finding:
    return Finding(State.FAILED, f"{failure.code} {failure.detail}", failure.fix)
