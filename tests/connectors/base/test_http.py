"""Requests over HTTP on a virtual network: what failed and whether it was sent, long answers, questions asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from connectors.base import http as module
from connectors.base.http import Http, Reply, asked
from connectors.base.outcomes import Failed
from engine.model.enums import Outcome
from tests.sim.loop.simnet import NetLoop, run_net

HOST = "venue.test"
Main = Callable[[Http, "Venue"], Awaitable[Any]]


class Venue:
    """Counts requests; `answer` may be replaced."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self.polite

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.lines.append(f"{request.method} {request.raw_path} {(await request.read()).decode()}".strip())
        return await self.answer(request)

    async def polite(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="yes", headers={"X-Told": "7"})

    async def rude(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()


def run_http(main: Main) -> NetLoop:
    loop = NetLoop(1)

    async def body() -> None:
        venue = Venue()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", venue.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, HOST, 80).start()
        async with Http(f"http://{HOST}", loop.wall_us) as http:
            await main(http, venue)
        await runner.cleanup()

    run_net(loop, body())
    return loop


async def failure(asking: Awaitable[Reply]) -> Failed:
    with pytest.raises(Failed) as error:
        await asking
    return error.value


def test_a_request_goes_out_as_it_is_written() -> None:
    async def main(http: Http, venue: Venue) -> None:
        reply = await http.once("POST", "/order?a=%2B&b=c%20d", seconds=5, body=b"x=1")
        assert venue.lines == ["POST /order?a=%2B&b=c%20d x=1"]
        assert (reply.status, reply.body, reply.headers["X-Told"]) == (200, b"yes", "7")
        assert reply.receive_us - reply.started_us >= 20_000

    run_http(main)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_nothing_is_sent_twice(method: str) -> None:
    async def main(http: Http, venue: Venue) -> None:
        venue.answer = venue.rude
        failed = await failure(http.once(method, "/order", seconds=5))
        assert (failed.outcome, failed.broken) == (Outcome.AMBIGUOUS, True)
        assert len(venue.lines) == 1

    run_http(main)


def test_a_silent_venue_is_ambiguous() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(4)
        return web.Response()

    async def main(http: Http, venue: Venue) -> None:
        venue.answer = silent
        failed = await failure(http.once("POST", "/order", seconds=3))
        assert (failed.outcome, failed.code, failed.broken) == (Outcome.AMBIGUOUS, "timeout", False)
        await asyncio.sleep(2)

    run_http(main)


def test_a_venue_that_refuses_or_is_not_found_was_not_sent_to() -> None:
    async def main(http: Http, venue: Venue) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NetLoop)
        for trouble in ("unresolved", "refused"):
            setattr(loop.weather, trouble, 1.0)
            failed = await failure(http.once("POST", "/order", seconds=3))
            assert (failed.outcome, failed.code) == (Outcome.NOT_SENT, "not_connected")
            setattr(loop.weather, trouble, 0.0)
        assert venue.lines == []

    run_http(main)


def test_long_answers_arrive_whole_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 3_000_000

    async def long(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * size)

    async def main(http: Http, venue: Venue) -> None:
        venue.answer = long
        assert len((await http.once("GET", "/", seconds=5)).body) == size
        monkeypatch.setattr(module, "BODY_BYTES_MAX", size - 1)
        failed = await failure(http.once("GET", "/", seconds=5))
        assert (failed.outcome, failed.code) == (Outcome.AMBIGUOUS, "too_large")

    run_http(main)


def test_questions_are_asked_three_times_and_only_when_the_connection_broke() -> None:
    async def main(http: Http, venue: Venue) -> None:
        venue.answer = venue.rude
        assert (await failure(asked(lambda: http.once("GET", "/", seconds=5)))).broken
        assert len(venue.lines) == 3

        async def refused() -> Reply:
            venue.lines.append("again")
            raise Failed(Outcome.NOT_SENT, "rate_limit")

        await failure(asked(refused))
        assert venue.lines.count("again") == 1

        async def recovering(request: web.Request) -> web.StreamResponse:
            return await (venue.rude if len(venue.lines) < 6 else venue.polite)(request)

        venue.answer = recovering
        assert (await asked(lambda: http.once("GET", "/", seconds=5))).body == b"yes"

    run_http(main)
