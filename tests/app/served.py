"""A venue that speaks Binance, by the wall clock, in a thread: for commands that run in this process."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.usdm.entrance import FutureEntrance
from engine.core.clock import wall_us
from tests.app.bots import wait_until
from tests.connectors.simulated.server.usdm.venues import make_world as make_futures
from tests.connectors.simulated.server.venues import SECRETS, key_of, make_world

KEY, SECRET = key_of("alice"), SECRETS["alice"]
BOT = """
name: live-bot
mode: live
tick: 200ms
exchanges:
  binance: {connector: binance, url: "${VENUE_URL}", api_key: "${BINANCE_API_KEY}", api_secret: "${BINANCE_API_SECRET}"}
strategy:
  {kind: pure_market_making, exchange: binance, trading_pair: BTC-USDT, bid_spread: 0.5%, ask_spread: 0.5%,
   order_amount: 0.1, order_refresh_time: 1s}
risk: {max_drawdown: 5%, kill_switch: 8%, max_order_value: 500 USDT, max_position: 20 BTC, stale_data: 60s}
"""


class Served:
    """`requests` are the lines of all that came; our clock is `behind_us` behind. Change `world` before asking it.

    With `echo` requests about orders are refused with a text made of all that came with them.
    """

    def __init__(self) -> None:
        self.behind_us = 0
        self.requests: list[str] = []
        self.echo: Callable[[str], str] | None = None
        self.url = ""
        self.world: Any = make_world(lambda: wall_us() + self.behind_us)
        self._entrance: Entrance | FutureEntrance = Entrance(self.world)

    def give(self, key: str = KEY, secret: str = SECRET, **rights: Any) -> None:
        """The key, with these rights (fields of Credential)."""
        account = self.world.exchange.accounts["alice"]
        self.world.add_key(replace(hmac_credential(key, secret, account), **rights))

    @property
    def orders_sent(self) -> list[str]:
        return [line for line in self.requests if "order" in line.lower() and not line.startswith("GET")]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if self.echo is not None and request.path == "/api/v3/order":
            told = self.echo(f"{request.headers['X-MBX-APIKEY']} {request.raw_path} {request.headers}")
            return web.json_response({"code": -1100, "msg": told}, status=400)
        return await self._entrance.handle(request)

    def hang_up(self, code: int) -> None:
        self._entrance.hang_up(code)

    def shut_down(self) -> None:
        self._entrance.shut_down()


class ServedFutures(Served):
    """The same for perpetuals."""

    def __init__(self) -> None:
        super().__init__()
        self.world = make_futures(lambda: wall_us() + self.behind_us)
        self._entrance = FutureEntrance(self.world)


@contextmanager
def served(make: type[Served] = Served) -> Iterator[Served]:
    """Serves while the block runs; what ends the server is raised from here."""
    venue, loop = make(), asyncio.new_event_loop()
    server = VenueServer(venue.world, venue, 0.05)

    def ready(port: int) -> None:
        venue.url = f"http://127.0.0.1:{port}"

    task = loop.create_task(server.serve(0, ready))
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])))
    thread.start()
    try:
        wait_until(lambda: venue.url)
        yield venue
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()
    assert task.cancelled(), task.exception()


def write_live_bot(home: Path, edit: tuple[str, str] = ("", "")) -> Path:
    """The file of a live bot with one text replaced by another."""
    (home / "live-bot.yml").write_text(BOT.replace(*edit))
    return home / "live-bot.yml"
