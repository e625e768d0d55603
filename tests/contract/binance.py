"""Binance Spot in the contract suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.base.credentials import Credentials, Secret
from connectors.base.start import OrderEntry
from connectors.binance.build import LiveSettings, Urls, prepare, venue_sheet
from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.world import World
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from tests.contract.adapter import Adapter, Clock
from tests.sim.loop.session import INSTRUMENT, PAIR, VENUE

KEY, SECRET = "contractkey00000", "contract secret"


class BinanceAdapter(Adapter):
    name = "binance"
    order_entry: OrderEntry = "rest"
    instrument = replace(INSTRUMENT, fee_asset="BTC")
    sheet = venue_sheet()
    paths: ClassVar = {
        "submit": "POST /api/v3/order",
        "cancel": "DELETE /api/v3/order",
        "lookup": "GET /api/v3/order?",
        "trades": "GET /api/v3/myTrades",
        "open_orders": "GET /api/v3/openOrders",
        "balances": "GET /api/v3/account?",
        "snapshot": "GET /api/v3/depth",
        "clock": "GET /api/v3/time",
        "instruments": "GET /api/v3/exchangeInfo",
    }
    sockets: ClassVar = {"user": "/ws-api/v3", "market": "/stream"}
    secrets: ClassVar = (SECRET,)
    refusals: ClassVar = {
        "rate_limit": (429, '{"code":-1003,"msg":"Too much request weight used."}'),
        "banned": (418, '{"code":-1003,"msg":"IP banned until 1."}'),
    }

    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        world = World(exchange, markets, now_us)
        world.add_key(hmac_credential(KEY, SECRET, account))
        return VenueServer(world, Entrance(world))

    def revoke_key(self, server: VenueServer[Any]) -> None:
        server.world.keys.revoke(KEY)

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        at = f"127.0.0.1:{port}"
        urls = Urls(f"http://{at}", f"ws://{at}", f"ws://{at}/ws-api/v3")
        credentials = Credentials(Secret(KEY), Secret(SECRET))
        settings = LiveSettings(VENUE, [PAIR], urls, credentials, seed=seed, order_entry=self.order_entry)
        return await prepare(settings, now_us)


class BinanceSocketAdapter(BinanceAdapter):
    """Orders leave on the WebSocket API."""

    name = "binance_socket"
    order_entry = "socket"
    paths: ClassVar = {**BinanceAdapter.paths, "submit": " order.place", "cancel": " order.cancel"}
    refusals: ClassVar = {
        "rate_limit": (0, '{"id":"$id","status":429,"error":{"code":-1003,"msg":"","data":{"retryAfter":"$until"}}}'),
        "banned": (0, '{"id":"$id","status":418,"error":{"code":-1003,"msg":"","data":{"retryAfter":"$until"}}}'),
    }
