"""One account's window at the venue: requests in, answers out, and the account's private stream, all as events.

Knows nothing of latency: whoever carries requests and events (the connector, a faulty network) gives both times.
"""

from __future__ import annotations

from msgspec.structs import replace

from connectors.base.outcomes import ACTIONS
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, OrderState, Report, VenueOrder
from engine.model.enums import OrderStatus, Outcome, UpdateSource
from engine.model.errors import Rejected
from engine.model.event import (
    AccountSnapshot,
    Event,
    OrderUpdate,
    RequestFailed,
    TradesSynced,
)
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

OrderAction = CancelOrder | AmendOrder | LookupOrder
DeskRequest = OrderAction | SubmitOrder | CancelAll | FetchTrades | FetchOpenOrders | FetchBalances | ArmDeadMan
ACK, STREAM = UpdateSource.ACK, UpdateSource.STREAM
OUTCOMES = {"unknown_order": Outcome.ABSENT}


class Desk:
    def __init__(self, exchange: SimulatedExchange, account: Account) -> None:
        self.exchange = exchange
        self.account = account

    def answer(self, request: DeskRequest, started_us: int, receive_us: int) -> list[Event]:
        """Execute a request that has arrived now. `started_us` is when it was sent, `receive_us` when we hear."""
        try:
            return self._answer(request, started_us, receive_us)
        except Rejected as error:
            if isinstance(request, SubmitOrder):
                return [self._refused(request, error, started_us, receive_us)]
            return [self._failed(request, error.code, str(error), started_us, receive_us)]

    def _answer(self, request: DeskRequest, started_us: int, receive_us: int) -> list[Event]:
        exchange, account = self.exchange, self.account
        match request:
            case SubmitOrder():
                return [self._update(exchange.submit(account, request), ACK, started_us, receive_us)]
            case CancelOrder(client_id, instrument_id, venue_id):
                order = exchange.cancel(account, instrument_id, client_id, venue_id)
                return [self._update(order, ACK, started_us, receive_us)]
            case AmendOrder():
                return [self._update(exchange.amend(account, request), ACK, started_us, receive_us)]
            case LookupOrder(client_id, venue_id, instrument_id):
                found = exchange.lookup(account, instrument_id, client_id, venue_id)
                if found is None:
                    raise Rejected("unknown_order", f"{instrument_id}: no order {venue_id or client_id}")
                return [self._update(found, UpdateSource.LOOKUP, started_us, receive_us)]
            case CancelAll(_, instrument_id):
                orders = exchange.cancel_all(account, instrument_id)
                return [self._update(order, ACK, started_us, receive_us) for order in orders]
            case FetchTrades():
                return self._trades(request, started_us, receive_us)
            case FetchOpenOrders():
                rows = tuple(
                    self._update(order, UpdateSource.SNAPSHOT, started_us, receive_us)
                    for order in exchange.open_orders(account)
                )
                return [AccountSnapshot(exchange.venue, started_us, receive_us, open_orders=rows)]
            case FetchBalances():
                balances = tuple(replace(balance, receive_us=receive_us) for balance in exchange.balances(account))
                positions = exchange.positions(account)
                snapshot = AccountSnapshot(
                    exchange.venue, started_us, receive_us, balances=balances, positions=positions
                )
                return [*self._payments(receive_us), snapshot]
            case ArmDeadMan(_, instrument_id, timeout_ms):
                exchange.arm_dead_man(account, instrument_id, timeout_ms)
                return []

    def news(self, reports: list[Report], receive_us: int) -> list[Event]:
        """The private stream: fills and order updates, funding, then the balances that changed."""
        events: list[Event] = []
        for report in reports:
            if report.order.account is self.account:
                events += events_of(report, receive_us)
        for payment in self.exchange.drain_payments():
            if payment.account == self.account.number:
                events.append(replace(payment.transfer, receive_us=receive_us))
        for number, asset in self.exchange.drain_touched():
            if number == self.account.number:
                events.append(replace(self.exchange.balance(self.account, asset), receive_us=receive_us))
        return events

    def _payments(self, receive_us: int) -> list[Event]:
        """The latest funding payments again: a stream may have lost one, and each is booked once."""
        margin, number = self.exchange.margin, self.account.number
        payments = () if margin is None else margin.history
        return [replace(each.transfer, receive_us=receive_us) for each in payments if each.account == number]

    def _trades(self, request: FetchTrades, started_us: int, receive_us: int) -> list[Event]:
        after = int(request.from_cursor or 0)
        fills = self.exchange.trades(self.account, request.instrument_id, request.venue_order_id, after)
        cursor = fills[-1].trade_id if fills else request.from_cursor
        return [
            *(replace(fill, receive_us=receive_us, source=UpdateSource.REST) for fill in fills),
            TradesSynced(request.instrument_id, request.venue_order_id, cursor, started_us, receive_us),
        ]

    def _update(self, order: VenueOrder, source: UpdateSource, started_us: int, receive_us: int) -> OrderUpdate:
        return update_of(order, order.state, source, started_us, receive_us)

    def _refused(self, request: SubmitOrder, error: Rejected, started_us: int, receive_us: int) -> OrderUpdate:
        """A duplicate client id proves nothing: the first delivery of this very order may be what the venue holds."""
        doubtful = error.code == "duplicate_client_order_id"
        return OrderUpdate(
            request.instrument_id,
            request.client_order_id,
            "",
            OrderStatus.UNKNOWN if doubtful else OrderStatus.REJECTED,
            None,
            f"{'ambiguous' if doubtful else 'rejected'}:{error.code}",
            self.exchange.now_us,
            receive_us,
            ACK,
            started_us,
            request.side,
            request.price,
            request.quantity,
        )

    def _failed(self, request: DeskRequest, code: str, reason: str, started_us: int, receive_us: int) -> RequestFailed:
        return RequestFailed(
            getattr(request, "instrument_id", ""),
            getattr(request, "client_order_id", ""),
            getattr(request, "venue_order_id", ""),
            ACTIONS[type(request)],
            OUTCOMES.get(code, Outcome.REJECTED),
            code,
            reason,
            started_us,
            receive_us,
            self.exchange.venue,
        )


def events_of(report: Report, receive_us: int) -> list[Event]:
    """What a private stream says of one piece of news: the fill, if it was one, then the order."""
    update = update_of(report.order, report.state, STREAM, None, receive_us)
    return [update] if report.fill is None else [replace(report.fill, receive_us=receive_us), update]


def update_of(
    order: VenueOrder, state: OrderState, source: UpdateSource, started_us: int | None, receive_us: int
) -> OrderUpdate:
    """An order as it was in `state`."""
    return OrderUpdate(
        order.request.instrument_id,
        order.request.client_order_id,
        order.venue_order_id,
        state.status,
        state.filled,
        state.reason,
        state.at_us,
        receive_us,
        source,
        started_us,
        order.request.side,
        state.price,
        state.quantity,
        state.cost / state.filled if state.filled else None,
    )
