"""What is known of a request that the venue did not answer: that it did not leave, or nothing."""

from collections.abc import Sequence

from engine.model.enums import Action, OrderStatus, Outcome, UpdateSource
from engine.model.event import Event, OrderUpdate, RequestFailed
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Request,
    SubmitOrder,
    SyncClock,
    venue_of,
)

_ACTIONS: dict[type, Action] = {
    CancelOrder: Action.CANCEL,
    AmendOrder: Action.AMEND,
    CancelAll: Action.CANCEL_ALL,
    LookupOrder: Action.LOOKUP,
    FetchTrades: Action.TRADES,
    FetchOpenOrders: Action.OPEN_ORDERS,
    FetchBalances: Action.BALANCES,
    SyncClock: Action.CLOCK,
    ArmDeadMan: Action.DEAD_MAN,
}


def not_sent(request: Request, cause: str, started_us: int, receive_us: int) -> list[Event]:
    """It was certainly not executed and never will be."""
    if isinstance(request, SubmitOrder):
        return [_submitted(request, OrderStatus.REJECTED, f"not_sent:{cause}", started_us, receive_us)]
    return _failed(request, Outcome.NOT_SENT, cause, started_us, receive_us)


def ambiguous(request: Request, cause: str, started_us: int, receive_us: int) -> list[Event]:
    """It may have been executed, or may be yet."""
    if isinstance(request, SubmitOrder):
        return [_submitted(request, OrderStatus.UNKNOWN, f"ambiguous:{cause}", started_us, receive_us)]
    return _failed(request, Outcome.AMBIGUOUS, cause, started_us, receive_us)


def is_refusal(events: Sequence[Event]) -> bool:
    """Whether an answer says that an order was not taken."""
    return bool(events) and getattr(events[0], "status", None) is OrderStatus.REJECTED


def _submitted(request: SubmitOrder, status: OrderStatus, reason: str, started_us: int, receive_us: int) -> OrderUpdate:
    return OrderUpdate(
        request.instrument_id,
        request.client_order_id,
        "",
        status,
        None,
        reason,
        receive_us,
        receive_us,
        UpdateSource.ACK,
        started_us,
        request.side,
        request.price,
        request.quantity,
    )


def _failed(request: Request, outcome: Outcome, cause: str, started_us: int, receive_us: int) -> list[Event]:
    """Nothing is said of a request that no Action names (a book that asks again by itself)."""
    action = _ACTIONS.get(type(request))
    if action is None:
        return []
    return [
        RequestFailed(
            getattr(request, "instrument_id", ""),
            getattr(request, "client_order_id", ""),
            getattr(request, "venue_order_id", ""),
            action,
            outcome,
            cause,
            cause,
            started_us,
            receive_us,
            venue_of(request),
        )
    ]
