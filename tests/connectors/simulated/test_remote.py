"""The remote connector against the venue's process, both on one loop in virtual time, with connections that break."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from connectors.simulated.link import CHUNK, Pong, frame
from connectors.simulated.process import VenueProcess
from connectors.simulated.remote import RemoteConnector, RemoteSettings, stamped, venue_sheet
from connectors.simulated.served import ServedVenue
from connectors.simulated.venue import SimulatedExchange
from engine.core.ports import LiveConnector
from engine.model.account import Balance
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, Side, UpdateSource
from engine.model.event import AccountSnapshot, ClockSynced, ConnectorStatus, Event, OrderUpdate, RequestFailed
from engine.model.market import BookDelta, BookSnapshot
from engine.model.money import ONE, ZERO
from engine.model.request import (
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    RecallOrder,
    Reconnect,
    ResyncBook,
    SyncClock,
)
from tests.connectors.simulated.builders import BTC, ScriptedMarket, instrument, money, order, quotes
from tests.sim.loop.session import LoopClock
from tests.sim.loop.simnet import NetLoop, run_net, steady

PATH = Path("/venue.sock")
BUY = Side.BUY
LATENCY_US = 100
NETWORK_US = 50
Talk = Callable[["World"], Awaitable[None]]


class UnixLoop(NetLoop):
    """Sockets with paths are connections to a host of that name."""

    async def create_unix_connection(self, factory: Any, path: Any = None, **options: Any) -> Any:  # type: ignore[override]
        return await self.create_connection(factory, str(path), 1)

    async def create_unix_server(self, factory: Any, path: Any = None, **options: Any) -> Any:  # type: ignore[override]
        return await self.create_server(factory, str(path), 1)


class World:
    """A venue with a book of 100 at 99 and 101, a connector, and all that it has told. `seconds` since the start."""

    def __init__(self) -> None:
        self.loop = UnixLoop()
        self.loop.weather.latency_us = steady(NETWORK_US)
        self.start_us = self.loop.wall_us()
        exchange = SimulatedExchange("sim", [instrument()])
        self.market = ScriptedMarket((self.start_us + 1, quotes(99, 101)))
        balances = money(USDT=100_000, BTC=50)
        self.venue = ServedVenue(exchange, [self.market], balances, latency_us=LATENCY_US, start_us=self.start_us)
        self.connector = RemoteConnector(RemoteSettings("sim", PATH, (), "us", 1), [instrument()])
        self.heard: list[Event] = []

    def run(self, talk: Talk, *, hear: Callable[[Sequence[Event]], None] | None = None, venue: bool = True) -> None:
        async def main() -> None:
            tasks = [asyncio.create_task(self.serve())] if venue else []
            await asyncio.sleep(0.01)
            running = asyncio.create_task(self.connector.run(hear or self.heard.extend, self.loop.wall_us))
            try:
                await talk(self)
            finally:
                for task in (running, *tasks):
                    task.cancel()
                results = await asyncio.gather(running, *tasks, return_exceptions=True)
            if hear is not None:
                assert isinstance(results[0], BaseException)
                raise results[0]

        run_net(self.loop, main())

    async def serve(self) -> None:
        await VenueProcess(self.venue, LoopClock(self.loop)).serve(PATH, lambda: None)

    @property
    def seconds(self) -> float:
        return (self.loop.wall_us() - self.start_us) / 1e6

    async def wait(self, seconds: float = 0.01) -> list[Event]:
        """What is told within this time."""
        self.heard.clear()
        await asyncio.sleep(seconds)
        return list(self.heard)


def statuses(events: Sequence[Event]) -> list[tuple[Channel, Health, str]]:
    return [(each.channel, each.health, each.reason) for each in events if isinstance(each, ConnectorStatus)]


def of(events: Sequence[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def both(health: Health, reason: str) -> list[tuple[Channel, Health, str]]:
    return [(Channel.MARKET, health, reason), (Channel.USER, health, reason)]


def test_it_connects_and_shows_the_book() -> None:
    async def talk(world: World) -> None:
        events = await world.wait()
        assert statuses(events) == both(Health.HEALTHY, "connected")
        (snapshot,) = of(events, BookSnapshot)
        assert snapshot.bids == ((99, 100),)
        assert snapshot.receive_us - snapshot.event_us > LATENCY_US

    world = World()
    connector: LiveConnector = world.connector
    assert connector.request_expiry_us == venue_sheet().request_expiry_us
    world.run(talk)


def test_answers_bear_our_own_times() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        sent_us = world.loop.wall_us()
        world.connector.send(order("a", BUY, 1, 90))
        events = await world.wait()
        acked = next(each for each in of(events, OrderUpdate) if each.source is UpdateSource.ACK)
        streamed = next(each for each in of(events, OrderUpdate) if each.source is UpdateSource.STREAM)
        assert (acked.status, acked.started_us) == (OrderStatus.OPEN, sent_us)
        assert acked.receive_us == sent_us + 2 * (LATENCY_US + NETWORK_US)
        assert streamed.started_us is None
        assert of(events, BookDelta)
        world.connector.send(FetchOpenOrders("sim"))
        (snapshot,) = of(await world.wait(), AccountSnapshot)
        (row,) = snapshot.open_orders
        assert (row.client_order_id, row.started_us, row.receive_us) == ("a", snapshot.started_us, snapshot.receive_us)

    World().run(talk)


def test_the_clock_is_measured_and_requests_are_stamped_with_it() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        world.connector._now_us = lambda: world.loop.wall_us() - 60_000_000  # our clock is a minute behind
        world.connector.send(order("old", BUY, 1, 90))
        refused = next(each for each in of(await world.wait(), OrderUpdate))
        assert refused.reason == "not_sent:timestamp"
        world.connector.send(SyncClock("sim"))
        (synced,) = of(await world.wait(), ClockSynced)
        assert abs(synced.offset_us - 60_000_000) <= synced.error_us
        assert synced.error_us == LATENCY_US + NETWORK_US
        world.connector.send(order("new", BUY, 1, 90))
        assert {each.status for each in of(await world.wait(), OrderUpdate)} == {OrderStatus.OPEN}

    World().run(talk)


def test_a_silent_venue_is_asked_and_an_idle_connection_stays() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        assert await world.wait(120.0) == []
        assert len(world.loop.connections) == 1

    World().run(talk)


def test_a_half_open_connection_is_noticed_and_replaced() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        (connection,) = world.loop.connections
        world.loop.blackhole(connection)
        cut_us = world.loop.wall_us()
        world.connector.send(order("lost", BUY, 1, 90))
        world.connector.send(CancelOrder("lost", BTC))
        world.connector.send(ResyncBook(BTC))
        events = await world.wait(13.0)
        submitted, cancelled = of(events, OrderUpdate)[0], of(events, RequestFailed)[0]
        assert (submitted.status, submitted.reason) == (OrderStatus.UNKNOWN, "ambiguous:timeout")
        assert submitted.receive_us == cut_us + 5_000_000
        assert (cancelled.action, cancelled.outcome) == (Action.CANCEL, Outcome.AMBIGUOUS)
        assert statuses(events) == [*both(Health.STALE, "silent"), *both(Health.HEALTHY, "connected")]
        stale = of(events, ConnectorStatus)[0]
        assert 9_900_000 <= stale.receive_us - cut_us <= 10_100_000
        assert of(events, BookSnapshot)

    World().run(talk)


def test_what_was_asked_on_a_connection_that_breaks_is_ambiguous_at_once() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        world.connector.send(order("a", BUY, 1, 90))
        (connection,) = world.loop.connections
        world.loop.reset(connection)
        events = await world.wait(0.001)
        assert [each.reason for each in of(events, OrderUpdate)] == ["ambiguous:disconnected"]
        assert [(channel, health) for channel, health, _ in statuses(events)] == [
            (channel, Health.DOWN) for channel in (Channel.MARKET, Channel.USER)
        ]
        world.connector.send(FetchBalances("sim"))
        (failed,) = of(await world.wait(0.001), RequestFailed)
        assert (failed.outcome, failed.code) == (Outcome.NOT_SENT, "disconnected")
        assert statuses(await world.wait(2.0)) == both(Health.HEALTHY, "connected")

    World().run(talk)


def test_a_venue_that_hangs_up_is_visited_again() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        for client in world.venue._clients:
            client.tell(None)
        events = await world.wait(2.0)
        assert [health for _, health, _ in statuses(events)] == [Health.DOWN] * 2 + [Health.HEALTHY] * 2

    World().run(talk)


def test_the_engine_may_ask_for_a_new_connection() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        world.connector.send(Reconnect("sim", Channel.USER))
        events = await world.wait(2.0)
        assert [health for _, health, _ in statuses(events)] == [Health.DOWN] * 2 + [Health.HEALTHY] * 2
        assert len(world.loop.connections) == 1

    World().run(talk)


def test_without_a_venue_it_tries_less_and_less_often_and_finds_it_when_it_comes() -> None:
    async def talk(world: World) -> None:
        world.connector.send(Reconnect("sim", Channel.USER))  # there is nothing to give up
        events = await world.wait(200.0)
        tries = [each.receive_us / 1e6 for each in of(events, ConnectorStatus) if each.channel is Channel.USER]
        gaps = [later - earlier for earlier, later in pairwise(tries)]
        assert 1.0 <= min(gaps) < 2.0
        assert 5.0 < max(gaps) <= 30.1
        assert "nobody listens" in statuses(events)[0][2]
        serving = asyncio.create_task(world.serve())
        events = await world.wait(31.0)
        assert both(Health.HEALTHY, "connected") == statuses(events)[-2:]
        serving.cancel()

    World().run(talk, venue=False)


def test_an_answer_after_the_deadline_is_not_told_twice() -> None:
    async def talk(world: World) -> None:
        await world.wait()
        world.loop.weather.latency_us = steady(3_000_000)
        world.connector.send(FetchBalances("sim"))
        events = await world.wait(8.0)
        assert [each.outcome for each in of(events, RequestFailed)] == [Outcome.AMBIGUOUS]
        assert of(events, AccountSnapshot) == []

    World().run(talk)


@pytest.mark.parametrize("greeting", [frame(Pong()), b"\x00\x00\x00\x01\xc1", b""])
def test_somebody_else_at_the_socket_is_no_venue(greeting: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(CHUNK)
        writer.write(greeting)
        writer.close()

    async def talk(world: World) -> None:
        server = await asyncio.start_unix_server(serve, PATH)
        events = await world.wait(1.5)
        assert statuses(events)[0][1] is Health.DOWN
        assert statuses(events)[0][2].startswith("cannot connect: ")
        server.close()

    World().run(talk, venue=False)


@pytest.mark.parametrize("words", [b"\x00\x00\x00\x01\xc1", frame(Pong())])
def test_the_venue_hangs_up_on_whoever_does_not_speak_its_language(words: bytes) -> None:
    async def talk(world: World) -> None:
        await world.wait()
        reader, writer = await asyncio.open_unix_connection(PATH)
        writer.write(words)
        with pytest.raises(ConnectionError):
            await reader.read()
        writer.close()
        assert statuses(await world.wait()) == []  # the others do not notice

    World().run(talk)


def test_what_the_engine_raises_ends_it() -> None:
    def hear(events: Sequence[Event]) -> None:
        raise ZeroDivisionError("in the engine")

    async def talk(world: World) -> None:
        await asyncio.sleep(1.0)

    with pytest.raises(ExceptionGroup) as caught:
        World().run(talk, hear=hear)
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)


def test_the_order_log_is_no_business_of_a_venue() -> None:
    with pytest.raises(AssertionError, match="answered by the driver"):
        RemoteConnector(RemoteSettings("sim", PATH, (), "us", 1), []).send(RecallOrder("a"))


def test_balances_of_a_snapshot_bear_our_time_of_receipt() -> None:
    snapshot = AccountSnapshot("sim", 0, 0, balances=(Balance("sim", "BTC", ONE, ZERO),))
    told = stamped(snapshot, 5, 9)
    assert isinstance(told, AccountSnapshot)
    assert (told.started_us, told.receive_us, told.open_orders) == (5, 9, None)
    assert told.balances == (Balance("sim", "BTC", ONE, ZERO, receive_us=9),)
