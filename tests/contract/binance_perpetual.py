"""Binance USD-M futures in the contract suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from connectors.base.credentials import Credentials, Secret
from connectors.binance.perpetual.build import LiveSettings, addresses, prepare, venue_sheet
from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.usdm.entrance import FutureEntrance
from connectors.simulated.server.usdm.world import FutureWorld
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from engine.model.money import ONE
from tests.contract.adapter import PERPETUAL, Adapter, Clock
from tests.contract.binance import KEY, SECRET, BinanceAdapter
from tests.sim.loop.session import VENUE


class BinancePerpetualAdapter(Adapter):
    name = "binance_perpetual"
    instrument = replace(PERPETUAL, contract_size=ONE)  # quantities are in BTC
    sheet = venue_sheet()
    money: ClassVar = {"USDT": Decimal(1_000_000)}
    leverage: Decimal | None = None
    paths: ClassVar = {
        "submit": "POST /fapi/v1/order",
        "cancel": "DELETE /fapi/v1/order",
        "lookup": "GET /fapi/v1/order?",
        "trades": "GET /fapi/v1/userTrades",
        "open_orders": "GET /fapi/v1/openOrders",
        "balances": "GET /fapi/v3/balance",
        "positions": "GET /fapi/v3/positionRisk",
        "postings": "GET /fapi/v1/income",
        "snapshot": "GET /fapi/v1/depth",
        "clock": "GET /fapi/v1/time",
        "instruments": "GET /fapi/v1/exchangeInfo",
        "listen_key": "/fapi/v1/listenKey",
    }
    sockets: ClassVar = {"user": "/private/ws", "market": "/public/stream"}
    secrets: ClassVar = (SECRET,)
    refusals: ClassVar = BinanceAdapter.refusals

    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        world = FutureWorld(exchange, markets, now_us)
        world.add_key(hmac_credential(KEY, SECRET, account))
        return VenueServer(world, FutureEntrance(world))

    def revoke_key(self, server: VenueServer[Any]) -> None:
        server.world.keys.revoke(KEY)

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        urls, key = addresses(f"http://127.0.0.1:{port}"), Credentials(Secret(KEY), Secret(SECRET))
        pairs = [self.instrument.symbol]
        return await prepare(LiveSettings(VENUE, pairs, urls, key, seed=seed, leverage=self.leverage), now_us)
