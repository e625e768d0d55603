"""An exchange object of ccxt.pro, set up so that nothing happens behind our back."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import localcontext
from functools import cache
from typing import Any

import aiohttp
import ccxt.pro

from connectors.base.credentials import Credentials
from connectors.base.http_guard import sent_once
from engine.model.errors import TickwrightError

CACHE_ROWS = 20_000  # a burst of more than ccxt's own 1,000 would be lost without a word
TIMEOUT_MS = 15_000  # answers that come later than that are not waited for
PING_MS = 5_000
JSON = (dict, list, int, float)  # what a sensible answer is; some exchanges answer with nothing
OPTIONS = {
    "defaultType": "spot",
    "fetchMarkets": {"types": ["spot"]},
    "fetchCurrencies": False,
    "fetchMargins": False,
    "unifiedAccount": False,
    "maxRetriesOnFailure": 0,
    "ordersLimit": CACHE_ROWS,
    "tradesLimit": CACHE_ROWS,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Which exchange, in ccxt's word; `url` of a venue of this machine that speaks its language takes every address."""

    exchange_id: str
    url: str = ""
    testnet: bool = False


def open_exchange(place: Place, credentials: Credentials | None, now_us: Callable[[], int]) -> Any:
    """Inside a running loop; `close` it. `now_us` is the venue's clock: what ccxt stamps its requests with.

    Nothing is sent twice: aiohttp's own repetition is off, and ccxt's.
    """
    kind = getattr(ccxt.pro, place.exchange_id, None)
    if place.exchange_id not in ccxt.pro.exchanges or kind is None:
        raise TickwrightError(f"ccxt knows no exchange {place.exchange_id!r}\n  fix: name one of ccxt.pro.exchanges")
    settings: dict[str, Any] = {
        "enableRateLimit": not place.url,
        "newUpdates": True,
        "timeout": TIMEOUT_MS,
        "options": OPTIONS,
        "session": aiohttp.ClientSession(middlewares=[sent_once], cookie_jar=aiohttp.DummyCookieJar()),
    }
    if credentials is not None:
        settings |= {
            "apiKey": credentials.api_key.reveal(),
            "secret": credentials.secret.reveal(),
            "password": credentials.passphrase.reveal(),
        }
    exchange = kind(settings)
    exchange.ssl_context = _tls(exchange.cafile)
    exchange.number = str
    exchange.fetch = _with_sense(exchange.fetch)
    exchange.decimal_to_precision = _undisturbed(exchange.decimal_to_precision)
    exchange.streaming = exchange.streaming | {"keepAlive": PING_MS}
    exchange.milliseconds = lambda: now_us() // 1_000
    exchange.microseconds = now_us
    exchange.seconds = lambda: now_us() // 1_000_000
    if place.testnet:
        exchange.set_sandbox_mode(True)
    if place.url:
        exchange.urls["api"] = _moved(exchange.urls["api"], place.url)
        if place.exchange_id == "binance":  # ccxt takes a stream for one of spot markets by this word in its address
            exchange.urls["api"]["ws"]["spot"] = f"ws{place.url.removeprefix('http')}/stream/ws"
    return exchange


def _with_sense(fetch: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """ccxt hands on what is no JSON as it is, and reads that as nothing: no orders, no money, an empty book."""

    async def fetched(*args: Any, **options: Any) -> Any:
        told = await fetch(*args, **options)
        if isinstance(told, JSON) or told is None or told == "":
            return told
        raise ccxt.BadResponse("an answer that is no JSON")

    return fetched


@cache
def _tls(certificates: str) -> ssl.SSLContext:
    """One for all exchanges: reading the list of certificates takes 20 ms of the event loop."""
    return ssl.create_default_context(cafile=certificates)


def _undisturbed(rounded: Callable[..., str]) -> Callable[..., str]:
    """ccxt's rounding changes the rounding of all decimals in the process: the engine's money would round otherwise."""

    def round_alone(*args: Any, **options: Any) -> str:
        with localcontext():
            return rounded(*args, **options)

    return round_alone


async def close_exchange(exchange: Any) -> None:
    """End its connections."""
    session = exchange.session
    exchange.timeout_on_exit = 0
    await exchange.close()
    if session is not None:
        await session.close()


def _moved(urls: Any, to: str) -> Any:
    """Every address, paths kept: one that is forgotten would send signed requests to the real exchange."""
    if isinstance(urls, dict):
        return {name: _moved(each, to) for name, each in urls.items()}
    if isinstance(urls, str):
        scheme, _, rest = urls.partition("://")
        path = rest.partition("/")[2]
        base = "ws" + to.removeprefix("http") if scheme.startswith("ws") else to
        return f"{base}/{path}" if path else base
    return urls
