"""Public streams: raw or combined frames, and the requests that change what a connection hears."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from connectors.simulated.server.hub import Event
from connectors.simulated.server.reception import Reception
from connectors.simulated.server.sockets import Connection
from connectors.simulated.server.values import TimeUnit

ID_TEXT = re.compile(r"^[a-zA-Z0-9_-]{1,36}$")
PROPERTY, VALUE, REQUEST, JSON = range(4)
ERRORS = {
    PROPERTY: "Unknown property",
    VALUE: "Invalid value type: expected {}",
    REQUEST: "Invalid request: {}",
    JSON: "Invalid JSON: expected an object",
}


class StreamError(Exception):
    """Answered with its code and text; the connection stays."""

    def __init__(self, code: int, value: str = "") -> None:
        super().__init__(ERRORS[code].format(value))
        self.code = code


class StreamSession:
    """One connection's subscriptions, in the order in which they were made."""

    def __init__(self, world: Reception, connection: Connection, combined: bool, unit: TimeUnit) -> None:
        self._world = world
        self._connection = connection
        self._combined = combined
        self._unit = unit
        self._streams: dict[str, None] = {}
        self._methods = {
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "LIST_SUBSCRIPTIONS": lambda params: list(self._streams),
            "SET_PROPERTY": self._set_property,
            "GET_PROPERTY": self._get_property,
        }

    def subscribe(self, streams: list[str]) -> None:
        """Also to names of streams that do not exist: those stay silent."""
        for stream in streams:
            self._streams[stream] = None
            self._world.hub.subscribe(stream, self)

    def close(self) -> None:
        for stream in self._streams:
            self._world.hub.unsubscribe(stream, self)

    def hear(self, stream: str, event: Event) -> None:
        text = event.text(self._unit)
        self._connection.send(f'{{"stream":"{stream}","data":{text}}}' if self._combined else text)

    def request(self, text: str) -> None:
        """Answer a frame of the client."""
        number: Any = None
        answer: dict[str, Any]
        try:
            message = _decode(text)
            number = _read_id(message)
            answer = {"result": self._obey(message), "id": number}
        except StreamError as error:
            answer = {"error": {"code": error.code, "msg": str(error)}, "id": number}
        self._connection.answer(msgspec.json.encode(answer).decode())

    def _obey(self, message: dict[str, Any]) -> Any:
        method = self._methods.get(str(message.get("method")))
        if method is None:
            raise StreamError(REQUEST, f"unknown method {message.get('method')}")
        params = message.get("params", [])
        if not isinstance(params, list):
            raise StreamError(REQUEST, "params must be an array")
        return method(params)

    def _subscribe(self, params: list[Any]) -> None:
        names = _names(params)
        if len(self._streams.keys() | set(names)) > self._world.limits.streams:
            raise StreamError(REQUEST, f"more than {self._world.limits.streams} streams")
        self.subscribe(names)

    def _unsubscribe(self, params: list[Any]) -> None:
        for stream in _names(params):
            self._streams.pop(stream, None)
            self._world.hub.unsubscribe(stream, self)

    def _set_property(self, params: list[Any]) -> None:
        if len(params) != 2 or params[0] != "combined":
            raise StreamError(PROPERTY)
        if not isinstance(params[1], bool):
            raise StreamError(VALUE, "Boolean")
        self._combined = params[1]

    def _get_property(self, params: list[Any]) -> bool:
        if params != ["combined"]:
            raise StreamError(PROPERTY)
        return self._combined


def _decode(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise StreamError(JSON) from None


def _read_id(message: dict[str, Any]) -> int | str | None:
    number = message.get("id")
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return number
    if isinstance(number, str) and ID_TEXT.match(number):
        return number
    raise StreamError(REQUEST, "id must be an integer, a short text or null")


def _names(params: list[Any]) -> list[str]:
    if not params or not all(isinstance(name, str) for name in params):
        raise StreamError(REQUEST, "params must name streams")
    return params
