"""From settings to a connector of Gate's USDT perpetuals: the venue is asked before the bot starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from connectors.base.credentials import credentials
from connectors.base.http import Http, Reply, asked
from connectors.base.live import Home
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import RateLimiter
from connectors.base.start import LiveSettings, not_started, not_traded
from connectors.base.time_sync import VenueClock
from connectors.gate.futures import GateFutures
from connectors.gate.futures_account import parse_account, parse_fees, parse_leverage
from connectors.gate.futures_market import Contract, open_markets, parse_contracts, stamp_us
from connectors.gate.keys import Key
from connectors.gate.parse_account import parse_time
from connectors.gate.rest import TIME, Call, Rest
from connectors.gate.sheet import EXPIRY_US, FUTURES, LIMITS, Urls, futures_addresses, futures_sheet
from engine.core.clock import wall_us
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action
from engine.model.errors import BadMessage, TickwrightError
from engine.model.greeting import Greeting, KeyRights
from engine.model.instrument import Instrument
from engine.model.money import to_text

__all__ = ["LiveSettings", "Urls", "addresses", "build_connector", "credentials", "prepare", "venue_sheet"]

addresses, venue_sheet = futures_addresses, futures_sheet
NEVER_HELD = "POSITION_NOT_FOUND"


def build_connector(settings: LiveSettings) -> GateFutures:
    """Ask the venue what it trades and how the account is set. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int]) -> GateFutures:
    """The same inside a running loop."""
    urls, name, clock = settings.urls, settings.name, VenueClock(settings.name)
    key = None if settings.credentials is None else Key(settings.credentials)

    def venue_us() -> int:
        return now_us() + clock.offset_us

    async with Http(urls.rest, now_us) as http:
        rest = Rest(FUTURES, http, key, RateLimiter(LIMITS, venue_us), venue_us, lambda reason: None)
        try:
            synced = await clock.measure(lambda: _server_us(rest), now_us)
            contracts = parse_contracts((await _ask(rest, "contracts", None)).body)
            instruments = _open(settings, contracts)
            user = "" if key is None else await _user(name, rest)
            if key is not None:
                instruments = [await _as_set_up(settings, rest, each) for each in instruments]
        except (Failed, BadMessage) as error:
            raise not_started(settings, urls.rest, error) from None
    greeting = Greeting(synced, None if key is None else KeyRights())  # Gate tells the rights to the main account only
    home = Home(name, instruments, EXPIRY_US, urls.rest, settings.seed, greeting)
    funding = {row.name: (stamp_us(row.funding_next_apply), row.funding_interval * SECOND_US) for row in contracts}
    return GateFutures(home, urls, key, user, funding, settings.order_entry)


def _open(settings: LiveSettings, contracts: list[Contract]) -> list[Instrument]:
    """With the rates of the settings where these name them."""
    for pair in settings.trading_pairs:
        if not pair.endswith("-PERP"):
            raise TickwrightError(f"{settings.name} does not trade {pair}\n  fix: write {pair}-PERP")
    found = open_markets(contracts, settings.name, settings.trading_pairs)
    missing = set(settings.trading_pairs) - {each.symbol for each in found}
    if missing:
        raise not_traded(settings, missing)
    return [_with_rates(settings, each, each.maker_rate, each.taker_rate) for each in found]


def _with_rates(settings: LiveSettings, instrument: Instrument, maker: Decimal, taker: Decimal) -> Instrument:
    maker, taker = settings.rates(maker, taker)
    return replace(instrument, maker_rate=maker, taker_rate=taker)


async def _user(name: str, rest: Rest) -> str:
    """The number of the account. One that holds long and short positions at once is refused."""
    account = parse_account((await _ask(rest, "accounts", Action.BALANCES)).body)
    if account.in_dual_mode:
        fix = "choose one-way positions in the settings of the account"
        raise TickwrightError(f"{name}: the account keeps long and short positions apart\n  fix: {fix}")
    return str(account.user)


async def _as_set_up(settings: LiveSettings, rest: Rest, instrument: Instrument) -> Instrument:
    """With what this account pays, and its leverage: as it is there; changed there if the settings name another."""
    symbol, wanted = instrument.venue_symbol, settings.leverage
    if settings.asks_rates:
        reply = await _ask(rest, "fee", Action.BALANCES, contract=symbol)
        instrument = _with_rates(settings, instrument, *parse_fees(reply.body, symbol))
    try:
        told = parse_leverage((await _ask(rest, f"positions/{symbol}", Action.BALANCES)).body)
    except Failed as failure:
        if failure.code != NEVER_HELD:
            raise
        told = instrument.leverage
    if wanted is None or wanted == told:
        return replace(instrument, leverage=told)
    query = {"leverage": "0", "cross_leverage_limit": to_text(wanted)}  # 0: cross margin
    path = f"{FUTURES.path}/positions/{symbol}/leverage"
    try:
        await rest.ask(Call("POST", path, query, action=Action.BALANCES))
    except Failed as failure:
        text = f"Gate does not set the leverage of {symbol} to {to_text(wanted)}: {failure.text}"
        raise TickwrightError(f"{text}\n  fix: choose another leverage, or set it there") from None
    return replace(instrument, leverage=wanted)


async def _ask(rest: Rest, path: str, action: Action | None, **query: str) -> Reply:
    call = Call("GET", f"{FUTURES.path}/{path}", query, action=action, seconds=30.0)
    return await asked(lambda: rest.ask(call))


async def _server_us(rest: Rest) -> int:
    return parse_time((await asked(lambda: rest.ask(TIME))).body)
