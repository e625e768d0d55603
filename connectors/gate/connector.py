"""Gate spot as a connector: what each request of the engine means there."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from connectors.base.http import Reply, asked
from connectors.base.live import Home, LiveVenue
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import RateLimiter
from connectors.base.rules import RuleWatch
from connectors.base.start import OrderEntry
from connectors.base.time_sync import VenueClock
from connectors.gate.keys import Key
from connectors.gate.parse import MarketDataParser, parse_instruments
from connectors.gate.parse_account import AccountParser, parse_time, text_of
from connectors.gate.rest import Call, Rest
from connectors.gate.sheet import AGAINST_RULES, EXPIRY_US, LIMITS, Urls
from connectors.gate.talk import Ears, OrderTalk, Talk, account_frames, market_frames
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, OrderType, Outcome, Side, TimeInForce, UpdateSource
from engine.model.event import AccountSnapshot, ConnectorStatus, Event, OrderUpdate, TradesSynced
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import BookSnapshot
from engine.model.money import to_text
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
MARKET_BUY_REACH = Decimal("1.01")  # a market order to buy is a limit order that pays at most 1 % above the best ask
ORDER_TYPES = {OrderType.LIMIT: "limit", OrderType.MARKET: "market"}
Terms = dict[str, str | int]
ACK, LOOKUP = UpdateSource.ACK, UpdateSource.LOOKUP


class Gate(LiveVenue):
    """One spot account; without a key only the market is heard."""

    def __init__(self, home: Home, urls: Urls, key: Key | None, order_entry: OrderEntry = "rest") -> None:
        super().__init__(home)
        self._urls = urls
        self._key = key
        self._traded = {each.instrument_id: each for each in home.instruments}
        symbols = {each.venue_symbol: each.instrument_id for each in home.instruments}
        self._market = MarketDataParser(symbols)
        self._account = AccountParser(home.venue, symbols)
        self._clock = VenueClock(home.venue)
        self._socket = OrderSocket(lambda: self.now_us()) if order_entry == "socket" else None
        self._rest: Rest
        self._rules: RuleWatch

    async def serve(self) -> None:
        limiter = RateLimiter(LIMITS, self._venue_us)
        self._rest = Rest(self.http, self._key, limiter, self._venue_us, self._troubled, self._socket)
        self.open_stream(Channel.MARKET, lambda: self._urls.market, self._market_talk)
        if self._key is not None:
            self.open_stream(Channel.USER, lambda: self._urls.account, self._account_talk)
        self._rules = RuleWatch(self.instruments, self._listed, self.hear, self.now_us, self._key is not None)
        self.spawn(self._rules.run())

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case SubmitOrder():
                return [await self._submit(request, started_us)]
            case CancelOrder():
                return [await self._change(request, Action.CANCEL, "DELETE", None, started_us)]
            case AmendOrder():
                terms: Terms = {"price": to_text(request.price), "amount": to_text(request.quantity)}
                return [await self._change(request, Action.AMEND, "PATCH", terms, started_us)]
            case LookupOrder():
                return await self._lookup(request, started_us)
            case CancelAll(_, instrument_id):
                query = self._pair(instrument_id)
                call = Call("DELETE", "spot/orders", query, action=Action.CANCEL_ALL, seconds=ORDER_SECONDS)
                reply = await self._rest.ask(call)
                return self._account.parse_orders(reply.body, ACK, started_us, reply.receive_us)[0]
            case FetchTrades():
                return await self._trades(request, started_us)
            case FetchOpenOrders():
                return [await self._open_orders(started_us)]
            case FetchBalances():
                reply = await self._question("spot/accounts", {}, Action.BALANCES)
                balances = self._account.parse_balances(reply.body, reply.receive_us)
                return [AccountSnapshot(self.venue, started_us, reply.receive_us, balances=balances)]
            case SyncClock():
                return [await self._clock.measure(self._server_us, self.now_us)]
            case ArmDeadMan():
                terms = {**self._pair(request.instrument_id), "timeout": request.timeout_ms // 1_000}
                await self._rest.ask(Call("POST", "spot/countdown_cancel_all", body=terms, action=Action.DEAD_MAN))
                return []
            case ResyncBook(instrument_id):
                return [await self._snapshot(instrument_id, DEPTH)]
        raise Failed(Outcome.NOT_SENT, "unsupported", f"{type(request).__name__} does not exist at this venue")

    # ---- orders

    async def _submit(self, order: SubmitOrder, started_us: int) -> OrderUpdate:
        terms = self._terms(order)
        if order.order_type is OrderType.MARKET and order.side is Side.BUY:
            terms |= {"type": "limit", "price": to_text(await self._reach(order))}
        expires_us = started_us + self._clock.offset_us + EXPIRY_US
        call = Call("POST", "spot/orders", {}, terms, Action.SUBMIT, expires_us, ORDER_SECONDS)
        try:
            reply = await self._rest.ask(call)
        except Failed as failure:
            if failure.code in AGAINST_RULES:
                self._rules.doubt()
            raise
        return self._account.parse_order(reply.body, ACK, started_us, reply.receive_us)

    def _terms(self, order: SubmitOrder) -> Terms:
        """The body of a new order. Spot has no reduce-only: nothing can be sold that is not there."""
        is_market = order.order_type is OrderType.MARKET
        if order.list_id or order.time_in_force is TimeInForce.GTD or order.order_type not in ORDER_TYPES:
            raise Failed(Outcome.NOT_SENT, "unsupported", "stops, order lists and good-till-date are not sent to Gate")
        force = "ioc" if is_market else "poc" if order.post_only else order.time_in_force.lower()
        terms: Terms = {
            "text": text_of(order.client_order_id),
            **self._pair(order.instrument_id),
            "account": "spot",
            "type": ORDER_TYPES[order.order_type],
            "side": order.side.lower(),
            "amount": to_text(order.quantity),
            "time_in_force": force,
        }
        if order.price is not None:
            terms["price"] = to_text(order.price)
        if order.display_quantity:
            terms["iceberg"] = to_text(order.display_quantity)
        return terms

    async def _reach(self, order: SubmitOrder) -> Decimal:
        """What a market order to buy may pay: Gate's own takes an amount of quote. Nothing is sent without an ask."""
        try:
            book = await self._snapshot(order.instrument_id, "1")
        except Failed as failure:
            raise Failed(Outcome.NOT_SENT, "no_price", failure.text) from None
        if not book.asks:
            raise Failed(Outcome.NOT_SENT, "no_price", "nobody sells")
        return self._rules.known[order.instrument_id].round_price(book.asks[0][0] * MARKET_BUY_REACH, Side.BUY)

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
        pair = self._pair(request.instrument_id)
        call = Call(method, f"spot/orders/{name}", pair, terms, action, expires_us, ORDER_SECONDS)
        reply = await self._rest.ask(call)
        return self._account.parse_order(reply.body, ACK, started_us, reply.receive_us)

    async def _lookup(self, request: LookupOrder, started_us: int) -> Sequence[Event]:
        """By the venue's id any order, by ours only an open one: then those that have ended are searched too."""
        pair = self._pair(request.instrument_id)
        name = request.venue_order_id or text_of(request.client_order_id)
        try:
            reply = await self._question(f"spot/orders/{name}", pair, Action.LOOKUP)
        except Failed as failure:
            if failure.outcome is not Outcome.ABSENT or request.venue_order_id:
                raise
            absent = failure
        else:
            return [self._account.parse_order(reply.body, LOOKUP, started_us, reply.receive_us)]
        since_s = (request.since_us + self._clock.offset_us) // SECOND_US
        query = pair | {"status": "finished", "from": str(max(0, since_s)), "limit": str(PAGE)}
        for number in range(1, PAGES_MAX):
            reply = await self._question("spot/orders", query | {"page": str(number)}, Action.LOOKUP)
            updates, rows = self._account.parse_orders(reply.body, LOOKUP, started_us, reply.receive_us)
            found = [each for each in updates if each.client_order_id == request.client_order_id]
            if found:
                return found
            if rows < PAGE:
                raise absent
        raise Failed(Outcome.AMBIGUOUS, "too_many", f"more than {PAGE * PAGES_MAX} orders have ended since then")

    # ---- lists

    async def _open_orders(self, started_us: int) -> AccountSnapshot:
        """Of the account. While pages are read orders may end and rows move up: then the list is not complete."""
        found: dict[str, OrderUpdate] = {}
        seen, totals = 0, set()
        for number in range(1, PAGES_MAX):
            query = {"page": str(number), "limit": str(PAGE)}
            reply = await self._question("spot/open_orders", query, Action.OPEN_ORDERS)
            updates, rows, total = self._account.parse_open_orders(reply.body, started_us, reply.receive_us)
            found |= {each.venue_order_id: each for each in updates}
            seen += rows
            totals.add(total)
            if seen >= total or not rows:
                break
        complete = totals == {seen}
        return AccountSnapshot(self.venue, started_us, self.now_us(), complete, open_orders=tuple(found.values()))

    async def _trades(self, request: FetchTrades, started_us: int) -> Sequence[Event]:
        """Own trades of one order, or of the market from a minute before the cursor on: the time (µs) of the newest.

        Pages begin with the newest: a trade that happens meanwhile moves rows to later pages, none is missed.
        """
        cursor_us = int(request.from_cursor or started_us + self._clock.offset_us - HISTORY_US)
        query = self._pair(request.instrument_id) | {"limit": str(TRADES_PAGE)}
        if request.venue_order_id:
            query["order_id"] = request.venue_order_id
        else:
            query["from"] = str((cursor_us - OVERLAP_US) // SECOND_US)
        fills: dict[tuple[str, str], Fill] = {}
        complete = False
        for number in range(1, PAGES_MAX):
            reply = await self._question("spot/my_trades", query | {"page": str(number)}, Action.TRADES)
            rows = self._account.parse_trades(reply.body, request.instrument_id, reply.receive_us)
            fills |= {(each.venue_order_id, each.trade_id): each for each in rows}
            complete = len(rows) < TRADES_PAGE
            if complete:
                break
        cursor = "" if request.venue_order_id else str(max([cursor_us, *(each.event_us for each in fills.values())]))
        synced = TradesSynced(
            request.instrument_id, request.venue_order_id, cursor, started_us, self.now_us(), complete
        )
        return [*sorted(fills.values(), key=lambda each: each.event_us), synced]

    async def _question(self, path: str, query: dict[str, str], action: Action | None) -> Reply:
        """Something that changes nothing: asked again if the connection breaks."""
        return await asked(lambda: self._rest.ask(Call("GET", path, query, action=action)))

    # ---- the market

    async def _snapshot(self, instrument_id: str, depth: str) -> BookSnapshot:
        query = self._pair(instrument_id) | {"limit": depth, "with_id": "true"}
        reply = await self._question("spot/order_book", query, None)
        return self._market.parse_snapshot(reply.body, instrument_id, reply.receive_us)

    async def _listed(self) -> Sequence[Instrument]:
        reply = await self._question("spot/currency_pairs", {}, None)
        return parse_instruments(reply.body, self.venue, [each.symbol for each in self.instruments])

    def _pair(self, instrument_id: str) -> dict[str, str]:
        return {"currency_pair": self._traded[instrument_id].venue_symbol}

    def _market_talk(self) -> Talk:
        symbols = [each.venue_symbol for each in self.instruments]
        ears = Ears(self._market.parse, self._market_confirmed, self._refused)
        return Talk(lambda stamp_us: market_frames(symbols, stamp_us), self._venue_us, ears)

    def _market_confirmed(self) -> None:
        """Every book begins with a snapshot that is younger than its subscription."""
        self._rules.tell()
        for instrument_id in self._traded:
            self.send(ResyncBook(instrument_id))

    # ---- the account's news, the clock, trouble

    def _account_talk(self) -> Talk:
        key = self._key
        assert key is not None
        ears = Ears(self._account.parse, lambda: None, self._refused)
        if self._socket is not None:
            return OrderTalk(key, self._venue_us, ears, self._socket)
        return Talk(lambda stamp_us: account_frames(key, stamp_us), self._venue_us, ears)

    def _refused(self, text: str) -> None:
        """A channel could not be subscribed: our clock or our key is the cause."""
        if "REQUEST_EXPIRED" in text:
            self.send(SyncClock(self.venue))
        else:
            self._troubled(f"a subscription was refused: {text}")

    def _troubled(self, reason: str) -> None:
        self.hear([ConnectorStatus(self.venue, Channel.REST, Health.DOWN, reason[:200], self.now_us())])

    async def _server_us(self) -> int:
        return parse_time((await self._question("spot/time", {}, Action.CLOCK)).body)

    def _venue_us(self) -> int:
        return self.now_us() + self._clock.offset_us
