"""Answers to what a bot asks of a paper venue besides orders: lookups, open orders, trades, balances, the clock."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from connectors.paper.account import Orders
from connectors.paper.ledger import Ledger
from engine.model.enums import Action, Health, Outcome, UpdateSource
from engine.model.event import AccountSnapshot, ClockSynced, ConnectorStatus, Event, RequestFailed, TradesSynced
from engine.model.request import (
    ArmDeadMan,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Reconnect,
    ResyncBook,
    SyncClock,
)

Answer = Callable[[Any, int, int, int], list[Event]]
"""(request, when it was sent, the venue's time, when we hear) → events."""


class Answers:
    """By type of request. A dead man's switch has nobody to guard against here, and books never need a snapshot."""

    def __init__(self, venue: str, orders: Orders, ledger: Ledger) -> None:
        self._venue = venue
        self._orders = orders
        self._ledger = ledger
        self.by_type: dict[type, Answer] = {
            LookupOrder: self._lookup,
            FetchOpenOrders: self._open_orders,
            FetchTrades: self._trades,
            FetchBalances: self._balances,
            SyncClock: self._clock,
            Reconnect: self._reconnect,
            ArmDeadMan: _nothing,
            ResyncBook: _nothing,
        }

    def failed(
        self, request: Any, action: Action, outcome: Outcome, code: str, reason: str, sent_us: int, hear_us: int
    ) -> RequestFailed:
        """A request about an order that did not succeed."""
        names = (request.instrument_id, request.client_order_id, request.venue_order_id)
        return RequestFailed(*names, action, outcome, code, reason, sent_us, hear_us, self._venue)

    def _lookup(self, request: LookupOrder, sent_us: int, at_us: int, hear_us: int) -> list[Event]:
        order = self._orders.find(request.client_order_id, request.venue_order_id)
        if order is None:
            code = "unknown_order"
            return [self.failed(request, Action.LOOKUP, Outcome.ABSENT, code, "never seen here", sent_us, hear_us)]
        return [order.update(hear_us, UpdateSource.LOOKUP, sent_us)]

    def _open_orders(self, request: FetchOpenOrders, sent_us: int, at_us: int, hear_us: int) -> list[Event]:
        rows = [order.update(hear_us, UpdateSource.SNAPSHOT, sent_us) for order in self._orders.open.values()]
        return [AccountSnapshot(self._venue, sent_us, hear_us, open_orders=tuple(rows))]

    def _trades(self, request: FetchTrades, sent_us: int, at_us: int, hear_us: int) -> list[Event]:
        cursor = request.from_cursor
        fills = self._orders.fills_after(request.instrument_id, request.venue_order_id, int(cursor or 0))
        if fills:
            cursor = fills[-1].trade_id
        return [
            *(replace(fill, receive_us=hear_us, source=UpdateSource.REST) for fill in fills),
            TradesSynced(request.instrument_id, request.venue_order_id, cursor, sent_us, hear_us),
        ]

    def _balances(self, request: FetchBalances, sent_us: int, at_us: int, hear_us: int) -> list[Event]:
        balances = tuple(self._ledger.balance(asset, at_us, hear_us) for asset in self._ledger.totals)
        return [AccountSnapshot(self._venue, sent_us, hear_us, True, balances, self._ledger.positions())]

    def _clock(self, request: SyncClock, sent_us: int, at_us: int, hear_us: int) -> list[Event]:
        return [ClockSynced(self._venue, 0, (hear_us - sent_us) // 2, hear_us)]

    def _reconnect(self, request: Reconnect, sent_us: int, at_us: int, hear_us: int) -> list[Event]:
        return [ConnectorStatus(self._venue, request.channel, Health.HEALTHY, "connected", hear_us)]


def _nothing(request: object, sent_us: int, at_us: int, hear_us: int) -> list[Event]:
    return []
