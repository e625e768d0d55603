"""The desk of a venue whose answers come from read replicas: old states, trades that show up late, lists with holes."""

from __future__ import annotations

from collections import deque
from random import Random

from msgspec.structs import replace

from connectors.simulated.desk import Desk, DeskRequest, update_of
from connectors.simulated.faults import BALANCE_LAG_US, READ_LAG_US, FaultRates, VenueHabits
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, Report, VenueOrder
from engine.core.venue_sheet import LookupScope
from engine.model.account import Balance
from engine.model.enums import OrderStatus, UpdateSource
from engine.model.errors import Rejected
from engine.model.event import AccountSnapshot, Event, OrderUpdate, TradesSynced
from engine.model.fill import Fill
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
    SubmitOrder,
)

TRADING = (SubmitOrder, CancelOrder, AmendOrder, CancelAll, ArmDeadMan)
OVERLAP_TRADES = 50  # a fetch of trades starts this many before the cursor: they may show up out of order


class ReplicaDesk(Desk):
    """`rates` may be exchanged while it runs. `seed` decides on lags and holes."""

    def __init__(
        self, exchange: SimulatedExchange, account: Account, rates: FaultRates, habits: VenueHabits, seed: int
    ) -> None:
        super().__init__(exchange, account)
        self.rates = rates
        self.habits = habits
        self._chance = Random(f"replica:{seed}")
        self._visible_us: dict[str, int] = {}  # when a trade can be fetched, by trade id
        self._told: deque[tuple[int, tuple[Balance, ...]]] = deque()  # balances and since when they are so
        self.refuses_trading = False  # F29: the key has lost its right
        self._ended: deque[VenueOrder] = deque(maxlen=200)

    def note(self, reports: list[Report]) -> None:
        """What has just happened: later answers may not know it yet."""
        for report in reports:
            if report.order.account is not self.account:
                continue
            if report.fill is not None and self.rates.stale_read:
                self._visible_us[report.fill.trade_id] = self.exchange.now_us + self._lag(self.rates.stale_read)
            if report.state.status is not OrderStatus.OPEN:
                self._ended.append(report.order)
        if reports:
            self.note_money()

    def note_money(self) -> None:
        """The balances have changed."""
        if self.rates.balance_lag:
            self._told.append((self.exchange.now_us, self.exchange.balances(self.account)))
            while len(self._told) > 1 and self._told[1][0] <= self.exchange.now_us - BALANCE_LAG_US:
                self._told.popleft()

    def _lag(self, probability: float, lag_us: int = READ_LAG_US) -> int:
        if probability and self._chance.random() < probability:
            return int(self._chance.random() * lag_us)
        return 0

    def _answer(self, request: DeskRequest, started_us: int, receive_us: int) -> list[Event]:
        if self.refuses_trading and isinstance(request, TRADING):
            raise Rejected("unauthorized", "this key may not trade")
        match request:
            case LookupOrder():
                return [self._lookup(request, started_us, receive_us)]
            case FetchTrades():
                return self._trades(request, started_us, receive_us)
            case FetchOpenOrders():
                return [self._open_orders(started_us, receive_us)]
            case FetchBalances():
                return [self._balances(started_us, receive_us)]
            case _:
                return super()._answer(request, started_us, receive_us)

    def _lookup(self, request: LookupOrder, started_us: int, receive_us: int) -> OrderUpdate:
        """Where lookups see open orders only, the list of ended ones lacks those that were filled."""
        as_of_us = self.exchange.now_us - self._lag(self.rates.stale_read)
        order = self.exchange.lookup(
            self.account, request.instrument_id, request.client_order_id, request.venue_order_id
        )
        state = order.at(as_of_us) if order is not None else None
        if order is None or state is None or self._forgotten(order, request):
            name = request.venue_order_id or request.client_order_id
            raise Rejected("unknown_order", f"{request.instrument_id}: no order {name}")
        return update_of(order, state, UpdateSource.LOOKUP, started_us, receive_us)

    def _forgotten(self, order: VenueOrder, request: LookupOrder) -> bool:
        state, habits = order.state, self.habits
        if state.status is OrderStatus.OPEN:
            return False
        old = habits.unfilled_kept_us and self.exchange.now_us - state.at_us > habits.unfilled_kept_us
        hidden = habits.lookup_scope is LookupScope.OPEN_ONLY and not request.venue_order_id
        return bool(old and state.filled == ZERO) or (hidden and state.filled > ZERO)

    def _trades(self, request: FetchTrades, started_us: int, receive_us: int) -> list[Event]:
        exchange = self.exchange
        after = max(0, int(request.from_cursor or 0) - OVERLAP_TRADES)
        fills = exchange.trades(self.account, request.instrument_id, request.venue_order_id, after)
        now_us, visible_us = exchange.now_us, self._visible_us
        if visible_us:
            fills = [fill for fill in fills if visible_us.get(fill.trade_id, 0) <= now_us]
        complete = not self._hole(fills)
        cursor = fills[-1].trade_id if fills else request.from_cursor
        rows: list[Event] = [self._row(fill, receive_us) for fill in fills]
        rows += [
            replace(each, receive_us=receive_us)
            for each in exchange.listing(request.instrument_id).corrections.values()
            if request.venue_order_id in ("", each.venue_order_id)
        ]
        synced = TradesSynced(
            request.instrument_id, request.venue_order_id, cursor, started_us, receive_us, complete=complete
        )
        return [*rows, synced]

    def _row(self, fill: Fill, receive_us: int) -> Fill:
        client_order_id = fill.client_order_id if self.habits.client_id_in_trades else ""
        return replace(fill, client_order_id=client_order_id, receive_us=receive_us, source=UpdateSource.REST)

    def _hole(self, rows: list[Fill] | list[OrderUpdate]) -> bool:
        """F32: lose one row."""
        if not rows or not self.rates.pages or self._chance.random() >= self.rates.pages:
            return False
        del rows[self._chance.randrange(len(rows))]
        return True

    def _open_orders(self, started_us: int, receive_us: int) -> AccountSnapshot:
        exchange = self.exchange
        as_of_us = exchange.now_us - self._lag(self.rates.stale_read)
        orders = exchange.open_orders(self.account)
        if as_of_us < exchange.now_us:
            orders = [*(order for order in self._ended if order.state.at_us > as_of_us), *orders]
        rows = []
        for order in orders:
            state = order.at(as_of_us)
            if state is not None and state.status is OrderStatus.OPEN:
                rows.append(update_of(order, state, UpdateSource.SNAPSHOT, started_us, receive_us))
        complete = not self._hole(rows)
        return AccountSnapshot(exchange.venue, started_us, receive_us, complete=complete, open_orders=tuple(rows))

    def _balances(self, started_us: int, receive_us: int) -> AccountSnapshot:
        balances = self.exchange.balances(self.account)
        as_of_us = self.exchange.now_us - self._lag(self.rates.balance_lag, BALANCE_LAG_US)
        for at_us, told in self._told:
            if at_us <= as_of_us:
                balances = told
        rows = tuple(replace(balance, receive_us=receive_us) for balance in balances)
        return AccountSnapshot(self.exchange.venue, started_us, receive_us, balances=rows)
