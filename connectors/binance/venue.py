"""What connectors to Binance have in common: orders, own trades, books, the clock, and trouble with the venue."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from connectors.base.http import Reply, asked
from connectors.base.live import Home, LiveVenue
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import Failed
from connectors.base.rate_limit import RateLimiter
from connectors.base.rules import RuleWatch
from connectors.base.time_sync import VenueClock
from connectors.binance.candles import HISTORY, INTERVALS, Candles, Series
from connectors.binance.dialect import Dialect
from connectors.binance.listing import closed, read_info, read_instruments, read_limits, read_time
from connectors.binance.parse import MarketDataParser
from connectors.binance.rest import Call, Key, Rest
from connectors.binance.sheet import ARCHIVED
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, UpdateSource
from engine.model.event import AccountSnapshot, ConnectorStatus, Event, OrderUpdate, TradesSynced
from engine.model.fill import Fill
from engine.model.instrument import Instrument, instrument_id
from engine.model.market import Candle
from engine.model.request import (
    CancelOrder,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)

DEPTH = 1_000
PAGE = 1_000
OVERLAP = 50  # trades before the cursor that are fetched again
HISTORY_US = 3_600 * SECOND_US  # without a cursor: older trades of the account are none of our business
CANDLES_WEIGHT = 5  # of futures; spot asks for less
ORDER_SECONDS = 15.0  # answers that come later than that are not waited for
ACK, LOOKUP, SNAPSHOT = UpdateSource.ACK, UpdateSource.LOOKUP, UpdateSource.SNAPSHOT


class Answers(Protocol):
    """What answers about an account mean. All raise BadMessage."""

    def order(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> Sequence[Event]: ...

    def orders(self, body: bytes, source: UpdateSource, started_us: int, receive_us: int) -> list[OrderUpdate]: ...

    def trades(self, body: bytes, receive_us: int) -> list[Fill]: ...


class BinanceVenue(LiveVenue):
    """`instruments` by Binance's symbol, `candles` our pair and an interval; without a key only the market is heard."""

    def __init__(
        self,
        home: Home,
        dialect: Dialect,
        instruments: Mapping[str, Instrument],
        key: Key | None,
        answers: Answers,
        candles: Sequence[tuple[str, int]] = (),
    ) -> None:
        super().__init__(home)
        self._dialect = dialect
        self._listed = dict(instruments)
        self._symbols = {each.instrument_id: symbol for symbol, each in instruments.items()}
        self._key = key
        self._answers = answers
        self._clock = VenueClock(self.venue)
        self._limiter = RateLimiter(dialect.limits, self._venue_us)
        self._market = MarketDataParser({symbol: each.instrument_id for symbol, each in instruments.items()})
        self._series = [(self._symbols[instrument_id(self.venue, pair)], interval_us) for pair, interval_us in candles]
        self._candles: Candles
        self._rest: Rest
        self._rules: RuleWatch

    @abstractmethod
    def _terms(self, order: SubmitOrder) -> dict[str, str]:
        """The parameters of a new order."""

    @abstractmethod
    def _info_call(self) -> Call:
        """The question for what is traded."""

    async def serve(self) -> None:
        self._rest = Rest(self._dialect, self.http, self._key, self._clock, self._limiter, self.now_us, self._troubled)
        trades = self._key is not None
        self._rules = RuleWatch(self.instruments, self._open_markets, self.hear, self.now_us, trades)
        self.spawn(self._rules.run())
        self._candles = Candles(self.venue, self._series, self._closed_candles, self.hear, self.now_us)

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case SubmitOrder():
                return await self._submit(request, started_us)
            case CancelOrder():
                names = self._names(request.instrument_id, request.venue_order_id, request.client_order_id)
                return await self._order(Call("DELETE", "order", names, Action.CANCEL, 1, ORDER_SECONDS), started_us)
            case LookupOrder():
                return await self._lookup(request, started_us)
            case FetchOpenOrders():
                return [await self._open_orders(started_us)]
            case FetchTrades():
                return await self._trades(request, started_us)
            case SyncClock():
                return [await self._clock.measure(self._server_us, self.now_us)]
            case ResyncBook():
                return [await self._snapshot(request.instrument_id)]
        raise Failed(Outcome.NOT_SENT, "unsupported", f"{type(request).__name__} does not exist at this venue")

    # ---- orders

    async def _submit(self, request: SubmitOrder, started_us: int) -> Sequence[Event]:
        call = Call("POST", "order", self._terms(request), Action.SUBMIT, 1, ORDER_SECONDS)
        try:
            return await self._order(call, started_us)
        except Failed as failure:
            if failure.code in self._dialect.filters:
                self._rules.doubt()
            raise

    async def _order(self, call: Call, started_us: int) -> Sequence[Event]:
        reply = await self._rest.signed(call, started_us, self._way(call))
        return self._answers.order(reply.body, ACK, started_us, reply.receive_us)

    def _way(self, call: Call) -> OrderSocket | None:
        """The socket on which a request leaves; None: REST."""
        return None

    async def _lookup(self, request: LookupOrder, started_us: int) -> Sequence[Event]:
        """An order that is archived ended long ago without a fill."""
        names = self._names(request.instrument_id, request.venue_order_id, request.client_order_id)
        call = Call("GET", "order", names, Action.LOOKUP, self._dialect.lookup_weight)
        try:
            reply = await self._ask(call)
        except Failed as failure:
            if failure.code != ARCHIVED:
                raise
            ids = (request.instrument_id, request.client_order_id, request.venue_order_id)
            now_us = self.now_us()
            return [OrderUpdate(*ids, OrderStatus.CANCELED, Decimal(0), "archived", 0, now_us, LOOKUP, started_us)]
        return self._answers.order(reply.body, LOOKUP, started_us, reply.receive_us)

    def _names(self, market: str, venue_order_id: str, client_order_id: str) -> dict[str, str]:
        """One order, by the venue's id where it is known: a client id may mean the wrong twin."""
        which = {"orderId": venue_order_id} if venue_order_id else {"origClientOrderId": client_order_id}
        return {"symbol": self._symbols[market], **which}

    # ---- lists

    async def _open_orders(self, started_us: int) -> AccountSnapshot:
        """Of all our markets; where that costs less, of the whole account."""
        of_market, of_account = self._dialect.open_weights
        calls = [Call("GET", "openOrders", {"symbol": each}, Action.OPEN_ORDERS, of_market) for each in self._listed]
        if len(calls) * of_market > of_account:
            calls = [Call("GET", "openOrders", {}, Action.OPEN_ORDERS, of_account)]
        rows: list[OrderUpdate] = []
        for call in calls:
            reply = await self._ask(call)
            rows += self._answers.orders(reply.body, SNAPSHOT, started_us, reply.receive_us)
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
        if fills and not request.venue_order_id:
            cursor = str(max(int(cursor or 0), int(fills[-1].trade_id)))
        synced = TradesSynced(request.instrument_id, request.venue_order_id, cursor, started_us, self.now_us())
        return [*fills, synced]

    async def _newest(self, symbol: Mapping[str, str]) -> str:
        """The cursor of an account without one: its newest trade on this market."""
        rows = await self._page({**symbol, "limit": "1"})
        return rows[-1].trade_id if rows else self._dialect.no_trades

    async def _page(self, params: Mapping[str, str]) -> list[Fill]:
        of_market, of_order = self._dialect.trades_weights
        weight = of_order if "orderId" in params else of_market
        params = {"limit": str(PAGE), **params}
        reply = await self._ask(Call("GET", self._dialect.trades, params, Action.TRADES, weight))
        return self._answers.trades(reply.body, reply.receive_us)

    async def _ask(self, call: Call) -> Reply:
        """The answer to a question about the account, asked again if the connection broke; each time newly stamped."""
        return await asked(lambda: self._rest.signed(call, self.now_us()))

    # ---- market and clock

    async def _snapshot(self, name: str) -> Event:
        params = {"symbol": self._symbols[name], "limit": str(DEPTH)}
        reply = await self._rest.public(Call("GET", "depth", params, weight=self._dialect.snapshot_weight))
        return self._market.parse_snapshot(reply.body, name, reply.receive_us)

    async def _closed_candles(self, series: Series) -> list[Candle]:
        symbol, interval_us = series
        params = {"symbol": symbol, "interval": INTERVALS[interval_us], "limit": str(HISTORY)}
        until_us = self._venue_us()
        reply = await asked(lambda: self._rest.public(Call("GET", "klines", params, weight=CANDLES_WEIGHT)))
        name = self._listed[symbol].instrument_id
        return self._market.parse_candles(reply.body, name, interval_us, until_us, reply.receive_us)

    async def _server_us(self) -> int:
        reply = await self._rest.public(Call("GET", "time"))
        return read_time(reply.body)

    def _venue_us(self) -> int:
        """The venue's time, as far as it is known."""
        return self.now_us() + self._clock.offset_us

    def _market_confirmed(self) -> None:
        """Every book begins with a snapshot that is younger than its subscription."""
        self._rules.tell()
        for name in self._symbols:
            self.send(ResyncBook(name))

    async def _open_markets(self) -> list[Instrument]:
        """What is open for trading now; the venue's limits come with it."""
        info = read_info((await asked(lambda: self._rest.public(self._info_call()))).body)
        for name, limit in read_limits(info, self._dialect.limits).items():
            self._limiter.change(name, limit)
        halted = closed(info)
        listed = read_instruments(info, self.venue, [each.symbol for each in self._listed.values()])
        return [each for symbol, each in listed.items() if symbol not in halted]

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
