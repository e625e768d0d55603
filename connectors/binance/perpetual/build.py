"""From settings to a connector that knows what it trades: the account is asked, and set up, before the bot starts."""

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
from connectors.binance.candles import INTERVALS
from connectors.binance.listing import closed, read_info, read_instruments, read_time
from connectors.binance.perpetual.connector import INFO, BinancePerpetual
from connectors.binance.perpetual.rights import key_rights
from connectors.binance.perpetual.settings import read_fees, read_hedged, read_leverage, read_leverage_max
from connectors.binance.perpetual.sheet import USD_M, Urls, addresses, venue_sheet
from connectors.binance.rest import Call, Key, Rest
from engine.core.clock import wall_us
from engine.model.enums import Action
from engine.model.errors import BadMessage, TickwrightError
from engine.model.greeting import Greeting
from engine.model.instrument import Instrument
from engine.model.money import to_text

__all__ = ["CANDLES", "LiveSettings", "Urls", "addresses", "build_connector", "credentials", "prepare", "venue_sheet"]

CANDLES = {interval_us: name for interval_us, name in INTERVALS.items() if name != "1s"}
HEDGED = (
    "the account holds long and short positions apart (hedge mode); this bot needs one position a market\n"
    "  fix: close its positions, then choose One-way Mode at the exchange: Futures, Preferences, Position Mode"
)


def build_connector(settings: LiveSettings) -> BinancePerpetual:
    """Ask the venue what it trades and what it costs. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int]) -> BinancePerpetual:
    """The same inside a running loop."""
    urls, name = settings.urls, settings.name
    key = None if settings.credentials is None else Key(settings.credentials)
    clock = VenueClock(name)
    async with Http(urls.rest, now_us) as http:
        setup = Setup(settings, key, clock, http, now_us)
        try:
            synced = await clock.measure(setup.server_us, now_us)
            greeting = Greeting(synced, None if key is None else await key_rights(urls.wallet, key, clock, now_us))
            instruments = await setup.instruments()
        except (Failed, BadMessage) as error:
            raise not_started(settings, urls.rest, error) from None
    home = Home(name, list(instruments.values()), venue_sheet().request_expiry_us, urls.rest, settings.seed, greeting)
    return BinancePerpetual(home, urls, instruments, key, settings.candles)


class Setup:
    """What is asked and set before the start. All raise Failed and BadMessage."""

    def __init__(
        self, settings: LiveSettings, key: Key | None, clock: VenueClock, http: Http, now_us: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._key = key
        self._now_us = now_us
        limiter = RateLimiter(USD_M.limits, lambda: now_us() + clock.offset_us)
        self._rest = Rest(USD_M, http, key, clock, limiter, now_us, lambda reason, until_us: None)

    async def server_us(self) -> int:
        """The venue's clock."""
        return read_time((await asked(lambda: self._rest.public(Call("GET", "time")))).body)

    async def instruments(self) -> dict[str, Instrument]:
        """By Binance's symbols, as this account trades them. Raises TickwrightError about an account in hedge mode."""
        settings = self._settings
        if not settings.trading_pairs:
            return {}
        for pair in settings.trading_pairs:
            if not pair.endswith("-PERP"):
                raise TickwrightError(f"{settings.name} trades perpetual futures, not {pair}\n  fix: write {pair}-PERP")
        info = read_info((await asked(lambda: self._rest.public(INFO))).body)
        found = read_instruments(info, settings.name, settings.trading_pairs)
        traded = {each.symbol for symbol, each in found.items() if symbol not in closed(info)}
        missing = [pair for pair in settings.trading_pairs if pair not in traded]
        if missing:
            raise not_traded(settings, missing)
        if self._key is not None and read_hedged((await self._ask("positionSide/dual", {}, 30)).body):
            raise TickwrightError(f"{settings.name}: {HEDGED}")
        return {symbol: await self._as_set_up(symbol, each) for symbol, each in found.items()}

    async def _as_set_up(self, symbol: str, instrument: Instrument) -> Instrument:
        """With this account's rates of fees and leverage."""
        settings = self._settings
        told = (instrument.maker_rate, instrument.taker_rate)
        if settings.asks_rates:
            told = read_fees((await self._ask("commissionRate", {"symbol": symbol}, 20)).body)
        maker, taker = settings.rates(*told)
        instrument = replace(instrument, maker_rate=maker, taker_rate=taker)
        if self._key is None:
            return instrument
        most = read_leverage_max((await self._ask("leverageBracket", {"symbol": symbol}, 1)).body, symbol)
        if settings.leverage is not None and settings.leverage > most:
            text = f"{settings.name}: {instrument.symbol} allows a leverage of {most} at the most"
            raise TickwrightError(f"{text}\n  fix: leverage: {most}")
        return replace(instrument, leverage=await self._leverage(symbol), leverage_max=most)

    async def _leverage(self, symbol: str) -> Decimal:
        """As it is at the exchange; changed there if the settings name another."""
        is_set = read_leverage((await self._ask("symbolConfig", {"symbol": symbol}, 5)).body, symbol)
        wanted = self._settings.leverage
        if wanted is None or wanted == is_set:
            return is_set
        terms = {"symbol": symbol, "leverage": to_text(wanted)}
        await self._rest.signed(Call("POST", "leverage", terms, Action.BALANCES), self._now_us())
        return wanted

    async def _ask(self, path: str, params: dict[str, str], weight: int) -> Reply:
        return await asked(
            lambda: self._rest.signed(Call("GET", path, params, Action.BALANCES, weight), self._now_us())
        )
