"""Requests over HTTP: what was sent, as it was sent, and the answer with its headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

import msgspec
from aiohttp import web

from connectors.simulated.server.gate import orders, questions
from connectors.simulated.server.gate.errors import BAD_BODY, EXPIRED, NO_SUCH_PATH, GateError
from connectors.simulated.server.gate.keys import rest_text
from connectors.simulated.server.gate.values import Fields, milliseconds, seconds
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.server.values import SECOND_US
from connectors.simulated.venue_order import Account

PREFIX = "/api/v4/"
PUBLIC: Mapping[str, Callable[[GateWorld, Fields], Any]] = {
    "spot/time": questions.time,
    "spot/currencies": questions.currencies,
    "spot/currency_pairs": questions.currency_pairs,
    "spot/tickers": questions.tickers,
    "spot/order_book": questions.order_book,
    "spot/trades": questions.trades,
    "spot/candlesticks": questions.candlesticks,
    "margin/currency_pairs": questions.nothing,
}
PRIVATE: Mapping[tuple[str, str], Callable[[GateWorld, Account, Fields], Any]] = {
    ("GET", "spot/accounts"): questions.accounts,
    ("GET", "spot/account_book"): questions.account_book,
    ("GET", "spot/orders"): questions.orders,
    ("GET", "spot/open_orders"): questions.open_orders,
    ("GET", "spot/my_trades"): questions.my_trades,
    ("GET", "spot/fee"): questions.fee,
    ("GET", "wallet/fee"): questions.fee,
    ("GET", "spot/batch_fee"): questions.batch_fee,
    ("GET", "account/detail"): questions.account_detail,
    ("POST", "spot/countdown_cancel_all"): questions.countdown,
    ("POST", "spot/orders"): orders.place,
    ("DELETE", "spot/orders"): orders.cancel_all,
}
OF_ORDER: Mapping[str, Callable[[GateWorld, Account, str, Fields], Any]] = {
    "GET": orders.lookup,
    "DELETE": orders.cancel,
    "PATCH": orders.amend,
}
decode = msgspec.json.Decoder(dict[str, Any]).decode
encode = msgspec.json.Encoder().encode


class Rest:
    """The handler of every HTTP request."""

    def __init__(self, world: GateWorld) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer, and only then let private news go."""
        try:
            body = await request.read()
        except ConnectionError:  # it broke in the middle: nobody asks any more
            return web.Response(status=400)
        self._world.advance()
        in_us = self._world.now_us
        status, answer, headers = self._answer(request, body)
        headers |= {"X-In-Time": str(in_us), "X-Out-Time": str(self._world.now_us)}
        response = web.Response(status=status, body=encode(answer), headers=headers, content_type="application/json")
        try:
            await self._world.wire.answer(request, response)
        finally:
            self._world.deliver()
        return response

    def _answer(self, request: web.Request, body: bytes) -> tuple[int, Any, dict[str, str]]:
        path, _, query = request.raw_path.partition("?")
        headers: dict[str, str] = {}
        try:
            if not path.startswith(PREFIX):
                raise GateError(NO_SUCH_PATH)
            name = path.removeprefix(PREFIX)
            fields = _fields(query, body)
            if request.method == "GET" and name in PUBLIC:
                left = self._world.charge(request.remote or "", name, self._world.limits.public_10s, 10 * SECOND_US)
                headers = _limits(self._world.limits.public_10s, *left)
                answer = PUBLIC[name](self._world, fields)
            else:
                answer, headers = self._private(request, path, query, body, fields)
            return (201 if (request.method, name) == ("POST", "spot/orders") else 200), answer, headers
        except GateError as error:
            return error.kind.status, error.body(), headers
        finally:
            self._world.commit()

    def _private(
        self, request: web.Request, path: str, query: str, body: bytes, fields: Fields
    ) -> tuple[Any, dict[str, str]]:
        world, method, name = self._world, request.method, path.removeprefix(PREFIX)
        folder, _, last = name.rpartition("/")
        handler = PRIVATE.get((method, name))
        of_order = OF_ORDER.get(method) if folder == "spot/orders" else None
        if handler is None and of_order is None:
            raise GateError(NO_SUCH_PATH)
        sent = request.headers
        stamp = sent.get("Timestamp", "")
        text = rest_text(method, path, unquote_plus(query), body, stamp)
        account = world.keys.check(sent.get("KEY", ""), text, sent.get("SIGN", ""), stamp, world.now_us).account
        headers = charge(world, account, method, name, fields)
        if "spot/orders" in name:
            check_expiry(world, sent.get("x-gate-exptime", ""))
        if handler is not None:
            return handler(world, account, fields), headers
        assert of_order is not None
        return of_order(world, account, unquote(last), fields), headers


def charge(world: GateWorld, account: Account, method: str, name: str, fields: Fields) -> dict[str, str]:
    """Count a request of an account: orders and amends by market, cancels, and everything else by its kind."""
    limits, who = world.limits, f"account {account.number}"
    if "spot/orders" not in name or method == "GET":
        limit, left = limits.private_10s, world.charge(who, f"{method} {name}", limits.private_10s, 10 * SECOND_US)
    elif method == "DELETE":
        limit, left = limits.cancels_1s, world.charge(who, "cancels", limits.cancels_1s, SECOND_US)
    else:
        market = fields.text("currency_pair")
        limit, left = limits.orders_1s, world.charge(who, f"orders {market}", limits.orders_1s, SECOND_US)
    return _limits(limit, *left)


def check_expiry(world: GateWorld, stamp: str) -> None:
    """`stamp` (ms) is when the request ends to be valid; "" for never."""
    if stamp and not (stamp.isdecimal() and len(stamp) < 16 and milliseconds(world.now_us) <= int(stamp)):
        raise GateError(EXPIRED)


def _fields(query: str, body: bytes) -> Fields:
    """What is in the query, and over it what is in the body."""
    values: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True, errors="surrogateescape"))
    if body:
        try:
            values |= decode(body)
        except (ValueError, RecursionError):
            raise GateError(BAD_BODY) from None
    return Fields(values)


def _limits(limit: int, left: int, end_us: int) -> dict[str, str]:
    return {
        "X-Gate-RateLimit-Requests-Remain": str(left),
        "X-Gate-RateLimit-Limit": str(limit),
        "X-Gate-RateLimit-Reset-Timestamp": str(seconds(end_us)),
    }
