"""What Gate's sections have in common: the way of a request, of orders above all, and the connections."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from connectors.base.http import Reply, asked
from connectors.base.live import Home, LiveVenue
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import RateLimiter
from connectors.base.rules import RuleWatch
from connectors.base.start import OrderEntry
from connectors.base.time_sync import VenueClock
from connectors.gate.keys import Key
from connectors.gate.parse_account import parse_time, text_of
from connectors.gate.rest import TIME, Call, Rest
from connectors.gate.sheet import AGAINST_RULES, EXPIRY_US, LIMITS, Section, Urls
from connectors.gate.talk import Ears, OrderTalk, Talk, account_frames, market_frames
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, Outcome, UpdateSource
from engine.model.event import AccountSnapshot, ConnectorStatus, Event, OrderUpdate, TradesSynced
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import BookSnapshot
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)

DEPTH = "100"
PAGE, TRADES_PAGE, PAGES_MAX = 100, 1_000, 100
OVERLAP_US = 60 * SECOND_US  # before the newest known trade, from which trades are fetched
HISTORY_US = 3_600 * SECOND_US  # without a cursor: older trades of the account are none of our business
ORDER_SECONDS = 15.0  # answers that come later than that are not waited for
Terms = dict[str, str | int | bool]
ACK, LOOKUP = UpdateSource.ACK, UpdateSource.LOOKUP


class MarketReader(Protocol):
    """What a section says of its markets."""

    def parse(self, frame: bytes, receive_us: int) -> Sequence[Event]: ...

    def parse_snapshot(self, body: bytes, instrument_id: str, receive_us: int) -> BookSnapshot: ...


class AccountReader(Protocol):
    """What a section says of the account. Lists of orders come with the number of rows, other markets' included."""

    def parse(self, frame: bytes, receive_us: int) -> Sequence[Event]: ...

    def parse_order(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> OrderUpdate: ...

    def parse_orders(
        self, body: bytes, source: UpdateSource, started_us: int, receive_us: int
    ) -> tuple[list[OrderUpdate], int]: ...

    def parse_trades(self, body: bytes, instrument_id: str, receive_us: int) -> list[Fill]: ...


class GateVenue(LiveVenue):
    """One account in one section; without a key only the market is heard."""

    section: Section

    def __init__(
        self,
        home: Home,
        urls: Urls,
        key: Key | None,
        order_entry: OrderEntry,
        readers: tuple[MarketReader, AccountReader],
    ) -> None:
        super().__init__(home)
        self._urls = urls
        self._key = key
        self._traded = {each.instrument_id: each for each in home.instruments}
        self._market, self._orders = readers
        self._clock = VenueClock(home.venue)
        self._socket = OrderSocket(lambda: self.now_us()) if order_entry == "socket" else None
        self._rest: Rest
        self._rules: RuleWatch

    @abstractmethod
    async def terms(self, order: SubmitOrder) -> Terms:
        """The body of a new order. Raises Failed about what cannot be said."""

    @abstractmethod
    def amended(self, request: AmendOrder) -> Terms:
        """The body of an amend."""

    @abstractmethod
    async def open_orders(self, started_us: int) -> AccountSnapshot:
        """All that are open. Raises Failed and BadMessage."""

    @abstractmethod
    async def money(self, started_us: int) -> Sequence[Event]:
        """The answer to `FetchBalances`. Raises Failed and BadMessage."""

    @abstractmethod
    def trades_call(self, request: FetchTrades, since_s: int, number: int) -> Call:
        """The question for a page of own trades: of an order, or from a time on; newest first, pages count from 1."""

    @abstractmethod
    def finished_query(self, since_s: int, number: int) -> Mapping[str, str]:
        """Which page of the orders that have ended, newest first."""

    @abstractmethod
    async def listed(self) -> Sequence[Instrument]:
        """What of our markets is open for trading. Raises Failed and BadMessage."""

    async def serve(self) -> None:
        limiter = RateLimiter(LIMITS, self._venue_us)
        self._rest = Rest(self.section, self.http, self._key, limiter, self._venue_us, self._troubled, self._socket)
        self.open_stream(Channel.MARKET, lambda: self._urls.market, self._market_talk)
        if self._key is not None:
            self.open_stream(Channel.USER, lambda: self._urls.account, self._account_talk)
        self._rules = RuleWatch(self.instruments, self.listed, self.hear, self.now_us, self._key is not None)
        self.spawn(self._rules.run())

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case SubmitOrder():
                return [await self._submit(request, started_us)]
            case CancelOrder():
                return [await self._change(request, Action.CANCEL, "DELETE", None, started_us)]
            case AmendOrder():
                method, terms = self.section.amend, self.amended(request)
                return [await self._change(request, Action.AMEND, method, terms, started_us)]
            case LookupOrder():
                return await self._lookup(request, started_us)
            case CancelAll(_, instrument_id):
                path, query = f"{self.section.path}/orders", self.pair(instrument_id)
                reply = await self._rest.ask(
                    Call("DELETE", path, query, action=Action.CANCEL_ALL, seconds=ORDER_SECONDS)
                )
                return self._orders.parse_orders(reply.body, ACK, started_us, reply.receive_us)[0]
            case FetchTrades():
                return await self._trades(request, started_us)
            case FetchOpenOrders():
                return [await self.open_orders(started_us)]
            case FetchBalances():
                return await self.money(started_us)
            case SyncClock():
                return [await self._clock.measure(self._server_us, self.now_us)]
            case ArmDeadMan():
                terms = {**self.pair(request.instrument_id), "timeout": request.timeout_ms // 1_000}
                path = f"{self.section.path}/countdown_cancel_all"
                await self._rest.ask(Call("POST", path, body=terms, action=Action.DEAD_MAN))
                return []
            case ResyncBook(instrument_id):
                return [await self.snapshot(instrument_id, DEPTH)]
        raise Failed(Outcome.NOT_SENT, "unsupported", f"{type(request).__name__} does not exist at this venue")

    def pair(self, instrument_id: str) -> dict[str, str]:
        """How a request names a market."""
        return {self.section.pair: self._traded[instrument_id].venue_symbol}

    async def question(self, path: str, query: Mapping[str, str], action: Action | None) -> Reply:
        """Something that changes nothing, of the section: asked again if the connection breaks. Raises Failed."""
        call = Call("GET", f"{self.section.path}/{path}", query, action=action)
        return await asked(lambda: self._rest.ask(call))

    async def snapshot(self, instrument_id: str, depth: str) -> BookSnapshot:
        """The book. Raises Failed and BadMessage."""
        reply = await self.question("order_book", self.pair(instrument_id) | {"limit": depth, "with_id": "true"}, None)
        return self._market.parse_snapshot(reply.body, instrument_id, reply.receive_us)

    # ---- orders

    async def _submit(self, order: SubmitOrder, started_us: int) -> OrderUpdate:
        terms = await self.terms(order)
        expires_us = started_us + self._clock.offset_us + EXPIRY_US
        path = f"{self.section.path}/orders"
        try:
            reply = await self._rest.ask(Call("POST", path, {}, terms, Action.SUBMIT, expires_us, ORDER_SECONDS))
        except Failed as failure:
            if failure.code in AGAINST_RULES:
                self._rules.doubt()
            raise
        return self._orders.parse_order(reply.body, ACK, started_us, reply.receive_us)

    async def _change(
        self,
        request: CancelOrder | AmendOrder,
        action: Action,
        method: str,
        terms: Terms | None,
        started_us: int,
    ) -> OrderUpdate:
        """One order, by the venue's id where it is known: a client id may mean the wrong twin."""
        name = request.venue_order_id or text_of(request.client_order_id)
        expires_us = started_us + self._clock.offset_us + EXPIRY_US if action is Action.AMEND else 0
        path, pair = f"{self.section.path}/orders/{name}", self.pair(request.instrument_id)
        reply = await self._rest.ask(Call(method, path, pair, terms, action, expires_us, ORDER_SECONDS))
        return self._orders.parse_order(reply.body, ACK, started_us, reply.receive_us)

    async def _lookup(self, request: LookupOrder, started_us: int) -> Sequence[Event]:
        """By the venue's id any order, by ours only an open one: then those that have ended are searched too."""
        pair = self.pair(request.instrument_id)
        name = request.venue_order_id or text_of(request.client_order_id)
        try:
            reply = await self.question(f"orders/{name}", pair, Action.LOOKUP)
        except Failed as failure:
            if failure.outcome is not Outcome.ABSENT or request.venue_order_id:
                raise
            absent = failure
        else:
            return [self._orders.parse_order(reply.body, LOOKUP, started_us, reply.receive_us)]
        since_us = max(0, request.since_us + self._clock.offset_us)
        query = pair | {"status": "finished", "limit": str(PAGE)}
        for number in range(1, PAGES_MAX):
            page = self.finished_query(since_us // SECOND_US, number)
            reply = await self.question("orders", {**query, **page}, Action.LOOKUP)
            updates, rows = self._orders.parse_orders(reply.body, LOOKUP, started_us, reply.receive_us)
            found = [each for each in updates if each.client_order_id == request.client_order_id]
            if found:
                return found
            if rows < PAGE or (updates and updates[-1].event_us < since_us):
                raise absent
        raise Failed(Outcome.AMBIGUOUS, "too_many", f"more than {PAGE * PAGES_MAX} orders have ended since then")

    async def _trades(self, request: FetchTrades, started_us: int) -> Sequence[Event]:
        """Own trades of one order, or of the market from a minute before the cursor on: the time (µs) of the newest.

        Pages begin with the newest: a trade that happens meanwhile moves rows to later pages, none is missed.
        """
        cursor_us = int(request.from_cursor or started_us + self._clock.offset_us - HISTORY_US)
        fills: dict[tuple[str, str], Fill] = {}
        complete = False
        for number in range(1, PAGES_MAX):
            call = self.trades_call(request, (cursor_us - OVERLAP_US) // SECOND_US, number)
            reply = await asked(lambda call=call: self._rest.ask(call))  # type: ignore[misc]
            rows = self._orders.parse_trades(reply.body, request.instrument_id, reply.receive_us)
            fills |= {(each.venue_order_id, each.trade_id): each for each in rows}
            complete = len(rows) < TRADES_PAGE
            if complete:
                break
        cursor = "" if request.venue_order_id else str(max([cursor_us, *(each.event_us for each in fills.values())]))
        synced = TradesSynced(
            request.instrument_id, request.venue_order_id, cursor, started_us, self.now_us(), complete
        )
        return [*sorted(fills.values(), key=lambda each: each.event_us), synced]

    # ---- streams, the clock, trouble

    def _market_talk(self) -> Talk:
        symbols = [each.venue_symbol for each in self.instruments]
        ears = Ears(self._market.parse, self._market_confirmed, self._refused)
        return Talk(self.section, lambda stamp_us: market_frames(self.section, symbols, stamp_us), self._venue_us, ears)

    def _market_confirmed(self) -> None:
        """Every book begins with a snapshot that is younger than its subscription."""
        self._rules.tell()
        for instrument_id in self._traded:
            self.send(ResyncBook(instrument_id))

    def _account_talk(self) -> Talk:
        key, section = self._key, self.section
        assert key is not None
        ears = Ears(self._orders.parse, lambda: None, self._refused)
        if self._socket is not None:
            return OrderTalk(section, key, self._venue_us, ears, self._socket)
        return Talk(section, lambda stamp_us: account_frames(section, key, stamp_us), self._venue_us, ears)

    def _refused(self, text: str) -> None:
        """A channel could not be subscribed: our clock or our key is the cause."""
        if "REQUEST_EXPIRED" in text:
            self.send(SyncClock(self.venue))
        else:
            self._troubled(f"a subscription was refused: {text}")

    def _troubled(self, reason: str) -> None:
        self.hear([ConnectorStatus(self.venue, Channel.REST, Health.DOWN, reason[:200], self.now_us())])

    async def _server_us(self) -> int:
        return parse_time((await asked(lambda: self._rest.ask(TIME))).body)

    def _venue_us(self) -> int:
        return self.now_us() + self._clock.offset_us
