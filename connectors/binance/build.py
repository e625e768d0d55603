"""From settings to a connector that knows what it trades: the venue is asked before the bot starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from connectors.base.credentials import credentials
from connectors.base.http import Http, asked
from connectors.base.live import Home
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import RateLimiter
from connectors.base.start import LiveSettings, not_started, not_traded
from connectors.base.time_sync import VenueClock
from connectors.binance.candles import INTERVALS as CANDLES
from connectors.binance.connector import Binance, info_call, key_rights
from connectors.binance.listing import closed, read_fees, read_info, read_instruments, read_time
from connectors.binance.rest import Call, Key, Rest
from connectors.binance.sheet import NO_SUCH_SYMBOL, SPOT, TESTNET, Urls, addresses, venue_sheet
from engine.core.clock import wall_us
from engine.model.enums import Action
from engine.model.errors import BadMessage
from engine.model.greeting import Greeting, KeyRights
from engine.model.instrument import Instrument
from engine.model.money import ZERO

__all__ = ["CANDLES", "LiveSettings", "Urls", "addresses", "build_connector", "credentials", "prepare", "venue_sheet"]


def build_connector(settings: LiveSettings) -> Binance:
    """Ask the venue what it trades and what it costs. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int]) -> Binance:
    """The same inside a running loop."""
    clock = VenueClock(settings.name)
    key = None if settings.credentials is None else Key(settings.credentials)
    limiter = RateLimiter(SPOT.limits, lambda: now_us() + clock.offset_us)
    urls, name = settings.urls, settings.name
    async with Http(urls.rest, now_us) as http:
        rest = Rest(SPOT, http, key, clock, limiter, now_us, lambda reason, until_us: None)
        try:
            synced = await clock.measure(lambda: _server_us(rest), now_us)
            greeting = Greeting(synced, None if key is None else await _rights(urls, rest, now_us))
            instruments = await _instruments(settings, rest, now_us)
        except (Failed, BadMessage) as error:
            raise not_started(settings, urls.rest, error) from None
    home = Home(name, list(instruments.values()), venue_sheet().request_expiry_us, urls.rest, settings.seed, greeting)
    return Binance(home, urls, instruments, key, settings.order_entry, settings.candles)


async def _server_us(rest: Rest) -> int:
    return read_time((await asked(lambda: rest.public(Call("GET", "time")))).body)


async def _rights(urls: Urls, rest: Rest, now_us: Callable[[], int]) -> KeyRights:
    return KeyRights() if urls == TESTNET else await key_rights(rest, now_us)


async def _instruments(settings: LiveSettings, rest: Rest, now_us: Callable[[], int]) -> dict[str, Instrument]:
    """By Binance's symbols, with the rates of fees that this account pays."""
    symbols = [pair.replace("-", "") for pair in settings.trading_pairs]
    if not symbols:
        return {}
    try:
        info = read_info((await asked(lambda: rest.public(info_call(symbols)))).body)
    except Failed as failure:
        if failure.code != NO_SUCH_SYMBOL:
            raise
        raise not_traded(settings, [" or ".join(settings.trading_pairs)]) from None  # it does not say which one
    found = read_instruments(info, settings.name, settings.trading_pairs)
    traded = {each.symbol for symbol, each in found.items() if symbol not in closed(info)}
    missing = [pair for pair in settings.trading_pairs if pair not in traded]
    if missing:
        raise not_traded(settings, missing)
    for symbol, instrument in found.items():
        told = (ZERO, ZERO)
        if settings.asks_rates:
            call = Call("GET", "account/commission", {"symbol": symbol}, Action.BALANCES, 20)
            told = read_fees((await rest.signed(call, now_us())).body)
        maker, taker = settings.rates(*told)
        found[symbol] = replace(instrument, maker_rate=maker, taker_rate=taker)
    return found
