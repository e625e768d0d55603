"""Requests to Binance Spot's REST API: signed, counted against its limits, and judged by its outcome table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from msgspec.json import encode

from connectors.base.breaker import Breaker
from connectors.base.credentials import Credentials
from connectors.base.http import Http, Reply
from connectors.base.outcomes import RATE_LIMIT, Failed, judge
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.base.sign import PEM, Signer, hmac_hex, private_key
from connectors.base.time_sync import VenueClock
from connectors.binance.private import read_problem
from connectors.binance.sheet import ORDERS_1D, ORDERS_10S, OUTCOMES, RAW, RECV_WINDOW_MS, TOLD_BY_HEADER, WEIGHT
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Outcome

PREFIX = "/api/v3/"
PAUSE_S = 60  # where the venue asks for a pause and does not say how long
WAIT_SECONDS = 4.0  # for room within the limits: cancels and questions
_HEADERS = {"X-MBX-TIME-UNIT": "MICROSECOND"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_CREATES = (Action.SUBMIT, Action.AMEND)
_PRIORITIES = {
    Action.CANCEL: Priority.CANCEL,
    Action.CANCEL_ALL: Priority.CANCEL,
    Action.LOOKUP: Priority.LOOKUP,
    Action.CLOCK: Priority.LOOKUP,
    Action.OPEN_ORDERS: Priority.TRADES,
    Action.TRADES: Priority.TRADES,
    Action.BALANCES: Priority.TRADES,
    Action.SUBMIT: Priority.CREATE,
    Action.AMEND: Priority.CREATE,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `weight` is what it costs of the address's limit; `action` None: a question about the market.

    `prefix` is another one for what is no part of the spot API: there times are in milliseconds.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    action: Action | None = None
    weight: int = 1
    seconds: float = 10.0
    prefix: str = PREFIX


def info_call(symbols: Sequence[str]) -> Call:
    """What is traded, of these symbols."""
    names = quote(encode(list(symbols)).decode())
    return Call("GET", "exchangeInfo", {"symbols": names}, weight=20)


class Key:
    """A key at work: its public half, and the signer that holds the other."""

    def __init__(self, credentials: Credentials) -> None:
        self.api_key = credentials.api_key.reveal()
        is_pem = credentials.secret.reveal().startswith(PEM)
        self.sign: Signer = private_key(credentials.secret) if is_pem else hmac_hex(credentials.secret)
        self.headers = {"X-MBX-APIKEY": self.api_key, **_HEADERS, **_FORM}

    def query(self, params: Mapping[str, str], stamp: int) -> str:
        """The parameters with time (µs or ms) and signature, as they are sent."""
        text = "".join(f"{name}={value}&" for name, value in params.items())
        text += f"recvWindow={RECV_WINDOW_MS}&timestamp={stamp}"
        return f"{text}&signature={quote(self.sign(text.encode()), safe='')}"

    def parameters(self, stamp_us: int) -> dict[str, str | int]:
        """What a signed request of the WebSocket API needs: the names are signed in alphabetical order."""
        params: dict[str, str | int] = {"apiKey": self.api_key, "recvWindow": RECV_WINDOW_MS, "timestamp": stamp_us}
        signed = "&".join(f"{name}={value}" for name, value in params.items())
        return params | {"signature": self.sign(signed.encode())}


class Rest:
    """`http` is open while this is used. `troubled` hears why nothing may be sent now, and "" when it may again."""

    def __init__(
        self,
        http: Http,
        key: Key | None,
        clock: VenueClock,
        limiter: RateLimiter,
        now_us: Callable[[], int],
        troubled: Callable[[str, int], None],
    ) -> None:
        self._http = http
        self._key = key
        self._clock = clock
        self._limiter = limiter
        self._now_us = now_us
        self._troubled = troubled
        self._breaker = Breaker()

    async def public(self, call: Call) -> Reply:
        """An answer about the market. Raises Failed."""
        await self._limiter.passed(Priority.SNAPSHOT, {WEIGHT: call.weight, RAW: 1}, WAIT_SECONDS)
        query = "&".join(f"{name}={value}" for name, value in call.params.items())
        target = f"{PREFIX}{call.path}?{query}" if query else f"{PREFIX}{call.path}"
        return self._judged(call, await self._http.once(call.method, target, seconds=call.seconds, headers=_HEADERS))

    async def signed(self, call: Call, stamp_us: int) -> Reply:
        """An answer about the account, or to an order. The request expires by its stamp (our clock). Raises Failed."""
        assert call.action is not None
        if self._key is None:
            raise Failed(Outcome.NOT_SENT, "no_key")
        creates = call.action in _CREATES
        if creates and not self._breaker.allows(self._now_us()):
            raise Failed(Outcome.NOT_SENT, "breaker", "the venue does not answer")
        costs = {WEIGHT: call.weight, RAW: 1}
        if call.action is Action.SUBMIT:
            costs |= {ORDERS_10S: 1, ORDERS_1D: 1}
        await self._limiter.passed(_PRIORITIES[call.action], costs, WAIT_SECONDS)
        stamp = stamp_us + self._clock.offset_us
        query = self._key.query(call.params, stamp if call.prefix == PREFIX else stamp // 1_000)
        target = f"{call.prefix}{call.path}?{query}"
        try:
            reply = await self._http.once(call.method, target, seconds=call.seconds, headers=self._key.headers)
            judged = self._judged(call, reply)
        except Failed as failure:
            if failure.outcome is Outcome.AMBIGUOUS:
                self._breaker.failed(self._now_us())
            elif not failure.broken:
                self._breaker.answered()
            raise
        self._breaker.answered()
        return judged

    def _judged(self, call: Call, reply: Reply) -> Reply:
        """The answer if it is one. Raises Failed with what may be concluded."""
        for header, name in TOLD_BY_HEADER.items():
            told = reply.headers.get(header, "")
            if told.isdecimal():
                self._limiter.told(name, int(told))
        if reply.status == 200:
            return reply
        problem = read_problem(reply.body)
        code, text = ("", "") if problem is None else (str(problem.code), problem.msg)
        if reply.status in (418, 429):
            self._pause(reply, code)
        if reply.status >= 500:
            raise Failed(Outcome.AMBIGUOUS, code or f"http_{reply.status}", text)
        failure = judge(OUTCOMES, call.action or Action.LOOKUP, reply.status, code, text)
        if failure.code == "unauthorized":
            self._troubled(f"the venue refuses the key: {failure.text}", 0)
        raise failure

    def _pause(self, reply: Reply, code: str) -> None:
        told = reply.headers.get("Retry-After", "")
        until_us = self._now_us() + (int(told) if told.isdecimal() else PAUSE_S) * SECOND_US
        if reply.status == 418:
            self._limiter.ban(until_us + self._clock.offset_us)
            self._troubled(f"{RATE_LIMIT}: banned for {(until_us - self._now_us()) // SECOND_US} s", until_us)
        else:
            self._limiter.pause(until_us + self._clock.offset_us, orders_only=code == "-1015")
