"""From settings to a connector that knows what it trades: ccxt asks the exchange before the bot starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ccxt.pro

from connectors.base.credentials import credentials
from connectors.base.live import Home
from connectors.base.outcomes import UNAUTHORIZED
from connectors.base.start import LiveSettings, not_traded
from connectors.ccxt.abilities import limits_of
from connectors.ccxt.connector import Ccxt
from connectors.ccxt.convert import instrument, unified_symbol
from connectors.ccxt.exchange import Place, close_exchange, open_exchange
from connectors.ccxt.outcomes import judge
from engine.core.clock import wall_us
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Action
from engine.model.errors import BadMessage, TickwrightError, Unauthorized
from engine.model.greeting import Greeting, KeyRights
from engine.model.instrument import Instrument

__all__ = ["LiveSettings", "Place", "addresses", "build_connector", "catalog", "credentials", "prepare"]

LiveSettings = LiveSettings  # with `urls` a Place


def addresses(url: str, testnet: bool = False, exchange_id: str = "") -> Place:
    """The exchange of that name in ccxt, its test network, or a venue of this machine at `url` (http://host:port)."""
    return Place(exchange_id, url, testnet)


def venue_sheet() -> VenueSheet:
    """Nothing is known about expiry of requests, and lists may not name client ids: the safe values."""
    return VenueSheet()


def catalog() -> list[dict[str, Any]]:
    """Every exchange that may be named: `limits` is what does not work as well there as on the others."""
    found = []
    for exchange_id in ccxt.pro.exchanges:
        exchange = getattr(ccxt.pro, exchange_id)()
        if exchange.has.get("spot"):
            found.append({"exchange_id": exchange_id, "name": exchange.name, "limits": limits_of(exchange)})
    return found


def build_connector(settings: LiveSettings) -> Ccxt:
    """Ask the exchange what it trades. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int]) -> Ccxt:
    """The same inside a running loop."""
    place, name = settings.urls, settings.name
    exchange = open_exchange(place, settings.credentials, now_us)
    try:
        await exchange.load_markets()
        markets = [exchange.markets.get(unified_symbol(pair)) for pair in settings.trading_pairs]
        found = [instrument(market, name, exchange.precisionMode) for market in markets if market and market["active"]]
        if settings.credentials is not None:
            await exchange.fetch_balance()
    except BadMessage as error:
        raise TickwrightError(f"{name}: {error}") from None
    except Exception as error:  # handled: whatever ccxt raises becomes a text for the operator
        failure = judge(error, Action.BALANCES)
        if failure.code == UNAUTHORIZED:
            raise Unauthorized(f"{name} refuses the key: {failure.text}\n  fix: tickwright keys add") from None
        raise TickwrightError(f"{name} does not tell what it trades: {failure}") from None
    finally:
        await close_exchange(exchange)
    missing = sorted(set(settings.trading_pairs) - {each.symbol for each in found})
    if missing:
        raise not_traded(settings, missing)
    instruments = [_with_rates(each, settings) for each in found]
    greeting = Greeting(rights=None if settings.credentials is None else KeyRights())
    rest_url = place.url or "https://localhost"
    home = Home(name, instruments, venue_sheet().request_expiry_us, rest_url, settings.seed, greeting)
    return Ccxt(home, place, settings.credentials)


def _with_rates(listed: Instrument, settings: LiveSettings) -> Instrument:
    """The rates of the configuration, else those that ccxt knows."""
    maker, taker = settings.rates(listed.maker_rate, listed.taker_rate)
    return replace(listed, maker_rate=maker, taker_rate=taker)
