"""Simulated time per CPU time of the virtual-time loop with its network in memory, one core. Prints one JSON object.

`websockets` and `aiohttp`: a client that decodes JSON messages from the library's stream and POSTs once a second.
`bot`: venue, connector, engine, pure market making and order log on top of both. `ratio` is simulated seconds per CPU
second, `us` the CPU microseconds per market data message.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import aiohttp
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import Side
from scripts.calibrate import calibration
from tests.sim.loop.session import MARKET, World
from tests.sim.loop.simloop import START_US
from tests.sim.loop.simnet import NetLoop, run_net
from tests.sim.market import ThinMarket

HOST = "bench.test"
MIDDLE = 600_000
Session = Callable[[int, float], Coroutine[Any, Any, int]]
"""(messages a second, seconds) → how many messages came."""


def message(number: int) -> str:
    return json.dumps({"u": number, "b": [[f"{number}.1", "2"]], "a": [[f"{number}.2", "3"]]})


@asynccontextmanager
async def http_server(rate: int, seconds: float) -> AsyncIterator[None]:
    """POST /order and a stream at GET /stream."""

    async def order(request: web.Request) -> web.Response:
        return web.json_response({"order": (await request.json())["order"]})

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        for number in range(round(rate * seconds)):
            await socket.send_str(message(number))
            await asyncio.sleep(1 / rate)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_post("/order", order)
    app.router.add_get("/stream", stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 80).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def post_orders(session: aiohttp.ClientSession, seconds: float) -> None:
    for number in range(int(seconds)):
        await asyncio.sleep(1)
        async with session.post(f"http://{HOST}/order", json={"order": number}) as response:
            assert (await response.json())["order"] == number


async def with_aiohttp(rate: int, seconds: float) -> int:
    count = 0
    async with http_server(rate, seconds), aiohttp.ClientSession() as session:
        posting = asyncio.create_task(post_orders(session, seconds))
        async with session.ws_connect(f"http://{HOST}/stream", compress=0) as stream:
            async for frame in stream:
                json.loads(frame.data)
                count += 1
        await posting
    return count


async def with_websockets(rate: int, seconds: float) -> int:
    count = 0

    async def send(connection: ServerConnection) -> None:
        for number in range(round(rate * seconds)):
            await connection.send(message(number))
            await asyncio.sleep(1 / rate)

    async with (
        http_server(rate, seconds),
        aiohttp.ClientSession() as session,
        serve(send, HOST, 81, compression=None),
        connect(f"ws://{HOST}:81", compression=None, proxy=None) as stream,
    ):
        posting = asyncio.create_task(post_orders(session, seconds))
        async for frame in stream:
            json.loads(frame)
            count += 1
        await posting
    return count


class BusyMarket:
    """One changed level a step, deep in the book."""

    def __init__(self, rate: int) -> None:
        self.next_us = START_US + 1
        self.steps = 0
        self._interval_us = 1_000_000 // rate

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        self.next_us = now_us + self._interval_us
        self.steps += 1
        ticks = MIDDLE - 1_000 - self.steps % 10
        exchange.listing(MARKET).engine.set_level(Side.BUY, ticks, 100 + self.steps % 7)


async def with_bot(rate: int, seconds: float) -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, NetLoop)
    busy = BusyMarket(rate)
    world = World(loop, [ThinMarket(MARKET, MIDDLE, Random("market:1"), START_US), busy])
    await world.run(seconds)
    assert not world.differences()
    return busy.steps


def measure(session: Session, rate: int, seconds: float, rounds: int) -> dict[str, float]:
    """The best of the rounds."""
    best, count = float("inf"), 0
    for _ in range(rounds):
        begin = time.process_time()
        count = run_net(NetLoop(), session(rate, seconds))
        best = min(best, time.process_time() - begin)
    return {"ratio": round(seconds / best, 1), "us": round(best / count * 1e6, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="simulated, at 300 messages a second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="always on; for symmetry with the other benchmarks")
    options = parser.parse_args()
    sessions: dict[str, Session] = {"websockets": with_websockets, "aiohttp": with_aiohttp, "bot": with_bot}
    figures = {
        f"{name}_{rate}": measure(session, rate, options.seconds * 300 / rate, options.rounds)
        for name, session in sessions.items()
        for rate in (300, 20)
    }
    print(json.dumps({**figures, **calibration()}))


if __name__ == "__main__":
    main()
