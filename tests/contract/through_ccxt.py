"""ccxt in the contract suite: the same venues, through the library as it is."""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar

import ccxt

from connectors.base.credentials import credentials
from connectors.ccxt.build import LiveSettings, Place, prepare, venue_sheet
from engine.core.ports import LiveConnector
from tests.contract.adapter import Clock
from tests.contract.binance import BinanceAdapter
from tests.contract.gate import KEY, SECRET, GateAdapter
from tests.sim.loop.session import PAIR, VENUE

CCXT_S_OWN = re.compile(r"Future exception was never retrieved: (\w+)\(")


class Quiet(list[str]):
    """Errors that nobody heard, but for ccxt's own: it breaks off futures that nobody waits for any more."""

    def append(self, error: str) -> None:
        found = CCXT_S_OWN.match(error)
        if found is None or not hasattr(ccxt, found[1]):
            super().append(error)


async def connect(exchange_id: str, port: int, now_us: Clock, seed: int) -> LiveConnector:
    loop: Any = asyncio.get_running_loop()
    loop.errors = Quiet(loop.errors)
    place = Place(exchange_id, f"http://127.0.0.1:{port}")
    return await prepare(LiveSettings(VENUE, [PAIR], place, credentials(KEY, SECRET), seed=seed), now_us)


class CcxtBinanceAdapter(BinanceAdapter):
    name = "ccxt_binance"
    sheet = venue_sheet()
    names_expiry: ClassVar = False

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        return await connect("binance", port, now_us, seed)


class CcxtGateAdapter(GateAdapter):
    name = "ccxt_gate"
    sheet = venue_sheet()
    names_expiry: ClassVar = False

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        return await connect("gate", port, now_us, seed)


CCXT_ADAPTERS = (CcxtBinanceAdapter(), CcxtGateAdapter())
