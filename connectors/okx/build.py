"""From settings to a connector that knows what it trades: OKX is asked before the bot starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from connectors.base.credentials import credentials
from connectors.base.http import Http
from connectors.base.live import Home
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.base.start import LiveSettings, not_started, not_traded
from connectors.base.time_sync import VenueClock
from connectors.okx.account import NET, ask_config
from connectors.okx.connector import Okx, Trading
from connectors.okx.instruments import open_markets, read_fees, read_instruments
from connectors.okx.keys import Keys
from connectors.okx.margin import read_leverage
from connectors.okx.rest import LISTED, Question, Rest
from connectors.okx.sheet import EXPIRY_US, LIMITS, SPOT, Product, Urls, addresses, venue_sheet
from engine.core.clock import wall_us
from engine.model.enums import Action
from engine.model.errors import BadMessage, TickwrightError, Unauthorized
from engine.model.greeting import Greeting, KeyRights
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO, to_text

__all__ = ["LiveSettings", "Urls", "addresses", "build_connector", "credentials", "prepare", "venue_sheet"]

_FEES = Question("account/trade-fee", Action.BALANCES, Priority.SNAPSHOT, "fees")
_LEVERAGE = Question("account/leverage-info", Action.BALANCES, Priority.SNAPSHOT, "leverage")


def build_connector(settings: LiveSettings) -> Okx:
    """Ask OKX what it trades, what it costs and what the key may do. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int], product: Product = SPOT) -> Okx:
    """The same inside a running loop, for one kind of markets."""
    urls, name, clock = settings.urls, settings.name, VenueClock(settings.name)
    keys = None if settings.credentials is None else Keys(settings.credentials)
    if settings.credentials is not None and not settings.credentials.passphrase.reveal():
        raise Unauthorized(f"{name}: the key has no passphrase\n  fix: tickwright keys add, or passphrase: of {name}")

    def venue_us() -> int:
        return now_us() + clock.offset_us

    async with Http(urls.rest, now_us) as http:
        rest = Rest(http, keys, venue_us, RateLimiter(LIMITS, venue_us), lambda reason: None, demo=urls.demo)
        try:
            synced = await clock.measure(rest.time_us, now_us)
            greeting = Greeting(synced, None if keys is None else await _rights(name, rest, product))
            instruments, codes = await _instruments(settings, rest, product)
        except (Failed, BadMessage) as error:
            raise not_started(settings, urls.rest, error) from None
    home = Home(name, instruments, EXPIRY_US, urls.rest, settings.seed, greeting)
    return Okx(home, urls, settings.credentials, Trading(product, settings.order_entry, codes))


async def _rights(name: str, rest: Rest, product: Product) -> KeyRights:
    """Of the key. An account that would borrow, or hold long and short positions at once, is refused."""
    config = await ask_config(rest)
    if config.acct_lv not in product.account_modes:
        mode = "spot" if product.is_spot else "futures"
        raise TickwrightError(f"{name}: the account is in a wrong mode\n  fix: use an account in {mode} mode")
    if not product.is_spot and config.pos_mode != NET:
        fix = "choose net mode in the settings of the account"
        raise TickwrightError(f"{name}: the account keeps long and short positions apart\n  fix: {fix}")
    return config.rights


async def _instruments(settings: LiveSettings, rest: Rest, product: Product) -> tuple[list[Instrument], dict[str, int]]:
    """With what this account pays and how it is leveraged; and OKX's numbers of them."""
    kind = product.inst_type
    for pair in settings.trading_pairs:
        if pair.endswith("-PERP") is product.is_spot:
            better = f"okx_perpetual trades {pair}" if product.is_spot else f"write {pair}-PERP"
            raise TickwrightError(f"{settings.name} does not trade {pair}\n  fix: {better}")
    listed = read_instruments((await rest.ask(LISTED, instType=kind)).body)
    found = open_markets(settings.name, listed, settings.trading_pairs)
    missing = set(settings.trading_pairs) - {each.symbol for each in found}
    if missing:
        raise not_traded(settings, missing)
    told, leverage = (ZERO, ZERO), {}
    if settings.asks_rates:
        told = read_fees((await rest.ask(_FEES, instType=kind)).body)
    if found and settings.credentials is not None and not product.is_spot:
        leverage = await _leverage(settings.leverage, rest, [each.venue_symbol for each in found], product)
    maker, taker = settings.rates(*told)
    ours = [
        replace(each, maker_rate=maker, taker_rate=taker, leverage=leverage.get(each.venue_symbol, ONE))
        for each in found
    ]
    codes = {each.venue_symbol: str(listed[each.venue_symbol].inst_id_code) for each in found}
    return ours, {symbol: int(code) for symbol, code in codes.items() if code.isdecimal()}


async def _leverage(wanted: Decimal | None, rest: Rest, symbols: list[str], product: Product) -> dict[str, Decimal]:
    """As it is at OKX; changed there if the settings name another."""
    found = read_leverage((await rest.ask(_LEVERAGE, instId=",".join(symbols), mgnMode=product.td_mode)).body)
    if wanted is None:
        return found
    for symbol in symbols:
        if found.get(symbol) != wanted:
            body = {"instId": symbol, "mgnMode": product.td_mode, "lever": to_text(wanted)}
            try:
                await rest.command("account/set-leverage", body, Action.BALANCES, {"leverage": 1})
            except Failed as failure:
                text = f"OKX does not set the leverage of {symbol} to {to_text(wanted)}: {failure.text}"
                raise TickwrightError(f"{text}\n  fix: choose another leverage, or set it there") from None
            found[symbol] = wanted
    return found
