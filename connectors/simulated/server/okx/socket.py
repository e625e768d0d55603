"""One WebSocket: log-in, subscriptions, orders; pushes of what was subscribed to."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.simulated.server.hub import Event
from connectors.simulated.server.okx import rest
from connectors.simulated.server.okx.board import BARS
from connectors.simulated.server.okx.errors import (
    BAD_CHANNEL,
    BAD_REQUEST,
    NOT_LOGGED_IN,
    OkxError,
)
from connectors.simulated.server.okx.margin import positions
from connectors.simulated.server.okx.rest import encode
from connectors.simulated.server.okx.values import Fields
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.server.sockets import Connection
from connectors.simulated.server.values import TimeUnit
from connectors.simulated.venue_order import Account

CHANNELS = {
    "public": ("books", "books5", "bbo-tbt", "trades", "tickers", "mark-price", "funding-rate"),
    "business": tuple(f"candle{word}" for word in BARS),
    "private": ("orders", "account", "positions"),
}
ORDERS = {  # over REST they have other names, but the same limits
    "order": "trade/order",
    "batch-orders": "trade/batch-orders",
    "cancel-order": "trade/cancel-order",
    "batch-cancel-orders": "trade/cancel-batch-orders",
    "amend-order": "trade/amend-order",
    "batch-amend-orders": "trade/amend-batch-orders",
}
GOING_AWAY = "64008"
Message = dict[str, Any]


class Session:
    """One connection to `kind`: public, business or private."""

    def __init__(self, world: OkxWorld, connection: Connection, kind: str) -> None:
        self._world = world
        self._connection = connection
        self._kind = kind
        self._account: Account | None = None
        self._streams: dict[str, None] = {}
        self._private: list[Message] = []  # subscribed to, as the client said it

    def close(self) -> None:
        for stream in self._streams:
            self._world.hub.unsubscribe(stream, self)
        if self._account is not None:
            self._world.users.unsubscribe(self._account.number, self)

    def hear(self, stream: str, event: Event) -> None:
        self._connection.send(event.text(TimeUnit.MILLISECOND))

    def hear_user(self, subscription: int, event: Event) -> None:
        channel, row = event.payload
        for arg in self._private:
            if arg["channel"] == channel and _is_meant(arg, row):
                self._push({"arg": arg | {"uid": str(self._number)}, "data": [row]})

    def announce(self) -> None:
        """The connection will be closed soon."""
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        self._push({"event": "notice", "code": GOING_AWAY, "msg": text, "connId": "0"})

    def request(self, text: str) -> None:
        """Answer a frame of the client, and only then let private news go."""
        if text == "ping":
            self._connection.answer("pong")
            return
        self._world.advance()
        message: Message = {}
        try:
            message = _decode(text)
            self._obey(message)
        except OkxError as error:
            told = {"event": "error", "code": error.kind.code, "msg": str(error), "connId": "0"}
            number = message.get("id")
            self._answer(told | ({"id": number} if isinstance(number, str) else {}))
        self._world.deliver()

    @property
    def _number(self) -> int:
        return 0 if self._account is None else self._account.number

    def _obey(self, message: Message) -> None:
        operation, args = message.get("op"), message.get("args")
        if not isinstance(args, list) or not all(isinstance(each, dict) for each in args) or not args:
            raise OkxError(BAD_REQUEST, "args")
        if operation == "login":
            self._login(Fields(args[0]))
        elif operation in ("subscribe", "unsubscribe"):
            for arg in args:
                self._subscribe(arg) if operation == "subscribe" else self._unsubscribe(arg)
        elif operation in ORDERS and self._kind == "private":
            self._order(self._trader(), operation, [Fields(each) for each in args], Fields(message))
        else:
            raise OkxError(BAD_REQUEST, "op")

    def _trader(self) -> Account:
        if self._account is None:
            raise OkxError(NOT_LOGGED_IN)
        return self._account

    def _order(self, account: Account, operation: str, sent: list[Fields], fields: Fields) -> None:
        arrived = str(self._world.now_us)
        try:
            what = rest.ORDERS[ORDERS[operation]]
            answer = rest.carry_out(self._world, account, sent, what, fields.whole("expTime")) | {"msg": ""}
        except OkxError as error:
            answer = rest.envelope(error.kind.code, str(error), [])
        times = {"inTime": arrived, "outTime": str(self._world.now_us)}
        self._answer({"id": fields.text("id"), "op": operation, **answer, **times})

    def _login(self, fields: Fields) -> None:
        account = self._world.keys.of_login(fields, self._world.now_us)
        if self._account is None:
            self._account = account
            self._world.users.subscribe(account.number, self, 0)
        self._answer({"event": "login", "code": "0", "msg": "", "connId": "0"})

    def _subscribe(self, arg: Message) -> None:
        channel = self._channel(arg)
        confirmation = {"event": "subscribe", "arg": arg, "connId": "0"}
        if self._kind == "private":
            account = self._trader()
            if arg not in self._private:
                self._private.append(arg)
            self._answer(confirmation)
            if channel == "account":
                held = [each.asset for each in self._world.exchange.balances(account)]
                self._answer({"arg": arg, "data": [self._world.balances(account, held)]})
            elif channel == "positions":
                rows = positions(self._world, account, Fields({}))
                snapshot = {"arg": arg, "eventType": "snapshot", "curPage": 1, "lastPage": True}
                self._answer(snapshot | {"data": [row for row in rows if _is_meant(arg, row)]})
            return
        board = self._world.board(Fields(arg).need("instId"))
        stream = f"{channel} {board.name}"
        self._streams[stream] = None
        self._world.hub.subscribe(stream, self)
        self._answer(confirmation)
        first = board.first(channel, self._world.now_us)
        if first is not None:
            self._answer(first)

    def _unsubscribe(self, arg: Message) -> None:
        channel = self._channel(arg)
        if self._kind == "private":
            self._private = [each for each in self._private if each != arg]
        else:
            stream = f"{channel} {Fields(arg).text('instId')}"
            self._streams.pop(stream, None)
            self._world.hub.unsubscribe(stream, self)
        self._answer({"event": "unsubscribe", "arg": arg, "connId": "0"})

    def _channel(self, arg: Message) -> str:
        channel = Fields(arg).text("channel")
        if channel not in CHANNELS[self._kind]:
            raise OkxError(BAD_CHANNEL, channel)
        return channel

    def _answer(self, message: Message) -> None:
        self._connection.answer(encode(message).decode())

    def _push(self, message: Message) -> None:
        self._connection.send(encode(message).decode())


def _is_meant(arg: Message, row: Message) -> bool:
    """Whether a subscription is for this row: instrument and type, as far as both say them."""
    kind, symbol = arg.get("instType", "ANY"), arg.get("instId", "")
    return symbol in ("", row.get("instId", symbol)) and kind in ("ANY", row.get("instType", kind))


def _decode(text: str) -> Message:
    try:
        return msgspec.json.decode(text, type=Message)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise OkxError(BAD_REQUEST, "no JSON object") from None
