"""Any exchange of ccxt as a connector: orders over REST, news over ccxt.pro where it has streams, else by asking.

ccxt says little about what it does: what a broken connection has lost, whether an order was sent. So everything is
confirmed by questions (the engine asks for open orders, trades and balances anyway), and no error but a few proves that
an order was refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from connectors.base.credentials import Credentials
from connectors.base.live import Home, LiveVenue
from connectors.base.outcomes import UNAUTHORIZED, Failed
from connectors.base.time_sync import VenueClock
from connectors.ccxt.abilities import can, ended_lists, streams_books
from connectors.ccxt.convert import OrderReader, balances, book, public_trade, read
from connectors.ccxt.ears import Ears, slowly
from connectors.ccxt.exchange import Place, close_exchange, open_exchange
from connectors.ccxt.outcomes import judge
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Channel, Health, OrderType, Outcome, Side, TimeInForce, UpdateSource
from engine.model.event import (
    AccountSnapshot,
    ClockSynced,
    ConnectorStatus,
    Event,
    OrderUpdate,
    TradesSynced,
)
from engine.model.fill import Fill
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
    Reconnect,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)

RELOAD_SECONDS = 10.0
LIMIT, SURE, PAGES_MAX = 100, 50, 100  # rows that are asked for; a shorter list than `SURE` was not cut
OVERLAP_US, HISTORY_US = 60 * SECOND_US, 3_600 * SECOND_US
ORDER_HISTORY_US = 24 * 3_600 * SECOND_US  # for the trades of one order, where they cannot be asked for by its id
MARKET_BUY_REACH = Decimal("1.01")
ACK, LOOKUP, STREAM, REST = UpdateSource.ACK, UpdateSource.LOOKUP, UpdateSource.STREAM, UpdateSource.REST
ORDER_TYPES = {OrderType.LIMIT: "limit", OrderType.MARKET: "market"}


class Ccxt(LiveVenue):
    """One spot account; without a key only the market is heard."""

    def __init__(self, home: Home, place: Place, credentials: Credentials | None) -> None:
        super().__init__(home)
        self._place = place
        self._credentials = credentials
        self._symbols = {each.instrument_id: each.venue_symbol for each in home.instruments}
        self._traded = {each.instrument_id: each for each in home.instruments}
        names = {symbol: name for name, symbol in self._symbols.items()}
        self._reader = OrderReader(place.exchange_id, names)
        self._clock = VenueClock(home.venue)
        self._ears: Ears
        self.exchange: Any = None

    async def serve(self) -> None:
        self.exchange = open_exchange(self._place, self._credentials, self._venue_us)
        self._ears = Ears(self.venue, self.exchange, self.spawn, self.hear, self.now_us)
        try:
            await self._loaded()
            self._watch_all()
            await asyncio.Event().wait()
        finally:
            await close_exchange(self.exchange)

    async def _loaded(self) -> None:
        """ccxt needs its own list of markets."""
        while True:
            try:
                await self._call(Action.BALANCES, self.exchange.load_markets)
                return
            except Failed as failure:
                self.hear([ConnectorStatus(self.venue, Channel.REST, Health.DOWN, str(failure)[:200], self.now_us())])
                await asyncio.sleep(RELOAD_SECONDS)

    def send(self, request: Request) -> None:
        if isinstance(request, Reconnect) and self.exchange is not None:
            self._ears.hang_up()
        else:
            super().send(request)

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        if self.exchange is None or not self.exchange.markets:
            raise Failed(Outcome.NOT_SENT, "not_connected", "the markets are not loaded yet")
        with read():
            return await self._perform(request, started_us)

    async def _perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case SubmitOrder():
                return [await self._submit(request, started_us)]
            case CancelOrder():
                return [await self._cancel(request, started_us)]
            case LookupOrder():
                return await self._lookup(request, started_us)
            case CancelAll(_, instrument_id):
                await self._cancel_all(self._symbols[instrument_id])
                return []
            case FetchTrades():
                return await self._trades(request, started_us)
            case FetchOpenOrders():
                return [await self._open_orders(started_us)]
            case FetchBalances():
                raw = await self._call(Action.BALANCES, self.exchange.fetch_balance)
                found = balances(raw, self.venue, self.now_us())
                return [AccountSnapshot(self.venue, started_us, self.now_us(), balances=found)]
            case SyncClock():
                return [await self._sync_clock()]
            case ResyncBook(instrument_id):
                return [await self._snapshot(instrument_id)]
        assert isinstance(request, AmendOrder | ArmDeadMan)
        raise Failed(Outcome.NOT_SENT, "unsupported", f"{type(request).__name__} is not sent through ccxt")

    # ---- orders

    async def _submit(self, order: SubmitOrder, started_us: int) -> OrderUpdate:
        if order.list_id or order.time_in_force is TimeInForce.GTD or order.order_type not in ORDER_TYPES:
            raise Failed(Outcome.NOT_SENT, "unsupported", "only limit and market orders are sent through ccxt")
        if order.display_quantity:
            raise Failed(Outcome.NOT_SENT, "unsupported", "icebergs are not sent through ccxt")
        symbol, kind, price = self._symbols[order.instrument_id], ORDER_TYPES[order.order_type], order.price
        params: dict[str, Any] = {"clientOrderId": order.client_order_id}
        if order.post_only:
            params["postOnly"] = True
        elif order.time_in_force is not TimeInForce.GTC:
            params["timeInForce"] = order.time_in_force.value
        if kind == "market" and order.side is Side.BUY:  # its size would be in quote on many exchanges
            kind, price = "limit", await self._reach(order)
            params["timeInForce"] = "IOC"
        self._check_precision(symbol, order.quantity, price)
        terms = (symbol, kind, order.side.lower(), to_text(order.quantity), None if price is None else to_text(price))
        raw = await self._call(Action.SUBMIT, partial(self.exchange.create_order, *terms, params))
        raw = raw | {
            "symbol": symbol,
            "clientOrderId": raw.get("clientOrderId") or order.client_order_id,
            "side": order.side.lower(),
            "amount": raw.get("amount") or to_text(order.quantity),
            "price": raw.get("price") or terms[4],
        }
        return self._reader.order(raw, ACK, started_us, self.now_us())

    def _check_precision(self, symbol: str, quantity: Decimal, price: Decimal | None) -> None:
        """ccxt would round prices to the nearest and cut amounts without a word."""
        exchange = self.exchange
        same = Decimal(exchange.amount_to_precision(symbol, to_text(quantity))) == quantity
        if price is not None:
            same = same and Decimal(exchange.price_to_precision(symbol, to_text(price))) == price
        if not same:
            raise Failed(Outcome.NOT_SENT, "precision", f"ccxt would round {to_text(quantity)} at {price}")

    async def _reach(self, order: SubmitOrder) -> Decimal:
        """What a market order to buy may pay. Nothing is sent without an ask."""
        asks = (await self._snapshot(order.instrument_id)).asks
        if not asks:
            raise Failed(Outcome.NOT_SENT, "no_price", "nobody sells")
        return self._traded[order.instrument_id].round_price(asks[0][0] * MARKET_BUY_REACH, Side.BUY)

    async def _cancel(self, request: CancelOrder, started_us: int) -> OrderUpdate:
        """By the venue's id only; an answer without a state is followed by a question."""
        if not request.venue_order_id:
            raise Failed(Outcome.NOT_SENT, "no_id", "orders are cancelled by the exchange's id")
        symbol = self._symbols[request.instrument_id]
        raw = await self._call(Action.CANCEL, partial(self.exchange.cancel_order, request.venue_order_id, symbol))
        if not isinstance(raw, dict) or raw.get("status") is None or raw.get("filled") is None:
            raw = await self._call(Action.CANCEL, partial(self.exchange.fetch_order, request.venue_order_id, symbol))
        named = self._named(raw, request)
        return self._reader.order(named, ACK, started_us, self.now_us())

    async def _lookup(self, request: LookupOrder, started_us: int) -> Sequence[Event]:
        """By the exchange's id; by ours in the lists of open and ended orders: absent only if it is in none."""
        symbol = self._symbols[request.instrument_id]
        if request.venue_order_id and can(self.exchange, "fetchOrder"):
            raw = await self._call(Action.LOOKUP, partial(self.exchange.fetch_order, request.venue_order_id, symbol))
            named = self._named(raw, request)
            return [self._reader.order(named, LOOKUP, started_us, self.now_us())]
        since_ms = max(0, request.since_us + self._clock.offset_us) // 1_000
        rows, lists = await self._open(symbol), ended_lists(self.exchange)
        proven = bool(lists) and len(rows) < SURE
        for name in lists:
            ended, complete = await self._pages(Action.LOOKUP, partial(getattr(self.exchange, name), symbol), since_ms)
            rows, proven = rows + ended, proven and complete
        found = [row for row in rows if self._is_meant(row, request)]
        if found:
            return self._reader.orders([found[-1]], LOOKUP, started_us, self.now_us())
        raise Failed(Outcome.ABSENT if proven else Outcome.AMBIGUOUS, "not_found", "in no list of orders")

    def _named(self, raw: dict[str, Any], request: CancelOrder | LookupOrder) -> dict[str, Any]:
        """An answer about one order, under our names: exchanges may tell the id of the request instead."""
        client_id = request.client_order_id or raw.get("clientOrderId")
        return raw | {"symbol": self._symbols[request.instrument_id], "clientOrderId": client_id}

    def _is_meant(self, row: dict[str, Any], request: LookupOrder) -> bool:
        if request.venue_order_id:
            return str(row.get("id")) == request.venue_order_id
        return self._reader.client_id(row) == request.client_order_id

    async def _cancel_all(self, symbol: str) -> None:
        for row in await self._open(symbol):
            await self._call(Action.CANCEL_ALL, partial(self.exchange.cancel_order, row["id"], symbol))

    async def _open_orders(self, started_us: int) -> AccountSnapshot:
        """Market by market; a long list may have been cut."""
        lists = [await self._open(symbol) for symbol in self._symbols.values()]
        complete, now_us = all(len(rows) < SURE for rows in lists), self.now_us()
        found = [
            update for rows in lists for update in self._reader.orders(rows, UpdateSource.SNAPSHOT, started_us, now_us)
        ]
        return AccountSnapshot(self.venue, started_us, now_us, complete, open_orders=tuple(found))

    async def _open(self, symbol: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self._call(
            Action.OPEN_ORDERS, partial(self.exchange.fetch_open_orders, symbol)
        )
        return rows

    # ---- trades, books, the clock

    async def _trades(self, request: FetchTrades, started_us: int) -> Sequence[Event]:
        """Of one order, or from a minute before the cursor on: the time (µs) of the newest known trade."""
        symbol, venue_us = self._symbols[request.instrument_id], started_us + self._clock.offset_us
        cursor_us = int(request.from_cursor or venue_us - HISTORY_US)
        order_id = request.venue_order_id
        if order_id and can(self.exchange, "fetchOrderTrades"):
            call = partial(self.exchange.fetch_order_trades, order_id, symbol)
            rows, complete = await self._call(Action.TRADES, call), True
        else:
            since_us = venue_us - ORDER_HISTORY_US if order_id else cursor_us - OVERLAP_US
            ask = partial(self.exchange.fetch_my_trades, symbol)
            rows, complete = await self._pages(Action.TRADES, ask, since_us // 1_000)
        now_us = self.now_us()
        fills = [each for each in self._reader.fills(rows, REST, now_us) if order_id in ("", each.venue_order_id)]
        newest_us = max([cursor_us, *(each.event_us for each in fills)])
        told = "" if order_id else str(newest_us if complete else cursor_us)
        return [*fills, TradesSynced(request.instrument_id, order_id, told, started_us, now_us, complete)]

    async def _pages(
        self, action: Action, ask: Callable[..., Awaitable[Any]], since_ms: int
    ) -> tuple[list[dict[str, Any]], bool]:
        """All rows since then, and whether it is sure that they are all.

        Exchanges cut lists where they like, most above `SURE` rows, and some begin with the newest: so a long list is
        followed to newer rows and then to older ones, until an answer that keeps to the asked time has nothing new.
        """
        found: dict[tuple[Any, Any], dict[str, Any]] = {}
        start, until = since_ms or None, dict[str, int]()
        for _ in range(PAGES_MAX):
            rows = await self._call(action, partial(ask, start, LIMIT, until))
            new = {(row.get("order"), row.get("id")): row for row in rows}.keys() - found.keys()
            found |= {(row.get("order"), row.get("id")): row for row in rows}
            stamps = [int(row.get("timestamp") or since_ms) for row in rows] or [since_ms]
            if until and not new:
                return list(found.values()), max(stamps) < until["until"] + 1_000  # some count in seconds
            if len(found) < SURE:
                return list(found.values()), True
            if new and not until:
                start = max(stamps)
            else:
                oldest = min(int(row.get("timestamp") or since_ms) for row in found.values())
                start, until = since_ms or None, {"until": oldest}
        return list(found.values()), False

    async def _snapshot(self, instrument_id: str) -> Any:
        raw = await self._call(Action.TRADES, partial(self.exchange.fetch_order_book, self._symbols[instrument_id]))
        return book(raw, instrument_id, self.now_us())

    async def _sync_clock(self) -> ClockSynced:
        """Where the exchange does not tell its time, ours is taken to be right within two seconds."""
        if not can(self.exchange, "fetchTime"):
            return ClockSynced(self.venue, 0, 2 * SECOND_US, self.now_us())

        async def ask() -> int:
            return int(await self._call(Action.CLOCK, self.exchange.fetch_time)) * 1_000

        return await self._clock.measure(ask, self.now_us)

    # ---- streams

    def _watch_all(self) -> None:
        """One loop for each thing that is listened to, or asked for where there is no stream."""
        exchange, watch = self.exchange, self._ears.watch
        books = exchange.watch_order_book if streams_books(exchange) else slowly(exchange.fetch_order_book)
        for name, symbol in self._symbols.items():
            watch(Channel.MARKET, partial(books, symbol), partial(self._take_book, name))
            if can(exchange, "watchTrades"):
                watch(Channel.MARKET, partial(exchange.watch_trades, symbol), partial(self._take_trades, name))
        if self._credentials is None:
            return
        if can(exchange, "watchOrders"):
            watch(Channel.USER, exchange.watch_orders, self._take_orders)
        if can(exchange, "watchMyTrades"):
            watch(Channel.USER, exchange.watch_my_trades, self._take_fills)
        else:
            for symbol in self._symbols.values():
                watch(Channel.USER, slowly(partial(exchange.fetch_my_trades, symbol)), self._take_fills)
        if can(exchange, "watchBalance"):
            watch(Channel.USER, exchange.watch_balance, self._take_balances)

    def _take_book(self, name: str, raw: Any) -> Sequence[Event]:
        return [book(raw, name, self.now_us())]

    def _take_trades(self, name: str, rows: Any) -> Sequence[Event]:
        return [public_trade(row, name, self.now_us()) for row in rows]

    def _take_orders(self, rows: Any) -> Sequence[Event]:
        return self._reader.orders(rows, STREAM, None, self.now_us())

    def _take_fills(self, rows: Any) -> Sequence[Fill]:
        return self._reader.fills(rows, STREAM, self.now_us())

    def _take_balances(self, raw: Any) -> Sequence[Event]:
        return balances(raw, self.venue, self.now_us())

    # ---- calls

    async def _call(self, action: Action, call: Callable[[], Awaitable[Any]]) -> Any:
        """What ccxt answers. Raises Failed with what may be concluded."""
        try:
            return await call()
        except Exception as error:  # handled: whatever ccxt raises becomes an outcome; what proves nothing is AMBIGUOUS
            failure = judge(error, action)
        if failure.code == UNAUTHORIZED:
            now_us = self.now_us()
            self.hear([ConnectorStatus(self.venue, Channel.REST, Health.DOWN, "the key is refused", now_us)])
        raise failure

    def _venue_us(self) -> int:
        return self.now_us() + self._clock.offset_us
