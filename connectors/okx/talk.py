"""What is said on OKX's sockets: log-in, subscriptions, signs of life, and what the pushes mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import msgspec

from connectors.base.credentials import without_secrets
from connectors.base.order_socket import OrderSocket
from connectors.base.stream import Link
from connectors.okx.keys import Keys
from connectors.okx.parse import MarketDataParser
from connectors.okx.wire import Arg, Frame, read_frame
from engine.model.enums import Channel, Health
from engine.model.errors import BadMessage
from engine.model.event import ConnectorStatus, Event
from engine.model.market import BookSnapshot, PublicTrade

OK = "0"
GOING_AWAY = "64008"  # the connection will be closed in a minute
BOOK_CHANNEL = "books"
ANSWERED = 200  # frames have no status
_encode = msgspec.json.Encoder().encode


class Talk(ABC):
    """One connection, from log-in to the last push. `args` are what is subscribed to."""

    def __init__(self, args: Sequence[Arg]) -> None:
        self.link: Link
        self.args = args
        self._unconfirmed = {(arg.channel, arg.inst_id) for arg in args}

    def begin(self, link: Link) -> None:
        self.link = link
        self.say("subscribe", self.args)

    def beat(self) -> str:
        return "ping"

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        if frame == b"pong":
            return ()
        message = read_frame(frame)
        if message.id:
            self.answer(message.id, frame, receive_us)
            return ()
        if not message.event:
            return self.push(message, receive_us)
        self.note(message)
        return self.settle(receive_us)

    def say(self, operation: str, args: object) -> None:
        self.link.send(_encode({"op": operation, "args": args}).decode())

    def note(self, message: Frame) -> None:
        """What is no push. Raises BadMessage about an error; before all is confirmed the connection is given up."""
        if message.event == "subscribe" and message.arg is not None:
            self._unconfirmed.discard((message.arg.channel, message.arg.inst_id))
        elif message.event == "notice" and message.code == GOING_AWAY:
            self.link.retire("OKX restarts")
        elif message.event == "error":
            text = f"{message.code[:20]}: {without_secrets(message.msg)[:150]}"
            if not self.is_complete:
                self.link.fail(f"refused: {text}")
            raise BadMessage(text)

    def settle(self, receive_us: int) -> Sequence[Event]:
        """Confirm when nothing is missing any more."""
        if self.is_complete:
            self.link.confirm()
        return ()

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for is there."""
        return not self._unconfirmed

    def answer(self, number: str, frame: bytes, receive_us: int) -> None:
        """To a request about an order. Raises BadMessage."""
        raise BadMessage(f"nothing was asked here: {number[:20]!r}")

    @abstractmethod
    def push(self, message: Frame, receive_us: int) -> Sequence[Event]:
        """What a push means. Raises BadMessage."""


class MarketTalk(Talk):
    """Books, trades, mark prices and rates of funding. Nothing is told before every book is there, and nothing after a
    successor has taken over.

    Of two connections a book could take updates of one for a gap in the other. A successor therefore starts its books
    anew: they are broken and whole again within one batch of events, which no tick comes between.
    """

    def __init__(
        self, venue: str, parser: MarketDataParser, args: Sequence[Arg], takes_over: Callable[[MarketTalk], bool]
    ) -> None:
        super().__init__(args)
        self.is_over = False
        self._venue = venue
        self._parser = parser
        self._takes_over = takes_over
        self._symbols = {name: symbol for symbol, name in parser.symbols.items()}
        self._bookless = {parser.symbols[arg.inst_id] for arg in args if arg.channel == BOOK_CHANNEL}
        self._held: list[Event] | None = []  # until every book is there; trades were missed anyway

    def resync(self, instrument_id: str) -> None:
        """Subscribe to a book again: that brings a snapshot."""
        args = [Arg(BOOK_CHANNEL, self._symbols[instrument_id])]
        self.say("unsubscribe", args)
        self.say("subscribe", args)

    @property
    def is_complete(self) -> bool:
        return super().is_complete and not self._bookless

    def push(self, message: Frame, receive_us: int) -> Sequence[Event]:
        events = () if self.is_over else self._parser.push(message, receive_us)
        if self._held is None:
            return events
        for event in events:
            if not isinstance(event, PublicTrade):
                self._held.append(event)
            if isinstance(event, BookSnapshot):
                self._bookless.discard(event.instrument_id)
        return self.settle(receive_us)

    def settle(self, receive_us: int) -> Sequence[Event]:
        """Confirm when every book is there too, and tell of them."""
        if self._held is None or not self.is_complete:
            return ()
        held, self._held = self._held, None
        self.link.confirm()
        return [*self._anew(receive_us), *held] if self._takes_over(self) else held

    def _anew(self, receive_us: int) -> list[Event]:
        return [
            ConnectorStatus(self._venue, Channel.MARKET, health, "another connection", receive_us, instrument_id)
            for instrument_id in self._parser.symbols.values()
            for health in (Health.DOWN, Health.HEALTHY)
        ]


class AccountTalk(Talk):
    """The account's news, which `read` understands; `venue_us` is OKX's clock, `refused` hears of a log-in that fails.

    Requests about orders leave here too if there is a `socket` for them.
    """

    def __init__(
        self,
        read: Callable[[Frame, int], Sequence[Event]],
        args: Sequence[Arg],
        keys: Keys,
        venue_us: Callable[[], int],
        refused: Callable[[], None],
        socket: OrderSocket | None,
    ) -> None:
        super().__init__(args)
        self._is_open = False
        self._read = read
        self._keys = keys
        self._venue_us = venue_us
        self._refused = refused
        self._socket = socket

    def begin(self, link: Link) -> None:
        self.link = link
        self.say("login", [self._keys.login(self._venue_us())])

    def note(self, message: Frame) -> None:
        if message.event == "login" and message.code == OK:
            self.say("subscribe", self.args)
            return
        if message.event == "error" and not self.is_complete:
            self._refused()
        super().note(message)

    def settle(self, receive_us: int) -> Sequence[Event]:
        if self.is_complete and not self._is_open and self._socket is not None:
            self._is_open = True
            self._socket.open(self.link)
        return super().settle(receive_us)

    def answer(self, number: str, frame: bytes, receive_us: int) -> None:
        if self._socket is None or not self._socket.answered(number, ANSWERED, frame, receive_us):
            raise BadMessage(f"an answer that nobody waits for: {number[:20]!r}")

    def push(self, message: Frame, receive_us: int) -> Sequence[Event]:
        return self._read(message, receive_us)
