"""The WebSocket API: the operations of REST by other names, sessions, and private events."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import WSCloseCode

from connectors.simulated.server.calls import Call, Operation, Signed, perform
from connectors.simulated.server.credentials import Credential, Permission
from connectors.simulated.server.errors import (
    BAD_JSON,
    BAD_KEY,
    LOGON_NEEDS_ED25519,
    NO_SUCH_METHOD,
    NOT_LOGGED_ON,
    NOT_SUBSCRIBED,
    RETIRED,
    SUBSCRIBED,
    ApiError,
)
from connectors.simulated.server.hub import Event
from connectors.simulated.server.operations import BY_METHOD
from connectors.simulated.server.params import Parameters
from connectors.simulated.server.sockets import Connection
from connectors.simulated.server.values import Moment, TimeUnit, encode
from connectors.simulated.server.world import World

RETIRED_METHODS = ("userDataStream.start", "userDataStream.ping", "userDataStream.stop")
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=str)  # numbers are signed as they were written


class SocketSession:
    """One connection: at most one account logged on, subscriptions to any number."""

    def __init__(self, world: World, connection: Connection, address: str, unit: TimeUnit, rate_limits: bool) -> None:
        self._world = world
        self._connection = connection
        self._address = address
        self._unit = unit
        self._rate_limits = rate_limits
        self._connected_us = world.now_us
        self._authorized_us = 0
        self._credential: Credential | None = None
        self._subscriptions: dict[int, Credential] = {}
        self._next_subscription = 0
        user_stream = Permission.USER_STREAM
        self._operations = {
            "session.logon": Operation(self._logon, 2, Permission.USER_DATA),
            "session.status": Operation(self._status, 2),
            "session.logout": Operation(self._logout, 2),
            "session.subscriptions": Operation(self._list, 2),
            "userDataStream.subscribe": Operation(self._subscribe, 2),
            "userDataStream.subscribe.signature": Operation(self._subscribe_signed, 2, user_stream),
            "userDataStream.unsubscribe": Operation(self._unsubscribe, 2),
            **dict.fromkeys(RETIRED_METHODS, Operation(_retired, 2)),
        }

    def close(self) -> None:
        for credential in self._subscriptions.values():
            self._world.users.unsubscribe(credential.account.number, self)

    def hear_user(self, subscription: int, event: Event) -> None:
        self._connection.send(f'{{"subscriptionId":{subscription},"event":{event.text(self._unit)}}}')

    def request(self, text: str) -> None:
        """Answer a frame of the client, then let private events go."""
        self._world.advance()
        call = Call(Parameters({}))
        number: int | str | None = None
        try:
            message = _decode(text)
            number = _read_id(message)
            call.params, signed = _parameters(message.get("params") or {})
            operation = self._find(message)
            result = perform(self._world, operation, call, self._address, signed, self._session())
            answer: dict[str, Any] = {"id": number, "status": 200, "result": result}
        except ApiError as error:
            answer = {"id": number, "status": error.kind.status, "error": self._error(error)}
        if call.params.values.get("returnRateLimits", str(self._rate_limits)).lower() != "false":
            answer["rateLimits"] = self._limits(call)
        self._connection.answer(encode(answer, self._unit).decode())
        self._world.deliver()
        if self._is_revoked:
            self._connection.end(WSCloseCode.POLICY_VIOLATION, b"key revoked")

    def _find(self, message: dict[str, Any]) -> Operation[World]:
        method = message.get("method")
        if not isinstance(method, str):
            raise ApiError(BAD_JSON)
        name = method.removeprefix("v3/")
        operation = self._operations.get(name) or BY_METHOD.get(name)
        if operation is None:
            raise ApiError(NO_SUCH_METHOD, name)
        return operation

    def _session(self) -> Credential | None:
        """The key that is logged on."""
        if self._is_revoked:
            raise ApiError(BAD_KEY)
        return self._credential

    @property
    def _is_revoked(self) -> bool:
        """Whether the key that is logged on is no longer valid."""
        return self._credential is not None and not self._world.keys.holds(self._credential)

    def _error(self, error: ApiError) -> dict[str, Any]:
        body = error.body()
        if error.retry_after_us:
            now, later = Moment(self._world.now_us), Moment(error.retry_after_us)
            body["data"] = {"serverTime": now, "retryAfter": later}
        return body

    def _limits(self, call: Call) -> list[dict[str, Any]]:
        now_us = self._world.now_us
        weight = self._world.address(self._address).weight.at(now_us)
        rows = [
            row | {"count": weight} for row in self._world.limits.rows() if row["rateLimitType"] == "REQUEST_WEIGHT"
        ]
        if call.placed:
            rows += self._world.order_count(call.account).rows(now_us)
        return rows

    # --- the session's own operations

    def _logon(self, world: World, call: Call) -> Any:
        assert call.credential is not None
        if not call.credential.logs_on:
            raise ApiError(LOGON_NEEDS_ED25519)
        self._credential, self._authorized_us = call.credential, world.now_us
        return self._status(world, call)

    def _status(self, world: World, call: Call) -> Any:
        known = self._credential is not None
        return {
            "apiKey": self._credential.key if self._credential else None,
            "authorizedSince": Moment(self._authorized_us) if known else None,
            "connectedSince": Moment(self._connected_us),
            "returnRateLimits": self._rate_limits,
            "serverTime": Moment(world.now_us),
            "userDataStream": bool(self._subscriptions),
        }

    def _logout(self, world: World, call: Call) -> Any:
        for number, credential in list(self._subscriptions.items()):
            if credential is self._credential:
                self._end_subscription(number)
        self._credential = None
        return self._status(world, call)

    def _list(self, world: World, call: Call) -> Any:
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _subscribe(self, world: World, call: Call) -> Any:
        if self._credential is None:
            raise ApiError(NOT_LOGGED_ON)
        return self._begin_subscription(self._credential)

    def _subscribe_signed(self, world: World, call: Call) -> Any:
        assert call.credential is not None
        return self._begin_subscription(call.credential)

    def _begin_subscription(self, credential: Credential) -> Any:
        number = self._next_subscription
        if not self._world.users.subscribe(credential.account.number, self, number):
            raise ApiError(SUBSCRIBED)
        self._next_subscription += 1
        self._subscriptions[number] = credential
        return {"subscriptionId": number}

    def _unsubscribe(self, world: World, call: Call) -> Any:
        number = call.params.integer("subscriptionId")
        numbers = list(self._subscriptions) if number is None else [number]
        if not numbers or any(each not in self._subscriptions for each in numbers):
            raise ApiError(NOT_SUBSCRIBED)
        for each in numbers:
            self._end_subscription(each)
        return {}

    def _end_subscription(self, number: int) -> None:
        credential = self._subscriptions.pop(number)
        self._world.users.unsubscribe(credential.account.number, self)
        self.hear_user(number, Event({"e": "eventStreamTerminated", "E": Moment(self._world.now_us)}))


def _retired(world: World, call: Call) -> Any:
    raise ApiError(RETIRED)


def _decode(text: str) -> dict[str, Any]:
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        raise ApiError(BAD_JSON) from None


def _read_id(message: dict[str, Any]) -> int | str | None:
    number = message.get("id")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int | str)):
        raise ApiError(BAD_JSON)
    return number


def _parameters(params: Any) -> tuple[Parameters, Signed]:
    """The parameters as texts, and what was signed: all but the signature, by name."""
    if not isinstance(params, dict):
        raise ApiError(BAD_JSON)
    values = {str(name): _text(value) for name, value in params.items()}
    signature = values.pop("signature", "")
    signed = "&".join(f"{name}={value}" for name, value in sorted(values.items()))
    return Parameters(values), Signed(values.get("apiKey", ""), signed.encode("utf-8", "surrogatepass"), signature)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
