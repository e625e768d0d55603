"""What is said on Gate's connections: subscriptions to market data, and the account's own channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder, encode

from connectors.base.decoding import decode
from connectors.base.stream import Link
from connectors.gate.keys import Key
from connectors.gate.parse import channel_of
from connectors.gate.parse_account import PRIVATE_CHANNELS
from engine.core.venue_sheet import SECOND_US
from engine.model.errors import BadMessage
from engine.model.event import Event

PONG = "spot.pong"


class _Problem(Struct, gc=False):
    code: int
    message: str = ""


class _Answer(Struct, gc=False):
    """To a subscription; an update has another event."""

    event: str = ""
    id: int | None = None
    error: _Problem | None = None


_ANSWER = Decoder(_Answer)


Frames = list[dict[str, Any]]


def market_frames(symbols: Sequence[str], stamp_us: int) -> Frames:
    """Books and trades of these markets."""
    time = {"time": stamp_us // SECOND_US}
    books: Frames = [time | {"channel": "spot.order_book_update", "payload": [name, "100ms"]} for name in symbols]
    return [*books, time | {"channel": "spot.trades", "payload": list(symbols)}]


def account_frames(key: Key, stamp_us: int) -> Frames:
    """Orders, trades and balances of the key's account."""
    return [
        key.subscription(channel, stamp_us) | {"channel": channel, "payload": ["!all"]} for channel in PRIVATE_CHANNELS
    ]


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what: `read` understands updates, `confirmed` and `refused` hear what became of the subscriptions."""

    read: Callable[[bytes, int], Sequence[Event]]
    confirmed: Callable[[], None]
    refused: Callable[[str], None]


class Talk:
    """Subscriptions on one connection, confirmed when the venue has answered to every one of them."""

    def __init__(self, frames: Callable[[int], Frames], venue_us: Callable[[], int], ears: Ears) -> None:
        self._frames = frames
        self._venue_us = venue_us
        self._ears = ears
        self._waiting: set[int] = set()
        self._link: Link

    def begin(self, link: Link) -> None:
        self._link = link
        for number, request in enumerate(self._frames(self._venue_us()), 1):
            self._waiting.add(number)
            link.send(encode({"id": number, "event": "subscribe"} | request).decode())

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        if b'"update"' in frame:
            return self._ears.read(frame, receive_us)
        answer = decode(_ANSWER, frame)
        if channel_of(frame) == PONG:
            return ()
        if answer.error is not None:
            self._link.fail("a subscription was refused")
            self._ears.refused(answer.error.message)
            raise BadMessage(f"subscription refused: {answer.error.message}")
        if answer.id not in self._waiting:
            raise BadMessage("neither an update nor an answer to a subscription")
        self._waiting.discard(answer.id)
        if not self._waiting:
            self._link.confirm()
            self._ears.confirmed()
        return ()

    def beat(self) -> str:
        return encode({"time": self._venue_us() // SECOND_US, "channel": "spot.ping"}).decode()
