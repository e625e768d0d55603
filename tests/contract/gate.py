"""Gate spot in the contract suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.base.credentials import Credentials, Secret
from connectors.base.start import OrderEntry
from connectors.gate.build import LiveSettings, Urls, prepare, venue_sheet
from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.gate.entrance import GateEntrance
from connectors.simulated.server.gate.keys import Key
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from tests.contract.adapter import Adapter, Clock
from tests.sim.loop.session import INSTRUMENT, PAIR, VENUE

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
        at = f"127.0.0.1:{port}"
        urls = Urls(f"http://{at}", f"ws://{at}/ws/v4/?market", f"ws://{at}/ws/v4/?user")
        credentials = Credentials(Secret(KEY), Secret(SECRET))
        settings = LiveSettings(VENUE, [PAIR], urls, credentials, seed=seed, order_entry=self.order_entry)
        return await prepare(settings, now_us)

    def revoke_key(self, server: VenueServer[Any]) -> None:
        server.world.keys.revoke(KEY)


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
