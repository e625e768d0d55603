"""What a client is told of a request that met a fault on its way: an outcome class, never more than it proves."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.simulated.desk import ACTIONS, DeskRequest
from engine.model.enums import Action, OrderStatus, Outcome, UpdateSource
from engine.model.event import Event, OrderUpdate, RequestFailed
from engine.model.request import FetchBalances, FetchOpenOrders, ResyncBook, SubmitOrder, SyncClock

VenueRequest = DeskRequest | SyncClock | ResyncBook
_ACTIONS = {
    **ACTIONS,
    FetchOpenOrders: Action.OPEN_ORDERS,
    FetchBalances: Action.BALANCES,
    SyncClock: Action.CLOCK,
}


def not_sent(venue: str, request: VenueRequest, cause: str, started_us: int, receive_us: int) -> Sequence[Event]:
    """Certainly not executed."""
    if isinstance(request, SubmitOrder):
        return [_answer(request, OrderStatus.REJECTED, f"not_sent:{cause}", started_us, receive_us)]
    return _failure(venue, request, Outcome.NOT_SENT, cause, started_us, receive_us)


def ambiguous(venue: str, request: VenueRequest, cause: str, started_us: int, receive_us: int) -> Sequence[Event]:
    """Executed or not."""
    if isinstance(request, SubmitOrder):
        return [_answer(request, OrderStatus.UNKNOWN, f"ambiguous:{cause}", started_us, receive_us)]
    return _failure(venue, request, Outcome.AMBIGUOUS, cause, started_us, receive_us)


def is_refusal(events: Sequence[Event]) -> bool:
    """Whether an answer says that an order was not taken."""
    return bool(events) and getattr(events[0], "status", None) is OrderStatus.REJECTED


def _failure(
    venue: str, request: VenueRequest, outcome: Outcome, cause: str, started_us: int, receive_us: int
) -> Sequence[Event]:
    if isinstance(request, ResyncBook):
        return []  # the book asks again by itself
    return [
        RequestFailed(
            getattr(request, "instrument_id", ""),
            getattr(request, "client_order_id", ""),
            getattr(request, "venue_order_id", ""),
            _ACTIONS[type(request)],
            outcome,
            cause,
            cause,
            started_us,
            receive_us,
            venue,
        )
    ]


def _answer(request: SubmitOrder, status: OrderStatus, reason: str, started_us: int, receive_us: int) -> OrderUpdate:
    return OrderUpdate(
        request.instrument_id,
        request.client_order_id,
        "",
        status,
        None,
        reason,
        0,
        receive_us,
        UpdateSource.ACK,
        started_us,
        request.side,
        request.price,
        request.quantity,
    )
