"""A venue that speaks Binance USD-M futures for tests: two accounts on one hand-made book."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession

from connectors.simulated.contract import ContractTerms
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.limits import Limits
from connectors.simulated.server.usdm.entrance import FutureEntrance
from connectors.simulated.server.usdm.world import FutureWorld
from connectors.simulated.server.values import HOUR_US
from connectors.simulated.venue import SimulatedExchange
from engine.core.clock import Clock
from engine.model.enums import Side
from tests.connectors.simulated.builders import ScriptedMarket, money
from tests.connectors.simulated.server.clients import TICK_S
from tests.connectors.simulated.server.venues import (
    PERPETUAL,
    SECRETS,
    Answer,
    HandClock,
    Socket,
    key_of,
    no_floats,
    perpetual,
    running,
    sign,
)

__all__ = ["Answer", "no_floats"]


def make_world(clock: Callable[[], int], limits: Limits | None = None) -> FutureWorld:
    """BTCUSDT with 10 BTC at 99.00 and 101.00 and a last trade at 100.00; alice and bob have 100,000 USDT."""
    instrument = replace(
        perpetual(), contract_size=Decimal(1), quantity_step=Decimal("0.001"), quantity_min=Decimal("0.001"),
        notional_min=Decimal(5),
    )  # fmt: skip
    terms = ContractTerms(funding_interval_us=HOUR_US)
    exchange = SimulatedExchange("sim", [instrument], terms={PERPETUAL: terms})

    def lay_out(exchange: SimulatedExchange) -> None:
        engine = exchange.listing(PERPETUAL).engine
        engine.add(Side.BUY, 9_900, 10_000)
        engine.add(Side.SELL, 10_100, 10_000)
        engine.print_trade(10_000, 1_000, Side.BUY)

    world = FutureWorld(exchange, [ScriptedMarket((clock(), lay_out))], clock, limits=limits)
    for name, secret in SECRETS.items():
        world.add_key(hmac_credential(key_of(name), secret, exchange.open_account(name, money(USDT=100_000))))
    return world


@asynccontextmanager
async def live_venue() -> AsyncIterator[VenueServer[FutureWorld]]:
    """By the wall clock, for clients that sign with their own."""
    world = make_world(Clock().now_us)
    async with running(VenueServer(world, FutureEntrance(world), TICK_S)) as server:
        yield server


class Site:
    """A running venue whose time is moved by hand, and a client of it."""

    def __init__(
        self, world: FutureWorld, clock: HandClock, server: VenueServer[FutureWorld], session: ClientSession
    ) -> None:
        self.world, self.clock, self.server, self.session = world, clock, server, session
        self.engine = world.exchange.listing(PERPETUAL).engine

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def ask(self, method: str, path: str, text: str = "", **options: Any) -> Answer:
        url = f"{self.base}/fapi/{path}" + (f"?{text}" if text else "")
        async with self.session.request(method, url, **options) as response:
            return Answer(response.status, response.headers, await response.text())

    async def get(self, path: str, **params: Any) -> Any:
        """The body of a public answer."""
        answer = await self.ask("GET", path, urlencode(params))
        assert answer.status == 200, answer.body
        return answer.body

    async def signed(self, method: str, path: str, by: str = "alice", **params: Any) -> Answer:
        """A signed request of a trader, stamped with the venue's time."""
        text = urlencode({"timestamp": self.clock() // 1000} | params)
        return await self.ask(method, path, f"{text}&signature={sign(by, text)}", headers={"X-MBX-APIKEY": key_of(by)})

    async def tell(self, path: str, by: str = "alice", **params: Any) -> Any:
        """The body of an answer about an account."""
        answer = await self.signed("GET", path, by, **params)
        assert answer.status == 200, answer.body
        return answer.body

    async def keyed(self, method: str, path: str, by: str = "alice") -> Answer:
        """A request with a key but no signature."""
        return await self.ask(method, path, headers={"X-MBX-APIKEY": key_of(by)})

    async def order(self, side: str, quantity: Any, price: Any = None, by: str = "alice", **params: Any) -> Answer:
        """POST order on BTCUSDT: LIMIT GTC, MARKET without a price."""
        limit = {"type": "MARKET"} if price is None else {"type": "LIMIT", "timeInForce": "GTC", "price": price}
        named = {"symbol": "BTCUSDT", "side": side, "quantity": quantity, "newOrderRespType": "RESULT"}
        return await self.signed("POST", "v1/order", by, **(named | limit | params))

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[Socket]:
        async with self.session.ws_connect(f"{self.base}{path}") as connection:
            yield Socket(self, connection)  # type: ignore[arg-type]

    @asynccontextmanager
    async def private(self, by: str = "alice") -> AsyncIterator[Socket]:
        """A trader's private stream."""
        key = (await self.keyed("POST", "v1/listenKey", by)).body["listenKey"]
        async with self.socket(f"/private/ws?listenKey={key}") as socket:
            yield socket

    def move(self, bid: int, ask: int, index: int | None = None) -> None:
        """Other quotes of the market, in quote; the index follows the mid if none is named."""
        for side, price in ((Side.BUY, bid), (Side.SELL, ask)):
            for ticks, _ in self.engine.depth(side, 100):
                self.engine.set_level(side, ticks, 0)
            self.engine.set_level(side, price * 100, 100_000_000)
        self.world.margin.set_index(PERPETUAL, Decimal(index or (bid + ask) // 2))
        self.world.exchange.settle_all()
        self.world.commit()
        self.world.deliver()

    def pass_time(self, us: int) -> None:
        """Move the venue's clock and let what is due happen."""
        self.clock.now_us += us
        self.server.tick()


@asynccontextmanager
async def serving(limits: Limits | None = None) -> AsyncIterator[Site]:
    clock = HandClock()
    world = make_world(clock, limits)
    async with running(VenueServer(world, FutureEntrance(world), 0)) as server, ClientSession() as session:
        yield Site(world, clock, server, session)
