"""What is said on Binance Spot's connections: subscriptions to market data, and the user stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.json import Decoder, encode

from connectors.base.decoding import decode
from connectors.base.order_socket import OrderSocket
from connectors.base.stream import Link
from connectors.binance.listing import RateLimit
from connectors.binance.parse import MarketDataParser
from connectors.binance.private import AccountParser, Problem, Shutdown, Terminated, read_frame, read_problem
from connectors.binance.rest import Key
from connectors.binance.sheet import SUBSCRIBED
from engine.model.errors import BadMessage
from engine.model.event import Event

STREAMS_A_REQUEST = 200
SUBSCRIPTION, LOGON = 1, 2  # ids of these requests
SHUTDOWN = "!serverShutdown"
_COMBINED = b'{"stream":'
_SHUTDOWNS = (b'{"stream":"!serverShutdown"', b'{"e":"serverShutdown"')


class _Answer(Struct, gc=False):
    """To a request on a market stream."""

    id: int | None = None
    error: Problem | None = None


_ANSWER = Decoder(_Answer)


class MarketTalk:
    """Market data of the parser's symbols, and streams of no symbol (`more`); confirmed when the venue has answered to
    every subscription.
    """

    def __init__(
        self,
        parser: MarketDataParser,
        kinds: Sequence[str],
        on_confirmed: Callable[[], None],
        more: Sequence[str] = (),
        passed: Callable[[Sequence[Event]], Sequence[Event]] = lambda events: events,
    ) -> None:
        self._parser = parser
        self._passed = passed
        self._streams = [f"{symbol.lower()}@{kind}" for symbol in parser.symbols for kind in kinds] + list(more)
        self._on_confirmed = on_confirmed
        self._waiting: set[int] = set()
        self._link: Link

    def begin(self, link: Link) -> None:
        self._link = link
        for number, first in enumerate(range(0, len(self._streams), STREAMS_A_REQUEST)):
            names = self._streams[first : first + STREAMS_A_REQUEST]
            self._waiting.add(number)
            link.send(encode({"method": "SUBSCRIBE", "params": names, "id": number}).decode())

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        if frame.startswith(_SHUTDOWNS):
            self._link.retire("the venue announced a shutdown")
            return ()
        if frame.startswith(_COMBINED):
            return self._passed(self._parser.parse(frame, receive_us))
        answer = decode(_ANSWER, frame)
        if answer.error is not None:
            self._link.fail(f"a subscription was refused: {answer.error.code}")
        if answer.id is None:
            raise BadMessage("neither market data nor an answer")
        self._waiting.discard(answer.id)
        if answer.error is None and not self._waiting:
            self._link.confirm()
            self._on_confirmed()
        return ()

    def beat(self) -> str:
        return ""


class UserTalk:
    """The account's own events, and answers to orders that leave here. Nothing to renew: there is no listen key.

    `stamp_us` is the venue's time. `orders` None: they leave another way.
    """

    def __init__(
        self,
        key: Key,
        parser: AccountParser,
        stamp_us: Callable[[], int],
        on_refused: Callable[[str], None],
        orders: OrderSocket | None,
        note_limits: Callable[[Sequence[RateLimit]], None],
    ) -> None:
        self._key = key
        self._parser = parser
        self._stamp_us = stamp_us
        self._on_refused = on_refused
        self._orders = orders
        self._note_limits = note_limits
        self._waiting: set[int] = set()
        self._link: Link

    def begin(self, link: Link) -> None:
        self._link = link
        if self._orders is not None and self._key.logs_on:
            self._ask(LOGON, "session.logon")
        self._ask(SUBSCRIPTION, "userDataStream.subscribe.signature")

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        read = read_frame(frame)
        if read.event is not None:
            if isinstance(read.event, Terminated):
                self._link.fail("the venue ended the subscription")
            elif isinstance(read.event, Shutdown):
                self._link.retire("the venue announced a shutdown")
            return self._parser.events(read.event, receive_us)
        self._note_limits(read.limits)
        body = bytes(read.result if read.status == 200 else read.error)
        if isinstance(read.id, str) and self._orders is not None:
            self._orders.answered(read.id, read.status, body, receive_us)
        elif read.id in self._waiting:
            self._waiting.discard(read.id)
            self._answered(read.status, read_problem(body))
        else:
            raise BadMessage("neither an event nor our answer")
        return ()

    def beat(self) -> str:
        return ""

    def _ask(self, number: int, method: str) -> None:
        """For what needs a signature and nothing else."""
        self._waiting.add(number)
        params = self._key.parameters({}, self._stamp_us())
        self._link.send(encode({"id": number, "method": method, "params": params}).decode())

    def _answered(self, status: int, problem: Problem | None) -> None:
        """Confirmed when all that was asked for is granted."""
        if status == 200 or (problem is not None and problem.code == SUBSCRIBED):
            if not self._waiting:
                self._link.confirm()
                if self._orders is not None:
                    self._orders.open(self._link)
            return
        self._link.fail(f"not subscribed: {problem.code if problem else status}")
        if problem is not None:
            self._on_refused(str(problem.code))
