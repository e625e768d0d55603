"""Binance Spot as a connector: what each request of the engine means there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from urllib.parse import quote

from msgspec.json import encode

from connectors.base.http import asked
from connectors.base.live import Home
from connectors.base.order_socket import OrderSocket
from connectors.base.outcomes import Failed
from connectors.base.rights import RightsWatch
from connectors.base.start import OrderEntry
from connectors.binance.listing import read_rights
from connectors.binance.private import AccountParser
from connectors.binance.rest import Call, Key, Rest
from connectors.binance.sheet import NOTHING_OPEN, SPOT, STALE_STAMP, TESTNET, WALLET, Urls
from connectors.binance.streams import SHUTDOWN, MarketTalk, UserTalk
from connectors.binance.venue import ACK, ORDER_SECONDS, BinanceVenue
from engine.model.enums import Action, Channel, OrderType, Outcome, TimeInForce
from engine.model.event import Event, OrderUpdate
from engine.model.greeting import KeyRights
from engine.model.instrument import Instrument
from engine.model.money import to_text
from engine.model.request import (
    AmendOrder,
    CancelAll,
    FetchBalances,
    Request,
    SubmitOrder,
    SyncClock,
)

KINDS = ("depth@100ms", "trade")
TYPES = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.STOP_MARKET: "STOP_LOSS",
}
BIPS = Decimal(10_000)


def info_call(symbols: Sequence[str]) -> Call:
    """The question for what is traded, of these symbols."""
    return Call("GET", "exchangeInfo", {"symbols": quote(encode(list(symbols)).decode())}, weight=SPOT.info_weight)


async def key_rights(rest: Rest, now_us: Callable[[], int]) -> KeyRights:
    """What our key may do; the test network does not tell. Raises Failed or BadMessage."""
    call = Call("GET", "account/apiRestrictions", action=Action.BALANCES, prefix=WALLET)
    return read_rights((await asked(lambda: rest.signed(call, now_us()))).body)


class Binance(BinanceVenue):
    """One spot account. Orders that leave over a socket share it with the account's own events, and cancels have REST
    while it is down.
    """

    def __init__(
        self,
        home: Home,
        urls: Urls,
        instruments: Mapping[str, Instrument],
        key: Key | None,
        order_entry: OrderEntry = "rest",
        candles: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._account = AccountParser(home.venue, instruments)
        super().__init__(home, SPOT, instruments, key, self._account, candles)
        self._urls = urls
        self._order_entry = order_entry
        self._socket: OrderSocket | None = None

    async def serve(self) -> None:
        await super().serve()
        self.open_stream(Channel.MARKET, lambda: f"{self._urls.stream}/stream?timeUnit=MICROSECOND", self._market_talk)
        if self._key is not None:
            self._socket = OrderSocket(self.now_us) if self._order_entry == "socket" else None
            self.open_stream(Channel.USER, lambda: f"{self._urls.api}?timeUnit=MICROSECOND", self._user_talk)
        if self.greeting.rights is not None and self._urls != TESTNET:
            ask = partial(key_rights, self._rest, self.now_us)
            self.spawn(RightsWatch(self.venue, self.greeting.rights, ask, self.hear, self.now_us).run())

    async def perform(self, request: Request, started_us: int) -> Sequence[Event]:
        match request:
            case AmendOrder():
                return [await self._amend(request, started_us)]
            case CancelAll():
                return await self._cancel_all(request, started_us)
            case FetchBalances():
                call = Call("GET", "account", {"omitZeroBalances": "true"}, Action.BALANCES, 20)
                reply = await self._ask(call)
                return [self._account.account(reply.body, started_us, reply.receive_us)]
        return await super().perform(request, started_us)

    # ---- orders

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

    # ---- streams and markets

    def _info_call(self) -> Call:
        return info_call(list(self._listed))

    def _market_talk(self) -> MarketTalk:
        candles = self._candles
        candles.hold()
        return MarketTalk(self._market, KINDS, self._market_confirmed, (SHUTDOWN, *candles.streams), candles.passed)

    def _market_confirmed(self) -> None:
        super()._market_confirmed()
        self.spawn(self._candles.catch_up())

    def _user_talk(self) -> UserTalk:
        assert self._key is not None
        note_limits = self._rest.note_limits
        return UserTalk(self._key, self._account, self._venue_us, self._user_refused, self._socket, note_limits)

    def _user_refused(self, code: str) -> None:
        """The user stream could not be subscribed: our clock or our key is the cause."""
        if code == STALE_STAMP:
            self.send(SyncClock(self.venue))
        else:
            self._troubled(f"the user stream was refused: {code}", 0)
