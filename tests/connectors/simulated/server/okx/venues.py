"""A venue that speaks OKX v5 for tests: two accounts on one hand-made book."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse
from yarl import URL

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.okx.entrance import OkxEntrance
from connectors.simulated.server.okx.keys import Key
from connectors.simulated.server.okx.world import OkxLimits, OkxWorld
from engine.core.clock import Clock
from tests.connectors.simulated.server.clients import TICK_S
from tests.connectors.simulated.server.venues import (
    SECRETS,
    HandClock,
    MakeMarkets,
    hand_made,
    key_of,
    no_floats,
    open_accounts,
    running,
)

PASSPHRASE = "open sesame"


def make_world(clock: Callable[[], int], limits: OkxLimits | None = None, make: MakeMarkets = hand_made) -> OkxWorld:
    """`hand_made` or what `make` makes, speaking OKX v5."""
    exchange, markets = make(clock)
    world = OkxWorld(exchange, markets, clock, limits)
    for key, secret, account in open_accounts(exchange):
        world.keys.add(Key(key, secret, PASSPHRASE, account))
    return world


@asynccontextmanager
async def live_venue(make: MakeMarkets = hand_made) -> AsyncIterator[VenueServer[OkxWorld]]:
    """By the wall clock, for clients that sign with their own."""
    world = make_world(Clock().now_us, None, make)
    async with running(VenueServer(world, OkxEntrance(world), TICK_S)) as server:
        yield server


class Site:
    """A running venue whose time is moved by hand, and a client of it."""

    def __init__(
        self, world: OkxWorld, clock: HandClock, server: VenueServer[OkxWorld], session: ClientSession
    ) -> None:
        self.world, self.clock, self.server, self.session = world, clock, server, session

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def ask(self, method: str, target: str, body: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer; a float in it would be an error of the venue."""
        url = URL(f"{self.base}/api/v5/{target}", encoded=True)
        async with self.session.request(method, url, data=body.encode() or None, headers=headers) as answer:
            return answer.status, json.loads(await answer.text(), parse_float=no_floats)

    async def signed(
        self, method: str, target: str, body: Any = None, by: str = "alice", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """A signed request of a trader, stamped with the venue's time; `headers` replace what would be sent."""
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        moment = datetime.fromtimestamp(self.clock() / 1e6, UTC)
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
        signed = {
            "OK-ACCESS-KEY": key_of(by),
            "OK-ACCESS-PASSPHRASE": PASSPHRASE,
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-SIGN": sign(by, f"{stamp}{method}/api/v5/{target}{text}"),
        }
        return await self.ask(method, target, text, **signed | headers)

    async def rows(self, target: str, by: str = "alice") -> list[Any]:
        """The rows of a successful answer to a question."""
        status, answer = await self.signed("GET", target, by=by)
        assert (status, answer["code"]) == (200, "0"), answer
        data: list[Any] = answer["data"]
        return data

    async def order(self, side: str, size: str, price: str = "", by: str = "alice", **others: Any) -> dict[str, Any]:
        """POST trade/order on BTC-USDT: limit, market in base units without a price. The order's row."""
        body = {"instId": "BTC-USDT", "tdMode": "cash", "side": side, "sz": size}
        body |= {"ordType": "limit", "px": price} if price else {"ordType": "market", "tgtCcy": "base_ccy"}
        _, answer = await self.signed("POST", "trade/order", body | others, by)
        (row,) = answer["data"]
        assert answer["code"] == ("0" if row["sCode"] == "0" else "1")
        found: dict[str, Any] = row
        return found

    @asynccontextmanager
    async def socket(self, kind: str, by: str = "") -> AsyncIterator[Socket]:
        """A connection to one kind of socket, logged in for a trader if one is named."""
        async with self.session.ws_connect(f"{self.base}/ws/v5/{kind}") as connection:
            socket = Socket(connection)
            if by:
                stamp = str(self.clock() // 1_000_000)
                names = {"apiKey": key_of(by), "passphrase": PASSPHRASE, "timestamp": stamp}
                names["sign"] = sign(by, f"{stamp}GET/users/self/verify")
                assert (await socket.ask("login", names))["event"] == "login"
            yield socket

    def pass_time(self, us: int) -> None:
        """Move the venue's clock and let what is due happen."""
        self.clock.now_us += us
        self.server.tick()


class Socket:
    """A client's WebSocket."""

    def __init__(self, connection: ClientWebSocketResponse) -> None:
        self.connection = connection

    async def next(self) -> Any:
        return json.loads(await self.connection.receive_str(timeout=5), parse_float=no_floats)

    async def say(self, text: str) -> str:
        """Send anything, and return the next frame."""
        await self.connection.send_str(text)
        return await self.connection.receive_str(timeout=5)

    async def ask(self, operation: str, *args: Any, **others: Any) -> Any:
        """Send an operation, and return the next frame."""
        return json.loads(await self.say(json.dumps({"op": operation, "args": args} | others)))


def sign(by: str, text: str) -> str:
    return b64encode(hmac.new(SECRETS[by].encode(), text.encode(), sha256).digest()).decode()


@asynccontextmanager
async def serving(limits: OkxLimits | None = None, make: MakeMarkets = hand_made) -> AsyncIterator[Site]:
    clock = HandClock()
    world = make_world(clock, limits, make)
    async with running(VenueServer(world, OkxEntrance(world), 0)) as server, ClientSession() as session:
        yield Site(world, clock, server, session)
