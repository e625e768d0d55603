"""Gate spot in the contract suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from connectors.base.credentials import Credentials, Secret
from connectors.base.start import OrderEntry
from connectors.gate import perpetual
from connectors.gate.build import LiveSettings, Urls, prepare, venue_sheet
from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.gate.entrance import GateEntrance
from connectors.simulated.server.gate.keys import Key
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from engine.model.money import ONE
from tests.contract.adapter import PERPETUAL, Adapter, Clock
from tests.sim.loop.session import INSTRUMENT, VENUE

KEY, SECRET = "contractkey00000", "contract secret"


class GateAdapter(Adapter):
    name = "gate"
    order_entry: ClassVar[OrderEntry] = "rest"
    instrument = replace(INSTRUMENT, fee_asset="BTC")
    sheet = venue_sheet()
    paths: ClassVar = {
        "submit": "POST /api/v4/spot/orders",
        "cancel": "DELETE /api/v4/spot/orders/",
        "lookup": "GET /api/v4/spot/orders",
        "trades": "GET /api/v4/spot/my_trades",
        "open_orders": "GET /api/v4/spot/open_orders",
        "balances": "GET /api/v4/spot/accounts",
        "snapshot": "GET /api/v4/spot/order_book",
        "clock": "GET /api/v4/spot/time",
        "instruments": "GET /api/v4/spot/currency_pairs",
    }
    sockets: ClassVar = {"user": "/ws/v4/?user", "market": "/ws/v4/?market"}
    secrets: ClassVar = (SECRET,)
    orders_at_once = 6  # of 10 in a second; the rest is kept for cancels
    refusals: ClassVar = {"rate_limit": (429, '{"label":"TOO_MANY_REQUESTS","message":"Request Rate limit Exceeded"}')}

    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        world = GateWorld(exchange, markets, now_us)
        world.keys.add(Key(KEY, account, SECRET))
        return VenueServer(world, GateEntrance(world))

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        credentials, pairs = Credentials(Secret(KEY), Secret(SECRET)), [self.instrument.symbol]
        settings = LiveSettings(VENUE, pairs, None, credentials, seed=seed, order_entry=self.order_entry)
        return await self.start(f"127.0.0.1:{port}", settings, now_us)

    async def start(self, at: str, settings: LiveSettings, now_us: Clock) -> LiveConnector:
        urls = Urls(f"http://{at}", f"ws://{at}/ws/v4/?market", f"ws://{at}/ws/v4/?user")
        return await prepare(replace(settings, urls=urls), now_us)

    def revoke_key(self, server: VenueServer[Any]) -> None:
        server.world.keys.revoke(KEY)


class GatePerpetualAdapter(GateAdapter):
    """USDT perpetuals: whole contracts, of which 1000 are as much as one of the others."""

    name = "gate_perpetual"
    instrument = replace(PERPETUAL, quantity_step=ONE, quantity_min=ONE, contract_size=Decimal("0.00001"))
    sheet = perpetual.venue_sheet()
    scale = 1_000
    money: ClassVar = {"USDT": Decimal(10_000)}
    paths: ClassVar = {
        "submit": "POST /api/v4/futures/usdt/orders",
        "cancel": "DELETE /api/v4/futures/usdt/orders/",
        "lookup": "GET /api/v4/futures/usdt/orders",
        "trades": "GET /api/v4/futures/usdt/my_trades",
        "open_orders": "GET /api/v4/futures/usdt/orders?contract=BTC_USDT&status=open",
        "balances": "GET /api/v4/futures/usdt/accounts",
        "snapshot": "GET /api/v4/futures/usdt/order_book",
        "clock": "GET /api/v4/spot/time",
        "instruments": "GET /api/v4/futures/usdt/contracts",
    }
    sockets: ClassVar = {"user": "/v4/ws/usdt?user", "market": "/v4/ws/usdt?market"}

    async def start(self, at: str, settings: LiveSettings, now_us: Clock) -> LiveConnector:
        urls = Urls(f"http://{at}", f"ws://{at}/v4/ws/usdt?market", f"ws://{at}/v4/ws/usdt?user")
        return await perpetual.prepare(replace(settings, urls=urls), now_us)


class GateSocketAdapter(GateAdapter):
    """Orders leave on the account's socket."""

    name = "gate_socket"
    order_entry: ClassVar[OrderEntry] = "socket"
    paths: ClassVar = GateAdapter.paths | {"submit": "?user spot.order_place", "cancel": "?user spot.order_cancel"}
    logs_in = True
    refusals: ClassVar = {
        "rate_limit": (
            0,
            '{"request_id":"$id","header":{"status":"429","x_gat_ratelimit_reset_timestamp":"$until"},'
            '"data":{"errs":{"label":"TOO_MANY_REQUESTS","message":""}}}',
        )
    }
