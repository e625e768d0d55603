"""Requests to OKX: signed, within the rate limits, sent once, and judged. Orders leave over REST or over a socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.decoding import decode
from connectors.base.http import Http, Reply, asked
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import RATE_LIMIT, UNAUTHORIZED, Failed, judge
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.okx.keys import Keys
from connectors.okx.sheet import DEMO_HEADER, OUTCOMES, PAGE, PAGES_MAX
from connectors.okx.wire import Envelope, Receipt, stamp_us
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Outcome
from engine.model.errors import BadMessage

ROOT = "/api/v5/"
ANSWER_SECONDS = 15.0  # longer than any deadline: a late answer is a fact too
READ_SECONDS = 4.0  # a question that may be asked again
WAIT_SECONDS = 4.0  # for room within the limits: cancels and questions
PAUSE_US = 2 * SECOND_US  # after "too many requests"; OKX does not say how long
OK = "0"
OF_ORDERS = ("order", "cancel-order", "amend-order")  # what sockets take, with the same limits


@dataclass(frozen=True, slots=True)
class Question:
    """A path to ask, for what, how urgently, and the window of the limits that it is counted in."""

    path: str
    action: Action
    priority: Priority
    window: str


LISTED = Question("public/instruments", Action.CLOCK, Priority.SNAPSHOT, "instruments")


class _Head(Struct, gc=False):
    code: str
    msg: str = ""


class _Time(Struct, gc=False):
    ts: str


_HEAD = Decoder(_Head)
_RECEIPTS = Decoder(Envelope[Receipt])
_TIME = Decoder(Envelope[_Time])
_CLOCK = Question("public/time", Action.CLOCK, Priority.LOOKUP, "time")
_encode = msgspec.json.Encoder().encode
_Row = TypeVar("_Row")


class Rest:
    """One account's requests; with `keys` None public ones only. Times are µs of the venue's clock, `venue_us`.

    `troubled` hears why a key is refused. With a `socket` orders leave there; only cancels have REST while it is down.
    """

    def __init__(
        self,
        http: Http,
        keys: Keys | None,
        venue_us: Callable[[], int],
        limiter: RateLimiter,
        troubled: Callable[[str], None],
        socket: OrderSocket | None = None,
        *,
        demo: bool,
    ) -> None:
        self._http = http
        self._keys = keys
        self._venue_us = venue_us
        self._limiter = limiter
        self._troubled = troubled
        self._socket = socket
        self._headers = DEMO_HEADER if demo else {}

    async def ask(self, question: Question, **params: str) -> Reply:
        """Asked again when its connection breaks. Empty parameters are left out. Raises Failed."""
        query = urlencode({name: value for name, value in params.items() if value})
        target = f"{ROOT}{question.path}?{query}" if query else ROOT + question.path

        async def once() -> Reply:
            await self._limiter.passed(question.priority, {question.window: 1}, WAIT_SECONDS)
            headers = dict(self._headers) if self._keys is None else self._signed("GET", target, b"")
            return await self._http.once("GET", target, seconds=READ_SECONDS, headers=headers)

        reply = await asked(once)
        self._check(reply, question.action)
        return reply

    async def pages(
        self, question: Question, read: Callable[[bytes], list[_Row]], name: Callable[[_Row], str], **params: str
    ) -> tuple[list[_Row], bool]:
        """The rows of a list, newest first, and whether these are all: each page begins after the last row's name.

        Raises Failed and BadMessage.
        """
        found: list[_Row] = []
        for _ in range(PAGES_MAX):
            reply = await self.ask(question, after=name(found[-1]) if found else "", limit=str(PAGE), **params)
            page = read(reply.body)
            found += page
            if len(page) < PAGE:
                return found, True
        return found, False

    async def command(
        self,
        path: str,
        body: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        action: Action,
        limits: Mapping[str, int],
        expires_us: int = 0,
    ) -> tuple[Reply, list[Receipt]]:
        """Something that changes orders: sent once. `expires_us`: OKX refuses it after that. Raises Failed."""
        priority = Priority.CREATE if action in (Action.SUBMIT, Action.AMEND) else Priority.CANCEL
        await self._limiter.passed(priority, limits, WAIT_SECONDS)
        expiry = {"expTime": str(expires_us // 1_000)} if expires_us else {}
        operation = path.rpartition("/")[2]
        if (
            self._socket is not None
            and operation in OF_ORDERS
            and (self._socket.connected or action is not Action.CANCEL)
        ):
            write = partial(_frame, {"op": operation, "args": [body], **expiry})
            reply = await self._socket.ask(write, ANSWER_SECONDS)
        else:
            text = _encode(body)
            headers = self._signed("POST", ROOT + path, text) | expiry
            reply = await self._http.once("POST", ROOT + path, seconds=ANSWER_SECONDS, headers=headers, body=text)
        return reply, self._receipts(reply, action)

    async def time_us(self) -> int:
        """The venue's clock. Raises Failed."""
        reply = await self.ask(_CLOCK)
        (row,) = decode(_TIME, reply.body).data
        return stamp_us(row.ts)

    def _signed(self, method: str, target: str, body: bytes) -> dict[str, str]:
        if self._keys is None:
            raise Failed(Outcome.NOT_SENT, "no_key")
        signed = self._keys.headers(self._venue_us(), method, target, body)
        return {**self._headers, "Content-Type": "application/json", **signed}

    def _check(self, reply: Reply, action: Action) -> None:
        """Raise Failed unless it succeeded."""
        try:
            head = decode(_HEAD, reply.body)
        except BadMessage:
            head = _Head("", "no JSON")
        if reply.status != 200 or head.code != OK:
            self._fail(action, reply, "" if head.code == OK else head.code, head.msg)

    def _receipts(self, reply: Reply, action: Action) -> list[Receipt]:
        """What was said of each order; raises Failed when the first one was refused, or the whole request."""
        try:
            receipts = decode(_RECEIPTS, reply.body).data
        except BadMessage:
            receipts = []
        refused = next((each for each in receipts if each.s_code != OK), None)
        if refused is not None:
            self._fail(action, reply, refused.s_code, refused.s_msg)
        self._check(reply, action)
        return receipts

    def _fail(self, action: Action, reply: Reply, code: str, text: str) -> None:
        failure = judge(OUTCOMES, action, reply.status, code, text)
        if failure.code == RATE_LIMIT:
            self._limiter.pause(self._venue_us() + PAUSE_US, orders_only=True)
        if failure.code == UNAUTHORIZED:
            self._troubled(f"OKX refuses the key: {failure.text}")
        raise failure


def _frame(message: Mapping[str, Any], number: str) -> str:
    return _encode({"id": number, **message}).decode()
