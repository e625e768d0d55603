"""What is said on Gate's connections: subscriptions to market data, the account's own channels, orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Raw, Struct, field
from msgspec.json import Decoder, encode

from connectors.base.decoding import decode
from connectors.base.order_socket import OrderSocket
from connectors.base.stream import Link
from connectors.gate.keys import Key
from connectors.gate.parse import channel_of
from connectors.gate.parse_account import parse_problem
from connectors.gate.sheet import Section
from engine.core.venue_sheet import SECOND_US
from engine.model.errors import BadMessage
from engine.model.event import Event

RESET = "X-Gate-RateLimit-Reset-Timestamp"  # s
LOGIN = 0  # the number of the log-in; subscriptions and orders count from 1


class _Problem(Struct, gc=False):
    code: int
    message: str = ""


class _Answer(Struct, gc=False):
    """To a subscription; an update has another event."""

    event: str = ""
    id: int | None = None
    error: _Problem | None = None


class _Header(Struct, gc=False):
    status: str
    reset_ms: int = field(name="x_gat_ratelimit_reset_timestamp", default=0)  # so it is written


class _Data(Struct, gc=False):
    result: Raw = Raw(b"")
    errs: Raw = Raw(b"")


class _OrderAnswer(Struct, gc=False):
    """To a request about an order, or to the log-in. `ack`: only that it has arrived."""

    request_id: str
    header: _Header
    data: _Data
    ack: bool = False


_ANSWER = Decoder(_Answer)
_ORDER_ANSWER = Decoder(_OrderAnswer)


Frames = list[dict[str, Any]]


def market_frames(section: Section, symbols: Sequence[str], stamp_us: int) -> Frames:
    """Books and trades of these markets."""
    time, books = {"time": stamp_us // SECOND_US}, f"{section.name}.order_book_update"
    frames: Frames = [time | {"channel": books, "payload": [name, "100ms"]} for name in symbols]
    return frames + [time | {"channel": f"{section.name}.{each}", "payload": list(symbols)} for each in section.public]


def account_frames(section: Section, key: Key, stamp_us: int) -> Frames:
    """What is told of the key's account."""
    channels = [f"{section.name}.{each}" for each in section.private]
    return [key.subscription(each, stamp_us) | {"channel": each, "payload": section.everything} for each in channels]


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what: `read` understands updates, `confirmed` and `refused` hear what became of the subscriptions."""

    read: Callable[[bytes, int], Sequence[Event]]
    confirmed: Callable[[], None]
    refused: Callable[[str], None]


class Talk:
    """Subscriptions on one connection, confirmed when the venue has answered to every one of them."""

    def __init__(
        self, section: Section, frames: Callable[[int], Frames], venue_us: Callable[[], int], ears: Ears
    ) -> None:
        self._section = section
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
        if channel_of(frame) == f"{self._section.name}.pong":
            return ()
        if answer.error is not None:
            self._link.fail("a subscription was refused")
            self._ears.refused(answer.error.message)
            raise BadMessage(f"subscription refused: {answer.error.message}")
        if answer.id not in self._waiting:
            raise BadMessage("neither an update nor an answer to a subscription")
        self._settle(answer.id)
        return ()

    def beat(self) -> str:
        return encode({"time": self._venue_us() // SECOND_US, "channel": f"{self._section.name}.ping"}).decode()

    def _settle(self, number: int) -> None:
        self._waiting.discard(number)
        if not self._waiting:
            self._link.confirm()
            self._ears.confirmed()


class OrderTalk(Talk):
    """The account's channels, and a log-in after which orders leave here."""

    def __init__(
        self, section: Section, key: Key, venue_us: Callable[[], int], ears: Ears, socket: OrderSocket
    ) -> None:
        super().__init__(section, lambda stamp_us: account_frames(section, key, stamp_us), venue_us, ears)
        self._key = key
        self._socket = socket

    def begin(self, link: Link) -> None:
        super().begin(link)
        self._waiting.add(LOGIN)
        stamp_us, channel = self._venue_us(), f"{self._section.name}.login"
        payload = self._key.login(channel, stamp_us) | {"req_id": str(LOGIN)}
        link.send(encode(order_frame(channel, payload, stamp_us)).decode())

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        if b'"request_id"' not in frame:
            return super().take(frame, receive_us)
        answer = decode(_ORDER_ANSWER, frame)
        status, body = answer.header.status, bytes(answer.data.errs) or bytes(answer.data.result)
        if answer.ack:
            return ()
        if answer.request_id == str(LOGIN):
            self._logged_in(status, body)
            return ()
        headers = {RESET: str(answer.header.reset_ms // 1_000)}
        if not status.isdecimal() or not self._socket.answered(
            answer.request_id, int(status), body, receive_us, headers
        ):
            raise BadMessage(f"an answer that nobody waits for: {answer.request_id[:20]!r}")
        return ()

    def _logged_in(self, status: str, body: bytes) -> None:
        if status != "200":
            label, message = parse_problem(body)
            self._link.fail("the log-in was refused")
            self._ears.refused(f"{label} {message}")
            raise BadMessage(f"log-in refused: {label} {message}")
        self._socket.open(self._link)
        self._settle(LOGIN)


def order_frame(channel: str, payload: dict[str, Any], stamp_us: int) -> dict[str, Any]:
    """A request about an order, or the log-in before it."""
    return {"time": stamp_us // SECOND_US, "channel": channel, "event": "api", "payload": payload}
