"""What the key of a futures account may do: another host tells it."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base.http import Http, asked
from connectors.base.rate_limit import RateLimiter
from connectors.base.time_sync import VenueClock
from connectors.binance.listing import read_rights
from connectors.binance.perpetual.sheet import USD_M
from connectors.binance.rest import Call, Key, Rest
from connectors.binance.sheet import WALLET
from engine.model.enums import Action
from engine.model.greeting import KeyRights


async def key_rights(wallet: str, key: Key, clock: VenueClock, now_us: Callable[[], int]) -> KeyRights:
    """`wallet` is that host, "" where nobody tells. Raises Failed and BadMessage."""
    if not wallet:
        return KeyRights()
    call = Call("GET", "account/apiRestrictions", action=Action.BALANCES, prefix=WALLET)
    limiter = RateLimiter(USD_M.limits, lambda: now_us() + clock.offset_us)
    async with Http(wallet, now_us) as http:
        rest = Rest(USD_M, http, key, clock, limiter, now_us, lambda reason, until_us: None)
        return read_rights((await asked(lambda: rest.signed(call, now_us()))).body, futures=True)
