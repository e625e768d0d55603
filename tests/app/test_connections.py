"""Connectors begin and end with the session, and their errors are its own."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from engine.app.connections import connected
from engine.model.enums import Channel, Health
from engine.model.event import ConnectorStatus, Event
from engine.model.instrument import Instrument
from engine.model.request import Request

CONNECTED = ConnectorStatus("sim", Channel.USER, Health.HEALTHY, "connected", 7)


class Told:
    """A connector that tells one thing and then stays as it is."""

    venue = "sim"
    request_expiry_us = 0
    instruments: Sequence[Instrument] = ()
    ended = False

    def send(self, request: Request) -> None: ...

    async def run(self, hear: Callable[[Sequence[Event]], None], now_us: Callable[[], int]) -> None:
        assert now_us() == 7
        try:
            async with asyncio.TaskGroup():  # as connectors do: errors come in groups
                hear([CONNECTED])
                await asyncio.Event().wait()
        finally:
            self.ended = True


async def test_they_run_while_the_block_does() -> None:
    heard: list[Event] = []
    connectors = [Told(), Told()]
    async with connected(connectors, heard.extend, lambda: 7):
        await asyncio.sleep(0)
        assert heard == [CONNECTED, CONNECTED]
        assert not any(each.ended for each in connectors)
    assert all(each.ended for each in connectors)


async def test_what_the_engine_raises_ends_the_block_as_it_is() -> None:
    def hear(events: Sequence[Event]) -> None:
        raise ZeroDivisionError("in the engine")

    with pytest.raises(ZeroDivisionError, match="in the engine"):
        async with connected([Told()], hear, lambda: 7):
            await asyncio.Event().wait()


async def test_an_error_of_the_block_ends_the_connectors() -> None:
    connector = Told()

    async def session() -> None:
        async with connected([connector], lambda events: None, lambda: 7):
            await asyncio.sleep(0)
            raise KeyError("session")

    with pytest.raises(KeyError):
        await session()
    assert connector.ended
