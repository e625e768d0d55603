"""What is known of a request that the venue did not answer: that it did not leave, or nothing."""

from collections.abc import Sequence

from connectors.base.outcomes import Failed, failed
from engine.model.enums import OrderStatus, Outcome
from engine.model.event import Event
from engine.model.request import Request


def not_sent(request: Request, cause: str, started_us: int, receive_us: int) -> list[Event]:
    """It was certainly not executed and never will be."""
    return failed(request, Failed(Outcome.NOT_SENT, cause, cause), started_us, receive_us)


def ambiguous(request: Request, cause: str, started_us: int, receive_us: int) -> list[Event]:
    """It may have been executed, or may be yet."""
    return failed(request, Failed(Outcome.AMBIGUOUS, cause, cause), started_us, receive_us)


def is_refusal(events: Sequence[Event]) -> bool:
    """Whether an answer says that an order was not taken."""
    return bool(events) and getattr(events[0], "status", None) is OrderStatus.REJECTED
