"""Binance Spot as a connector: what each request of the engine means there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.base.http import Reply, asked
from connectors.base.live import Home, LiveVenue
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import RateLimiter
from connectors.base.rules import RuleWatch
from connectors.base.start import OrderEntry
from connectors.base.time_sync import VenueClock
from connectors.binance.listing import closed, read_info, read_instruments, read_limits, read_time
from connectors.binance.parse import MarketDataParser
from connectors.binance.private import AccountParser
from connectors.binance.rest import Call, Key, Rest, info_call
from connectors.binance.sheet import ARCHIVED, FILTER, LIMITS, NOTHING_OPEN, STALE_STAMP, Urls
from connectors.binance.streams import MarketTalk, UserTalk
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, OrderStatus, OrderType, Outcome, TimeInForce, UpdateSource
from engine.model.event import AccountSnapshot, ConnectorStatus, Event, OrderUpdate, TradesSynced
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import to_text
from engine.model.request import (
    AmendOrder,
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

KINDS = ("depth@100ms", "trade")
DEPTH = 1_000
PAGE = 1_000
OVERLAP = 50  # trades before the cursor that are fetched again
HISTORY_US = 3_600 * SECOND_US  # without a cursor: older trades of the account are none of our business
ORDER_SECONDS = 15.0  # answers that come later than that are not waited for
ALL_SYMBOLS_FROM = 14  # more calls of weight 6 cost more than one of 80
TYPES = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.STOP_MARKET: "STOP_LOSS",
}
BIPS = Decimal(10_000)
ACK, LOOKUP, SNAPSHOT = UpdateSource.ACK, UpdateSource.LOOKUP, UpdateSource.SNAPSHOT


class Binance(LiveVenue):
    """One spot account. `instruments` by Binance's symbol; without a key only the market is heard.

    Orders that leave over a socket share it with the account's own events, and cancels have REST while it is down.
    """

    def __init__(
        self,
        home: Home,
        urls: Urls,
        instruments: Mapping[str, Instrument],
        key: Key | None,
        order_entry: OrderEntry = "rest",
    ) -> None:
        super().__init__(home)
        self._urls = urls
        self._listed = dict(instruments)
        self._symbols = {each.instrument_id: symbol for symbol, each in instruments.items()}
        self._key = key
        self._clock = VenueClock(self.venue)
        self._limiter = RateLimiter(LIMITS, self._venue_us)
        self._order_entry = order_entry
        self._socket: OrderSocket | None = None
        self._account = AccountParser(self.venue, instruments)
        self._market = MarketDataParser({symbol: each.instrument_id for symbol, each in instruments.items()})
        self._rest: Rest
        self._rules: RuleWatch

    async def serve(self) -> None:
        self._rest = Rest(self.http, self._key, self._clock, self._limiter, self.now_us, self._troubled)
        self.open_stream(Channel.MARKET, lambda: f"{self._urls.stream}/stream?timeUnit=MICROSECOND", self._market_talk)
        if self._key is not None:
            self._socket = OrderSocket(self.now_us) if self._order_entry == "socket" else None
            self.open_stream(Channel.USER, lambda: f"{self._urls.api}?timeUnit=MICROSECOND", self._user_talk)
        self._rules = RuleWatch(self.instruments, self._open_markets, self.hear, self.now_us)
        self.spawn(self._rules.run())

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case SubmitOrder():
                return await self._submit(request, started_us)
            case CancelOrder():
                names = self._names(request.instrument_id, request.venue_order_id, request.client_order_id)
                return await self._order(Call("DELETE", "order", names, Action.CANCEL, 1, ORDER_SECONDS), started_us)
            case AmendOrder():
                return [await self._amend(request, started_us)]
            case LookupOrder():
                return await self._lookup(request, started_us)
            case CancelAll():
                return await self._cancel_all(request, started_us)
            case FetchTrades():
                return await self._trades(request, started_us)
            case FetchOpenOrders():
                return [await self._open_orders(started_us)]
            case FetchBalances():
                call = Call("GET", "account", {"omitZeroBalances": "true"}, Action.BALANCES, 20)
                reply = await self._ask(call)
                return [self._account.account(reply.body, started_us, reply.receive_us)]
            case SyncClock():
                return [await self._clock.measure(self._server_us, self.now_us)]
            case ResyncBook(instrument_id):
                return [await self._snapshot(instrument_id)]
        raise Failed(Outcome.NOT_SENT, "unsupported", f"{type(request).__name__} does not exist at this venue")

    # ---- orders

    async def _submit(self, request: SubmitOrder, started_us: int) -> Sequence[Event]:
        call = Call("POST", "order", self._terms(request), Action.SUBMIT, 1, ORDER_SECONDS)
        try:
            return await self._order(call, started_us)
        except Failed as failure:
            if failure.code == FILTER:
                self._rules.doubt()
            raise

    async def _order(self, call: Call, started_us: int) -> Sequence[Event]:
        reply = await self._rest.signed(call, started_us, self._way(call))
        return self._account.order(reply.body, ACK, started_us, reply.receive_us)

    def _way(self, call: Call) -> OrderSocket | None:
        """The socket on which a request leaves; None: REST."""
        socket = self._socket
        return None if socket is None or (call.action is Action.CANCEL and not socket.connected) else socket

    def _terms(self, order: SubmitOrder) -> dict[str, str]:
        """The parameters of a new order. Spot has no reduce-only: nothing can be sold that is not there."""
        if order.list_id or order.time_in_force is TimeInForce.GTD:
            raise Failed(Outcome.NOT_SENT, "unsupported", "order lists and good-till-date do not exist here")
        terms = {
            "symbol": self._symbols[order.instrument_id],
            "side": order.side.value,
            "type": "LIMIT_MAKER" if order.post_only else TYPES[order.order_type],
            "quantity": to_text(order.quantity),
            "newClientOrderId": order.client_order_id,
            "newOrderRespType": "FULL",
        }
        if order.price is not None:
            terms["price"] = to_text(order.price)
            if not order.post_only:
                terms["timeInForce"] = order.time_in_force.value
        if order.stop_price is not None:
            terms["stopPrice"] = to_text(order.stop_price)
        if order.trailing_delta is not None:
            terms["trailingDelta"] = to_text((order.trailing_delta * BIPS).to_integral_value())
        if order.display_quantity:
            terms["icebergQty"] = to_text(order.display_quantity)
        return terms

    async def _amend(self, request: AmendOrder, started_us: int) -> OrderUpdate:
        """Less of an order, in its place in the queue; the venue changes no price."""
        terms = self._names(request.instrument_id, request.venue_order_id, request.client_order_id)
        terms |= {"newQty": to_text(request.quantity), "newClientOrderId": request.client_order_id}
        call = Call("PUT", "order/amend/keepPriority", terms, Action.AMEND, 4, ORDER_SECONDS)
        reply = await self._rest.signed(call, started_us, self._way(call))
        return self._account.amendment(reply.body, started_us, reply.receive_us)

    async def _lookup(self, request: LookupOrder, started_us: int) -> Sequence[Event]:
        """An order that is archived ended long ago without a fill."""
        names = self._names(request.instrument_id, request.venue_order_id, request.client_order_id)
        call = Call("GET", "order", names, Action.LOOKUP, 4)
        try:
            reply = await self._ask(call)
        except Failed as failure:
            if failure.code != ARCHIVED:
                raise
            ids = (request.instrument_id, request.client_order_id, request.venue_order_id)
            now_us = self.now_us()
            return [OrderUpdate(*ids, OrderStatus.CANCELED, Decimal(0), "archived", 0, now_us, LOOKUP, started_us)]
        return self._account.order(reply.body, LOOKUP, started_us, reply.receive_us)

    async def _cancel_all(self, request: CancelAll, started_us: int) -> Sequence[Event]:
        """Nothing open is a success."""
        names = {"symbol": self._symbols[request.instrument_id]}
        try:
            call = Call("DELETE", "openOrders", names, Action.CANCEL_ALL, 1, ORDER_SECONDS)
            reply = await self._rest.signed(call, started_us)
        except Failed as failure:
            if failure.code != NOTHING_OPEN:
                raise
            return []
        return self._account.orders(reply.body, ACK, started_us, reply.receive_us)

    def _names(self, instrument_id: str, venue_order_id: str, client_order_id: str) -> dict[str, str]:
        """One order, by the venue's id where it is known: a client id may mean the wrong twin."""
        which = {"orderId": venue_order_id} if venue_order_id else {"origClientOrderId": client_order_id}
        return {"symbol": self._symbols[instrument_id], **which}

    # ---- lists

    async def _open_orders(self, started_us: int) -> AccountSnapshot:
        """Of all our markets; with many markets, of the whole account."""
        if len(self._symbols) < ALL_SYMBOLS_FROM:
            calls = [Call("GET", "openOrders", {"symbol": each}, Action.OPEN_ORDERS, 6) for each in self._listed]
        else:
            calls = [Call("GET", "openOrders", {}, Action.OPEN_ORDERS, 80)]
        rows: list[OrderUpdate] = []
        for call in calls:
            reply = await self._ask(call)
            rows += self._account.orders(reply.body, SNAPSHOT, started_us, reply.receive_us)
        return AccountSnapshot(self.venue, started_us, self.now_us(), open_orders=tuple(rows))

    async def _trades(self, request: FetchTrades, started_us: int) -> Sequence[Event]:
        """Own trades from an overlap before the cursor, page by page; of one order: all of them, and no cursor."""
        symbol = {"symbol": self._symbols[request.instrument_id]}
        cursor = ""
        if request.venue_order_id:
            page = symbol | {"orderId": request.venue_order_id}
        elif request.from_cursor:
            cursor = request.from_cursor
            page = symbol | {"fromId": str(max(0, int(cursor) - OVERLAP))}
        else:
            cursor = await self._newest(symbol)
            page = symbol | {"startTime": str((started_us + self._clock.offset_us - HISTORY_US) // 1000)}
        fills: list[Fill] = []
        while len(rows := await self._page(page)) == PAGE:
            fills += rows
            page = {name: page[name] for name in ("symbol", "orderId") if name in page}
            page["fromId"] = str(int(rows[-1].trade_id) + 1)
        fills += rows
        if cursor and fills:
            cursor = str(max(int(cursor), int(fills[-1].trade_id)))
        synced = TradesSynced(request.instrument_id, request.venue_order_id, cursor, started_us, self.now_us())
        return [*fills, synced]

    async def _newest(self, symbol: Mapping[str, str]) -> str:
        """The cursor of an account without one: its newest trade on this market, 0 if it never traded there."""
        rows = await self._page({**symbol, "limit": "1"})
        return rows[-1].trade_id if rows else "0"

    async def _page(self, params: Mapping[str, str]) -> list[Fill]:
        weight = 5 if "orderId" in params else 20
        reply = await self._ask(Call("GET", "myTrades", {"limit": str(PAGE), **params}, Action.TRADES, weight))
        return self._account.trades(reply.body, reply.receive_us)

    async def _ask(self, call: Call) -> Reply:
        """The answer to a question about the account, asked again if the connection broke; each time newly stamped."""
        return await asked(lambda: self._rest.signed(call, self.now_us()))

    # ---- market and clock

    async def _snapshot(self, instrument_id: str) -> Event:
        params = {"symbol": self._symbols[instrument_id], "limit": str(DEPTH)}
        reply = await self._rest.public(Call("GET", "depth", params, weight=50))
        return self._market.parse_snapshot(reply.body, instrument_id, reply.receive_us)

    async def _server_us(self) -> int:
        reply = await self._rest.public(Call("GET", "time"))
        return read_time(reply.body)

    def _venue_us(self) -> int:
        """The venue's time, as far as it is known."""
        return self.now_us() + self._clock.offset_us

    def _market_talk(self) -> MarketTalk:
        return MarketTalk(self._market, KINDS, self._market_confirmed)

    def _user_talk(self) -> UserTalk:
        assert self._key is not None
        note_limits = self._rest.note_limits
        return UserTalk(self._key, self._account, self._venue_us, self._user_refused, self._socket, note_limits)

    def _market_confirmed(self) -> None:
        """Every book begins with a snapshot that is younger than its subscription."""
        self._rules.tell()
        for instrument_id in self._symbols:
            self.send(ResyncBook(instrument_id))

    def _user_refused(self, code: str) -> None:
        """The user stream could not be subscribed: our clock or our key is the cause."""
        if code == STALE_STAMP:
            self.send(SyncClock(self.venue))
        else:
            self._troubled(f"the user stream was refused: {code}", 0)

    # ---- trouble

    def _troubled(self, reason: str, until_us: int) -> None:
        """Requests are refused, for a time if the venue said for how long."""
        self.hear([ConnectorStatus(self.venue, Channel.REST, Health.DOWN, reason, self.now_us())])
        if until_us:
            self.hold_connects((until_us - self.now_us()) / SECOND_US)
            self.spawn(self._recover(until_us))

    async def _recover(self, until_us: int) -> None:
        await asyncio.sleep((until_us - self.now_us()) / SECOND_US)
        self.hear([ConnectorStatus(self.venue, Channel.REST, Health.HEALTHY, "the ban is over", self.now_us())])

    async def _open_markets(self) -> list[Instrument]:
        """What is open for trading now; the venue's limits come with it."""
        info = read_info((await asked(lambda: self._rest.public(info_call(list(self._listed))))).body)
        for name, limit in read_limits(info).items():
            self._limiter.change(name, limit)
        halted = closed(info)
        listed = read_instruments(info, self.venue, [each.symbol for each in self._listed.values()])
        return [each for symbol, each in listed.items() if symbol not in halted]
