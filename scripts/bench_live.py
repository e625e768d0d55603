"""How fast a live connector is, over loopback sockets. Prints one JSON object.

`rest` and `socket` are ways on which orders leave. `tick_to_wire_us`: from the start of a tick, which cancels an order
and places one, to the new order's bytes at the socket, with the order log; `send_to_wire_us`: from a request alone,
`ccxt_us` the same for ccxt's async client in turns with them, `ratio` of the two. `depth_*`: CPU of one message (3 and
12 levels a side) from the socket to the proven book, `websockets_us_*` of only receiving it. `busy`: 50 markets at
5,000 messages a second.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import socket
import sys
import time
from asyncio import selector_events
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import ccxt.async_support
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from connectors.base.credentials import credentials
from connectors.base.start import LiveSettings, OrderEntry
from connectors.base.stream import ConnectGate, Stream, StreamPlan
from connectors.binance.build import addresses, prepare, venue_sheet
from connectors.binance.parse import MarketDataParser
from connectors.binance.streams import MarketTalk
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.entrance import Entrance
from connectors.simulated.server.limits import Limits
from engine.app.recorder import Recorder
from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.clock import Clock, run_live
from engine.core.driver import Driver
from engine.core.engine import Engine, Settings
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.journal import Header, JournalWriter
from engine.core.order_ids import OrderIds
from engine.core.state import State
from engine.core.user_stream import UserStream
from engine.model.enums import Channel, OrderType, Side, TimeInForce
from engine.model.event import Event
from engine.model.instrument import Instrument
from engine.model.market import BookSnapshot
from engine.model.quote import Quote
from engine.model.request import SubmitOrder
from engine.store.order_log import OrderLog
from scripts.calibrate import calibration
from tests.connectors.simulated.server.test_ccxt import point, settings
from tests.connectors.simulated.server.venues import BTC, SECRETS, key_of, make_world, money

VENUE, PAIR = "sim", "BTC-USDT"
SUBMIT, PLACE = b"POST /api/v3/order", b"order.place"
SLOTS = 10
GRID_US = 20_000
LEVELS = 12


# ---- tick to wire


class Restless:
    """Quotes another price in the next slot at every tick, so that each tick sends one order and one cancel."""

    name = "restless"
    executor_id = "restless/quotes"

    def __init__(self) -> None:
        self._number = 0

    def decide(self, state: State) -> Sequence[Action]:
        self._number += 1
        price = Decimal(80) + Decimal(self._number % 100) / 100
        quotes = SetQuotes(
            self.executor_id, (Quote(BTC, Side.BUY, price, Decimal("0.1"), f"bid_{self._number % SLOTS}"),)
        )
        if self.executor_id in state.executors:
            return [quotes]
        return [
            StartExecutor(self.executor_id, "quote", QuoteSettings(order_refresh_time_us=0, filled_order_delay_us=0)),
            quotes,
        ]


@contextmanager
def stamped_writes() -> Iterator[list[float]]:
    """When requests for new orders were handed to the operating system."""
    stamps: list[float] = []
    transport = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    write, writelines = transport.write, transport.writelines

    def see(self: Any, data: Any) -> None:
        write(self, data)
        written = time.perf_counter()
        if places_order(bytes(data)):
            stamps.append(written)

    def see_lines(self: Any, lines: Any) -> None:
        kept = list(lines)
        writelines(self, kept)
        written = time.perf_counter()
        if kept and places_order(bytes(kept[0])):
            stamps.append(written)

    transport.write, transport.writelines = see, see_lines
    try:
        yield stamps
    finally:
        transport.write, transport.writelines = write, writelines


def places_order(data: bytes) -> bool:
    """Whether these bytes are a new order, by REST or in a frame of a client, which is masked."""
    if data[:1] != b"\x81" or len(data) < 8 or not data[1] & 0x80:
        return data.startswith(SUBMIT)
    mask = data[4:8]
    return PLACE in bytes(byte ^ mask[place % 4] for place, byte in enumerate(data[8:]))


class OurWay:
    """A bot at a served venue; `wire` and `send` are seconds to the socket, from a tick and from a request."""

    def __init__(self, connector: Any, clock: Clock, folder: Path, stamps: list[float]) -> None:
        log = OrderLog.open(folder)
        epoch = log.begin_session(clock.now_us(), "BENC").epoch
        self.engine, self.driver = assemble(connector.instruments, [Restless()], clock, connector, log, epoch)
        self.running = asyncio.create_task(connector.run(self.driver.hear, clock.now_us))
        self.wire: list[float] = []
        self.send: list[float] = []
        self._clock, self._connector, self._stamps = clock, connector, stamps

    async def tick(self) -> None:
        """One tick, which sends a cancel and then an order."""
        await asyncio.sleep(GRID_US / 1e6)
        self._stamps.clear()
        begun = time.perf_counter()
        self.driver.step(self.engine.state.now_us, self._clock.now_us())
        await self._stamped(begun, self.wire)

    async def order(self, number: int) -> None:
        """The request alone, of an order that expires at once."""
        terms = (Decimal("0.1"), Decimal(60), TimeInForce.IOC)
        request = SubmitOrder(f"OTHER{number:011}", BTC, Side.BUY, OrderType.LIMIT, *terms)
        await asyncio.sleep(GRID_US / 1e6)
        self._stamps.clear()
        begun = time.perf_counter()
        self._connector.send(request)
        await self._stamped(begun, self.send)

    async def _stamped(self, begun: float, found: list[float]) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
            if self._stamps:
                found.append(self._stamps[0] - begun)
                return


async def tick_to_wire(orders: int) -> dict[str, Any]:
    """Microseconds of our ways and of ccxt's, in turns."""
    with TemporaryDirectory() as folder, stamped_writes() as stamps:
        clock = Clock()
        world = make_world(clock.now_us, Limits(10**9, 10**9, orders_10s=10**9, orders_1d=10**9))
        carol = world.exchange.open_account("carol", money(USDT=100_000, BTC=100))
        world.add_key(hmac_credential(key_of("carol"), SECRETS["alice"], carol))
        server = VenueServer(world, Entrance(world))
        port = await server.start()
        ways: dict[OrderEntry, OurWay] = {}
        entries: list[tuple[OrderEntry, str]] = [("rest", "alice"), ("socket", "carol")]
        for entry, account in entries:
            key = credentials(key_of(account), SECRETS["alice"])
            urls = addresses(f"http://127.0.0.1:{port}")
            connector = await prepare(LiveSettings(VENUE, [PAIR], urls, key, order_entry=entry), clock.now_us)
            ways[entry] = OurWay(connector, clock, Path(folder) / entry, stamps)
        exchange = point(ccxt.async_support.binance(settings("bob")), port)
        await exchange.load_markets()
        await asyncio.sleep(2)  # the limits are known and the streams are up
        theirs: list[float] = []
        while len(theirs) < orders:
            for way in ways.values():
                await way.tick()
                await way.order(len(theirs))
            await asyncio.sleep(GRID_US / 1e6)
            stamps.clear()
            begun = time.perf_counter()
            await exchange.create_order("BTC/USDT", "limit", "buy", 0.1, 60, {"timeInForce": "IOC"})
            theirs.append(stamps[0] - begun)
        for way in ways.values():
            way.running.cancel()
            await asyncio.gather(way.running, return_exceptions=True)
        await exchange.close()
        await server.stop()
    return {"ccxt_us": show(median(theirs))} | {entry: figures(way, theirs) for entry, way in ways.items()}


def figures(way: OurWay, theirs: list[float]) -> dict[str, float]:
    return {
        "tick_to_wire_us": show(median(way.wire)),
        "tick_to_wire_p99_us": show(quantiles(way.wire, n=100)[98]),
        "send_to_wire_us": show(median(way.send)),
        "ratio": round(median(way.send) / median(theirs), 2),
    }


def show(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def assemble(
    instruments: Sequence[Instrument],
    controllers: Sequence[Any],
    clock: Clock,
    connector: Any,
    log: OrderLog,
    epoch: int,
) -> tuple[Engine, Driver]:
    """As a session does it, with a journal in memory."""
    now_us, sheet = clock.now_us(), venue_sheet()
    header = Header("bench", "bench", "", "", 0, tuple(instruments), GRID_US, "BENC", epoch, now_us)
    recorder = Recorder(JournalWriter(io.BytesIO(), header), log)  # type: ignore[arg-type]
    state = State(instruments, OrderIds("BENC", epoch), {VENUE: sheet}, now_us)
    stream = UserStream(VENUE, [each.instrument_id for each in instruments], state.orders.cursors, sheet)
    settings = Settings(bot="bench", quote="USDT", grid_us=GRID_US)
    engine = Engine(state, controllers, settings, {VENUE: stream}, [recorder.hear], recorder.changed)
    recorder.follow(engine)
    return engine, Driver(engine, [], recorder.commit, [connector], recorder.recall)


# ---- market data


def serve_depth(port: int, symbols: int, rate: int, messages: int, levels: int) -> None:
    """A process that streams depth messages of so many markets at so many a second, after a SUBSCRIBE."""
    chance = Random("depth")

    def levels_from(side: int) -> str:
        rows = [(10_000 + side * (1 + chance.randrange(200)) / 100, chance.randrange(3)) for _ in range(levels)]
        return json.dumps([[f"{price:.2f}", f"{quantity}.5"] for price, quantity in rows])

    bids, asks = [levels_from(-1) for _ in range(100)], [levels_from(1) for _ in range(100)]
    names = [f"S{number:03}USDT" for number in range(symbols)]

    async def handle(connection: ServerConnection) -> None:
        asked = json.loads(await connection.recv())
        await connection.send(json.dumps({"result": None, "id": asked["id"]}))
        begun = time.monotonic()
        for number in range(messages):
            name, update = names[number % symbols], number // symbols + 1
            await connection.send(
                f'{{"stream":"{name.lower()}@depth@100ms","data":{{"e":"depthUpdate","E":1700000000000000,"s":"{name}",'
                f'"U":{update},"u":{update},"b":{bids[number % 100]},"a":{asks[number % 100]}}}}}'
            )
            if number % 50 == 0:
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        await connection.wait_closed()

    async def main() -> None:
        async with serve(handle, "127.0.0.1", port, compression=None, ping_interval=None) as server:
            await server.serve_forever()

    asyncio.run(main())


@contextmanager
def depth_process(symbols: int, rate: int, messages: int, levels: int) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(
        target=serve_depth, args=(port, symbols, rate, messages, levels), daemon=True
    )
    process.start()
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the depth server does not start"
                time.sleep(0.05)
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


def market(number: int) -> Instrument:
    symbol = f"S{number:03}-USDT"
    return Instrument(f"{VENUE}:{symbol}", VENUE, symbol, f"S{number:03}", "USDT", Decimal("0.01"), Decimal("0.5"))


async def bare(url: str, messages: int) -> float:
    """CPU microseconds a message for only receiving it."""
    async with connect(url, compression=None, max_queue=None, ping_interval=None) as connection:
        await connection.send(json.dumps({"method": "SUBSCRIBE", "params": [], "id": 0}))
        await connection.recv()
        begun = time.process_time()
        for _ in range(messages):
            await connection.recv(decode=False)
        return (time.process_time() - begun) / messages * 1e6


async def followed(url: str, symbols: int, messages: int) -> dict[str, float]:
    """CPU microseconds a message up to the proven book, with a ticking engine; how late the ticks were."""
    instruments = [market(number) for number in range(symbols)]
    clock = Clock()
    with TemporaryDirectory() as folder:
        log = OrderLog.open(Path(folder))
        session = log.begin_session(clock.now_us(), "BENC")
        engine, driver = assemble(instruments, [], clock, Deaf(), log, session.epoch)
        for each in instruments:
            level = ((Decimal(9990), Decimal(1)),), ((Decimal(10010), Decimal(1)),)
            engine.apply(BookSnapshot(each.instrument_id, *level, 0, 0, clock.now_us()))
        count, begun, done = 0, 0.0, asyncio.Event()

        def hear(events: Sequence[Event]) -> None:
            nonlocal count, begun
            driver.hear(events)
            count += len(events)
            begun = begun or time.process_time()
            if count >= messages:
                done.set()

        parser = MarketDataParser({each.symbol.replace("-", ""): each.instrument_id for each in instruments})
        plan = StreamPlan(
            VENUE,
            Channel.MARKET,
            lambda: url,
            lambda: MarketTalk(parser, ("depth@100ms",), lambda: None),
            hear,
            clock.now_us,
            Random("bench"),
            ConnectGate(),
        )
        late: list[int] = []
        ticking = asyncio.create_task(
            run_live(driver, clock, asyncio.Event(), on_tick=lambda now_us: late.append(now_us % GRID_US))
        )
        streaming = asyncio.create_task(Stream(plan).run())
        started = time.monotonic()
        await done.wait()
        wall_s, cpu_s = time.monotonic() - started, time.process_time() - begun
        for task in (ticking, streaming):
            task.cancel()
        await asyncio.gather(ticking, streaming, return_exceptions=True)
        assert not any(engine.state.books.book(each.instrument_id).stale for each in instruments)
        log.close()
    return {
        "us": round(cpu_s / messages * 1e6, 1),
        "messages_per_s": round(messages / wall_s),
        "core_share": round(cpu_s / wall_s, 3),
        "tick_late_p99_ms": round(quantiles(late, n=100)[98] / 1000, 2),
    }


class Deaf:
    """A venue that answers nothing: the engine's questions are not what is measured."""

    venue = VENUE
    request_expiry_us = 0

    def send(self, request: Any) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="as always")
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    found: dict[str, Any] = {"calibration": calibration()}
    found |= asyncio.run(tick_to_wire(options.orders))
    for levels in (3, LEVELS):
        messages = round(3_000 * options.seconds)
        with depth_process(1, 3_000, messages, levels) as url:
            found[f"websockets_us_{levels}"] = round(asyncio.run(bare(url, messages)), 1)
        with depth_process(1, 3_000, messages, levels) as url:
            found[f"depth_{levels}"] = asyncio.run(followed(url, 1, messages))
    messages = round(5_000 * options.seconds)
    with depth_process(50, 5_000, messages, LEVELS) as url:
        found["busy"] = asyncio.run(followed(url, 50, messages))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
