"""From settings to a connector that knows what it trades: OKX is asked before the bot starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.credentials import credentials
from connectors.base.http import Http
from connectors.base.live import Home
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.base.start import LiveSettings, not_started, not_traded
from connectors.base.time_sync import VenueClock
from connectors.okx.connector import Okx
from connectors.okx.instruments import open_markets, read_fees, read_instruments
from connectors.okx.keys import Keys
from connectors.okx.rest import Rest
from connectors.okx.sheet import EXPIRY_US, LIMITS, Urls, addresses, venue_sheet
from connectors.okx.wire import Envelope, rows
from engine.core.clock import wall_us
from engine.model.enums import Action
from engine.model.errors import BadMessage, TickwrightError
from engine.model.greeting import Greeting, KeyRights
from engine.model.instrument import Instrument
from engine.model.money import ZERO

__all__ = ["LiveSettings", "Urls", "addresses", "build_connector", "credentials", "prepare", "venue_sheet"]

CASH_MODES = ("1", "2")  # spot, and futures: in the others spot orders borrow


class _Config(Struct, gc=False, rename="camel"):
    acct_lv: str
    perm: str
    ip: str | None = None


_CONFIG = Decoder(Envelope[_Config])


def build_connector(settings: LiveSettings) -> Okx:
    """Ask OKX what it trades, what it costs and what the key may do. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int]) -> Okx:
    """The same inside a running loop."""
    urls, name, clock = settings.urls, settings.name, VenueClock(settings.name)
    keys = None if settings.credentials is None else Keys(settings.credentials)

    def venue_us() -> int:
        return now_us() + clock.offset_us

    async with Http(urls.rest, now_us) as http:
        rest = Rest(http, keys, venue_us, RateLimiter(LIMITS, venue_us), lambda reason: None, demo=urls.demo)
        try:
            synced = await clock.measure(rest.time_us, now_us)
            greeting = Greeting(synced, None if keys is None else await _rights(name, rest))
            instruments = await _instruments(settings, rest)
        except (Failed, BadMessage) as error:
            raise not_started(settings, urls.rest, error) from None
    home = Home(name, instruments, EXPIRY_US, urls.rest, settings.seed, greeting)
    return Okx(home, urls, settings.credentials, settings.order_entry)


async def _rights(name: str, rest: Rest) -> KeyRights:
    """Of the key. An account in which a spot order would borrow is refused."""
    reply = await rest.ask("account/config", Action.BALANCES, Priority.SNAPSHOT, "config")
    found = rows(_CONFIG, reply.body)
    if len(found) != 1:
        raise BadMessage(f"{len(found)} accounts")
    if found[0].acct_lv not in CASH_MODES:
        raise TickwrightError(f"{name}: the account is in a margin mode\n  fix: use an account in spot mode")
    permissions, addresses_named = found[0].perm.split(","), found[0].ip
    bound = None if addresses_named is None else bool(addresses_named)
    return KeyRights("trade" in permissions, "withdraw" in permissions, bound)


async def _instruments(settings: LiveSettings, rest: Rest) -> list[Instrument]:
    """With the rates of fees that this account pays."""
    reply = await rest.ask("public/instruments", Action.CLOCK, Priority.SNAPSHOT, "instruments", instType="SPOT")
    found = open_markets(settings.name, read_instruments(reply.body), settings.trading_pairs)
    missing = set(settings.trading_pairs) - {each.symbol for each in found}
    if missing:
        raise not_traded(settings, missing)
    told = (ZERO, ZERO)
    if settings.asks_rates:
        reply = await rest.ask("account/trade-fee", Action.BALANCES, Priority.SNAPSHOT, "fees", instType="SPOT")
        told = read_fees(reply.body)
    maker, taker = settings.rates(*told)
    return [replace(each, maker_rate=maker, taker_rate=taker) for each in found]
