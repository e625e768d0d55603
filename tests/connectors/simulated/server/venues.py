"""A served venue for tests: two accounts on one hand-made book, time by hand, requests signed as clients sign them."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import ClientSession, ClientWebSocketResponse

from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.limits import Limits
from connectors.simulated.server.stage import Stage
from connectors.simulated.server.world import World
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.model.enums import InstrumentKind, Side
from engine.model.instrument import Instrument
from tests.connectors.simulated.builders import ScriptedMarket, money

START_US = 1_700_000_005_000_000
SECRETS = {"alice": "wonderland", "bob": "builder"}
BTC, PERPETUAL = "sim:BTC-USDT", "sim:BTC-USDT-PERP"
S = TypeVar("S", bound=Stage)
MakeMarkets = Callable[[Callable[[], int]], tuple[SimulatedExchange, list[Market]]]


def key_of(name: str) -> str:
    return f"{name}key".ljust(16, "0")


class HandClock:
    """Time that stands still until a test moves it."""

    def __init__(self, now_us: int = START_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


def instrument(symbol: str = "BTC-USDT") -> Instrument:
    base, quote = symbol.split("-")
    return Instrument(
        f"sim:{symbol}",
        "sim",
        symbol,
        base,
        quote,
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.001"),
        notional_min=Decimal(5),
        maker_rate=Decimal("0.001"),
        taker_rate=Decimal("0.001"),
        fee_asset=base,
    )


def perpetual() -> Instrument:
    """Contracts of 0.01 BTC."""
    return Instrument(
        PERPETUAL,
        "sim",
        "BTC-USDT-PERP",
        "BTC",
        "USDT",
        price_step=Decimal("0.01"),
        quantity_step=Decimal(1),
        quantity_min=Decimal(1),
        quantity_max=Decimal(10_000_000),
        maker_rate=Decimal("0.0002"),
        taker_rate=Decimal("0.0005"),
        kind=InstrumentKind.PERPETUAL,
        settle="USDT",
        contract_size=Decimal("0.01"),
        leverage=Decimal(10),
        leverage_max=125,
    )


def hand_made(clock: Callable[[], int]) -> tuple[SimulatedExchange, list[Market]]:
    """BTC-USDT with 1 BTC at 99.00 and 101.00 and a last trade at 100.00; ETH-USDT is empty."""
    exchange = SimulatedExchange("sim", [instrument(), instrument("ETH-USDT")])

    def lay_out(exchange: SimulatedExchange) -> None:
        engine = exchange.listing(BTC).engine
        engine.add(Side.BUY, 9_900, 1_000)
        engine.add(Side.SELL, 10_100, 1_000)
        engine.print_trade(10_000, 1_000, Side.BUY)

    return exchange, [ScriptedMarket((clock(), lay_out))]


def with_perpetual(clock: Callable[[], int]) -> tuple[SimulatedExchange, list[Market]]:
    """BTC-USDT and its perpetual, each with 1 BTC at 99.00 and 101.00 and a last trade at 100.00; leverage 10."""
    exchange = SimulatedExchange("sim", [instrument(), perpetual()])

    def lay_out(exchange: SimulatedExchange) -> None:
        for instrument_id, lots in ((BTC, 1_000), (PERPETUAL, 100)):
            engine = exchange.listing(instrument_id).engine
            engine.add(Side.BUY, 9_900, lots)
            engine.add(Side.SELL, 10_100, lots)
            engine.print_trade(10_000, lots, Side.BUY)

    return exchange, [ScriptedMarket((clock(), lay_out))]


def open_accounts(exchange: SimulatedExchange) -> Iterator[tuple[str, str, Account]]:
    """Key, secret and account of each trader."""
    for name, secret in SECRETS.items():
        yield key_of(name), secret, exchange.open_account(name, money(USDT=100_000, BTC=100))


def make_world(clock: Callable[[], int], limits: Limits | None = None) -> World:
    """`hand_made`, speaking Binance Spot."""
    exchange, markets = hand_made(clock)
    world = World(exchange, markets, clock, limits=limits)
    for key, secret, account in open_accounts(exchange):
        world.add_key(hmac_credential(key, secret, account))
    return world


@asynccontextmanager
async def running(server: VenueServer[S]) -> AsyncIterator[VenueServer[S]]:
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Answer:
    """Status, headers and body of an answer; a float in it would be an error of the venue."""

    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status, self.headers = status, headers
        self.body = json.loads(text, parse_float=no_floats)

    @property
    def error(self) -> tuple[int, int, str]:
        return self.status, self.body["code"], self.body["msg"]


def no_floats(text: str) -> None:
    """For json's `parse_float`."""
    raise AssertionError(f"the number {text} is not exact: it has to be text")


def sign(name: str, text: str) -> str:
    return hmac.new(SECRETS[name].encode(), text.encode(), sha256).hexdigest()


class Socket:
    """A client's WebSocket. `ask` and `call` read on until their own answer comes; `heard` keeps what came before."""

    def __init__(self, site: Site, connection: ClientWebSocketResponse) -> None:
        self.site, self.connection = site, connection
        self.heard: list[Any] = []

    async def next(self) -> Any:
        """The next event."""
        if self.heard:
            return self.heard.pop(0)
        return await self._receive()

    async def request(self, message: Any) -> Any:
        """Send a message (text as it is) and return its answer."""
        await self.connection.send_str(message if isinstance(message, str) else json.dumps(message))
        number = message.get("id") if isinstance(message, dict) else None
        while True:
            answer = await self._receive()
            if "id" in answer and answer["id"] == number:
                return answer
            self.heard.append(answer)

    async def call(self, method: str, by: str = "", **params: Any) -> Any:
        """A request of the WebSocket API, signed if `by` is named."""
        if by:
            params = {"apiKey": key_of(by), "timestamp": self.site.clock() // 1000} | params
            params["signature"] = sign(by, "&".join(f"{name}={params[name]}" for name in sorted(params)))
        return await self.request({"id": 7, "method": method, "params": params})

    async def _receive(self) -> Any:
        return json.loads(await self.connection.receive_str(timeout=5), parse_float=no_floats)


class Site:
    """A running venue and a client of it."""

    def __init__(self, world: World, clock: HandClock, server: VenueServer[World], session: ClientSession) -> None:
        self.world, self.clock, self.server, self.session = world, clock, server, session
        self.engine = world.exchange.listing(BTC).engine

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def ask(self, method: str, path: str, text: str = "", **options: Any) -> Answer:
        """A request with its query as it stands."""
        url = f"{self.base}/api/v3/{path}" + (f"?{text}" if text else "")
        async with self.session.request(method, url, **options) as response:
            return Answer(response.status, response.headers, await response.text())

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.ask("GET", path, urlencode(params))

    async def signed(self, method: str, path: str, by: str = "alice", **params: Any) -> Answer:
        """A signed request of a trader, stamped with the venue's time."""
        text = urlencode({"timestamp": self.clock() // 1000} | params)
        text = f"{text}&signature={sign(by, text)}"
        return await self.ask(method, path, text, headers={"X-MBX-APIKEY": key_of(by)})

    async def order(self, side: str, quantity: Any, price: Any = None, by: str = "alice", **params: Any) -> Answer:
        """POST order on BTCUSDT: LIMIT GTC, MARKET without a price."""
        limit = {"type": "MARKET"} if price is None else {"type": "LIMIT", "timeInForce": "GTC", "price": price}
        return await self.signed(
            "POST", "order", by, **({"symbol": "BTCUSDT", "side": side, "quantity": quantity} | limit | params)
        )

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[Socket]:
        """A WebSocket connection of a client."""
        async with self.session.ws_connect(f"{self.base}{path}") as connection:
            yield Socket(self, connection)

    def pass_time(self, us: int) -> None:
        """Move the venue's clock and let what is due happen."""
        self.clock.now_us += us
        self.server.tick()


@asynccontextmanager
async def serving(limits: Limits | None = None) -> AsyncIterator[Site]:
    clock = HandClock()
    world = make_world(clock, limits)
    async with running(VenueServer(world, Entrance(world), 0)) as server, ClientSession() as session:
        yield Site(world, clock, server, session)
