"""Requests over HTTP: the paths, who may, and the envelope of every answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from connectors.simulated.server.okx import margin, questions, trade
from connectors.simulated.server.okx.errors import BAD_JSON, BAD_VALUE, NO_SUCH_PATH, OkxError
from connectors.simulated.server.okx.trade import BATCH_MAX, Operation, receipt
from connectors.simulated.server.okx.values import Fields
from connectors.simulated.server.okx.world import AMEND, BATCHES, CANCEL, PLACE, OkxWorld
from connectors.simulated.venue_order import Account

ROOT = "/api/v5/"
PUBLIC: dict[str, Callable[[OkxWorld, Fields], list[Any]]] = {
    "public/time": questions.time,
    "public/instruments": questions.instruments,
    "market/ticker": questions.ticker,
    "market/tickers": questions.tickers,
    "market/books": questions.book,
    "market/trades": questions.trades,
    "market/candles": questions.candles,
    "market/history-candles": questions.candles,
    "public/mark-price": questions.marks,
    "public/funding-rate": questions.funding,
    "public/funding-rate-history": questions.past_funding,
    "public/position-tiers": questions.tiers,
    "system/status": questions.nothing,
}
PRIVATE: dict[tuple[str, str], Callable[[OkxWorld, Account, Fields], list[Any]]] = {
    ("GET", "account/balance"): questions.balance,
    ("GET", "account/config"): questions.config,
    ("GET", "account/trade-fee"): questions.fees,
    ("GET", "account/positions"): margin.positions,
    ("GET", "account/bills"): margin.bills,
    ("GET", "account/leverage-info"): margin.leverages,
    ("POST", "account/set-leverage"): margin.set_leverage,
    ("POST", "account/set-position-mode"): margin.set_mode,
    ("GET", "asset/currencies"): questions.currencies,
    ("GET", "trade/order"): trade.lookup,
    ("GET", "trade/orders-pending"): questions.pending,
    ("GET", "trade/orders-history"): questions.history,
    ("GET", "trade/orders-history-archive"): questions.history,
    ("GET", "trade/fills"): questions.fills,
    ("GET", "trade/fills-history"): questions.fills,
    ("POST", "trade/cancel-all-after"): trade.switch,
}
ORDERS = {
    "trade/order": Operation(trade.place, PLACE),
    "trade/batch-orders": Operation(trade.place, BATCHES[PLACE]),
    "trade/cancel-order": Operation(trade.cancel, CANCEL),
    "trade/cancel-batch-orders": Operation(trade.cancel, BATCHES[CANCEL]),
    "trade/amend-order": Operation(trade.amend, AMEND),
    "trade/amend-batch-orders": Operation(trade.amend, BATCHES[AMEND]),
}
FAILED, PARTLY = ("1", "All operations failed"), ("2", "Bulk operation partially succeeded.")
encode = msgspec.json.Encoder().encode


class Rest:
    """The handler of every HTTP request."""

    def __init__(self, world: OkxWorld) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer, and only then let private news go."""
        body = await request.read()
        self._world.advance()
        arrived_us = self._world.now_us
        try:
            answer, status = self._answer(request, body), 200
        except OkxError as error:
            answer, status = envelope(error.kind.code, str(error), []), error.kind.status
        answer |= {"inTime": str(arrived_us), "outTime": str(self._world.now_us)}
        response = web.Response(body=encode(answer), status=status, content_type="application/json")
        try:
            await self._world.wire.answer(request, response)
        finally:
            self._world.deliver()
        return response

    def _answer(self, request: web.Request, body: bytes) -> dict[str, Any]:
        world, (path, _, query) = self._world, request.raw_path.partition("?")
        name, fields = path.removeprefix(ROOT), Fields(dict(parse_qsl(query, errors="replace")))
        if request.method == "GET" and name in PUBLIC and path.startswith(ROOT):
            return envelope("0", "", PUBLIC[name](world, fields))
        handler = PRIVATE.get((request.method, name))
        operation = ORDERS.get(name) if request.method == "POST" else None
        if not path.startswith(ROOT) or (handler is None and operation is None):
            raise OkxError(NO_SUCH_PATH)
        signed = f"{request.method}{request.raw_path}".encode() + body
        account = world.keys.of_request(request.headers, signed, world.now_us)
        sent = read_body(body) if request.method == "POST" else []
        if handler is not None:
            rows = handler(world, account, sent[0] if sent else fields)
            world.commit()
            return envelope("0", "", rows)
        assert operation is not None
        return carry_out(world, account, sent, operation, Fields(request.headers).whole("expTime"))


def read_body(body: bytes) -> list[Fields]:
    """A JSON object, or several."""
    try:
        value = msgspec.json.decode(body or b"{}", type=dict[str, Any] | list[dict[str, Any]])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise OkxError(BAD_JSON) from None
    return [Fields(each) for each in (value if isinstance(value, list) else [value])]


def carry_out(
    world: OkxWorld, account: Account, sent: list[Fields], operation: Operation, expires_ms: int | None
) -> dict[str, Any]:
    """One row for each order."""
    if not 1 <= len(sent) <= BATCH_MAX:
        raise OkxError(BAD_VALUE, "args")
    expires_us = None if expires_ms is None else expires_ms * 1_000
    rows = [receipt(world, account, each, operation, expires_us) for each in sent]
    failures = sum(row["sCode"] != "0" for row in rows)
    code, text = FAILED if failures == len(rows) else PARTLY if failures else ("0", "")
    return envelope(code, text, rows)


def envelope(code: str, text: str, rows: list[Any]) -> dict[str, Any]:
    return {"code": code, "msg": text, "data": rows}
