"""What is listened to through ccxt.pro, and whether it can be relied on.

ccxt does not say when a subscription stands: a channel counts as up when nothing of it has failed for two seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import ccxt

from connectors.ccxt.convert import read
from engine.model.enums import Channel, Health
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, ConnectorStatus, Event

POLL_SECONDS = 1.0
SETTLE_SECONDS = 2.0
RETRY_SECONDS = (1.0, 30.0)  # doubling

Watch = Callable[[], Awaitable[Any]]
Take = Callable[[Any], Sequence[Event]]


class Ears:
    """`spawn` runs what is listened to until the connector ends."""

    def __init__(
        self,
        venue: str,
        exchange: Any,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        hear: Callable[[Sequence[Event]], None],
        now_us: Callable[[], int],
    ) -> None:
        self._venue = venue
        self._exchange = exchange
        self._spawn = spawn
        self._hear = hear
        self._now_us = now_us
        self._failures = dict.fromkeys(Channel, 0)  # numbers the states of each channel
        self._up = dict.fromkeys(Channel, False)

    def watch(self, channel: Channel, watch: Watch, take: Take) -> None:
        """Listen from now on; what `watch` brings is told as `take` understands it."""
        self._spawn(self._listen(channel, watch, take))
        self._spawn(self._settle(channel, self._failures[channel]))

    def hang_up(self) -> None:
        """Connect anew: all channels, because ccxt shares connections between them."""
        for client in list((self._exchange.clients or {}).values()):
            client.on_error(ccxt.NetworkError("asked to reconnect"))

    async def _listen(self, channel: Channel, watch: Watch, take: Take) -> None:
        first, last = RETRY_SECONDS
        pause = first
        while True:
            try:
                raw = await _uncancelled(watch)
            except Exception as error:  # handled: ccxt raises anything; the channel is down, and tried again
                self._failed(channel, f"{type(error).__name__}: {error}")
                await asyncio.sleep(pause)
                pause = min(last, 2 * pause)
                continue
            pause = first
            try:
                with read():
                    events = take(raw)
            except BadMessage as error:
                events = [BadMessageSeen(self._venue, channel, str(error)[:200], "", self._now_us())]
            if events:
                self._hear(events)

    def _failed(self, channel: Channel, reason: str) -> None:
        self._failures[channel] += 1
        clients = self._exchange.clients or {}
        for url in [url for url, client in clients.items() if client.connection is not None and client.closed()]:
            del clients[url]  # ccxt would wait on it for ever
        if self._up[channel]:
            self._up[channel] = False
            self._say(channel, Health.DOWN, reason)
        self._spawn(self._settle(channel, self._failures[channel]))

    async def _settle(self, channel: Channel, failures: int) -> None:
        """Nothing failed for a while: the channel is up."""
        await asyncio.sleep(SETTLE_SECONDS)
        if failures == self._failures[channel] and not self._up[channel]:
            self._up[channel] = True
            self._say(channel, Health.HEALTHY, "listening")

    def _say(self, channel: Channel, health: Health, reason: str) -> None:
        self._hear([ConnectorStatus(self._venue, channel, health, reason[:200], self._now_us())])


def slowly(ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A question instead of a stream, once a second."""

    async def asked(*terms: Any) -> Any:
        await asyncio.sleep(POLL_SECONDS)
        return await ask(*terms)

    return asked


async def _uncancelled(watch: Watch) -> Any:
    """ccxt cancels what waits on a connection that it gives up: that is a failure, and no end of ours."""
    try:
        return await watch()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ccxt.NetworkError("the connection was given up") from None
