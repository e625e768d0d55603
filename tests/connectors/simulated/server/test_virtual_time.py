"""The served venue on a virtual clock: what takes minutes, and that the same seed gives the same bytes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.world import World
from connectors.simulated.synthetic import build_market
from connectors.simulated.venue import SimulatedExchange
from tests.connectors.simulated.builders import money
from tests.connectors.simulated.scenarios import scenario
from tests.connectors.simulated.server.venues import SECRETS, HandClock, Site, Socket, instrument, key_of
from tests.sim.loop.simnet import NetLoop, run_net

API = "/ws-api/v3"


def run_venue(main: Callable[[Site], Awaitable[Any]], seed: int = 1) -> Any:
    """Serve a synthetic market of BTC-USDT on the virtual clock and run `main` as its client."""
    loop = NetLoop(seed)

    async def serve() -> Any:
        exchange = SimulatedExchange("sim", [instrument()])
        market = build_market(scenario(start_price="100"), instrument(), seed, loop.wall_us())
        world = World(exchange, [market], loop.wall_us, seed=seed)
        world.add_key(
            hmac_credential(key_of("alice"), SECRETS["alice"], exchange.open_account("alice", money(USDT=9_000)))
        )
        server = VenueServer(world, Entrance(world))
        await server.start()
        try:
            async with ClientSession() as session:
                return await main(Site(world, Clock(loop), server, session))
        finally:
            await server.stop()

    return run_net(loop, serve())


class Clock(HandClock):
    """A site's clock that the loop moves."""

    def __init__(self, loop: NetLoop) -> None:
        self._loop = loop

    def __call__(self) -> int:
        return self._loop.wall_us()


async def read_until_closed(connection: ClientWebSocketResponse) -> tuple[list[WSMsgType], int | None]:
    kinds = []
    while not connection.closed:
        kinds.append((await connection.receive()).type)
    return kinds, connection.close_code


def test_who_does_not_answer_pings_is_hung_up_on() -> None:
    async def main(site: Site) -> None:
        async with site.session.ws_connect(f"{site.base}/ws", autoping=False) as connection:
            kinds, code = await read_until_closed(connection)
        assert (kinds, code) == ([WSMsgType.PING] * 3 + [WSMsgType.CLOSE], 1008)

    run_venue(main)


def test_who_answers_pings_stays() -> None:
    async def main(site: Site) -> None:
        started_us = site.clock()
        async with site.socket("/ws/btcusdt@kline_1m") as socket:
            while site.clock() < started_us + 200_000_000:
                await socket.next()

    run_venue(main)


def script(orders: int) -> Callable[[Site], Awaitable[list[Any]]]:
    """Everything that a client hears while it places orders around the touch."""

    async def main(site: Site) -> list[Any]:
        heard: list[Any] = []
        async with site.socket(API) as api, site.socket("/ws/btcusdt@depth@100ms/btcusdt@trade") as public:
            await api.call("userDataStream.subscribe.signature", "alice")
            for number in range(orders):
                book = (await site.get("depth", symbol="BTCUSDT", limit=5)).body
                price = book["bids" if number % 3 else "asks"][0][0]
                order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
                heard.append(await api.call("order.place", "alice", **order, quantity="0.1", price=price))
                heard.append(await public.next())
            heard += [await Socket.next(api) for _ in range(orders)]
            heard.append((await site.signed("GET", "account")).body)
        return heard

    return main


def test_the_same_seed_gives_the_same_bytes() -> None:
    first = run_venue(script(40))
    assert first == run_venue(script(40))
    assert first != run_venue(script(40), seed=2)
    assert any(answer.get("result", {}).get("status") == "FILLED" for answer in first if isinstance(answer, dict))


@pytest.mark.parametrize("seed", [1, 2])
def test_balances_are_what_the_fills_say(seed: int) -> None:
    """Free and locked of each asset follow from deposits, own trades and open orders, to the last digit."""

    async def main(site: Site) -> None:
        await script(30)(site)
        alice = site.world.exchange.accounts["alice"]
        fills = site.world.exchange.trades(alice, "sim:BTC-USDT")
        assert fills
        btc = sum(fill.quantity - fill.fee for fill in fills)
        usdt = 9_000 - sum(fill.quantity * fill.price for fill in fills)
        locked = sum(order.remaining * (order.request.price or 0) for order in site.world.exchange.open_orders(alice))
        rows = {row["asset"]: row for row in (await site.signed("GET", "account")).body["balances"]}
        assert rows["BTC"] == {"asset": "BTC", "free": f"{btc:.8f}", "locked": "0.00000000"}
        assert rows["USDT"] == {"asset": "USDT", "free": f"{usdt - locked:.8f}", "locked": f"{locked:.8f}"}

    run_venue(main, seed)
