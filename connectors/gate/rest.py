"""Requests to Gate: signed, counted against its limits, sent once, and judged by its outcome table.

They go over REST; orders over a socket if asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from msgspec.json import encode

from connectors.base.breaker import Breaker
from connectors.base.http import Http, Reply
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import RATE_LIMIT, UNAUTHORIZED, Failed, judge
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.gate.keys import Key
from connectors.gate.parse_account import parse_problem
from connectors.gate.sheet import CANCELS, ORDERS, OUTCOMES, PRIVATE, PUBLIC, Section
from connectors.gate.talk import RESET, order_frame
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Outcome
from engine.model.errors import BadMessage

PREFIX = "/api/v4/"
PAUSE_US = 10 * SECOND_US  # after "too many requests", when the venue does not say how long
WAIT_SECONDS = 4.0  # for room within the limits: cancels and questions
_OF_ORDERS = {Action.SUBMIT: "order_place", Action.CANCEL: "order_cancel", Action.AMEND: "order_amend"}
_CREATES = (Action.SUBMIT, Action.AMEND)
_CANCELS = (Action.CANCEL, Action.CANCEL_ALL)
_PRIORITIES = {
    **dict.fromkeys(_CREATES, Priority.CREATE),
    **dict.fromkeys(_CANCELS, Priority.CANCEL),
    Action.LOOKUP: Priority.LOOKUP,
    Action.CLOCK: Priority.LOOKUP,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `action` None: a question about the market. `expires_us`: the venue ignores it after this."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str | int | bool] | None = None
    action: Action | None = None
    expires_us: int = 0
    seconds: float = 10.0

    @property
    def costs(self) -> dict[str, int]:
        """What is counted: orders of a market, cancels, all else by path."""
        if self.action in _CREATES:
            named = {**self.query, **(self.body or {})}
            return {f"{ORDERS}:{named.get('currency_pair') or named.get('contract')}": 1}
        if self.action in _CANCELS:
            return {CANCELS: 1}
        kind = PUBLIC if self.action in (None, Action.CLOCK) else PRIVATE
        depth = 3 if self.path.startswith("futures/") else 2
        return {f"{kind}:{'/'.join(self.path.split('/')[:depth])}": 1}


TIME = Call("GET", "spot/time", action=Action.CLOCK)


class Rest:
    """`http` is open while this is used. Times are µs of the venue's clock; `troubled` hears why a key is refused.

    With a `socket` placements, cancels and amends leave there; only cancels have REST while it is down.
    """

    def __init__(
        self,
        section: Section,
        http: Http,
        key: Key | None,
        limiter: RateLimiter,
        venue_us: Callable[[], int],
        troubled: Callable[[str], None],
        socket: OrderSocket | None = None,
    ) -> None:
        self._section = section
        self._http = http
        self._key = key
        self._limiter = limiter
        self._venue_us = venue_us
        self._troubled = troubled
        self._socket = socket
        self._breaker = Breaker()

    async def ask(self, call: Call) -> Reply:
        """Send it once. Raises Failed."""
        creates = call.action in _CREATES
        if creates and not self._breaker.allows(self._venue_us()):
            raise Failed(Outcome.NOT_SENT, "breaker", "the venue does not answer")
        priority = _PRIORITIES.get(call.action or Action.BALANCES, Priority.TRADES)
        await self._limiter.passed(priority, call.costs, WAIT_SECONDS)
        try:
            reply = self._judged(call, await (self._say(call) if self._takes_socket(call) else self._send(call)))
        except Failed as failure:
            if failure.outcome is Outcome.AMBIGUOUS:
                self._breaker.failed(self._venue_us())
            elif not failure.broken:
                self._breaker.answered()
            raise
        self._breaker.answered()
        return reply

    def _takes_socket(self, call: Call) -> bool:
        if self._socket is None or call.action not in _OF_ORDERS:
            return False
        return self._socket.connected or call.action is not Action.CANCEL

    async def _send(self, call: Call) -> Reply:
        path, query = PREFIX + call.path, urlencode(call.query)
        body = b"" if call.body is None else encode(call.body)
        headers = {"Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        if call.action not in (None, Action.CLOCK):
            if self._key is None:
                raise Failed(Outcome.NOT_SENT, "no_key")
            headers |= self._key.headers(call.method, path, query, body, self._venue_us())
        if call.expires_us:
            headers["x-gate-exptime"] = str(call.expires_us // 1_000)
        target = f"{path}?{query}" if query else path
        return await self._http.once(call.method, target, seconds=call.seconds, headers=headers, body=body)

    async def _say(self, call: Call) -> Reply:
        """The same on the socket, where an order is named among the parameters."""
        assert self._socket is not None
        assert call.action is not None
        channel, params = f"{self._section.name}.{_OF_ORDERS[call.action]}", {**call.query, **(call.body or {})}
        if call.action is not Action.SUBMIT:
            params["order_id"] = call.path.rpartition("/")[2]
        header = {"x-gate-exptime": str(call.expires_us // 1_000)} if call.expires_us else {}

        def write(number: str) -> str:
            payload = {"req_id": number, "req_param": params, "req_header": header}
            return encode(order_frame(channel, payload, self._venue_us())).decode()

        return await self._socket.ask(write, call.seconds)

    def _judged(self, call: Call, reply: Reply) -> Reply:
        """The answer if it is one. Raises Failed with what may be concluded."""
        if reply.status in (200, 201):
            return reply
        try:
            label, text = parse_problem(reply.body)
        except BadMessage:
            label, text = "", ""
        if not 400 <= reply.status < 500:  # 202 too: accepted, and nothing is known
            raise Failed(Outcome.AMBIGUOUS, label or f"http_{reply.status}", text)
        failure = judge(OUTCOMES, call.action or Action.BALANCES, reply.status, label, text)
        if failure.code == RATE_LIMIT:
            self._pause(call, reply)
        elif failure.code == UNAUTHORIZED:
            self._troubled(f"the venue refuses the key: {failure.text}")
        raise failure

    def _pause(self, call: Call, reply: Reply) -> None:
        """Until the limit starts anew, or for as long as a gateway asks for."""
        now_us, until_us = self._venue_us(), 0
        resets, after = reply.headers.get(RESET, ""), reply.headers.get("Retry-After", "")
        if resets.isdecimal() and len(resets) < 12:
            until_us = int(resets) * SECOND_US
        elif after.isdecimal() and len(after) < 6:
            until_us = now_us + int(after) * SECOND_US
        self._limiter.pause(until_us or now_us + PAUSE_US, orders_only=call.action in _CREATES)
