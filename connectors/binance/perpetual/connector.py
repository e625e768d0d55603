"""Binance USD-M futures as a connector: what each request of the engine means there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from connectors.base.http import asked
from connectors.base.live import Home
from connectors.base.outcomes import Failed
from connectors.base.postings import Postings
from connectors.base.rights import RightsWatch
from connectors.binance.perpetual.postings import BACK_US, PAGE, REMEMBERED_US, Income
from connectors.binance.perpetual.private import AccountChanged, AccountParser
from connectors.binance.perpetual.rights import key_rights
from connectors.binance.perpetual.settings import read_listen_key
from connectors.binance.perpetual.sheet import LISTEN_SECONDS, NO_LISTEN_KEY, USD_M, V3, Urls
from connectors.binance.perpetual.streams import UserTalk
from connectors.binance.rest import Call, Key
from connectors.binance.streams import MarketTalk
from connectors.binance.venue import ORDER_SECONDS, BinanceVenue
from engine.model.enums import Action, Channel, OrderType, Outcome, TimeInForce
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, Event, TransferSeen
from engine.model.instrument import Instrument
from engine.model.money import to_text
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    FetchBalances,
    Reconnect,
    Request,
    SubmitOrder,
)

BOOKS, TRADES = ("depth@100ms",), ("aggTrade", "markPrice@1s")
AGAIN_SECONDS = 60.0  # after a listen key could not be renewed
MONEY_SECONDS = 2.0  # between a trade and the balances that follow from it
INFO = Call("GET", "exchangeInfo", weight=USD_M.info_weight)
TYPES = {OrderType.LIMIT: "LIMIT", OrderType.MARKET: "MARKET"}


class BinancePerpetual(BinanceVenue):
    """One account, in one-way mode. Books come on one connection, all else of markets on another."""

    def __init__(
        self,
        home: Home,
        urls: Urls,
        instruments: Mapping[str, Instrument],
        key: Key | None,
        candles: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._account = AccountParser(home.venue, instruments)
        super().__init__(home, USD_M, instruments, key, self._account, candles)
        self._urls = urls
        self._income = Income(home.venue, self._account.instrument)
        self._postings = Postings(self._money, self._posted, self._venue_us, REMEMBERED_US, BACK_US)
        self._moved = asyncio.Event()  # money or positions, by a trade

    async def serve(self) -> None:
        await super().serve()
        stream = self._urls.stream
        self.open_stream(Channel.MARKET, lambda: f"{stream}/public/stream", self._book_talk)
        self.open_stream(Channel.MARKET, lambda: f"{stream}/market/stream", self._trade_talk)
        if self._key is not None:
            self.open_stream(Channel.USER, self._listen, lambda: UserTalk(self._account, self._changed))
            self.spawn(self._keep_listening())
            self.spawn(self._follow_money())
            if self.greeting.rights is not None and self._urls.wallet:
                ask = partial(key_rights, self._urls.wallet, self._key, self._clock, self.now_us)
                self.spawn(RightsWatch(self.venue, self.greeting.rights, ask, self.hear, self.now_us).run())

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case AmendOrder():
                return await self._order(self._amendment(request), started_us)
            case CancelAll():
                names = {"symbol": self._symbols[request.instrument_id]}
                call = Call("DELETE", "allOpenOrders", names, Action.CANCEL_ALL, 1, ORDER_SECONDS)
                await self._rest.signed(call, started_us)
                return []
            case FetchBalances():
                return await self._postings.told(started_us)
            case ArmDeadMan():
                terms = {"symbol": self._symbols[request.instrument_id], "countdownTime": str(request.timeout_ms)}
                await self._rest.signed(Call("POST", "countdownCancelAll", terms, Action.DEAD_MAN, 10), started_us)
                return []
        return await super().perform(request, started_us)

    # ---- orders

    def _terms(self, order: SubmitOrder) -> dict[str, str]:
        """The parameters of a new order."""
        if order.order_type not in TYPES or order.display_quantity or order.list_id:
            raise Failed(Outcome.NOT_SENT, "unsupported", "only limit and market orders are made here")
        terms = {
            "symbol": self._symbols[order.instrument_id],
            "side": order.side.value,
            "type": TYPES[order.order_type],
            "quantity": to_text(order.quantity),
            "newClientOrderId": order.client_order_id,
            "newOrderRespType": "RESULT",
        }
        if order.price is not None:
            terms["price"] = to_text(order.price)
            terms["timeInForce"] = "GTX" if order.post_only else order.time_in_force.value
        if order.time_in_force is TimeInForce.GTD:
            terms["goodTillDate"] = str(order.expire_us // 1_000)
        if order.reduce_only:
            terms["reduceOnly"] = "true"
        return terms

    def _amendment(self, request: AmendOrder) -> Call:
        """Price and quantity, always both; the order goes to the end of its queue."""
        assert request.side is not None
        terms = self._names(request.instrument_id, request.venue_order_id, request.client_order_id)
        terms |= {"side": request.side.value, "quantity": to_text(request.quantity), "price": to_text(request.price)}
        return Call("PUT", "order", terms, Action.AMEND, 1, ORDER_SECONDS)

    # ---- money

    async def _money(self, started_us: int) -> AccountSnapshot:
        """Balances and positions. Not complete while a payment is in them that the list of postings did not show."""
        balances = await self._ask(Call("GET", "balance", {}, Action.BALANCES, 5, prefix=V3))
        positions = await self._ask(Call("GET", "positionRisk", {}, Action.BALANCES, 5, prefix=V3))
        complete = self._income.complete(self._venue_us())
        return self._account.account(balances.body, positions.body, started_us, positions.receive_us, complete)

    async def _posted(self, since_us: int) -> list[TransferSeen]:
        """What came and went without a trade."""
        told: list[TransferSeen] = []
        for kind in self._income.kinds(since_us, self._venue_us()):
            from_us = since_us
            while from_us:
                terms = {"startTime": str(from_us // 1_000), "limit": str(PAGE)}
                if kind:
                    terms["incomeType"] = kind
                reply = await self._ask(Call("GET", "income", terms, Action.BALANCES, 30))
                found, from_us = self._income.page(reply.body, reply.receive_us)
                told += found
        return told

    def _changed(self, event: AccountChanged) -> None:
        posted_us = event.posted_us
        if posted_us:
            self._income.expect(posted_us)
            self.send(FetchBalances(self.venue))
        else:
            self._moved.set()

    async def _follow_money(self) -> None:
        """A trade changes what is free, and the stream does not tell how. No ledger begins with this answer."""
        while True:
            await self._moved.wait()
            await asyncio.sleep(MONEY_SECONDS)
            self._moved.clear()
            try:
                told = await self._money(self.now_us())
            except (Failed, BadMessage):
                continue  # handled: the engine asks every minute in any case
            self.hear([*(told.balances or ()), replace(told, balances=None, complete=False)])

    # ---- streams and markets

    def _info_call(self) -> Call:
        return INFO

    def _book_talk(self) -> MarketTalk:
        return MarketTalk(self._market, BOOKS, self._market_confirmed)

    def _trade_talk(self) -> MarketTalk:
        self._candles.hold()
        return MarketTalk(self._market, TRADES, self._trades_confirmed, self._candles.streams, self._candles.passed)

    def _trades_confirmed(self) -> None:
        self._rules.tell()
        self.spawn(self._candles.catch_up())

    async def _listen(self) -> str:
        """The address for one more connection: the account's listen key, which lives for another hour from now on."""
        reply = await self._rest.keyed(Call("POST", "listenKey"))
        return f"{self._urls.stream}/private/ws?listenKey={read_listen_key(reply.body).reveal()}"

    async def _keep_listening(self) -> None:
        """Renew the listen key, or connect with another one."""
        pause = LISTEN_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = LISTEN_SECONDS
            try:
                await asked(lambda: self._rest.keyed(Call("PUT", "listenKey")))
            except Failed as failure:
                pause = AGAIN_SECONDS
                if failure.code == NO_LISTEN_KEY:
                    self.send(Reconnect(self.venue, Channel.USER))
