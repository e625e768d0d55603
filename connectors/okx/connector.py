"""OKX as a live venue: orders over REST or the private socket, market data and the account's news over WebSockets.

An accepted placement is proof that the order exists. An accepted cancel proves nothing: the order is looked up at once.
Nor does an accepted amend, whose result comes by the stream or by the tracker's own lookup. Trades are fetched by time,
a minute before the newest one that is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from connectors.base.breaker import Breaker
from connectors.base.credentials import Credentials
from connectors.base.http import Reply
from connectors.base.live import Home, LiveVenue
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.base.rights import RightsWatch
from connectors.base.rules import RuleWatch
from connectors.base.start import OrderEntry
from connectors.base.time_sync import VenueClock
from connectors.okx.account import ask_config
from connectors.okx.instruments import open_markets, read_instruments
from connectors.okx.keys import Keys
from connectors.okx.margin import CHANNEL, MarginParser
from connectors.okx.money import Money
from connectors.okx.orders import amendment, named, placement, switch_seconds
from connectors.okx.parse import MarketDataParser
from connectors.okx.private import AccountParser, OrderRow
from connectors.okx.rest import LISTED, Question, Rest
from connectors.okx.sheet import AGAINST_RULES, BATCH, EXPIRY_US, LIMITS, Product, Urls
from connectors.okx.talk import BOOK_CHANNEL, AccountTalk, MarketTalk
from connectors.okx.wire import Arg, Frame, Receipt, stamp_us
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, UpdateSource
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, ConnectorStatus, Event, OrderUpdate, TradesSynced
from engine.model.greeting import KeyRights
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Reconnect,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)

MARKET_CHANNELS, SWAP_CHANNELS = (BOOK_CHANNEL, "trades"), ("mark-price", "funding-rate")
OVERLAP_MS = 60_000  # before the newest known trade, from which trades are fetched
HISTORY_MS = 3_600_000  # without a cursor: older trades of the account are none of our business
RECENT_MS = 2 * 86_400_000  # `fills` remembers three days, `fills-history` three months


@dataclass(frozen=True, slots=True)
class Trading:
    """What is traded, and how orders leave. `codes` are OKX's numbers of instruments, which its sockets want."""

    product: Product
    order_entry: OrderEntry
    codes: Mapping[str, int]


class Okx(LiveVenue):
    """One account, of which one kind of markets is traded. Without credentials only the market is heard."""

    def __init__(self, home: Home, urls: Urls, credentials: Credentials | None, trading: Trading) -> None:
        super().__init__(home)
        self._urls = urls
        self._product = trading.product
        self._codes = trading.codes
        self._keys = None if credentials is None else Keys(credentials)
        self._symbols = {each.instrument_id: each.venue_symbol for each in home.instruments}
        ours = {symbol: name for name, symbol in self._symbols.items()}
        self._account = AccountParser(home.venue, ours, is_spot=self._product.is_spot)
        self._margin = None if self._product.is_spot else MarginParser(home.venue, ours)
        self._market = MarketDataParser(ours)
        self._clock = VenueClock(home.venue)
        self._breaker = Breaker()
        self._socket = OrderSocket(lambda: self.now_us()) if trading.order_entry == "socket" else None
        self._talk: MarketTalk | None = None  # the one that tells of books
        self._rest: Rest
        self._money: Money
        self._rules: RuleWatch

    async def serve(self) -> None:
        urls, keys = self._urls, self._keys
        limiter = RateLimiter(LIMITS, self._venue_us)
        self._rest = Rest(self.http, keys, self._venue_us, limiter, self._troubled, self._socket, demo=urls.demo)
        self._money = Money(self.venue, self._rest, self._account, self._margin, self.now_us, self._venue_us)
        if keys is not None:
            kind = self._product.inst_type
            args = [Arg("orders", inst_type=kind), Arg("account")]
            if self._margin is not None:
                args.append(Arg(CHANNEL, inst_type=kind))
            begin = partial(AccountTalk, self._news, args, keys, self._venue_us, self._refused, self._socket)
            self.open_stream(Channel.USER, lambda: f"{urls.socket}/private", begin)
        self.open_stream(Channel.MARKET, lambda: f"{urls.socket}/public", self._begin_market)
        self._rules = RuleWatch(self.instruments, self._listed, self.hear, self.now_us, keys is not None)
        self.spawn(self._rules.run())
        if self.greeting.rights is not None:
            self.spawn(RightsWatch(self.venue, self.greeting.rights, self._rights, self.hear, self.now_us).run())

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case SubmitOrder():
                return await self._submit(request, started_us)
            case CancelOrder():
                body = named(request, self._symbols[request.instrument_id])
                await self._order("cancel-order", body, Action.CANCEL)
                return await self._lookup(request, UpdateSource.ACK, started_us)
            case AmendOrder():
                body = amendment(request, self._symbols[request.instrument_id])
                await self._order("amend-order", body, Action.AMEND, self._expiry_us(started_us))
            case CancelAll():
                await self._cancel_all(self._symbols[request.instrument_id])
            case LookupOrder():
                return await self._lookup(request, UpdateSource.LOOKUP, started_us)
            case FetchTrades():
                return await self._trades(request, started_us)
            case FetchOpenOrders():
                rows = await self._pending("")
                updates = self._account.orders(rows, UpdateSource.SNAPSHOT, started_us, self.now_us())
                return [AccountSnapshot(self.venue, started_us, self.now_us(), open_orders=tuple(updates))]
            case FetchBalances():
                return await self._money.told(started_us)
            case SyncClock():
                return [await self._clock.measure(self._rest.time_us, self.now_us)]
            case ArmDeadMan():
                body = {"timeOut": str(switch_seconds(request.timeout_ms))}
                await self._rest.command("trade/cancel-all-after", body, Action.DEAD_MAN, {"dead_man": 1})
            case ResyncBook():
                if self._talk is not None:
                    self._talk.resync(request.instrument_id)
            case _:
                assert isinstance(request, Reconnect)
        return []

    # ---- orders

    async def _submit(self, order: SubmitOrder, started_us: int) -> list[Event]:
        body = placement(order, self._symbols[order.instrument_id], self._product)
        if not self._breaker.allows(self.now_us()):
            raise Failed(Outcome.NOT_SENT, "breaker", "OKX did not answer the last orders")
        try:
            reply, receipts = await self._order("order", body, Action.SUBMIT, self._expiry_us(started_us))
        except Failed as failure:
            if failure.broken or failure.outcome is Outcome.AMBIGUOUS:
                self._breaker.failed(self.now_us())
            elif failure.outcome is Outcome.REJECTED:
                self._breaker.answered()
            if failure.code in AGAINST_RULES:
                self._rules.doubt()
            raise
        self._breaker.answered()
        if not receipts or not receipts[0].ord_id:
            raise BadMessage("an order was accepted without an id")
        return [
            OrderUpdate(
                order.instrument_id,
                order.client_order_id,
                receipts[0].ord_id,
                OrderStatus.OPEN,
                ZERO,
                "",
                stamp_us(receipts[0].ts),
                reply.receive_us,
                UpdateSource.ACK,
                started_us,
                order.side,
                order.price,
                order.quantity,
            )
        ]

    async def _order(
        self, operation: str, body: dict[str, Any], action: Action, expires_us: int = 0
    ) -> tuple[Reply, list[Receipt]]:
        """Place, cancel or amend one."""
        symbol = body["instId"]
        if self._socket is not None and symbol in self._codes:
            body["instIdCode"] = self._codes[symbol]
        limits = {f"{operation.partition('-')[0]}:{symbol}": 1}
        return await self._rest.command(f"trade/{operation}", body, action, limits, expires_us)

    async def _lookup(self, request: LookupOrder | CancelOrder, source: UpdateSource, started_us: int) -> list[Event]:
        params = named(request, self._symbols[request.instrument_id])
        question = Question("trade/order", Action.LOOKUP, Priority.LOOKUP, f"lookup:{params['instId']}")
        reply = await self._rest.ask(question, **params)
        rows = self._account.order_rows(reply.body)
        updates = self._account.orders(rows, source, started_us, reply.receive_us)
        if len(updates) != 1:
            raise BadMessage(f"{len(updates)} orders for one")
        return [*updates]

    async def _cancel_all(self, symbol: str) -> None:
        """Everything on an instrument, foreign orders included. One that is gone already does not spare the others."""
        rows = await self._pending(symbol)
        failure: Failed | None = None
        for start in range(0, len(rows), BATCH):
            orders = [{"instId": row.inst_id, "ordId": row.ord_id} for row in rows[start : start + BATCH]]
            limits = {"batch_cancel": len(orders)}
            try:
                await self._rest.command("trade/cancel-batch-orders", orders, Action.CANCEL, limits)
            except Failed as error:
                failure = failure if error.outcome is Outcome.ABSENT else error
        if failure is not None:
            raise failure

    # ---- lists

    async def _pending(self, symbol: str) -> list[OrderRow]:
        """All open orders, of one instrument or of all."""
        rows, complete = await self._rest.pages(
            Question("trade/orders-pending", Action.OPEN_ORDERS, Priority.LOOKUP, "pending"),
            self._account.order_rows,
            lambda row: row.ord_id,
            instType=self._product.inst_type,
            instId=symbol,
        )
        if not complete:
            raise Failed(Outcome.AMBIGUOUS, "too_many", f"more than {len(rows)} open orders")
        return rows

    async def _trades(self, request: FetchTrades, started_us: int) -> list[Event]:
        """The trades of one order, or all of the instrument since a minute before the newest one that is known."""
        venue_ms = self._venue_us() // 1_000
        cursor_ms = int(request.from_cursor or venue_ms - HISTORY_MS)
        recent = cursor_ms > venue_ms - RECENT_MS and not request.venue_order_id
        table, window = ("fills", "fills") if recent else ("fills-history", "fills_history")
        rows, complete = await self._rest.pages(
            Question(f"trade/{table}", Action.TRADES, Priority.TRADES, window),
            self._account.fill_rows,
            lambda row: row.bill_id,
            instType=self._product.inst_type,
            instId=self._symbols[request.instrument_id],
            ordId=request.venue_order_id,
            begin="" if request.venue_order_id else str(cursor_ms - OVERLAP_MS),
        )
        now_us = self.now_us()
        newest_ms = max([cursor_ms, *(stamp_us(row.ts) // 1_000 for row in rows)])
        synced = TradesSynced(
            request.instrument_id, request.venue_order_id, str(newest_ms), started_us, now_us, complete
        )
        return [*(self._account.fill(row, now_us) for row in reversed(rows)), synced]

    # ---- streams

    def _news(self, frame: Frame, receive_us: int) -> Sequence[Event]:
        if self._margin is not None and frame.arg is not None and frame.arg.channel == CHANNEL:
            return self._margin.push(frame, receive_us)
        return self._account.push(frame, receive_us)

    def _begin_market(self) -> MarketTalk:
        channels = MARKET_CHANNELS if self._product.is_spot else (*MARKET_CHANNELS, *SWAP_CHANNELS)
        args = [Arg(channel, symbol) for symbol in self._symbols.values() for channel in channels]
        return MarketTalk(self.venue, self._market, args, self._take_over)

    def _take_over(self, talk: MarketTalk) -> bool:
        """A connection has all books. Whether another one told of them before."""
        before, self._talk = self._talk, talk
        if before is not None:
            before.is_over = True
        self.spawn(self._tell_rules())
        return before is not None

    async def _tell_rules(self) -> None:
        """After the connection's own word, which speaks for all markets."""
        self._rules.tell()

    async def _listed(self) -> list[Instrument]:
        reply = await self._rest.ask(LISTED, instType=self._product.inst_type)
        return open_markets(self.venue, read_instruments(reply.body), [each.symbol for each in self.instruments])

    async def _rights(self) -> KeyRights:
        return (await ask_config(self._rest)).rights

    # ---- trouble

    def _refused(self) -> None:
        """The log-in failed: our clock may be the cause. If the key is, a request will tell."""
        self.send(SyncClock(self.venue))

    def _troubled(self, reason: str) -> None:
        self.hear([ConnectorStatus(self.venue, Channel.REST, Health.DOWN, reason[:200], self.now_us())])

    # ---- time

    def _venue_us(self) -> int:
        return self.now_us() + self._clock.offset_us

    def _expiry_us(self, started_us: int) -> int:
        return started_us + self._clock.offset_us + EXPIRY_US
