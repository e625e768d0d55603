"""The simulated exchange on the (in-memory) network, speaking our own vocabulary as JSON: aiohttp for requests,
websockets for one stream with everything, public and private.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web
from msgspec import Struct
from websockets.asyncio.server import ServerConnection, broadcast, serve

from connectors.simulated.desk import Desk
from connectors.simulated.feed import Feed
from connectors.simulated.market import Market
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.model.event import ClockSynced, Event
from engine.model.request import Request, ResyncBook, SyncClock
from tests.sim.loop.simnet import NetLoop

HOST, REST_PORT, STREAM_PORT = "venue.test", 80, 81
REST_URL, STREAM_URL = f"http://{HOST}:{REST_PORT}/request", f"ws://{HOST}:{STREAM_PORT}"


class Envelope(Struct, frozen=True):
    """A request as it travels. The venue ignores it after `expires_us` (its clock), 0: it has no expiry."""

    request: Request
    started_us: int
    expires_us: int


class Problem(Struct, frozen=True):
    """The body of an answer with status 400: nothing was done."""

    code: str
    text: str


class WireVenue:
    """One account's venue. `received` counts requests that arrived. `muted`: the stream tells only about the market."""

    def __init__(self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], loop: NetLoop) -> None:
        self.exchange = exchange
        self.desk = Desk(exchange, account)
        self.received = 0
        self.muted = False
        self._feed = Feed(exchange)
        self._markets = markets
        self._loop = loop
        self._streams: dict[ServerConnection, None] = {}
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Envelope).decode

    async def run(self) -> None:
        """Serve and let the markets move, until it is cancelled."""
        app = web.Application()
        app.router.add_post("/request", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, HOST, REST_PORT).start()
        try:
            async with serve(self._stream, HOST, STREAM_PORT, compression=None, close_timeout=1):
                while True:
                    self._advance()
                    next_us = min(market.next_us for market in self._markets)
                    await asyncio.sleep((next_us - self.exchange.now_us) / 1e6)
        finally:
            await runner.cleanup()

    def _advance(self) -> None:
        """Everything up to now."""
        exchange, now_us = self.exchange, self._loop.wall_us()
        exchange.advance(now_us)
        for market in self._markets:
            if market.next_us <= now_us:
                market.step(now_us, exchange)
                exchange.settle_all()
        self._publish()

    def _publish(self) -> None:
        now_us = self.exchange.now_us
        public = self._feed.collect(now_us)
        private = self.desk.news(self.exchange.drain_reports(), now_us)
        events = public if self.muted else public + private
        if events and self._streams:
            broadcast(self._streams, self._encode(events).decode())

    async def _stream(self, connection: ServerConnection) -> None:
        """A new listener: the books as they are, then all that happens."""
        self._advance()
        broadcast([connection], self._encode(self._feed.snapshots(self.exchange.now_us)).decode())
        self._streams[connection] = None
        try:
            await connection.wait_closed()
        finally:
            del self._streams[connection]

    async def _answer(self, incoming: web.Request) -> web.Response:
        envelope = self._decode(await incoming.read())
        self.received += 1
        self._advance()
        if 0 < envelope.expires_us < self.exchange.now_us:
            problem = Problem("expired", "the request came too late")
            return web.Response(status=400, body=self._encode(problem))
        events = self._execute(envelope.request, envelope.started_us)
        self._publish()
        return web.Response(body=self._encode(events))

    def _execute(self, request: Request, started_us: int) -> list[Event]:
        now_us = self.exchange.now_us
        match request:
            case SyncClock(venue):
                return [ClockSynced(venue, now_us - started_us, 0, now_us)]
            case ResyncBook(instrument_id):
                return [self._feed.snapshot(instrument_id, now_us)]
            case _:
                return self.desk.answer(request, started_us, now_us)  # type: ignore[arg-type]
