"""One WebSocket connection: subscriptions, public and signed, and orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.simulated.server.gate import futures_orders, futures_questions, orders, questions
from connectors.simulated.server.gate.board import INTERVALS, OBU_DEPTHS, Board
from connectors.simulated.server.gate.errors import BAD_BODY, BAD_PAIR, BAD_VALUE, NOT_LOGGED_IN, GateError
from connectors.simulated.server.gate.keys import Key
from connectors.simulated.server.gate.rest import FUTURES, charge, check_expiry, decode, encode
from connectors.simulated.server.gate.values import Fields, milliseconds, seconds
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.server.hub import Event
from connectors.simulated.server.sockets import Connection
from connectors.simulated.server.values import TimeUnit
from connectors.simulated.venue_order import Account

MARKETS_OF = ("trades", "tickers", "book_ticker")  # their payload is a list of markets
PRIVATE: Mapping[str, tuple[str, ...]] = {
    "spot": ("orders", "usertrades", "balances"),
    "futures": ("orders", "usertrades", "balances", "positions"),
}
ALL = "!all"
BOOK_SPEEDS = ("20ms", "100ms")
SUBSCRIBE_ERROR, SIGN_ERROR = 2, 4
Call = Callable[[GateWorld, Account, Fields], Any]


CALLS: dict[str, tuple[str, Call]] = {
    "spot.order_place": ("POST", orders.place),
    "spot.order_cancel": ("DELETE", orders.cancel),
    "spot.order_cancel_cp": ("DELETE", orders.cancel_all),
    "spot.order_amend": ("PATCH", orders.amend),
    "spot.order_status": ("GET", orders.lookup),
    "spot.order_list": ("GET", questions.orders),
    "futures.order_place": ("POST", futures_orders.place),
    "futures.order_cancel": ("DELETE", futures_orders.cancel),
    "futures.order_cancel_cp": ("DELETE", futures_orders.cancel_all),
    "futures.order_amend": ("PUT", futures_orders.amend),
    "futures.order_status": ("GET", futures_orders.lookup),
    "futures.order_list": ("GET", futures_questions.orders),
}


class Session:
    """What one connection to a section (spot or futures) hears, and whose orders it may give."""

    def __init__(self, world: GateWorld, connection: Connection, section: str) -> None:
        self._section = section
        self._boards: Mapping[str, Board] = world.boards if section == "spot" else world.contracts
        self._world = world
        self._connection = connection
        self._streams: dict[str, None] = {}
        self._key: Key | None = None

    def close(self) -> None:
        for stream in self._streams:
            self._world.hub.unsubscribe(stream, self)

    def hear(self, stream: str, event: Event) -> None:
        self._connection.send(event.text(TimeUnit.MILLISECOND))

    def request(self, text: str) -> None:
        """Answer a frame of the client, then let private news go."""
        self._world.advance()
        try:
            message = decode(text)
        except (ValueError, RecursionError):
            self._say({"error": {"code": 1, "message": "invalid JSON"}})
            return
        channel, event = str(message.get("channel")), message.get("event")
        if channel == f"{self._section}.ping":
            self._say(self._header(f"{self._section}.pong", "", message) | {"result": None})
        elif event == "api":
            self._api(channel, message)
        elif event in ("subscribe", "unsubscribe"):
            self._subscribe(channel, event, message)
        else:
            self._say(self._header(channel, str(event), message) | _failure(1, f"unknown event {event}"))
        self._world.commit()
        self._world.deliver()

    def _say(self, answer: dict[str, Any]) -> None:
        self._connection.answer(encode(answer).decode())

    def _header(self, channel: str, event: str, message: dict[str, Any]) -> dict[str, Any]:
        now_us = self._world.now_us
        return {
            "time": seconds(now_us),
            "time_ms": milliseconds(now_us),
            "id": message.get("id"),
            "channel": channel,
            "event": event,
        }

    # --- subscriptions

    def _subscribe(self, channel: str, event: str, message: dict[str, Any]) -> None:
        payload = message.get("payload") or []
        answer = self._header(channel, event, message) | {"payload": payload}
        try:
            streams = self._streams_of(channel, payload, message)
        except GateError as error:
            is_ours = error.kind in (BAD_PAIR, BAD_VALUE)
            text = str(error) if is_ours else encode(error.body()).decode()
            self._say(answer | _failure(SUBSCRIBE_ERROR if is_ours else SIGN_ERROR, text))
            return
        self._say(answer | {"result": {"status": "success"}})
        for stream in streams:
            if event == "unsubscribe":
                self._streams.pop(stream, None)
                self._world.hub.unsubscribe(stream, self)
                continue
            self._streams[stream] = None
            self._world.hub.subscribe(stream, self)
            if channel.endswith(".obu"):
                _, pair, depth = stream.rsplit(" ", 1)[1].split(".")
                self._say(self._boards[pair].full_book(depth, self._world.now_us))

    def _streams_of(self, channel: str, payload: Any, message: dict[str, Any]) -> list[str]:
        """The names of what is asked for."""
        if not isinstance(payload, list) or not all(isinstance(each, str | int) for each in payload):
            raise GateError(BAD_VALUE, "payload must be a list of texts")
        section, _, kind = channel.partition(".")
        names = [str(each) for each in payload]
        if section != self._section:
            raise GateError(BAD_VALUE, f"unknown channel: {channel}")
        if kind in PRIVATE[section]:
            return [self._private(channel, names, self._owner(channel, message).account.number)]
        if kind in MARKETS_OF and names:
            return [f"{channel} {self._pair(pair)}" for pair in names]
        if kind == "order_book_update" and len(names) in (2, 3) and names[1] in BOOK_SPEEDS:
            return [f"{channel} {self._pair(names[0])}"]
        if kind == "candlesticks" and len(names) == 2 and names[0] in INTERVALS:
            return [f"{channel} {names[0]} {self._pair(names[1])}"]
        if kind == "obu" and names:
            return [f"{channel} {self._book(name)}" for name in names]
        raise GateError(BAD_VALUE, f"unknown channel or payload: {channel}")

    def _private(self, channel: str, names: list[str], number: int) -> str:
        """For perpetuals the payload begins with the user, and may name a contract."""
        if self._section == "spot":
            return f"{channel} {number}"
        if names[:1] != [str(number)]:
            raise GateError(BAD_VALUE, "payload must begin with the user id of the key")
        contract = names[1] if len(names) > 1 else ALL
        return f"{channel} {number}" if contract == ALL else f"{channel} {number} {self._pair(contract)}"

    def _pair(self, pair: str) -> str:
        if pair not in self._boards:
            raise GateError(BAD_PAIR, f"unknown currency pair: {pair}")
        return pair

    def _book(self, name: str) -> str:
        parts = name.split(".")
        if len(parts) != 3 or parts[0] != "ob" or parts[2] not in OBU_DEPTHS:
            raise GateError(BAD_VALUE, f"unknown book: {name}")
        self._pair(parts[1])
        return name

    def _owner(self, channel: str, message: dict[str, Any]) -> Key:
        """Whose private channel it is: each subscription is signed by itself."""
        auth, stamp = message.get("auth"), str(message.get("time"))
        if not isinstance(auth, dict):
            raise GateError(NOT_LOGGED_IN)
        text = f"channel={channel}&event={message.get('event')}&time={stamp}"
        fields = Fields(auth)
        return self._world.keys.check(fields.text("KEY"), text, fields.text("SIGN"), stamp, self._world.now_us)

    # --- orders

    def _api(self, channel: str, message: dict[str, Any]) -> None:
        payload = message.get("payload")
        fields = Fields(payload if isinstance(payload, dict) else {})
        answer: dict[str, Any] = {"request_id": str(fields.values.get("req_id", ""))}
        status, data, limits = 200, {}, {}
        try:
            if channel == f"{self._section}.login":
                data = {"result": self._login(channel, fields)}
            else:
                account, call, params = self._call(channel, fields)
                path = "spot/orders" if self._section == "spot" else f"{FUTURES}/orders"
                limits = charge(self._world, account, CALLS[channel][0], path, params)
                asked = {name: fields.values.get(name) for name in ("req_id", "req_header", "req_param")}
                header = self._api_header(channel, 200, limits)
                self._say(answer | {"ack": True, "header": header, "data": {"result": asked}})
                data = {"result": call(self._world, account, params)}
        except GateError as error:
            status, data = error.kind.status, {"errs": error.body()}
        self._say(answer | {"ack": False, "header": self._api_header(channel, status, limits), "data": data})

    def _api_header(self, channel: str, status: int, limits: Mapping[str, str]) -> dict[str, Any]:
        return {
            "response_time": str(milliseconds(self._world.now_us)),
            "status": str(status),
            "channel": channel,
            "event": "api",
            "client_id": "-",
            "x_in_time": self._world.now_us,
            "x_out_time": self._world.now_us,
        } | {name.lower().replace("-", "_"): int(value) for name, value in limits.items()}

    def _login(self, channel: str, fields: Fields) -> dict[str, Any]:
        params, stamp = fields.values.get("req_param"), fields.text("timestamp")
        text = "\n".join(("api", channel, encode(params).decode() if params is not None else "", stamp))
        self._key = self._world.keys.check(
            fields.text("api_key"), text, fields.text("signature"), stamp, self._world.now_us
        )
        return {"api_key": self._key.name, "uid": str(self._key.account.number)}

    def _call(self, channel: str, fields: Fields) -> tuple[Account, Call, Fields]:
        """For whom what is to be done, and with what."""
        params, header = fields.values.get("req_param"), fields.values.get("req_header")
        if channel not in CALLS or not channel.startswith(self._section) or not isinstance(params, dict):
            raise GateError(BAD_BODY, f"unknown channel or no req_param: {channel}")
        if self._key is None:
            raise GateError(NOT_LOGGED_IN)
        if isinstance(header, dict):
            check_expiry(self._world, Fields(header).text("x-gate-exptime"))
        return self._key.account, CALLS[channel][1], Fields(params)


def _failure(code: int, text: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": text}, "result": {"status": "fail"}}
