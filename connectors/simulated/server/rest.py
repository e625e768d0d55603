"""Requests over HTTP: what was sent, as it was sent, and the answer with its headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic
from urllib.parse import parse_qsl

from aiohttp import web

from connectors.simulated.server.calls import Call, Operation, Signed, W, perform
from connectors.simulated.server.errors import BAD_TIME_UNIT, NO_SUCH_PATH, REPEATED, ApiError
from connectors.simulated.server.operations import BY_PATH
from connectors.simulated.server.params import Parameters
from connectors.simulated.server.stubs import STUBS
from connectors.simulated.server.values import SECOND_US, TimeUnit, encode
from connectors.simulated.server.world import World

PREFIX = "/api/v3/"
CONTENT_TYPE = "application/json;charset=UTF-8"
FORM = "application/x-www-form-urlencoded"
SIGNATURE = re.compile(r"(^|&)signature=[^&]*")
COMPRESS_FROM = 1024  # bytes


class Rest(Generic[W]):
    """The handler of every HTTP request. `find` knows the operations by method and path, or raises ApiError.

    `second_count` is the interval of the longer count of orders, as headers name it.
    """

    def __init__(self, world: W, find: Callable[[str, str], Operation[W]], second_count: str = "1D") -> None:
        self._world = world
        self._find = find
        self._second_count = second_count

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer, and only then let private events go."""
        text = (await request.read()).decode("utf-8", "surrogateescape")
        self._world.advance()
        response = self._answer(request, text if request.content_type == FORM and request.method != "GET" else "")
        try:
            await self._world.wire.answer(request, response)
        finally:
            self._world.deliver()
        return response

    def _answer(self, request: web.Request, form: str) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        address = request.remote or ""
        call = Call(Parameters({}))
        unit = TimeUnit.MILLISECOND
        try:
            self._world.address(address).check_ban(self._world.now_us)
            unit = time_unit(request.headers.get("X-MBX-TIME-UNIT", ""))
            operation = self._find(request.method, path)
            call.params, signature = _parameters(query, form)
            key = request.headers.get("X-MBX-APIKEY", "")
            signed = SIGNATURE.sub("", query).lstrip("&") + SIGNATURE.sub("", form).lstrip("&")
            who = Signed(key, signed.encode("utf-8", "surrogateescape"), signature)
            body, status, headers = perform(self._world, operation, call, address, who), 200, {}
        except ApiError as error:
            body, status, headers = error.body(), error.kind.status, self._retry(error)
        content = encode(body, unit)
        response = web.Response(body=content, status=status, headers=headers | self._counts(address, call))
        response.headers["Content-Type"] = CONTENT_TYPE
        if len(content) >= COMPRESS_FROM:
            response.enable_compression()
        return response

    def _retry(self, error: ApiError) -> dict[str, str]:
        if not error.retry_after_us:
            return {}
        return {"Retry-After": str(-(-(error.retry_after_us - self._world.now_us) // SECOND_US))}

    def _counts(self, address: str, call: Call) -> dict[str, str]:
        now_us = self._world.now_us
        weight = str(self._world.address(address).weight.at(now_us))
        headers = {"X-MBX-USED-WEIGHT": weight, "X-MBX-USED-WEIGHT-1M": weight}
        if call.placed:
            ten_seconds, longer = self._world.order_count(call.account).rows(now_us)
            headers["X-MBX-ORDER-COUNT-10S"] = str(ten_seconds["count"])
            headers[f"X-MBX-ORDER-COUNT-{self._second_count}"] = str(longer["count"])
        return headers


def spot_operation(method: str, path: str) -> Operation[World]:
    """What Binance Spot has under a path."""
    stub = STUBS.get(path)
    if stub is not None and method == "GET":
        return Operation(_answering(stub), 1)
    found = BY_PATH.get((method, path.rpartition(PREFIX)[2] if PREFIX in path else path))
    if found is None:
        raise ApiError(NO_SUCH_PATH)
    return found


def _answering(stub: Callable[[World], Any]) -> Callable[[World, Call], Any]:
    return lambda world, call: stub(world)


def _parameters(query: str, form: str) -> tuple[Parameters, str]:
    """The parameters without the signature, and the signature. What is in the query wins over the body."""
    values = _pairs(form) | _pairs(query)
    signature = values.pop("signature", "")
    return Parameters(values), signature


def _pairs(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="surrogateescape"):
        if name in values:
            raise ApiError(REPEATED, name)
        values[name] = value
    return values


def time_unit(word: str) -> TimeUnit:
    """The unit that a client asked for, in any case; milliseconds if it did not."""
    try:
        return TimeUnit(word.upper()) if word else TimeUnit.MILLISECOND
    except ValueError:
        raise ApiError(BAD_TIME_UNIT) from None
