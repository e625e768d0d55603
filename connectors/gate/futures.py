"""Gate's USDT perpetuals as a connector: what each request of the engine means there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.base.live import Home
from connectors.base.outcomes import Failed
from connectors.base.postings import Postings
from connectors.base.start import OrderEntry
from connectors.gate.futures_account import BOOKED, FuturesAccountParser
from connectors.gate.futures_market import FuturesParser, open_markets, parse_contracts
from connectors.gate.keys import Key
from connectors.gate.parse_account import text_of
from connectors.gate.rest import Call
from connectors.gate.sheet import FUTURES, Urls
from connectors.gate.venue import PAGE, PAGES_MAX, TRADES_PAGE, GateVenue, Terms
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, OrderType, Outcome, Side, TimeInForce, UpdateSource
from engine.model.event import AccountSnapshot, Event, OrderUpdate, TransferSeen
from engine.model.instrument import Instrument
from engine.model.money import to_text
from engine.model.request import AmendOrder, FetchTrades, SubmitOrder

ORDER_TYPES = (OrderType.LIMIT, OrderType.MARKET)
REMEMBERED_US = 7 * 86_400 * SECOND_US  # how far back bookings are read at the start


class GateFutures(GateVenue):
    """One account; `user` is its number, "" without a key. `funding` see `FuturesParser`."""

    def __init__(
        self,
        home: Home,
        urls: Urls,
        key: Key | None,
        user: str,
        funding: Mapping[str, tuple[int, int]],
        order_entry: OrderEntry = "rest",
    ) -> None:
        symbols = {each.venue_symbol: each.instrument_id for each in home.instruments}
        self.section = replace(FUTURES, everything=(user, "!all"))
        self._account = FuturesAccountParser(home.venue, symbols)
        super().__init__(home, urls, key, order_entry, (FuturesParser(symbols, funding), self._account))
        self._postings = Postings(self._held, self._booked, self._venue_us, REMEMBERED_US)

    # ---- orders

    async def terms(self, order: SubmitOrder) -> Terms:
        if order.list_id or order.time_in_force is TimeInForce.GTD or order.order_type not in ORDER_TYPES:
            raise Failed(Outcome.NOT_SENT, "unsupported", "stops, order lists and good-till-date are not sent to Gate")
        is_market = order.order_type is OrderType.MARKET
        terms: Terms = {
            "text": text_of(order.client_order_id),
            **self.pair(order.instrument_id),
            "size": _size(order),
            "price": to_text(order.price) if order.price is not None and not is_market else "0",
            "tif": "ioc" if is_market else "poc" if order.post_only else order.time_in_force.lower(),
        }
        if order.reduce_only:
            terms["reduce_only"] = True
        if order.display_quantity:
            terms["iceberg"] = to_text(order.display_quantity)
        return terms

    def amended(self, request: AmendOrder) -> Terms:
        return {"price": to_text(request.price), "size": _size(request)}

    # ---- lists

    async def open_orders(self, started_us: int) -> AccountSnapshot:
        """Of the traded markets. A list of several pages moves while it is read: it is complete if it reads the same
        again.
        """
        found: list[OrderUpdate] = []
        complete = True
        for instrument_id in self._traded:
            updates, pages = await self._open(instrument_id, started_us)
            if pages > 1:
                again, _ = await self._open(instrument_id, started_us)
                complete = complete and {each.venue_order_id for each in again} == {
                    each.venue_order_id for each in updates
                }
            found += updates
        return AccountSnapshot(self.venue, started_us, self.now_us(), complete, open_orders=tuple(found))

    async def _open(self, instrument_id: str, started_us: int) -> tuple[list[OrderUpdate], int]:
        """All of one market, and on how many pages."""
        found: dict[str, OrderUpdate] = {}
        for number in range(PAGES_MAX):
            query = self.pair(instrument_id) | {"status": "open"} | _page(number + 1, PAGE)
            reply = await self.question("orders", query, Action.OPEN_ORDERS)
            updates, rows = self._account.parse_orders(reply.body, UpdateSource.SNAPSHOT, started_us, reply.receive_us)
            found |= {each.venue_order_id: each for each in updates}
            if rows < PAGE:
                return [*found.values()], number + 1
        raise Failed(Outcome.AMBIGUOUS, "too_many", f"more than {len(found)} open orders")

    def trades_call(self, request: FetchTrades, since_s: int, number: int) -> Call:
        order, query = request.venue_order_id, self.pair(request.instrument_id) | _page(number, TRADES_PAGE)
        if order:
            return Call("GET", "futures/usdt/my_trades", query | {"order": order}, action=Action.TRADES)
        window = {"from": str(since_s)}
        return Call("GET", "futures/usdt/my_trades_timerange", query | window, action=Action.TRADES)

    def finished_query(self, since_s: int, number: int) -> Mapping[str, str]:
        return _page(number, PAGE)

    async def listed(self) -> Sequence[Instrument]:
        reply = await self.question("contracts", {}, None)
        return open_markets(parse_contracts(reply.body), self.venue, [each.symbol for each in self.instruments])

    # ---- money

    async def money(self, started_us: int) -> Sequence[Event]:
        return await self._postings.told(started_us)

    async def _held(self, started_us: int) -> AccountSnapshot:
        reply = await self.question("accounts", {}, Action.BALANCES)
        balances = self._account.parse_balances(reply.body, reply.receive_us)
        reply = await self.question("positions", {}, Action.BALANCES)
        positions = self._account.parse_positions(reply.body)
        return AccountSnapshot(self.venue, started_us, reply.receive_us, balances=balances, positions=positions)

    async def _booked(self, since_us: int) -> list[TransferSeen]:
        found: list[TransferSeen] = []
        for kind in BOOKED:
            for number in range(1, PAGES_MAX):
                query = {"type": kind, "from": str(since_us // SECOND_US)} | _page(number, PAGE)
                reply = await self.question("account_book", query, Action.BALANCES)
                page = self._account.parse_bookings(reply.body, reply.receive_us)
                found += page
                if len(page) < PAGE:
                    break
            else:
                raise Failed(Outcome.AMBIGUOUS, "too_many", f"more than {len(found)} bookings")
        return found


def _size(order: SubmitOrder | AmendOrder) -> int | str:
    """Signed; whole contracts are numbers."""
    signed = order.quantity if order.side is Side.BUY else -order.quantity
    return to_text(signed) if signed % 1 else int(signed)


def _page(number: int, rows: int) -> dict[str, str]:
    return {"limit": str(rows), "offset": str((number - 1) * rows)}
