"""Gate spot as a connector: what each request of the engine means there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.base.live import Home
from connectors.base.outcomes import Failed
from connectors.base.start import OrderEntry
from connectors.gate.keys import Key
from connectors.gate.parse import MarketDataParser, parse_instruments
from connectors.gate.parse_account import AccountParser, text_of
from connectors.gate.rest import Call
from connectors.gate.sheet import SPOT, Urls
from connectors.gate.venue import PAGE, PAGES_MAX, TRADES_PAGE, GateVenue, Terms
from engine.model.enums import Action, OrderType, Outcome, Side, TimeInForce
from engine.model.event import AccountSnapshot, Event, OrderUpdate
from engine.model.instrument import Instrument
from engine.model.money import to_text
from engine.model.request import AmendOrder, FetchTrades, SubmitOrder

MARKET_BUY_REACH = Decimal("1.01")  # a market order to buy is a limit order that pays at most 1 % above the best ask
ORDER_TYPES = {OrderType.LIMIT: "limit", OrderType.MARKET: "market"}


class Gate(GateVenue):
    """One spot account."""

    section = SPOT

    def __init__(self, home: Home, urls: Urls, key: Key | None, order_entry: OrderEntry = "rest") -> None:
        symbols = {each.venue_symbol: each.instrument_id for each in home.instruments}
        self._account = AccountParser(home.venue, symbols)
        super().__init__(home, urls, key, order_entry, (MarketDataParser(symbols), self._account))

    # ---- orders

    async def terms(self, order: SubmitOrder) -> Terms:
        """The body of a new order. Spot has no reduce-only: nothing can be sold that is not there."""
        is_market = order.order_type is OrderType.MARKET
        if order.list_id or order.time_in_force is TimeInForce.GTD or order.order_type not in ORDER_TYPES:
            raise Failed(Outcome.NOT_SENT, "unsupported", "stops, order lists and good-till-date are not sent to Gate")
        force = "ioc" if is_market else "poc" if order.post_only else order.time_in_force.lower()
        terms: Terms = {
            "text": text_of(order.client_order_id),
            **self.pair(order.instrument_id),
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
        if is_market and order.side is Side.BUY:
            terms |= {"type": "limit", "price": to_text(await self._reach(order))}
        return terms

    def amended(self, request: AmendOrder) -> Terms:
        return {"price": to_text(request.price), "amount": to_text(request.quantity)}

    async def _reach(self, order: SubmitOrder) -> Decimal:
        """What a market order to buy may pay: Gate's own takes an amount of quote. Nothing is sent without an ask."""
        try:
            book = await self.snapshot(order.instrument_id, "1")
        except Failed as failure:
            raise Failed(Outcome.NOT_SENT, "no_price", failure.text) from None
        if not book.asks:
            raise Failed(Outcome.NOT_SENT, "no_price", "nobody sells")
        return self._traded[order.instrument_id].round_price(book.asks[0][0] * MARKET_BUY_REACH, Side.BUY)

    # ---- lists

    async def open_orders(self, started_us: int) -> AccountSnapshot:
        """Of the account. While pages are read orders may end and rows move up: then the list is not complete."""
        found: dict[str, OrderUpdate] = {}
        seen, totals = 0, set()
        for number in range(1, PAGES_MAX):
            query = {"page": str(number), "limit": str(PAGE)}
            reply = await self.question("open_orders", query, Action.OPEN_ORDERS)
            updates, rows, total = self._account.parse_open_orders(reply.body, started_us, reply.receive_us)
            found |= {each.venue_order_id: each for each in updates}
            seen += rows
            totals.add(total)
            if seen >= total or not rows:
                break
        complete = totals == {seen}
        return AccountSnapshot(self.venue, started_us, self.now_us(), complete, open_orders=tuple(found.values()))

    async def money(self, started_us: int) -> Sequence[Event]:
        reply = await self.question("accounts", {}, Action.BALANCES)
        balances = self._account.parse_balances(reply.body, reply.receive_us)
        return [AccountSnapshot(self.venue, started_us, reply.receive_us, balances=balances)]

    def trades_call(self, request: FetchTrades, since_s: int, number: int) -> Call:
        order = request.venue_order_id
        window = {"order_id": order} if order else {"from": str(since_s)}
        query = self.pair(request.instrument_id) | window | {"limit": str(TRADES_PAGE), "page": str(number)}
        return Call("GET", "spot/my_trades", query, action=Action.TRADES)

    def finished_query(self, since_s: int, number: int) -> Mapping[str, str]:
        return {"from": str(since_s), "page": str(number)}

    async def listed(self) -> Sequence[Instrument]:
        reply = await self.question("currency_pairs", {}, None)
        return parse_instruments(reply.body, self.venue, [each.symbol for each in self.instruments])
