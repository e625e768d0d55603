"""A stream that stays, on a virtual network: reconnects, heartbeats, successors that are ready in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from connectors.base.outcomes import Failed
from connectors.base.stream import ConnectGate, Link, Stream, StreamPlan
from engine.model.enums import Channel, Health, Outcome, Side
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, ConnectorStatus, Event
from engine.model.market import PublicTrade
from tests.sim.loop.simnet import NetLoop, run_net

HOST, PORT = "venue.test", 80


class Talk:
    """Says hello, is confirmed by `yes`; numbers are news, `leave` announces the end, anything else is nonsense."""

    pings = ""

    def begin(self, link: Link) -> None:
        self._link = link
        link.send("hello")

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        word = frame.decode()
        if word == "yes":
            self._link.confirm()
        elif word == "no":
            self._link.fail("refused")
        elif word == "leave":
            self._link.retire("announced")
        elif word.isdecimal():
            return [trade(word, receive_us)]
        elif word != "pong":
            raise BadMessage(f"what is {word}?")
        return ()

    def beat(self) -> str:
        return self.pings


class TextTalk(Talk):
    pings = "ping"


def trade(number: str, receive_us: int) -> Event:
    return PublicTrade("v:A-B", number, Decimal(1), Decimal(1), Side.BUY, 0, receive_us)


class Venue:
    """Counts. `answer` is what it says to hello; `deaf` it does not answer pings of the text kind."""

    def __init__(self, loop: NetLoop) -> None:
        self.loop = loop
        self.answer = "yes"
        self.deaf = False
        self.open: list[ServerConnection] = []
        self.opened: list[float] = []

    async def handle(self, connection: ServerConnection) -> None:
        self.open.append(connection)
        self.opened.append(self.loop.time())
        with suppress(ConnectionClosed):
            async for word in connection:
                if word == "ping" and not self.deaf:
                    await connection.send("pong")
                elif word == "hello" and self.answer:
                    await connection.send(self.answer)
        self.open.remove(connection)

    async def tell(self, word: str) -> None:
        for connection in list(self.open):
            await connection.send(word)


class Ear:
    """What a stream told."""

    def __init__(self, loop: NetLoop) -> None:
        self.loop = loop
        self.told: list[Event] = []

    @property
    def health(self) -> list[tuple[Health, str]]:
        return [(each.health, each.reason) for each in self.told if isinstance(each, ConnectorStatus)]

    @property
    def news(self) -> list[str]:
        return [each.trade_id for each in self.told if isinstance(each, PublicTrade)]

    async def until(self, met: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not met():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


Main = Callable[[Venue, Ear, Stream], Awaitable[None]]


def run_stream(main: Main, talk: type[Talk] = Talk, answer: str = "yes", up: bool = True) -> tuple[Venue, Ear]:
    loop = NetLoop(1)

    async def body() -> tuple[Venue, Ear]:
        venue, ear = Venue(loop), Ear(loop)
        venue.answer = answer
        url = f"ws://{HOST}:{PORT}/"
        plan = StreamPlan(
            "v", Channel.MARKET, lambda: url, talk, ear.told.extend, loop.wall_us, Random("stream"), ConnectGate()
        )
        stream = Stream(plan)
        async with serve(venue.handle, HOST, PORT, compression=None, ping_interval=None, close_timeout=1):
            running = asyncio.create_task(stream.run())
            if up:
                await ear.until(lambda: (Health.HEALTHY, "connected") in ear.health)
            await main(venue, ear, stream)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        return venue, ear

    result: tuple[Venue, Ear] = run_net(loop, body())
    return result


def test_it_is_healthy_when_confirmed_and_tells_news() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await venue.tell("1")
        await ear.until(lambda: ear.news == ["1"])

    _, ear = run_stream(main)
    assert ear.health == [(Health.HEALTHY, "connected")]


def test_nonsense_is_counted() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await venue.tell("gibberish" * 100)
        await venue.tell("2")
        await ear.until(lambda: ear.news == ["2"])

    _, ear = run_stream(main)
    (bad,) = (each for each in ear.told if isinstance(each, BadMessageSeen))
    assert bad.channel is Channel.MARKET
    assert len(bad.excerpt) == 200


@pytest.mark.parametrize("talk", [Talk, TextTalk])
def test_a_quiet_venue_that_answers_pings_stays(talk: type[Talk]) -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await asyncio.sleep(600)

    venue, ear = run_stream(main, talk)
    assert len(venue.opened) == 1
    assert len(ear.health) == 1


def test_a_venue_that_does_not_answer_text_pings_is_dead() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        venue.deaf = True
        begun = ear.loop.time()
        await ear.until(lambda: len(ear.health) > 1)
        assert ear.loop.time() - begun <= 15
        venue.deaf = False
        await ear.until(lambda: len(ear.health) > 2)
        assert ear.loop.time() - begun <= 17

    _, ear = run_stream(main, TextTalk)
    assert ear.health[1:] == [(Health.DOWN, "silent"), (Health.HEALTHY, "connected")]


def test_subscriptions_that_are_not_confirmed_are_tried_again() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await ear.until(lambda: len(ear.health) == 2)
        venue.answer = "yes"
        await ear.until(lambda: len(ear.health) == 3)

    _, ear = run_stream(main, answer="", up=False)
    assert [health for health, _ in ear.health] == [Health.DOWN, Health.DOWN, Health.HEALTHY]
    assert ear.health[0][1] == "subscriptions were not confirmed"


def test_failures_back_off_and_connects_are_a_second_apart() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await asyncio.sleep(300)

    venue, ear = run_stream(main, answer="no", up=False)
    gaps = [after - before for before, after in pairwise(venue.opened)]
    assert min(gaps) >= 1
    assert max(gaps) <= 31
    assert sum(gaps[-5:]) > 2 * sum(gaps[:5])
    assert set(ear.health) == {(Health.DOWN, "refused")}


def test_an_announced_end_leaves_no_gap() -> None:
    """The successor is confirmed before the predecessor goes: no word about it, and every number is heard."""

    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        number = 0
        for word in ("leave", "leave", "leave"):
            await venue.tell(word)
            for _ in range(40):
                number += 1
                await venue.tell(str(number))
                await asyncio.sleep(0.1)
        await ear.until(lambda: ear.news[-1] == str(number))
        assert len(venue.open) == 1
        assert list(dict.fromkeys(ear.news)) == [str(each) for each in range(1, number + 1)]

    venue, ear = run_stream(main)
    assert len(venue.opened) == 4
    assert ear.health == [(Health.HEALTHY, "connected")]


class BusyTalk(Talk):
    """Waits for an answer on its first connection, two seconds long."""

    def begin(self, link: Link) -> None:
        super().begin(link)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + (2 if loop.time() < 1 else 0)
        link.at_end(lambda: None, lambda: loop.time() < until_s)


def test_a_predecessor_that_waits_for_an_answer_stays_until_it_comes() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await venue.tell("leave")
        await ear.until(lambda: len(venue.opened) == 2)
        await asyncio.sleep(0.3)
        assert len(venue.open) == 2
        await ear.until(lambda: len(venue.open) == 1, 2)

    _, ear = run_stream(main, BusyTalk)
    assert ear.health == [(Health.HEALTHY, "connected")]


def test_a_predecessor_that_died_before_its_successor_was_confirmed_has_left_a_gap() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await venue.tell("leave")
        await asyncio.sleep(0.5)
        (connection,) = ear.loop.connections
        ear.loop.blackhole(connection)
        await ear.until(lambda: len(ear.health) == 3)

    _, ear = run_stream(main)
    assert [health for health, _ in ear.health] == [Health.HEALTHY, Health.DOWN, Health.HEALTHY]


def test_a_closed_connection_is_replaced_at_once() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await asyncio.sleep(5)
        begun = ear.loop.time()
        await venue.open[0].close(1001)
        await ear.until(lambda: len(ear.health) == 3)
        assert ear.loop.time() - begun < 1
        stream.reconnect("asked")
        await ear.until(lambda: len(ear.health) == 5)

    _, ear = run_stream(main)
    assert ear.health[1] == (Health.DOWN, "closed by the venue (1001)")
    assert ear.health[3] == (Health.DOWN, "asked")


def test_a_connection_is_replaced_before_the_venue_closes_it() -> None:
    async def main(venue: Venue, ear: Ear, stream: Stream) -> None:
        await asyncio.sleep(24 * 3600)

    venue, ear = run_stream(main)
    first, second = venue.opened
    assert 22 * 3600 <= second - first <= 23.5 * 3600 + 1
    assert ear.health == [(Health.HEALTHY, "connected")]


@pytest.mark.parametrize(("told", "seconds"), [("20", 20), ("", 60)])
def test_a_venue_that_wants_to_be_left_alone_is(told: str, seconds: int) -> None:
    loop = NetLoop(1)
    attempts: list[float] = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        attempts.append(loop.time())
        return Response(418, "teapot", Headers({"Retry-After": told} if told else {}), b"")

    async def body() -> None:
        venue, ear = Venue(loop), Ear(loop)
        url = f"ws://{HOST}:{PORT}/"
        plan = StreamPlan(
            "v", Channel.USER, lambda: url, Talk, ear.told.extend, loop.wall_us, Random("s"), ConnectGate()
        )
        async with serve(venue.handle, HOST, PORT, compression=None, process_request=refuse):
            running = asyncio.create_task(Stream(plan).run())
            await ear.until(lambda: len(attempts) == 3, 300)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        assert ear.health[0] == (Health.DOWN, "cannot connect: status 418")

    run_net(loop, body())
    assert min(after - before for before, after in pairwise(attempts)) >= seconds


def test_what_the_listener_raises_ends_it() -> None:
    loop = NetLoop(1)

    def complain(events: Sequence[Event]) -> None:
        raise KeyError("listener")

    async def body() -> None:
        venue = Venue(loop)
        url = f"ws://{HOST}:{PORT}/"
        plan = StreamPlan("v", Channel.USER, lambda: url, Talk, complain, loop.wall_us, Random("s"), ConnectGate())
        async with serve(venue.handle, HOST, PORT, compression=None, ping_interval=None, close_timeout=1):
            with pytest.raises(BaseExceptionGroup) as error:
                await Stream(plan).run()
            assert error.value.subgroup(KeyError) is not None

    run_net(loop, body())


def test_a_channel_of_two_streams_is_up_when_both_are() -> None:
    """Their address is asked of the venue, which does not tell it at first."""
    loop = NetLoop(1)
    refusals: list[Exception] = [Failed(Outcome.AMBIGUOUS, "timeout"), BadMessage("no key")]

    async def address() -> str:
        if refusals:
            raise refusals.pop()
        return f"ws://{HOST}:{PORT}/"

    async def body() -> Ear:
        venue, ear = Venue(loop), Ear(loop)
        streams: list[Stream] = []
        for _ in range(2):
            plan = StreamPlan(
                "v",
                Channel.MARKET,
                address,
                Talk,
                ear.told.extend,
                loop.wall_us,
                Random("stream"),
                ConnectGate(),
                streams,
            )
            streams.append(Stream(plan))
        async with serve(venue.handle, HOST, PORT, compression=None, ping_interval=None, close_timeout=1):
            running = [asyncio.create_task(each.run()) for each in streams]
            await ear.until(lambda: all(each.connected for each in streams))
            streams[0].reconnect("asked")
            await ear.until(lambda: len(ear.health) == 5)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return ear

    ear: Ear = run_net(loop, body())
    assert sorted(ear.health[:2]) == [
        (Health.DOWN, "cannot connect: BadMessage"),
        (Health.DOWN, "cannot connect: timeout"),
    ]
    assert ear.health[2:] == [(Health.HEALTHY, "connected"), (Health.DOWN, "asked"), (Health.HEALTHY, "connected")]
