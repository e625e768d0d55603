"""Binance's public side, played from a capture: each frame leaves when it was received then, less the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from aiohttp import web

from engine.model.instrument import Instrument
from engine.model.money import to_text
from tests.sim.loop.simnet import NetLoop


class CaptureServer:
    """`lines` are `<receive ns> <frame>`; the first is a depth snapshot, which REST answers with, not before its time.

    `way_us` is how long a frame is under way, `ahead_us` the venue's clock − the one that wrote the receive times.
    """

    def __init__(
        self, loop: NetLoop, lines: Sequence[str], instrument: Instrument, way_us: int, ahead_us: int = 0
    ) -> None:
        self.done = asyncio.Event()
        self._loop = loop
        self._lines = [(int(stamp) // 1_000 - way_us, frame) for stamp, frame in (line.split(" ", 1) for line in lines)]
        self._instrument = instrument
        self._ahead_us = ahead_us
        self._runner: web.AppRunner

    async def start(self) -> int:
        """Listen; returns the port."""
        app = web.Application()
        app.router.add_get("/api/v3/time", self._time)
        app.router.add_get("/api/v3/exchangeInfo", self._info)
        app.router.add_get("/api/v3/depth", self._depth)
        app.router.add_get("/stream", self._stream)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 8071).start()
        return 8071

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _until(self, at_us: int) -> None:
        await asyncio.sleep(max(0, at_us - self._loop.wall_us()) / 1e6)

    async def _time(self, request: web.Request) -> web.Response:
        return web.json_response({"serverTime": self._loop.wall_us() + self._ahead_us})

    async def _info(self, request: web.Request) -> web.Response:
        market = self._instrument
        price = {"filterType": "PRICE_FILTER", "tickSize": to_text(market.price_step), "minPrice": "0", "maxPrice": "0"}
        lot = {"filterType": "LOT_SIZE", "stepSize": to_text(market.quantity_step), "minQty": "0", "maxQty": "0"}
        symbol = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}
        return web.json_response({"symbols": [{**symbol, "filters": [price, lot]}], "rateLimits": []})

    async def _depth(self, request: web.Request) -> web.Response:
        at_us, body = self._lines[0]
        await self._until(at_us)
        return web.Response(text=body, content_type="application/json")

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        asked = json.loads((await socket.receive()).data)
        await socket.send_str(json.dumps({"result": None, "id": asked["id"]}))
        for at_us, frame in self._lines[1:]:
            await self._until(at_us)
            await socket.send_str(frame.strip())
        self.done.set()
        await socket.receive()
        return socket
