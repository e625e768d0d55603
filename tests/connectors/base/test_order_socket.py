"""Requests on a socket: sent once, answered by id, in doubt when their connection ends."""

import asyncio
from collections.abc import Callable

import pytest

from connectors.base.http import Reply
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import Failed
from engine.model.enums import Outcome
from tests.sim.loop.simnet import NetLoop, run_net


class Wire:
    """A connection of which nothing but its words and its end are seen."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._mourners: list[Callable[[], None]] = []

    def send(self, text: str) -> None:
        self.sent.append(text)

    def confirm(self) -> None: ...

    def retire(self, reason: str) -> None: ...

    def fail(self, reason: str) -> None: ...

    def at_end(self, hear: Callable[[], None], busy: Callable[[], bool]) -> None:
        self._mourners.append(hear)
        self.busy = busy

    def end(self) -> None:
        for hear in self._mourners:
            hear()


def write(name: str) -> str:
    return f"request {name}"


async def outcome(asked: asyncio.Task[Reply]) -> tuple[Outcome, str]:
    with pytest.raises(Failed) as caught:
        await asked
    return caught.value.outcome, caught.value.code


def test_answers_find_their_requests_in_any_order() -> None:
    loop = NetLoop(1)

    async def main() -> None:
        socket, wire = OrderSocket(loop.wall_us), Wire()
        socket.open(wire)
        begun_us = loop.wall_us()
        first, second = (asyncio.create_task(socket.ask(write, 5)) for _ in range(2))
        await asyncio.sleep(1)
        assert wire.sent == ["request 1", "request 2"]
        assert socket.answered("2", 400, b"no", 7)
        assert socket.answered("1", 200, b"yes", 8)
        assert await first == Reply(200, {}, b"yes", begun_us, 8)
        assert await second == Reply(400, {}, b"no", begun_us, 7)
        assert not socket.answered("1", 200, b"again", 9)

    run_net(loop, main())


def test_without_a_connection_nothing_is_sent() -> None:
    loop = NetLoop(1)

    async def main() -> None:
        socket, wire = OrderSocket(loop.wall_us), Wire()
        assert await outcome(asyncio.create_task(socket.ask(write, 5))) == (Outcome.NOT_SENT, "not_connected")
        socket.open(wire)
        wire.end()
        assert await outcome(asyncio.create_task(socket.ask(write, 5))) == (Outcome.NOT_SENT, "not_connected")
        assert wire.sent == []

    run_net(loop, main())


def test_what_was_not_answered_when_its_connection_ended_is_in_doubt() -> None:
    """A successor has taken over meanwhile: its own requests still wait; its predecessor is still answered."""
    loop = NetLoop(1)

    async def main() -> None:
        socket, old, new = OrderSocket(loop.wall_us), Wire(), Wire()
        socket.open(old)
        first, second = (asyncio.create_task(socket.ask(write, 5)) for _ in range(2))
        await asyncio.sleep(0)
        socket.open(new)
        third = asyncio.create_task(socket.ask(write, 5))
        await asyncio.sleep(0)
        assert (old.sent, new.sent) == (["request 1", "request 2"], ["request 3"])
        assert (old.busy(), new.busy()) == (True, True)
        socket.answered("1", 200, b"yes", 1)
        old.end()
        assert (await first).body == b"yes"
        assert await outcome(second) == (Outcome.AMBIGUOUS, "disconnected")
        assert socket.answered("3", 200, b"yes", 2)
        assert (await third).body == b"yes"
        assert (old.busy(), new.busy()) == (False, False)
        assert await outcome(asyncio.create_task(socket.ask(write, 5))) == (Outcome.AMBIGUOUS, "timeout")
        assert new.sent == ["request 3", "request 4"]

    run_net(loop, main())
