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
from connectors.gate.connector import Gate
from connectors.gate.keys import Key
from connectors.gate.parse import parse_instruments
from connectors.gate.parse_account import parse_fees, parse_time
from connectors.gate.rest import TIME, Call, Rest
from connectors.gate.sheet import LIMITS, SPOT, Urls, addresses, venue_sheet
from engine.core.clock import wall_us
from engine.model.enums import Action
from engine.model.errors import BadMessage
from engine.model.greeting import Greeting, KeyRights
from engine.model.instrument import Instrument

__all__ = [
    "LiveSettings",
    "Urls",
    "addresses",
    "build_connector",
    "credentials",
    "prepare",
    "venue_sheet",
]


def build_connector(settings: LiveSettings) -> Gate:
    """Ask the venue what it trades and what it costs. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int]) -> Gate:
    """The same inside a running loop."""
    clock = VenueClock(settings.name)
    key = None if settings.credentials is None else Key(settings.credentials)

    def venue_us() -> int:
        return now_us() + clock.offset_us

    urls, name = settings.urls, settings.name
    async with Http(urls.rest, now_us) as http:
        rest = Rest(SPOT, http, key, RateLimiter(LIMITS, venue_us), venue_us, lambda reason: None)
        try:
            synced = await clock.measure(lambda: _server_us(rest), now_us)
            instruments = await _instruments(settings, rest)
        except (Failed, BadMessage) as error:
            raise not_started(settings, urls.rest, error) from None
    greeting = Greeting(synced, None if key is None else KeyRights())  # Gate tells the rights to the main account only
    home = Home(name, instruments, venue_sheet().request_expiry_us, urls.rest, settings.seed, greeting)
    return Gate(home, urls, key, settings.order_entry)


async def _server_us(rest: Rest) -> int:
    return parse_time((await asked(lambda: rest.ask(TIME))).body)


async def _instruments(settings: LiveSettings, rest: Rest) -> list[Instrument]:
    """With the rates of fees that this account pays."""
    reply = await asked(lambda: rest.ask(Call("GET", "spot/currency_pairs", seconds=30.0)))
    found = parse_instruments(reply.body, settings.name, settings.trading_pairs)
    missing = sorted(set(settings.trading_pairs) - {each.symbol for each in found})
    if missing:
        raise not_traded(settings, missing)
    return [await _with_fees(settings, rest, each) for each in found]


async def _with_fees(settings: LiveSettings, rest: Rest, instrument: Instrument) -> Instrument:
    told = (instrument.maker_rate, instrument.taker_rate)
    if settings.asks_rates:
        query = {"currency_pair": instrument.venue_symbol}
        reply = await asked(lambda: rest.ask(Call("GET", "spot/fee", query, action=Action.BALANCES)))
        told = parse_fees(reply.body)
    maker, taker = settings.rates(*told)
    return replace(instrument, maker_rate=maker, taker_rate=taker)
