"""Requests to Binance: signed, counted against its limits, and judged by its outcome table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from urllib.parse import quote

from msgspec import Struct
from msgspec.json import encode
from multidict import CIMultiDict

from connectors.base.breaker import Breaker
from connectors.base.credentials import Credentials
from connectors.base.http import Http, Reply
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import RATE_LIMIT, Failed, judge
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.base.sign import PEM, Signer, hmac_hex, is_ed25519, private_key
from connectors.base.time_sync import VenueClock
from connectors.binance.dialect import Dialect
from connectors.binance.listing import RateLimit
from connectors.binance.parse import microseconds
from connectors.binance.private import Problem, read_problem
from connectors.binance.sheet import RECV_WINDOW_MS, WEIGHT
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Outcome

TOO_MANY_ORDERS = -1015
PAUSE_S = 60  # where the venue asks for a pause and does not say how long
WAIT_SECONDS = 4.0  # for room within the limits: cancels and questions
_HEADERS = {"X-MBX-TIME-UNIT": "MICROSECOND"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_CREATES = (Action.SUBMIT, Action.AMEND)
_METHODS = {
    Action.SUBMIT: "order.place",
    Action.CANCEL: "order.cancel",
    Action.AMEND: "order.amend.keepPriority",
}
"""What the WebSocket API calls these requests."""
_PRIORITIES = {
    Action.CANCEL: Priority.CANCEL,
    Action.CANCEL_ALL: Priority.CANCEL,
    Action.LOOKUP: Priority.LOOKUP,
    Action.CLOCK: Priority.LOOKUP,
    Action.OPEN_ORDERS: Priority.TRADES,
    Action.TRADES: Priority.TRADES,
    Action.BALANCES: Priority.TRADES,
    Action.DEAD_MAN: Priority.LOOKUP,
    Action.SUBMIT: Priority.CREATE,
    Action.AMEND: Priority.CREATE,
}


class Call(Struct, frozen=True, gc=False):
    """One request. `weight` is what it costs of the address's limit; `action` None: a question about the market.

    `prefix` is another than the API's own for what belongs elsewhere: there times are in milliseconds.
    """

    method: str
    path: str
    params: Mapping[str, str] = {}
    action: Action | None = None
    weight: int = 1
    seconds: float = 10.0
    prefix: str = ""


class Key:
    """A key at work: its public half, and the signer that holds the other.

    `logs_on`: a connection can be told once whose it is, and what is asked there needs no signature then.
    """

    def __init__(self, credentials: Credentials) -> None:
        self.api_key = credentials.api_key.reveal()
        self.logs_on = is_ed25519(credentials.secret)
        self._is_pem = credentials.secret.reveal().startswith(PEM)
        self.sign: Signer = private_key(credentials.secret) if self._is_pem else hmac_hex(credentials.secret)
        self.headers = CIMultiDict({"X-MBX-APIKEY": self.api_key, **_HEADERS, **_FORM})

    def query(self, params: Mapping[str, str], stamp: int) -> str:
        """The parameters with time (µs or ms) and signature, as they are sent."""
        text = "".join([f"{name}={value}&" for name, value in params.items()])
        text += f"recvWindow={RECV_WINDOW_MS}&timestamp={stamp}"
        signature = self.sign(text.encode())
        return f"{text}&signature={quote(signature, safe='') if self._is_pem else signature}"

    def parameters(self, params: Mapping[str, str | int], stamp_us: int) -> dict[str, str | int]:
        """The same for the WebSocket API, where the names are signed in alphabetical order."""
        signed = {**params, "apiKey": self.api_key, "recvWindow": RECV_WINDOW_MS, "timestamp": stamp_us}
        text = "&".join([f"{name}={signed[name]}" for name in sorted(signed)])
        return signed | {"signature": self.sign(text.encode())}

    def frame(self, call: Call, stamp_us: int, name: str) -> str:
        """A request about an order for the order socket, where ids of orders are numbers."""
        params: dict[str, str | int] = {**call.params}
        if "orderId" in params:
            params["orderId"] = int(params["orderId"])
        if self.logs_on:
            params |= {"recvWindow": RECV_WINDOW_MS, "timestamp": stamp_us}
        else:
            params = self.parameters(params, stamp_us)
        assert call.action is not None
        return encode({"id": name, "method": _METHODS[call.action], "params": params}).decode()


class Rest:
    """`http` is open while this is used. `troubled` hears why nothing may be sent now, and "" when it may again."""

    def __init__(
        self,
        dialect: Dialect,
        http: Http,
        key: Key | None,
        clock: VenueClock,
        limiter: RateLimiter,
        now_us: Callable[[], int],
        troubled: Callable[[str, int], None],
    ) -> None:
        self._dialect = dialect
        self._http = http
        self._key = key
        self._clock = clock
        self._limiter = limiter
        self._now_us = now_us
        self._troubled = troubled
        self._breaker = Breaker()
        self._costs: dict[tuple[Action | None, int], dict[str, int]] = {}  # by action and weight

    async def public(self, call: Call) -> Reply:
        """An answer about the market. Raises Failed."""
        await self._limiter.passed(Priority.SNAPSHOT, self._costs_of(call), WAIT_SECONDS)
        return self._judged(call, await self._unsigned(call, _HEADERS))

    async def keyed(self, call: Call) -> Reply:
        """The same where the venue wants to know who asks, and needs no signature for it."""
        if self._key is None:
            raise Failed(Outcome.NOT_SENT, "no_key")
        await self._limiter.passed(Priority.LOOKUP, self._costs_of(call), WAIT_SECONDS)
        return self._judged(call, await self._unsigned(call, self._key.headers))

    async def signed(self, call: Call, stamp_us: int, socket: OrderSocket | None = None) -> Reply:
        """An answer about the account, or to an order; that one may be asked for on a socket.

        The request expires by its stamp (our clock). Raises Failed.
        """
        assert call.action is not None
        if self._key is None:
            raise Failed(Outcome.NOT_SENT, "no_key")
        creates = call.action in _CREATES
        if creates and not self._breaker.allows(self._now_us()):
            raise Failed(Outcome.NOT_SENT, "breaker", "the venue does not answer")
        await self._limiter.passed(_PRIORITIES[call.action], self._costs_of(call), WAIT_SECONDS)
        stamp = stamp_us + self._clock.offset_us
        try:
            if socket is None:
                reply = await self._over_http(call, self._key, stamp)
            else:
                reply = await socket.ask(partial(self._key.frame, call, stamp), call.seconds)
            judged = self._judged(call, reply)
        except Failed as failure:
            if failure.outcome is Outcome.AMBIGUOUS:
                self._breaker.failed(self._now_us())
            elif not failure.broken:
                self._breaker.answered()
            raise
        self._breaker.answered()
        return judged

    def note_limits(self, limits: Iterable[RateLimit]) -> None:
        """How much is used of each, as answers on sockets tell it."""
        for row in limits:
            name = row.name
            if name is not None:
                self._limiter.told(name, row.count)

    def _costs_of(self, call: Call) -> dict[str, int]:
        kind = (call.action, call.weight)
        costs = self._costs.get(kind)
        if costs is None:
            windows = [*self._dialect.every]
            if call.action is not None:
                windows += self._dialect.creates.get(call.action, ())
            costs = self._costs[kind] = {WEIGHT: call.weight, **dict.fromkeys(windows, 1)}
        return costs

    async def _unsigned(self, call: Call, headers: Mapping[str, str]) -> Reply:
        query = "&".join(f"{name}={value}" for name, value in call.params.items())
        target = f"{call.prefix or self._dialect.prefix}{call.path}"
        target = f"{target}?{query}" if query else target
        return await self._http.once(call.method, target, seconds=call.seconds, headers=headers)

    async def _over_http(self, call: Call, key: Key, stamp: int) -> Reply:
        in_us = self._dialect.in_us and not call.prefix
        query = key.query(call.params, stamp if in_us else stamp // 1_000)
        target = f"{call.prefix or self._dialect.prefix}{call.path}?{query}"
        return await self._http.once(call.method, target, seconds=call.seconds, headers=key.headers)

    def _judged(self, call: Call, reply: Reply) -> Reply:
        """The answer if it is one. Raises Failed with what may be concluded."""
        for header, name in self._dialect.told_by_header.items():
            told = reply.headers.get(header, "")
            if told.isdecimal():
                self._limiter.told(name, int(told))
        if reply.status == 200:
            return reply
        problem = read_problem(reply.body)
        code, text = ("", "") if problem is None else (str(problem.code), problem.msg)
        if reply.status in (418, 429):
            self._pause(reply, problem)
        rows = self._dialect.outcomes
        if reply.status >= 500:
            rows = [row for row in rows if row.status == reply.status]
        failure = judge(rows, call.action or Action.LOOKUP, reply.status, code, text)
        if failure.code == "unauthorized":
            self._troubled(f"the venue refuses the key: {failure.text}", 0)
        raise failure

    def _pause(self, reply: Reply, problem: Problem | None) -> None:
        """REST says for how long, the WebSocket API until when."""
        told = reply.headers.get("Retry-After", "")
        until_us = self._now_us() + (int(told) if told.isdecimal() else PAUSE_S) * SECOND_US
        if problem is not None and problem.data is not None and problem.data.until:
            until_us = microseconds(problem.data.until) - self._clock.offset_us
        if reply.status == 418:
            self._limiter.ban(until_us + self._clock.offset_us)
            self._troubled(f"{RATE_LIMIT}: banned for {(until_us - self._now_us()) // SECOND_US} s", until_us)
        else:
            orders_only = problem is not None and problem.code == TOO_MANY_ORDERS
            self._limiter.pause(until_us + self._clock.offset_us, orders_only=orders_only)
