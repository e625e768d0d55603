"""The network alone, seen through asyncio's streams: order, latency, flow control, every way to lose a connection."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.sim.loop.simloop import Process
from tests.sim.loop.simnet import NetLoop, Weather, log_normal, run_net, steady

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HOST, PORT = "server.test", 7000


class Pair:
    """A server that has accepted one connection, and its client."""

    def __init__(self, weather: Weather | None = None, seed: int = 1, *, shuffled: bool = False) -> None:
        self.loop = NetLoop(seed, weather=weather, shuffled=shuffled)
        self.accepted: asyncio.Queue[Streams] = asyncio.Queue()
        self.server: Any = None

    async def listen(self) -> None:
        self.server = await asyncio.start_server(lambda *pair: self.accepted.put_nowait(pair), HOST, PORT)

    async def open(self) -> tuple[Streams, Streams]:
        client = await asyncio.open_connection(HOST, PORT)
        return client, await self.accepted.get()

    def run(self, talk: Callable[[Streams, Streams], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            await self.listen()
            ours, theirs = await self.open()
            try:
                return await talk(ours, theirs)
            finally:
                for _, writer in (ours, theirs):
                    writer.close()
                self.server.close()
                await self.server.wait_closed()

        return run_net(self.loop, main())


@pytest.mark.parametrize("shuffled", [False, True])
def test_bytes_arrive_in_order_however_they_are_cut_and_joined(shuffled: bool) -> None:
    weather = Weather(log_normal(10_000, 2.0))
    weather.split = weather.joined = 0.4
    sent = bytes(number % 251 for number in range(20_000))

    async def talk(ours: Streams, theirs: Streams) -> bytes:
        for begin in range(0, len(sent), 100):
            ours[1].writelines([sent[begin : begin + 30], sent[begin + 30 : begin + 100]])
            await asyncio.sleep(0.001)
        ours[1].write_eof()
        received = await theirs[0].read()
        theirs[1].write(b"thanks")
        assert await ours[0].readexactly(6) == b"thanks"
        with pytest.raises(RuntimeError, match="after write_eof"):
            ours[1].write(b"more")
        return received

    assert Pair(weather, shuffled=shuffled).run(talk) == sent


def test_a_connect_takes_a_round_trip_and_data_half_of_one() -> None:
    pair = Pair(Weather(steady(50_000)))

    async def talk(ours: Streams, theirs: Streams) -> None:
        assert pair.loop.elapsed_us == 100_000
        ours[1].write(b"x")
        await theirs[0].readexactly(1)
        assert pair.loop.elapsed_us == 150_000
        assert ours[1].get_extra_info("peername") == (HOST, PORT)
        assert ours[1].get_extra_info("sockname") == theirs[1].get_extra_info("peername")
        assert ours[1].get_extra_info("socket").getpeername() == (HOST, PORT)

    pair.run(talk)


def test_a_writer_waits_for_a_reader_that_does_not_read() -> None:
    async def talk(ours: Streams, theirs: Streams) -> None:
        theirs[0]._transport.pause_reading()  # type: ignore[attr-defined]
        ours[1].write(b"x" * 100_000)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await ours[1].drain()
        theirs[0]._transport.resume_reading()  # type: ignore[attr-defined]
        reading = asyncio.create_task(theirs[0].readexactly(100_000))
        async with asyncio.timeout(1):
            await ours[1].drain()
        await reading

    Pair().run(talk)


class Counting(asyncio.BufferedProtocol):
    """Takes seven bytes at a time."""

    def __init__(self) -> None:
        self.taken = bytearray()
        self._buffer = bytearray(7)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.taken += self._buffer[:nbytes]


def test_a_buffered_protocol_is_filled_in_pieces() -> None:
    async def talk(ours: Streams, theirs: Streams) -> bytearray:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(Counting, HOST, PORT)
        pair_accepted = await pair.accepted.get()
        pair_accepted[1].write(b"0123456789" * 3)
        pair_accepted[1].close()
        await asyncio.sleep(1)
        return protocol.taken

    pair = Pair()
    assert pair.run(talk) == b"0123456789" * 3


# ---- how a connection ends


async def ending(reader: asyncio.StreamReader) -> str:
    """How the reader learns that the connection is over, or that it does not."""
    try:
        async with asyncio.timeout(3600):
            return "end of data" if await reader.read() == b"" else "data"
    except OSError as error:
        return "nothing" if str(error) == "" else type(error).__name__


@pytest.mark.parametrize(
    ("how", "told_us", "told"),
    [
        ("close", "end of data", "end of data"),
        ("abort", "end of data", "ConnectionResetError"),
        ("reset", "ConnectionResetError", "ConnectionResetError"),
        ("blackhole", "TimeoutError", "nothing"),
    ],
)
def test_endings(how: str, told_us: str, told: str) -> None:
    pair = Pair()

    async def talk(ours: Streams, theirs: Streams) -> list[str]:
        (connection,) = pair.loop.connections
        readers = [asyncio.create_task(ending(reader)) for reader, _ in (ours, theirs)]
        await asyncio.sleep(1)
        match how:
            case "close":
                ours[1].close()
            case "abort":
                connection.abort()
            case "reset":
                pair.loop.reset(connection)
            case "blackhole":
                pair.loop.blackhole(connection)
                ours[1].write(b"lost")
        return [await reader for reader in readers]

    assert pair.run(talk) == [told_us, told]
    assert not pair.loop.connections


def test_who_writes_to_a_closed_connection_is_reset() -> None:
    async def talk(ours: Streams, theirs: Streams) -> str:
        theirs[1].transport.get_protocol().eof_received = lambda: True  # type: ignore[attr-defined]
        ours[1].close()
        await asyncio.sleep(1)
        theirs[1].write(b"are you there?")
        await asyncio.sleep(1)
        with pytest.raises(ConnectionResetError):
            await theirs[1].drain()
        return "told"

    assert Pair().run(talk) == "told"


@pytest.mark.parametrize(
    ("field", "error"), [("refused", ConnectionRefusedError), ("unresolved", socket.gaierror), ("", None)]
)
def test_connects_can_fail(field: str, error: type[OSError] | None) -> None:
    pair = Pair()

    async def main() -> None:
        await pair.listen()
        for name in (field, ""):
            pair.loop.weather.refused = pair.loop.weather.unresolved = 0.0
            if name:
                setattr(pair.loop.weather, name, 1.0)
                assert error is not None
                with pytest.raises(error, match="simulated"):
                    await asyncio.open_connection(HOST, PORT)
            else:
                for _, writer in await pair.open():
                    writer.close()
        with pytest.raises(OSError, match="in use"):
            await pair.listen()
        assert pair.server.is_serving()
        pair.server.close()
        assert not pair.server.is_serving()
        with pytest.raises(ConnectionRefusedError, match="nobody listens"):
            await asyncio.open_connection(HOST, PORT)

    run_net(pair.loop, main())


def test_connections_of_a_killed_process_vanish_and_the_peer_hears_later() -> None:
    pair = Pair()
    loop = pair.loop

    async def serve() -> None:
        await pair.listen()
        await asyncio.Event().wait()

    async def main() -> int:
        process = Process("server")
        loop.spawn(process, serve)
        await asyncio.sleep(0.1)
        (reader, writer), _ = await pair.open()
        writer.write(b"x" * 10)
        assert len(loop.connections_of(process)) == 1
        loop.kill(process)
        begun_us = loop.elapsed_us
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, PORT)
        writer.write(b"into the void")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert not loop.connections
        return loop.elapsed_us - begun_us

    after_us = run_net(loop, main())
    assert 1_000_000 < after_us <= loop.weather.vanish_us


def test_one_connection_does_not_change_what_happens_to_another() -> None:
    def arrivals(*, chatty: bool) -> list[int]:
        pair = Pair(Weather(log_normal(10_000)))
        times: list[int] = []

        async def main() -> None:
            await pair.listen()
            quiet, other = await pair.open(), await pair.open()
            for number in range(20):
                if chatty:
                    other[0][1].write(b"chat")
                quiet[0][1].write(bytes([number]))
                await quiet[1][0].readexactly(1)
                times.append(pair.loop.elapsed_us)
            for _, writer in (*quiet, *other):
                writer.close()
            pair.server.close()

        run_net(pair.loop, main())
        return times

    assert arrivals(chatty=True) == arrivals(chatty=False)


@pytest.mark.parametrize("seed", range(6))
def test_who_waits_for_data_is_woken_before_the_end(seed: int) -> None:
    """As asyncio does it; aiohttp's server relies on it."""
    heard: list[str] = []

    class Waiting(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport
            self.data = loop.create_future()
            self.data.add_done_callback(lambda future: heard.append("data"))

        def data_received(self, data: bytes) -> None:
            self.data.set_result(None)
            self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            heard.append("end")

    async def main() -> None:
        server = await loop.create_server(Waiting, HOST, PORT)
        _, writer = await asyncio.open_connection(HOST, PORT)
        writer.write(b"x")
        await asyncio.sleep(1)
        writer.close()
        server.close()

    loop = NetLoop(seed, shuffled=True)
    run_net(loop, main())
    assert heard == ["data", "end"]
