"""OKX in the contract suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from connectors.base.credentials import Credentials, Secret
from connectors.base.start import OrderEntry
from connectors.okx import perpetual
from connectors.okx.build import LiveSettings, Urls, prepare, venue_sheet
from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.okx.entrance import OkxEntrance
from connectors.simulated.server.okx.keys import Key
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from tests.contract.adapter import PERPETUAL, Adapter, Clock
from tests.sim.loop.session import INSTRUMENT, VENUE

KEY, SECRET, PASSPHRASE = "contractkey00000", "contract secret", "contract passphrase"


class OkxAdapter(Adapter):
    name = "okx"
    order_entry: ClassVar[OrderEntry] = "rest"
    instrument = replace(INSTRUMENT, fee_asset="BTC")
    sheet = venue_sheet()
    paths: ClassVar = {
        "submit": "POST /api/v5/trade/order",
        "cancel": "POST /api/v5/trade/cancel-order",
        "lookup": "GET /api/v5/trade/order?",
        "trades": "GET /api/v5/trade/fills",
        "open_orders": "GET /api/v5/trade/orders-pending",
        "balances": "GET /api/v5/account/balance",
        "snapshot": "GET /api/v5/market/books",
        "clock": "GET /api/v5/public/time",
        "instruments": "GET /api/v5/public/instruments",
    }
    sockets: ClassVar = {"user": "/ws/v5/private", "market": "/ws/v5/public"}

    secrets: ClassVar = (SECRET, PASSPHRASE)
    names_expiry = False
    refusals: ClassVar = {"rate_limit": (429, '{"code":"50011","msg":"Too Many Requests","data":[]}')}

    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        world = OkxWorld(exchange, markets, now_us)
        world.keys.add(Key(KEY, SECRET, PASSPHRASE, account))
        return VenueServer(world, OkxEntrance(world))

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        at = f"127.0.0.1:{port}"
        urls = Urls(f"http://{at}", f"ws://{at}/ws/v5")
        credentials = Credentials(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE))
        settings = LiveSettings(
            VENUE, [self.instrument.symbol], urls, credentials, seed=seed, order_entry=self.order_entry
        )
        return await self.start(settings, now_us)

    async def start(self, settings: LiveSettings, now_us: Clock) -> LiveConnector:
        return await prepare(settings, now_us)

    def revoke_key(self, server: VenueServer[Any]) -> None:
        server.world.keys.revoke(KEY)


class OkxPerpetualAdapter(OkxAdapter):
    """Swaps."""

    name = "okx_perpetual"
    instrument = PERPETUAL
    sheet = perpetual.venue_sheet()
    money: ClassVar = {"USDT": Decimal(10_000)}

    async def start(self, settings: LiveSettings, now_us: Clock) -> LiveConnector:
        return await perpetual.prepare(settings, now_us)


class OkxSocketAdapter(OkxAdapter):
    """Orders leave on the private socket."""

    name = "okx_socket"
    order_entry: ClassVar[OrderEntry] = "socket"
    paths: ClassVar = OkxAdapter.paths | {
        "submit": "GET /ws/v5/private order",
        "cancel": "GET /ws/v5/private cancel-order",
    }
    logs_in = True
    refusals: ClassVar = {"rate_limit": (0, '{"id":"$id","op":"order","code":"50011","msg":"Too Many","data":[]}')}
