"""A served venue that speaks Gate's protocol: two accounts on one hand-made book."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from hashlib import sha512
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.gate.entrance import GateEntrance
from connectors.simulated.server.gate.keys import Key
from connectors.simulated.server.gate.world import GateLimits, GateWorld
from engine.core.clock import Clock
from tests.connectors.simulated.server.clients import TICK_S
from tests.connectors.simulated.server.venues import (
    BTC,
    SECRETS,
    HandClock,
    MakeMarkets,
    hand_made,
    key_of,
    no_floats,
    open_accounts,
    running,
)

MANY = GateLimits(orders_1s=10_000, private_10s=10_000, public_10s=10_000)


def make_world(clock: Callable[[], int], limits: GateLimits | None = None, make: MakeMarkets = hand_made) -> GateWorld:
    """`hand_made` or what `make` makes, speaking Gate v4."""
    exchange, markets = make(clock)
    world = GateWorld(exchange, markets, clock, limits)
    for key, secret, account in open_accounts(exchange):
        world.keys.add(Key(key, account, secret))
    return world


def sign(by: str, text: str) -> str:
    return hmac.new(SECRETS[by].encode(), text.encode(), sha512).hexdigest()


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status: int, headers: Any, body: Any) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.body["label"]


class Socket:
    """A client's WebSocket. `ask` reads on until its own answer comes; `heard` keeps what came before."""

    def __init__(self, site: Site, connection: ClientWebSocketResponse) -> None:
        self.site, self.connection = site, connection
        self.heard: list[Any] = []

    async def next(self) -> Any:
        if self.heard:
            return self.heard.pop(0)
        return self.site.read(await self.connection.receive_str(timeout=5))

    async def say(self, message: Any) -> None:
        await self.connection.send_str(message if isinstance(message, str) else json.dumps(message))

    async def subscribe(self, channel: str, *payload: str, by: str = "", event: str = "subscribe") -> Any:
        """The answer to a subscription."""
        stamp = self.site.clock() // 1_000_000
        message: dict[str, Any] = {"time": stamp, "id": 5, "channel": channel, "event": event, "payload": payload}
        if by:
            signature = sign(by, f"channel={channel}&event={event}&time={stamp}")
            message["auth"] = {"method": "api_key", "KEY": key_of(by), "SIGN": signature}
        await self.say(message)
        return await self.next()

    async def call(self, channel: str, by: str = "alice", header: Any = None, **params: Any) -> list[Any]:
        """The frames that answer a request on the socket."""
        stamp = str(self.site.clock() // 1_000_000)
        text = "\n".join(("api", channel, json.dumps(params, separators=(",", ":")), stamp))
        payload = {"req_id": "r", "req_param": params, "api_key": key_of(by), "timestamp": stamp}
        payload |= {"signature": sign(by, text)} | ({"req_header": header} if header else {})
        await self.say({"time": int(stamp), "channel": channel, "event": "api", "payload": payload})
        first = await self.next()
        return [first, await self.next()] if first.get("ack") else [first]


class Site:
    """A running venue and a client of it.

    Spot tells no number that is not whole: one would be an error. Of perpetuals some are JSON numbers, and exact.
    """

    def __init__(
        self, world: GateWorld, clock: HandClock, server: VenueServer[GateWorld], session: ClientSession
    ) -> None:
        self.world, self.clock, self.server, self.session = world, clock, server, session
        self.parse_float = Decimal if world.contracts else no_floats
        self.engine = world.exchange.listing(BTC).engine

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def read(self, text: str) -> Any:
        return json.loads(text, parse_float=self.parse_float)

    async def ask(self, method: str, path: str, query: str = "", body: str = "", **headers: str) -> Answer:
        url = f"{self.base}/api/v4/{path}" + (f"?{query}" if query else "")
        async with self.session.request(method, url, data=body.encode() or None, headers=headers) as response:
            return Answer(response.status, response.headers, self.read(await response.text()))

    async def signed(
        self, method: str, path: str, query: str = "", body: Any = None, by: str = "alice", **headers: str
    ) -> Answer:
        """A signed request of a trader, stamped with the venue's time."""
        text, stamp = "" if body is None else json.dumps(body), str(self.clock() // 1_000_000)
        parts = (method, f"/api/v4/{path}", query, sha512(text.encode()).hexdigest(), stamp)
        signature = sign(by, "\n".join(parts))
        signed = {"KEY": key_of(by), "Timestamp": stamp, "SIGN": signature} | headers
        return await self.ask(method, path, query, text, **signed)

    async def order(self, side: str, amount: str, price: str = "", by: str = "alice", **others: Any) -> Answer:
        """POST orders on BTC_USDT: limit, market without a price."""
        body = {"currency_pair": "BTC_USDT", "side": side, "amount": amount}
        body |= {"type": "limit", "price": price} if price else {"type": "market", "time_in_force": "ioc"}
        return await self.signed("POST", "spot/orders", body=body | others, by=by)

    @asynccontextmanager
    async def socket(self, path: str = "/ws/v4/") -> AsyncIterator[Socket]:
        async with self.session.ws_connect(f"{self.base}{path}") as connection:
            yield Socket(self, connection)

    def pass_time(self, us: int) -> None:
        """Move the venue's clock and let what is due happen."""
        self.clock.now_us += us
        self.server.tick()


@asynccontextmanager
async def serving(limits: GateLimits | None = None, make: MakeMarkets = hand_made) -> AsyncIterator[Site]:
    clock = HandClock()
    world = make_world(clock, limits, make)
    async with running(VenueServer(world, GateEntrance(world), 0)) as server, ClientSession() as session:
        yield Site(world, clock, server, session)


@asynccontextmanager
async def live_venue(make: MakeMarkets = hand_made) -> AsyncIterator[VenueServer[GateWorld]]:
    """As `serving`, but time passes."""
    world = make_world(Clock().now_us, None, make)
    async with running(VenueServer(world, GateEntrance(world), TICK_S)) as server:
        yield server
