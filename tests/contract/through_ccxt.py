"""ccxt in the contract suite: the same venues, through the library as it is."""

from __future__ import annotations

from typing import ClassVar

from connectors.base.credentials import credentials
from connectors.ccxt.build import CcxtSettings, Place, prepare, venue_sheet
from engine.core.ports import LiveConnector
from tests.contract.adapter import Clock
from tests.contract.binance import BinanceAdapter
from tests.contract.gate import KEY, SECRET, GateAdapter
from tests.sim.loop.session import PAIR, VENUE


class CcxtBinanceAdapter(BinanceAdapter):
    name = "ccxt_binance"
    sheet = venue_sheet()
    names_expiry: ClassVar = False

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        place = Place("binance", f"http://127.0.0.1:{port}")
        return await prepare(CcxtSettings(VENUE, [PAIR], place, credentials(KEY, SECRET), seed=seed), now_us)


class CcxtGateAdapter(GateAdapter):
    name = "ccxt_gate"
    sheet = venue_sheet()
    names_expiry: ClassVar = False

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        place = Place("gate", f"http://127.0.0.1:{port}")
        return await prepare(CcxtSettings(VENUE, [PAIR], place, credentials(KEY, SECRET), seed=seed), now_us)
