"""The simulated exchange as a process: a `ServedVenue` on a Unix socket, by the wall clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from connectors.simulated.build import VenueSettings, synthetic_markets
from connectors.simulated.link import CHUNK, Frames, FromVenue, Hello, frame, read_to_venue
from connectors.simulated.scenario import MarketSection, Scenario
from connectors.simulated.served import Client, ServedVenue
from connectors.simulated.venue import SimulatedExchange
from engine.core.clock import Clock
from engine.model.errors import BadMessage

WORTH = Decimal(1_000_000)  # of each asset, in quote: what a new account holds
UNREAD_MAX = 16 * 1024 * 1024  # bytes that a client has not read: then it is hung up on


class VenueProcess:
    """`venue.now_us` follows `clock`."""

    def __init__(self, venue: ServedVenue, clock: Clock) -> None:
        self.venue = venue
        self._clock = clock
        self._woken = asyncio.Event()
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, path: Path, ready: Callable[[], None]) -> None:
        """Until cancelled; the socket file stays. Only this user may connect. Raises OSError about the socket."""
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._serve, path)
        finally:
            os.umask(before)
        ready()
        try:
            await self._keep_time()
        finally:
            server.close()
            for writer in self._clients.values():
                writer.transport.abort()
            await asyncio.gather(*self._clients)

    async def _keep_time(self) -> None:
        venue, clock = self.venue, self._clock
        while True:
            self._woken.clear()
            venue.advance(clock.now_us())
            try:
                async with asyncio.timeout(clock.seconds_until(venue.next_us)):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = writer
        try:
            await self._talk(reader, writer)
        except (BadMessage, ConnectionError):
            return  # the other side went away, or does not speak our language: it is hung up on
        finally:
            del self._clients[task]
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames, venue = Frames(), self.venue
        client: Client | None = None

        def deliver(message: FromVenue | None) -> None:
            if message is None or writer.transport.get_write_buffer_size() > UNREAD_MAX:
                writer.transport.abort()
            else:
                writer.write(frame(message))

        try:
            while chunk := await reader.read(CHUNK):
                venue.advance(self._clock.now_us())
                for body in frames.feed(chunk):
                    message = read_to_venue(body)
                    if client is not None:
                        venue.hear(client, message)
                    elif isinstance(message, Hello):
                        client = venue.join(message, deliver)
                    else:
                        raise BadMessage("the first frame is no Hello")
                self._woken.set()
        finally:
            if client is not None:
                venue.leave(client)


def build_process(name: str, pair: str, scenario: Scenario, seed: int | None, latency_us: int) -> VenueProcess:
    """A venue called `name` with one synthetic market, from now on.

    Raises BadValue about a scenario without a start price.
    """
    clock = Clock()
    market = MarketSection(scenario=scenario.name) if seed is None else MarketSection(scenario=scenario.name, seed=seed)
    settings = VenueSettings(name, [pair], market, [], {}, latency_us, Decimal("0.0002"), Decimal("0.0005"))
    start_us = clock.now_us()
    instruments, markets = synthetic_markets(settings, {name: settings}, {scenario.name: scenario}, start_us)
    (instrument,) = instruments
    assert scenario.start_price is not None
    base = instrument.round_quantity(WORTH / scenario.start_price)
    balances = {instrument.base: base, instrument.quote: WORTH}
    exchange = SimulatedExchange(name, instruments)
    venue = ServedVenue(exchange, markets, balances, latency_us=latency_us, start_us=start_us)
    return VenueProcess(venue, clock)
