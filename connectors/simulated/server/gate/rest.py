"""Requests over HTTP: what was sent, as it was sent, and the answer with its headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

import msgspec
from aiohttp import web

from connectors.simulated.server.gate import futures_orders, futures_questions, orders, questions
from connectors.simulated.server.gate.errors import BAD_BODY, EXPIRED, NO_SUCH_PATH, GateError
from connectors.simulated.server.gate.keys import rest_text
from connectors.simulated.server.gate.values import Fields, milliseconds, seconds
from connectors.simulated.server.gate.world import GateWorld
from connectors.simulated.server.values import SECOND_US
from connectors.simulated.venue_order import Account

PREFIX = "/api/v4/"
FUTURES = "futures/usdt"
NAMED = {"orders": "order_id", "contracts": "contract", "positions": "contract"}  # what stands behind them in a path
PUBLIC: Mapping[str, Callable[[GateWorld, Fields], Any]] = {
    "spot/time": questions.time,
    "spot/currencies": questions.currencies,
    "spot/currency_pairs": questions.currency_pairs,
    "spot/tickers": questions.tickers,
    "spot/order_book": questions.order_book,
    "spot/trades": questions.trades,
    "spot/candlesticks": questions.candlesticks,
    "margin/currency_pairs": questions.nothing,
    f"{FUTURES}/contracts": futures_questions.contracts,
    f"{FUTURES}/contracts/*": futures_questions.contract,
    f"{FUTURES}/tickers": futures_questions.tickers,
    f"{FUTURES}/order_book": futures_questions.order_book,
    f"{FUTURES}/trades": futures_questions.trades,
    f"{FUTURES}/candlesticks": futures_questions.candlesticks,
    f"{FUTURES}/funding_rate": futures_questions.funding_rate,
    f"{FUTURES}/risk_limit_tiers": futures_questions.tiers,
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
    ("GET", "spot/orders/*"): orders.lookup,
    ("DELETE", "spot/orders/*"): orders.cancel,
    ("PATCH", "spot/orders/*"): orders.amend,
    ("GET", f"{FUTURES}/accounts"): futures_questions.account_row,
    ("GET", f"{FUTURES}/account_book"): futures_questions.account_book,
    ("GET", f"{FUTURES}/positions"): futures_questions.positions,
    ("GET", f"{FUTURES}/positions/*"): futures_questions.position,
    ("POST", f"{FUTURES}/positions/*/leverage"): futures_questions.set_leverage,
    ("POST", f"{FUTURES}/dual_mode"): futures_questions.dual_mode,
    ("GET", f"{FUTURES}/fee"): futures_questions.fee,
    ("GET", f"{FUTURES}/my_trades"): futures_questions.my_trades,
    ("GET", f"{FUTURES}/my_trades_timerange"): futures_questions.my_trades_by_time,
    ("POST", f"{FUTURES}/countdown_cancel_all"): futures_questions.countdown,
    ("GET", f"{FUTURES}/orders"): futures_questions.orders,
    ("POST", f"{FUTURES}/orders"): futures_orders.place,
    ("DELETE", f"{FUTURES}/orders"): futures_orders.cancel_all,
    ("GET", f"{FUTURES}/orders/*"): futures_orders.lookup,
    ("DELETE", f"{FUTURES}/orders/*"): futures_orders.cancel,
    ("PUT", f"{FUTURES}/orders/*"): futures_orders.amend,
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
            pattern, named = _read_path(request.method, name)
            fields = _fields(query, body, named)
            if request.method == "GET" and pattern in PUBLIC:
                left = self._world.charge(request.remote or "", pattern, self._world.limits.public_10s, 10 * SECOND_US)
                headers = _limits(self._world.limits.public_10s, *left)
                answer = PUBLIC[pattern](self._world, fields)
            else:
                account = self._trader(request, path, query, body)
                headers = charge(self._world, account, request.method, pattern, fields)
                if "/orders" in pattern:
                    check_expiry(self._world, request.headers.get("x-gate-exptime", ""))
                answer = PRIVATE[request.method, pattern](self._world, account, fields)
            return (201 if request.method == "POST" and name.endswith("/orders") else 200), answer, headers
        except GateError as error:
            return error.kind.status, error.body(), headers
        finally:
            self._world.commit()

    def _trader(self, request: web.Request, path: str, query: str, body: bytes) -> Account:
        sent, world = request.headers, self._world
        stamp = sent.get("Timestamp", "")
        text = rest_text(request.method, path, unquote_plus(query), body, stamp)
        return world.keys.check(sent.get("KEY", ""), text, sent.get("SIGN", ""), stamp, world.now_us).account


def _read_path(method: str, name: str) -> tuple[str, dict[str, str]]:
    """The path as the tables have it, and what it names: `spot/orders/17` is order 17 of `spot/orders/*`."""
    parts = name.split("/")
    for index in (0, -1, -2):
        kind = parts[index - 1] if index and len(parts) > 2 else ""
        tried = [*parts] if not index else [*parts[:index], "*", *parts[len(parts) + index + 1 :]]
        pattern = "/".join(tried)
        if (not index or kind in NAMED) and ((method, pattern) in PRIVATE or (method == "GET" and pattern in PUBLIC)):
            return pattern, {NAMED[kind]: unquote(parts[index])} if index else {}
    raise GateError(NO_SUCH_PATH)


def charge(world: GateWorld, account: Account, method: str, name: str, fields: Fields) -> dict[str, str]:
    """Count a request of an account: orders and amends (spot: by market), cancels, everything else by its kind."""
    limits, who = world.limits, f"account {account.number}"
    if "/orders" not in name or method == "GET":
        limit, left = limits.private_10s, world.charge(who, f"{method} {name}", limits.private_10s, 10 * SECOND_US)
    elif method == "DELETE":
        limit, left = limits.cancels_1s, world.charge(who, "cancels", limits.cancels_1s, SECOND_US)
    elif name.startswith(FUTURES):
        limit, left = limits.contracts_1s, world.charge(who, "contracts", limits.contracts_1s, SECOND_US)
    else:
        market = fields.text("currency_pair")
        limit, left = limits.orders_1s, world.charge(who, f"orders {market}", limits.orders_1s, SECOND_US)
    return _limits(limit, *left)


def check_expiry(world: GateWorld, stamp: str) -> None:
    """`stamp` (ms) is when the request ends to be valid; "" for never."""
    if stamp and not (stamp.isdecimal() and len(stamp) < 16 and milliseconds(world.now_us) <= int(stamp)):
        raise GateError(EXPIRED)


def _fields(query: str, body: bytes, named: dict[str, str]) -> Fields:
    """What is in the query, over it what is in the body, over that what the path names."""
    values: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True, errors="surrogateescape"))
    if body:
        try:
            values |= decode(body)
        except (ValueError, RecursionError):
            raise GateError(BAD_BODY) from None
    return Fields(values | named)


def _limits(limit: int, left: int, end_us: int) -> dict[str, str]:
    return {
        "X-Gate-RateLimit-Requests-Remain": str(left),
        "X-Gate-RateLimit-Limit": str(limit),
        "X-Gate-RateLimit-Reset-Timestamp": str(seconds(end_us)),
    }
